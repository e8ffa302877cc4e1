import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../clock.ts';
import { FakeClock } from '../../../clock.fake.ts';
import { FakeKubeClient } from '../../../kube/client.fake.ts';
import { leases } from '../../../kube/resources.ts';
import { LeaseLock } from './lease-lock.ts';

const signal = AbortSignal.timeout(10_000);
const lock = (client: FakeKubeClient, identity: string, clock = systemClock) =>
  new LeaseLock({ client, namespace: 'ns', identity, clock, shards: 4 });

/** Work that tells when it has begun, and never ends. */
const forever = (begun: () => void) => () => {
  begun();
  return new Promise<never>(() => {});
};

describe('LeaseLock', () => {
  it('lets one of several replicas work on a name at a time', async () => {
    const client = new FakeKubeClient();
    const [a, b, c] = [lock(client, 'a'), lock(client, 'b'), lock(client, 'c')];
    let inside = 0;
    let most = 0;
    let turns = 0;
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        ([a, b, c][index % 3] ?? a).withLock(
          'image',
          async () => {
            inside += 1;
            most = Math.max(most, inside);
            await systemClock.sleep(2);
            inside -= 1;
            turns += 1;
          },
          signal,
        ),
      ),
    );
    expect([most, turns]).toEqual([1, 30]);
  });

  it('needs two writes a turn and no read while nobody else takes it', async () => {
    const client = new FakeKubeClient();
    const mine = lock(client, 'a');
    for (let turn = 0; turn < 3; turn += 1) await mine.withLock('image', () => Promise.resolve(), signal);
    expect(client.calls.map(({ verb }) => verb)).toEqual([
      'get',
      'create',
      'update',
      'update',
      'update',
      'update',
      'update',
    ]);
  });

  it('is given back when the work fails', async () => {
    const client = new FakeKubeClient();
    await expect(lock(client, 'a').withLock('image', () => Promise.reject(new Error('no')), signal)).rejects.toThrow(
      'no',
    );
    await expect(lock(client, 'b').withLock('image', () => Promise.resolve('done'), signal)).resolves.toBe('done');
  });

  it('is taken over from a holder that died, not before its time', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const spec = { holderIdentity: 'dead', leaseDurationSeconds: 15 };
    for (let shard = 0; shard < 4; shard += 1)
      client.seed(leases, { metadata: { name: `chains-tags-${shard}`, namespace: 'ns' }, spec });
    let begun = false;
    const working = lock(client, 'b', clock).withLock('image', () => Promise.resolve((begun = true)), signal);
    await clock.advance(14_000);
    expect(begun).toBe(false);
    await clock.advance(2_000);
    await working;
    expect(begun).toBe(true);
  });

  it('is taken again at once by who has the name of its dead holder: the same pod, started anew', async () => {
    const client = new FakeKubeClient();
    await new Promise<void>((held) => void lock(client, 'a', new FakeClock()).withLock('image', forever(held), signal));
    await expect(lock(client, 'a').withLock('image', () => Promise.resolve('done'), signal)).resolves.toBe('done');
  });

  it('is made anew where somebody deleted it', async () => {
    const client = new FakeKubeClient();
    const mine = lock(client, 'a');
    await mine.withLock('image', () => Promise.resolve(), signal);
    const [{ metadata } = { metadata: {} }] = (await client.list(leases, { namespace: 'ns' })).items;
    await client.delete(leases, 'ns', metadata.name ?? '');
    await expect(mine.withLock('image', () => Promise.resolve('done'), signal)).resolves.toBe('done');
    expect((await client.list(leases, { namespace: 'ns' })).items).toHaveLength(1);
  });

  it('is renewed while the work lasts', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    let end = () => {};
    const working = lock(client, 'a', clock).withLock(
      'image',
      () => new Promise<void>((resolve) => (end = resolve)),
      signal,
    );
    await clock.advance(40_000);
    let taken = false;
    const waiting = lock(client, 'b', clock).withLock('image', () => Promise.resolve((taken = true)), signal);
    await clock.advance(14_000);
    expect(taken).toBe(false);
    end();
    await working;
    await clock.advance(1_000);
    await waiting;
    expect(taken).toBe(true);
  });

  it('is not waited for after an abort', async () => {
    const client = new FakeKubeClient();
    const abort = new AbortController();
    let end = () => {};
    const working = lock(client, 'a').withLock('image', () => new Promise<void>((resolve) => (end = resolve)), signal);
    const waiting = lock(client, 'b').withLock('image', () => Promise.resolve(), abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 30);
    await expect(waiting).rejects.toThrow('enough');
    end();
    await working;
  });
});
