import { describe, expect, it } from 'vitest';
import { untilDone } from './until-done.ts';

/** Work that fails so often, and the waits in between. */
async function tried(failures: number, { endAfter = Infinity, fatal = false } = {}) {
  const end = new AbortController();
  const waits: number[] = [];
  const told: string[] = [];
  let tries = 0;
  const work = () => {
    tries += 1;
    if (tries > endAfter) end.abort(new Error('asked to end'));
    return tries <= failures ? Promise.reject(new Error(`failure ${tries}`)) : Promise.resolve('done');
  };
  const clock = { sleep: (ms: number) => Promise.resolve(void waits.push(ms / 1_000)) };
  const onFailure = (error: unknown) => {
    if (fatal) throw error;
    told.push((error as Error).message);
  };
  const outcome = await untilDone(work, { clock, end: end.signal, onFailure }).catch((error: Error) => error.message);
  return { outcome, waits, told: told.length };
}

describe('what is tried until it is done', () => {
  it.each([
    ['waits for nothing where it goes well', tried(0), { outcome: 'done', waits: [], told: 0 }],
    ['waits longer each time', tried(3), { outcome: 'done', waits: [1, 2, 4], told: 3 }],
    ['waits no longer than half a minute', tried(7), { outcome: 'done', waits: [1, 2, 4, 8, 16, 30, 30], told: 7 }],
    ['ends with the process', tried(9, { endAfter: 1 }), { outcome: 'failure 2', waits: [1], told: 1 }],
    ['ends where its caller says so', tried(9, { fatal: true }), { outcome: 'failure 1', waits: [], told: 0 }],
  ])('%s', async (_name, came, wanted) => {
    expect(await came).toEqual(wanted);
  });
});
