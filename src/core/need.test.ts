import { describe, expect, it } from 'vitest';
import { ask, decide, decideAtOnce, type Need, type Planning } from './need.ts';

const ranges = (namespace: string): Need => ({ type: 'limitRanges', namespace });
const warning = (podUid: string): Need => ({ type: 'podWarning', namespace: 'ns', podUid });

/** Asks for warnings, the second time for one that the first answer names. */
function* twoRounds(): Planning<string[]> {
  const first = yield* ask([warning('a'), warning('b'), warning('a')]);
  const second = yield* ask([warning(String(first[0])), warning('b')]);
  return [...first, ...second].map(String);
}

describe('a planning', () => {
  it('goes on with the answers; what is known is not asked again, what is asked twice is supplied once', async () => {
    const asked: string[][] = [[]];
    const supply = (need: Need) => {
      const uid = need.type === 'podWarning' ? need.podUid : '';
      asked.at(-1)?.push(uid);
      return `${uid}!`;
    };
    expect(decideAtOnce(twoRounds(), supply)).toEqual(['a!', 'b!', 'a!', 'a!!', 'b!']);
    expect(asked).toEqual([['a', 'b', 'a!']]);
    expect(await decide(twoRounds(), (need) => Promise.resolve(supply(need)))).toEqual(
      decideAtOnce(twoRounds(), supply),
    );
  });

  it('is supplied at the same time with everything it asks for at once', async () => {
    const open: (() => void)[] = [];
    const decided = decide(ask([ranges('a'), ranges('b')]), ({ type }) => {
      expect(type).toBe('limitRanges');
      return new Promise<never[]>((resolve) => open.push(() => resolve([])));
    });
    await Promise.resolve();
    expect(open).toHaveLength(2);
    for (const resolve of open) resolve();
    expect(await decided).toEqual([[], []]);
  });

  it('that needs nothing asks nobody', () => {
    const nobody = () => expect.fail('nobody is to be asked');
    expect(decideAtOnce(ask([]), nobody)).toEqual([]);
  });

  it('fails with what its supplier rejects with', async () => {
    await expect(decide(twoRounds(), () => Promise.reject(new Error('no connection')))).rejects.toThrow(
      'no connection',
    );
  });

  it('that asks for ever is given up', async () => {
    function* forEver(): Planning<never> {
      for (let index = 0; ; index++) yield* ask([warning(String(index))]);
    }
    expect(() => decideAtOnce(forEver(), () => '')).toThrow('came to no decision');
    await expect(decide(forEver(), () => Promise.resolve(''))).rejects.toThrow('came to no decision');
  });
});
