import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { Lane, laneLimits, type LaneLimits, type LaneOwner } from './lane.ts';

/** A lane whose work goes on until it is told to end; `begun` says what has. */
function scene(limits: Partial<LaneLimits> = {}) {
  const clock = new FakeClock();
  const lane = new Lane({ limits, clock });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, owner: Partial<LaneOwner> = {}) =>
    lane.run({ namespace: 'ns', host: 'host', ...owner }, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await clock.advance(0);
  };
  return { clock, lane, begun, add, end };
}

describe('a lane', () => {
  it.each<[string, Partial<LaneLimits>, (n: number) => Partial<LaneOwner>]>([
    ['a namespace', { ofNamespace: 2 }, (n) => ({ host: `h${n}` })],
    ['a host', { ofHost: 2 }, (n) => ({ namespace: `n${n}` })],
    ['a namespace with a host', { ofPair: 2 }, () => ({})],
    ['all', { all: 2 }, (n) => ({ namespace: `n${n}`, host: `h${n}` })],
  ])('bounds %s, and goes on when something ends', async (_, limits, owner) => {
    const { add, begun, end, lane } = scene(limits);
    for (let n = 1; n <= 4; n += 1) void add(`${n}`, owner(n));
    expect([begun, lane.open]).toEqual([['1', '2'], 2]);
    await end('1');
    expect(begun).toEqual(['1', '2', '3']);
  });

  it('does not let the slow hold up the quick', async () => {
    const { add, begun, clock } = scene({ young: 1, youngMs: 500 });
    void add('slow', { namespace: 'evil' });
    void add('quick', { namespace: 'good' });
    await clock.advance(499);
    expect(begun).toEqual(['slow']);
    await clock.advance(1);
    expect(begun).toEqual(['slow', 'quick']);
  });

  it('lets namespaces take turns, and hosts within them', async () => {
    const { add, begun, end } = scene({ young: 1 });
    for (const name of ['a1', 'a2', 'a3']) void add(name, { namespace: 'a', host: 'x' });
    void add('a4', { namespace: 'a', host: 'y' });
    void add('b1', { namespace: 'b' });
    for (const name of ['a1', 'a2', 'b1', 'a4', 'a3']) await end(name);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'a4', 'a3']);
  });

  it('says when a namespace has enough waiting', () => {
    const { add, lane } = scene({ ofNamespace: 1, waiting: 2 });
    for (const name of ['1', '2']) void add(name);
    expect([lane.isFull('ns'), lane.isFull('other')]).toEqual([false, false]);
    void add('3', { host: 'another' });
    expect([lane.isFull('ns'), lane.isFull('other')]).toEqual([true, false]);
  });

  it('passes failures on', async () => {
    const { lane } = scene();
    await expect(lane.run({ namespace: 'n', host: 'h' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(lane.open).toBe(0);
  });

  it('begins everything some time, within its bounds', async () => {
    const owners = fc.array(fc.record({ namespace: fc.constantFrom('a', 'b', 'c'), host: fc.constantFrom('x', 'y') }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(owners, async (all) => {
        const limits = { young: 3, all: 5, ofNamespace: 2, ofHost: 3, ofPair: 1 };
        const { add, begun, end, lane } = scene(limits);
        all.forEach((owner, index) => void add(`${index}`, owner));
        const ended = new Set<string>();
        for (let next = begun[0]; next !== undefined; next = begun.find((name) => !ended.has(name))) {
          const open = begun.filter((name) => !ended.has(name)).map((name) => all[Number(name)]);
          expect(open.length).toBeLessThanOrEqual(3);
          expect(open.filter((one) => one?.namespace === 'a').length).toBeLessThanOrEqual(2);
          expect(open.filter((one) => one?.host === 'x').length).toBeLessThanOrEqual(3);
          ended.add(next);
          await end(next);
        }
        expect([begun.length, lane.open]).toEqual([all.length, 0]);
      }),
      { numRuns: 30 },
    );
  });

  it('by default leaves room for a hundred slow hosts in a hundred namespaces beside the quick', () => {
    expect(laneLimits.all).toBeGreaterThan(100);
    // The 101st waits until those before it are not young any more.
    expect(Math.floor(100 / laneLimits.young) * laneLimits.youngMs).toBeLessThan(1_500);
  });
});
