import { describe, expect, it } from 'vitest';
import type { Resolved } from '../../core/reference/resolved.ts';
import { stepActionGate } from './step-actions.ts';

const found = (name: string): Resolved => ({ kind: 'found', definition: { name, metadata: {}, spec: {} } });
const resolving = (request: string): Resolved => ({ kind: 'resolving', request });

type Answer = 'found' | 'found late' | 'resolving' | 'error';

/** What became of StepActions that are asked for at once, which of them were looked for, and how many at a time. */
async function ask(limit: number, answers: Readonly<Record<string, Answer>>) {
  const gate = stepActionGate(limit);
  const looked: string[] = [];
  let running = 0;
  let most = 0;
  const find = (name: string) => async () => {
    looked.push(name);
    most = Math.max(most, (running += 1));
    for (let left = answers[name] === 'found late' ? 5 : 1; left > 0; left -= 1)
      await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (answers[name] === 'error') throw new Error(name);
    return answers[name] === 'resolving' ? resolving(name) : found(name);
  };
  const said = await Promise.allSettled(Object.keys(answers).map((name) => gate(find(name))));
  const kinds = said.map((one) => (one.status === 'fulfilled' ? one.value.kind : 'error'));
  return { looked: looked.join(''), most, kinds };
}

describe('StepActions of a run', () => {
  it('in the cluster are read in turn, all of them', async () => {
    const all = { a: 'found', b: 'found', c: 'error', d: 'found', e: 'found' } as const;
    expect(await ask(2, all)).toEqual({ looked: 'abcde', most: 2, kinds: Object.values(all) });
  });

  it.each([
    ['are asked for up to the limit', 2, 'ab', ['resolving', 'resolving', 'resolving', 'resolving']],
    ['are all asked for below it', 5, 'abcd', ['resolving', 'resolving', 'resolving', 'resolving']],
  ])('that resolvers fetch %s', async (_name, limit, looked, kinds) => {
    const all = { a: 'resolving', b: 'resolving', c: 'resolving', d: 'resolving' } as const;
    expect(await ask(limit, all)).toEqual({ looked, most: Math.min(limit, 4), kinds });
  });

  it('are not asked for before those in front of them, which would be one too many later', async () => {
    const all = { a: 'resolving', b: 'found late', c: 'resolving', d: 'resolving' } as const;
    expect((await ask(2, all)).looked).toBe('ab');
  });

  it('that are there make room for the next', async () => {
    const { looked, kinds } = await ask(2, { a: 'found', b: 'resolving', c: 'resolving', d: 'found' });
    expect(looked).toBe('abc');
    expect(kinds).toEqual(['found', 'resolving', 'resolving', 'resolving']);
  });
});
