import { describe, expect, it } from 'vitest';
import type { LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import { FakeKubeClient } from '../kube/client.fake.ts';
import type { KubeClient } from '../kube/client.ts';
import { leases, pods, type Pod } from '../kube/resources.ts';
import { silentLogger } from '../log.ts';
import type { LiveElectionConfig } from './elections.ts';
import { electLeaders } from './leadership.ts';

const keys = Array.from({ length: 40 }, (_, i) => `ns/run-${i}`);
const namespace = 'ci';
const periods = { leaseDurationMs: 6_000, renewDeadlineMs: 4_000, retryPeriodMs: 2_000, leasePrefixes: {} };

/** Settings that one replica sees change. */
class Seen implements LiveElectionConfig {
  readonly #listeners = new Set<() => void>();
  #config: LeaderElectionConfig;

  constructor(buckets: number) {
    this.#config = { ...periods, buckets };
  }

  current(): LeaderElectionConfig {
    return { ...this.#config };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(buckets: number): void {
    this.#config = { ...periods, buckets };
    for (const listener of this.#listeners) listener();
  }
}

function elect(options: { disableHighAvailability?: boolean; client?: FakeKubeClient; identity?: string } = {}) {
  const { disableHighAvailability = false, client = new FakeKubeClient(), identity = 'controller-0' } = options;
  // Whose pod is gone, holds no lease.
  client.seed<Pod>(pods, { metadata: { name: identity, namespace } });
  const config = new Seen(5);
  const leaders = electLeaders({
    client: client as unknown as KubeClient,
    flags: { disableHighAvailability, systemNamespace: namespace, identity },
    config,
    component: 'c',
    queueNames: { taskRun: 'q' },
    log: silentLogger,
  });
  const stop = new AbortController();
  const running = leaders.run(stop.signal);
  const owned = () => keys.filter((key) => leaders.taskRun.owns(key)).length;
  return { client, config, leaders, owned, end: () => (stop.abort(), running) };
}

/** The leases that somebody holds. */
async function held(client: FakeKubeClient): Promise<string[]> {
  const { items } = await client.list(leases, { namespace });
  return items.flatMap(({ metadata, spec }) => (spec?.holderIdentity ? [metadata.name ?? ''] : [])).sort();
}

describe('electLeaders', () => {
  it('one replica alone owns every bucket, whatever its name', async () => {
    const { client, owned, end } = elect();
    await expect.poll(owned, { timeout: 10_000 }).toBe(keys.length);
    await expect.poll(async () => (await client.list(leases, { namespace })).items.length).toBe(5);
    await end();
    expect(await held(client)).toEqual([]);
  });

  it('without high availability there are no leases', async () => {
    const { client, owned, end } = elect({ disableHighAvailability: true });
    expect(owned()).toBe(keys.length);
    await end();
    expect((await client.list(leases)).items).toEqual([]);
  });
});

describe('a change of the buckets', () => {
  it('is taken over by every replica, and no key is ever that of two', async () => {
    const client = new FakeKubeClient();
    const replicas = ['a', 'b'].map((identity) => elect({ client, identity }));
    const total = () => replicas.reduce((sum, { owned }) => sum + owned(), 0);
    await expect.poll(total, { timeout: 10_000 }).toBe(keys.length);
    let twice = 0;
    const watching = setInterval(() => {
      if (keys.some((key) => replicas.every(({ leaders }) => leaders.taskRun.owns(key)))) twice += 1;
    }, 1);
    // Who holds nothing hears of it first, and must wait for who holds everything.
    const [early, late] = replicas.toSorted((one, other) => one.owned() - other.owned());
    early?.config.change(3);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(replicas.map(({ owned }) => owned()).toSorted()).toEqual([0, keys.length]);
    late?.config.change(3);
    await expect
      .poll(() => held(client), { timeout: 10_000 })
      .toEqual(['c.q.00-of-03', 'c.q.01-of-03', 'c.q.02-of-03']);
    await expect.poll(total, { timeout: 10_000 }).toBe(keys.length);
    clearInterval(watching);
    expect(twice).toBe(0);
    await Promise.all(replicas.map(({ end }) => end()));
    expect(await held(client)).toEqual([]);
  });

  it('waits for work in flight, and hands all keys to who works on them anew', async () => {
    const { client, config, leaders, owned, end } = elect();
    await expect.poll(owned, { timeout: 10_000 }).toBe(keys.length);
    const told: string[] = [];
    leaders.taskRun.onDraining(async ({ name }) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await held(client)).toContain(name);
      told.push(`drained ${name}`);
    });
    leaders.taskRun.onLost(({ name }) => told.push(`lost ${name}`));
    const promoted: string[] = [];
    leaders.taskRun.onPromoted((bucket) => promoted.push(...keys.filter((key) => bucket.has(key))));
    promoted.length = 0;
    config.change(1);
    await expect.poll(() => promoted.toSorted(), { timeout: 10_000 }).toEqual(keys.toSorted());
    const names = Array.from({ length: 5 }, (_, at) => `c.q.0${at}-of-05`);
    expect(told.slice(0, 5).sort()).toEqual(names.map((name) => `drained ${name}`));
    expect(told.slice(5).sort()).toEqual(names.map((name) => `lost ${name}`));
    expect(await held(client)).toEqual(['c.q.00-of-01']);
    await end();
  });

  it('that comes to nothing makes no new election', async () => {
    const { config, leaders, owned, end } = elect();
    await expect.poll(owned, { timeout: 10_000 }).toBe(keys.length);
    let lost = 0;
    leaders.taskRun.onLost(() => (lost += 1));
    config.change(5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([lost, owned()]).toEqual([0, keys.length]);
    await end();
  });
});
