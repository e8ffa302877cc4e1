import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { FairLimit } from './fair-limit.ts';

function setUp(options: { qps: number; burst: number; inFlight?: number }) {
  const clock = new FakeClock();
  const limit = new FairLimit({ inFlight: 1_000, ...options, clock });
  const started: string[] = [];
  const call = async (namespace: string, more: { behind?: boolean; signal?: AbortSignal } = {}) => {
    const end = await limit.take({ namespace, ...more });
    started.push(namespace);
    return end;
  };
  return { clock, limit, started, call };
}

describe('FairLimit', () => {
  test('who asks alone has all of it', async () => {
    const { clock, started, call } = setUp({ qps: 10, burst: 5 });
    for (let i = 0; i < 30; i++) void call('a');
    await clock.advance(0);
    expect(started).toHaveLength(5);
    await clock.advance(1_000);
    expect(started).toHaveLength(15);
  });

  test('4,000 calls of one namespace put off those of another by one turn', async () => {
    const { clock, started, call } = setUp({ qps: 100, burst: 200 });
    for (let i = 0; i < 4_000; i++) void call('big');
    await clock.advance(1_000);
    expect(started).toHaveLength(300);
    for (let i = 0; i < 5; i++) void call('small');
    await clock.advance(110);
    expect(started.filter((namespace) => namespace === 'small')).toHaveLength(5);
  });

  test('calls under way are bounded: the next waits for an end, and an end counts once', async () => {
    const { clock, limit, started, call } = setUp({ qps: 1_000, burst: 1_000, inFlight: 2 });
    const ends = [await call('a'), await call('a')];
    void call('a');
    void call('b');
    await clock.advance(10);
    expect([started.length, limit.waiting]).toEqual([2, 2]);
    ends[0]?.();
    ends[0]?.();
    await clock.advance(10);
    expect([started.length, limit.waiting]).toEqual([3, 1]);
  });

  test('of one namespace, what goes behind waits and does not starve', async () => {
    const { clock, started, limit } = setUp({ qps: 10, burst: 1 });
    const call = async (name: string, behind: boolean) => {
      await limit.take({ namespace: 'ns', behind });
      started.push(name);
    };
    for (let i = 0; i < 20; i++) void call('create', true);
    for (let i = 0; i < 20; i++) void call('update', false);
    await clock.advance(1_500);
    // The first create took the only token before anybody else asked.
    expect(started.filter((name) => name === 'create')).toHaveLength(2);
    expect(started.slice(1, 10)).not.toContain('create');
  });

  test.each([
    { name: 'nothing under way', calls: 0, qps: 1_000, busy: false },
    { name: 'one call under way', calls: 1, qps: 1_000, busy: false },
    { name: 'several', calls: 2, qps: 1_000, busy: true },
    { name: 'one that waits for its token', calls: 2, qps: 1, busy: true },
    { name: 'one that waits for the end of another', calls: 17, qps: 1_000, busy: true },
  ])('$name: busy is $busy', async ({ calls, qps, busy }) => {
    const { clock, limit, call } = setUp({ qps, burst: qps, inFlight: 16 });
    for (let i = 0; i < calls; i++) void call('a');
    await clock.advance(0);
    expect(limit.isBusy).toBe(busy);
  });

  test('an aborted wait leaves the line, and costs no turn', async () => {
    const { clock, limit, started, call } = setUp({ qps: 10, burst: 1 });
    const stop = new AbortController();
    await call('a');
    const gone = call('a', { signal: stop.signal });
    void call('a');
    stop.abort(new Error('no longer wanted'));
    await expect(gone).rejects.toThrow('no longer wanted');
    await expect(call('a', { signal: stop.signal })).rejects.toThrow('no longer wanted');
    await clock.advance(100);
    expect(started).toHaveLength(2);
    expect(limit.waiting).toBe(0);
  });
});
