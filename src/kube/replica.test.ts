import { describe, expect, test } from 'vitest';
import { silentLogger } from '../log.ts';
import { wholeLeadership } from './buckets.ts';
import type { Bucket } from './buckets.ts';
import { FakeKubeClient } from './client.fake.ts';
import type { Outcome } from './controller.ts';
import { Informer } from './informer.ts';
import { WorkQueue } from './queue.ts';
import { feedQueue, runReplica, type Feed } from './replica.ts';
import { configMaps } from './resources.ts';
import type { ConfigMap } from './resources.ts';
import { Store, type Change } from './store.ts';

const DONE: Outcome = { kind: 'done' };
const named = (name: string): ConfigMap => ({
  metadata: { name, namespace: 'n', uid: name, resourceVersion: '1', labels: { owner: 'boss' } },
});
const untilAborted = (signal: AbortSignal, then: () => void) =>
  new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => {
      then();
      resolve();
    }),
  );

describe('feedQueue', () => {
  function setUp(feed?: Feed<ConfigMap>) {
    const store = new Store<ConfigMap>();
    const queue = new WorkQueue();
    const owned = new Set(['n/a', 'n/boss']);
    let promote = (_bucket: Bucket) => {
      /* set below */
    };
    const stop = feedQueue(
      store,
      queue,
      {
        owns: (key) => owned.has(key),
        onPromoted: (listener) => {
          promote = listener;
          return () => {
            /* nothing kept */
          };
        },
      },
      feed,
    );
    return { store, queue, stop, promote: (bucket: Bucket) => promote(bucket) };
  }

  test("adds the keys this replica leads, and a won bucket's keys", async () => {
    const { store, queue, promote } = setUp();
    store.upsert(named('a'));
    store.upsert(named('b'));
    expect(queue.depth).toBe(1);
    promote({ name: 'x', has: (key) => key === 'n/b' });
    expect([await queue.get(), await queue.get()]).toEqual(['n/a', 'n/b']);
  });

  test("adds an owner's key for what it owns", async () => {
    const { store, queue } = setUp({ keysOf: ({ object }) => [`n/${object.metadata.labels?.['owner']}`] });
    store.upsert(named('x'));
    store.upsert(named('y'));
    expect(queue.depth).toBe(1);
    expect(await queue.get()).toBe('n/boss');
  });

  test('a change that may wait is overtaken by one that may not, and is then one look', async () => {
    const patienceMs = ({ object }: Change<ConfigMap>) => (object.data?.['over'] === undefined ? 5 : 0);
    const { store, queue } = setUp({ patienceMs });
    store.upsert(named('a'));
    expect([queue.depth, queue.delayed]).toEqual([0, 1]);
    store.upsert({ ...named('a'), metadata: { ...named('a').metadata, resourceVersion: '2' }, data: { over: 'yes' } });
    expect(await queue.get()).toBe('n/a');
    // As a controller does when it looks at a key.
    queue.cancelDelay('n/a');
    queue.done('n/a');
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
  });

  test('a change that waited in vain is looked at', async () => {
    const { store, queue } = setUp({ patienceMs: () => 5 });
    store.upsert(named('a'));
    expect(queue.depth).toBe(0);
    expect(await queue.get()).toBe('n/a');
  });

  test('a resync waits for what happens', async () => {
    const { store, queue } = setUp();
    store.upsert(named('a'));
    queue.done((await queue.get()) as string);
    store.resync();
    queue.add('n/boss');
    expect([await queue.get(), await queue.get()]).toEqual(['n/boss', 'n/a']);
  });
});

describe('runReplica', () => {
  test('fills caches, then works; at the end finishes work before leases, events and watches go', async () => {
    const client = new FakeKubeClient();
    client.seed(configMaps, named('a'), named('b'));
    const informer = new Informer<ConfigMap>({ client, resource: configMaps, log: silentLogger });
    const order: string[] = [];
    const queue = new WorkQueue();
    feedQueue(informer.store, queue, wholeLeadership());
    const stop = new AbortController();
    let begun = 0;
    await runReplica(
      {
        sources: [
          {
            synced: (signal) => informer.synced(signal),
            run: async (signal) => {
              await informer.run(signal);
              order.push('watch ended');
            },
          },
        ],
        election: {
          run: async (signal) => {
            await untilAborted(signal, () => {
              /* begins to give back */
            });
            await new Promise((resolve) => setTimeout(resolve, 10));
            order.push('leases given back');
          },
        },
        recorder: {
          flush: () => {
            order.push('events written');
            return Promise.resolve();
          },
        },
        controllers: [
          {
            name: 'c',
            queue,
            log: silentLogger,
            reconcile: async (key) => {
              order.push(`began ${key} ${informer.store.hasSynced}`);
              if (++begun === 2) stop.abort();
              await new Promise((resolve) => setTimeout(resolve, 20));
              order.push(`finished ${key}`);
              return DONE;
            },
          },
        ],
        log: silentLogger,
        onReady: () => order.push('ready'),
      },
      stop.signal,
    );
    expect(order).toEqual([
      'ready',
      'began n/a true',
      'began n/b true',
      'finished n/a',
      'finished n/b',
      'leases given back',
      'events written',
      'watch ended',
    ]);
  });

  test('one part that fails ends the others, and its error is the result', async () => {
    const ended: string[] = [];
    await expect(
      runReplica(
        {
          sources: [
            { run: (signal) => untilAborted(signal, () => ended.push('source')) },
            { run: () => new Promise((_, reject) => setTimeout(() => reject(new Error('handler threw')), 20)) },
          ],
          election: { run: (signal) => untilAborted(signal, () => ended.push('election')) },
          controllers: [
            { name: 'c', queue: new WorkQueue(), log: silentLogger, reconcile: () => Promise.resolve(DONE) },
          ],
          log: silentLogger,
        },
        new AbortController().signal,
      ),
    ).rejects.toThrow('handler threw');
    expect(ended).toEqual(['election', 'source']);
  });

  test('an end before the caches are full is no failure', async () => {
    const client = new FakeKubeClient();
    client.intercept = () => {
      throw new Error('not yet');
    };
    const informer = new Informer<ConfigMap>({ client, resource: configMaps, log: silentLogger });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    await runReplica({ sources: [informer], controllers: [], log: silentLogger }, stop.signal);
  });
});
