import { describe, expect, test } from 'vitest';
import { silentLogger } from '../log.ts';
import { Election, uniqueIdentity, wholeLeadership } from './buckets.ts';
import type { Leadership } from './buckets.ts';
import { ApiError } from './api-error.ts';
import { FakeKubeClient } from './client.fake.ts';
import { DEFAULT_ELECTION, checkPeriods, leaseName, readLeaseName } from './election-config.ts';
import type { ElectionConfig } from './election-config.ts';
import { leases } from './resources.ts';
import type { Lease } from './resources.ts';

const NAMESPACE = 'tekton-pipelines';
const QUEUE = 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler';
/** Short periods with upstream's proportions. */
const QUICK: ElectionConfig = {
  buckets: 3,
  leaseDurationMs: 1_200,
  renewDeadlineMs: 800,
  retryPeriodMs: 200,
  leasePrefixes: {},
};
const KEYS = Array.from({ length: 60 }, (_, i) => `ns/run-${i}`);

async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function replica(client: FakeKubeClient, identity: string, config = QUICK) {
  const election = new Election({
    client,
    namespace: NAMESPACE,
    component: 'tekton-pipelines-controller',
    config,
    identity,
    log: silentLogger,
  });
  const leadership = election.forReconciler(QUEUE);
  const stop = new AbortController();
  const running = election.run(stop.signal);
  return {
    leadership,
    stop: () => {
      stop.abort();
      return running;
    },
    owned: () => KEYS.filter((key) => leadership.owns(key)),
  };
}

describe('lease names and periods', () => {
  test.each([
    [
      'ordinary',
      0,
      1,
      {},
      'tekton-pipelines-controller.github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler.00-of-01',
    ],
    [
      'ten buckets',
      9,
      10,
      {},
      'tekton-pipelines-controller.github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler.09-of-10',
    ],
    ['mapped prefix', 0, 2, { [`tekton-pipelines-controller.${QUEUE}`]: 'Short' }, 'short.00-of-02'],
  ])('%s', (_name, ordinal, buckets, leasePrefixes, wanted) => {
    expect(leaseName('tekton-pipelines-controller', QUEUE, ordinal, { buckets, leasePrefixes })).toBe(wanted);
    expect(readLeaseName(wanted)).toEqual({ queue: wanted.slice(0, -'.00-of-01'.length), ordinal, buckets });
  });

  test.each(['kube-scheduler', 'tektite-queues-shop', '.00-of-01', 'a.0-of-1', 'a.00-of-01.b', ''])(
    'what else a lease may be called says nothing of buckets: %j',
    (name) => expect(readLeaseName(name)).toBeUndefined(),
  );

  test.each([
    [{}, undefined],
    [{ renewDeadlineMs: 60_000 }, 'renew-deadline: must be shorter than lease-duration (60s), is 60s'],
    [{ retryPeriodMs: 35_000 }, 'retry-period: 1.2 times it must be shorter than renew-deadline (40s), is 35s'],
    [{ retryPeriodMs: 0 }, 'retry-period: must be greater than zero'],
  ])('%j', (change, problem) => {
    const check = () => checkPeriods({ ...DEFAULT_ELECTION, ...change });
    if (problem) expect(check).toThrow(problem);
    else expect(check).not.toThrow();
  });

  test('identities differ between processes of one host', () => {
    expect(uniqueIdentity('pod-1', 'u')).toBe('pod-1_u');
    expect(uniqueIdentity()).not.toBe(uniqueIdentity());
  });
});

describe('Election', () => {
  test("one replica takes every bucket, under upstream's names, with six-digit times", async () => {
    const client = new FakeKubeClient();
    const only = replica(client, 'a');
    await until(() => only.owned().length === KEYS.length);
    const { items } = await client.list(leases, { namespace: NAMESPACE });
    expect(items.map((lease) => lease.metadata.name).sort()).toEqual(
      [0, 1, 2].map((i) => `tekton-pipelines-controller.${QUEUE}.0${i}-of-03`),
    );
    for (const lease of items) {
      expect(lease.spec?.holderIdentity).toBe('a');
      expect(lease.spec?.leaseDurationSeconds).toBe(1);
      expect(lease.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
    await only.stop();
  });

  test('at no time do two replicas own a key, and the end of one hands its buckets over at once', async () => {
    const client = new FakeKubeClient();
    // Who did not see that a lease was given back would take it in twenty seconds, or after a minute.
    const slow = { ...QUICK, leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 20_000 };
    const replicas = ['a', 'b', 'c'].map((identity) => replica(client, identity, slow));
    const owners = (key: string) => replicas.filter((r) => r.leadership.owns(key)).length;
    await until(() => KEYS.every((key) => owners(key) === 1));
    const most = replicas.reduce((x, y) => (x.owned().length >= y.owned().length ? x : y));
    let twice = 0;
    const watching = setInterval(() => {
      if (KEYS.some((key) => owners(key) > 1)) twice++;
    }, 1);
    await most.stop();
    await until(() => KEYS.every((key) => owners(key) === 1));
    expect(most.owned()).toEqual([]);
    clearInterval(watching);
    expect(twice).toBe(0);
    await Promise.all(replicas.map((r) => r.stop()));
    const { items } = await client.list(leases, { namespace: NAMESPACE });
    expect(items.map((lease) => lease.spec?.holderIdentity)).toEqual(['', '', '']);
    expect(Math.max(...items.map((lease) => lease.spec?.leaseTransitions ?? 0))).toBeGreaterThan(0);
  });

  test('a lease that is given back is taken also by a replica that may not watch leases', async () => {
    const client = new FakeKubeClient();
    client.intercept = ({ verb }) => {
      if (verb === 'watch') throw new ApiError(403, { reason: 'Forbidden', message: 'leases may not be watched' });
    };
    const slow = { ...QUICK, leaseDurationMs: 60_000, renewDeadlineMs: 40_000 };
    const first = replica(client, 'a', slow);
    await until(() => first.owned().length === KEYS.length);
    const second = replica(client, 'b', slow);
    await until(() => client.calls.filter(({ verb }) => verb === 'watch').length > 1);
    await first.stop();
    await until(() => second.owned().length === KEYS.length);
    await second.stop();
  });

  test('a holder that is gone without a word is succeeded when its lease runs out, not before', async () => {
    const client = new FakeKubeClient();
    const name = `tekton-pipelines-controller.${QUEUE}.00-of-01`;
    client.seed<Lease>(leases, {
      metadata: { name, namespace: NAMESPACE },
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: '2020-01-01T00:00:00.000000Z' },
    });
    const started = performance.now();
    const heir = replica(client, 'heir', { ...QUICK, buckets: 1 });
    await until(() => heir.owned().length > 0);
    expect(performance.now() - started).toBeGreaterThan(900);
    await heir.stop();
  });

  test('who cannot renew stops owning, and owns again when it can', async () => {
    const client = new FakeKubeClient();
    const only = replica(client, 'a', { ...QUICK, buckets: 1 });
    await until(() => only.owned().length === KEYS.length);
    client.intercept = (call) => {
      if (call.verb === 'update' || call.verb === 'get') throw new Error('connect ECONNREFUSED');
    };
    // When: lease-elector.test.ts, on a clock of its own.
    await until(() => only.owned().length === 0);
    client.intercept = undefined;
    await until(() => only.owned().length === KEYS.length);
    await only.stop();
  });

  test('a lease taken by force is given up at once', async () => {
    const client = new FakeKubeClient();
    const only = replica(client, 'a', { ...QUICK, buckets: 1 });
    await until(() => only.owned().length === KEYS.length);
    const {
      items: [lease],
    } = await client.list(leases, { namespace: NAMESPACE });
    await client.replace(leases, { ...(lease as Lease), spec: { ...lease?.spec, holderIdentity: 'thief' } });
    await until(() => only.owned().length === 0, 150);
    await only.stop();
    expect((await client.list(leases)).items[0]?.spec?.holderIdentity).toBe('thief');
  });

  test('a standby replica that watches makes no calls', async () => {
    const client = new FakeKubeClient();
    const leader = replica(client, 'a');
    await until(() => leader.owned().length === KEYS.length);
    const standby = replica(client, 'b');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = client.calls.filter((call) => call.verb === 'get').length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(client.calls.filter((call) => call.verb === 'get').length).toBe(before);
    await Promise.all([leader.stop(), standby.stop()]);
  });

  test('a listener that throws ends the election with its error', async () => {
    const client = new FakeKubeClient();
    const election = new Election({
      client,
      namespace: NAMESPACE,
      component: 'c',
      config: QUICK,
      identity: 'a',
      log: silentLogger,
    });
    election.forReconciler(QUEUE).onPromoted(() => {
      throw new Error('boom');
    });
    await expect(election.run(new AbortController().signal)).rejects.toThrow('boom');
  });

  test('a replica that comes late gets its share, after the work in flight is done', async () => {
    const client = new FakeKubeClient();
    const early = replica(client, 'early', { ...QUICK, buckets: 4 });
    await until(() => early.owned().length === KEYS.length);
    const drained: string[] = [];
    early.leadership.onDraining(async (bucket) => {
      expect(KEYS.filter((key) => bucket.has(key)).some((key) => early.leadership.owns(key))).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { items } = await client.list(leases, { namespace: NAMESPACE });
      expect(items.find((lease) => lease.metadata.name === bucket.name)?.spec?.holderIdentity).toBe('early');
      drained.push(bucket.name);
    });
    const late = replica(client, 'late', { ...QUICK, buckets: 4 });
    const both = () => [early, late].map((r) => r.owned().length);
    let twice = 0;
    const watching = setInterval(() => {
      if (KEYS.some((key) => early.leadership.owns(key) && late.leadership.owns(key))) twice++;
    }, 1);
    await until(() => drained.length === 2 && both().reduce((a, b) => a + b) === KEYS.length);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    clearInterval(watching);
    expect(twice).toBe(0);
    const { items } = await client.list(leases, { namespace: NAMESPACE });
    expect(items.map((lease) => lease.spec?.holderIdentity).sort()).toEqual(['early', 'early', 'late', 'late']);
    expect(items.every((lease) => Object.keys(lease.metadata.annotations ?? {}).length === 0)).toBe(true);
    expect(drained).toHaveLength(2);
    await Promise.all([early.stop(), late.stop()]);
  });

  test('more buckets than replicas leave none unowned, and they even out again after each restart', async () => {
    const client = new FakeKubeClient();
    const config = { ...QUICK, buckets: 7 };
    const start = (i: number) => replica(client, `controller-${i}`, config);
    const replicas = [start(0), start(1), start(2)];
    const sharedOut = async () => {
      const { items } = await client.list(leases, { namespace: NAMESPACE });
      return Object.values(Object.groupBy(items, ({ spec }) => spec?.holderIdentity || 'nobody'))
        .map((held) => held?.length ?? 0)
        .sort();
    };
    const even = () => expect.poll(sharedOut, { timeout: 15_000 }).toEqual([2, 2, 3]);
    await even();
    for (const i of [0, 1, 2]) {
      await replicas[i]?.stop();
      await until(() => replicas.reduce((sum, each) => sum + each.owned().length, 0) === KEYS.length);
      replicas[i] = start(i);
      await even();
    }
    for (const key of KEYS) expect(replicas.filter(({ leadership }) => leadership.owns(key))).toHaveLength(1);
    await Promise.all(replicas.map((each) => each.stop()));
  });

  test('a bucket promised to a replica that dies is not left alone', async () => {
    const client = new FakeKubeClient();
    const early = replica(client, 'early', { ...QUICK, buckets: 2 });
    await until(() => early.owned().length === KEYS.length);
    const {
      items: [lease],
    } = await client.list(leases, { namespace: NAMESPACE });
    for (const ghost of ['one', 'another']) {
      await client.patch(leases, NAMESPACE, lease?.metadata.name ?? '', {
        type: 'merge',
        body: { metadata: { annotations: { 'tektite.dev/wanted-by': ghost } } },
      });
      await until(() => early.owned().length < KEYS.length);
      await until(() => early.owned().length === KEYS.length, 1_000);
    }
    await early.stop();
  });

  test('a holder that gives nothing is not asked all the time', async () => {
    const client = new FakeKubeClient();
    for (const i of [0, 1])
      client.seed<Lease>(leases, {
        metadata: { name: `tekton-pipelines-controller.${QUEUE}.0${i}-of-02`, namespace: NAMESPACE },
        spec: { holderIdentity: 'knative', leaseDurationSeconds: 60 },
      });
    client.intercept = ({ verb }) => {
      if (verb === 'patch') throw new Error('refused');
    };
    const late = replica(client, 'late', { ...QUICK, buckets: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(client.calls.filter(({ verb }) => verb === 'patch')).toHaveLength(1);
    await late.stop();
  });

  test('two reconcilers cannot share a lease', () => {
    const election = new Election({
      client: new FakeKubeClient(),
      namespace: NAMESPACE,
      component: 'c',
      config: QUICK,
      log: silentLogger,
    });
    election.forReconciler(QUEUE);
    expect(() => election.forReconciler(QUEUE)).toThrow('two reconcilers compete for the lease');
  });
});

describe('leadership without leases', () => {
  const promotedBy = (leadership: Leadership) => {
    const names: string[] = [];
    leadership.onPromoted((bucket) => names.push(bucket.name));
    return names;
  };

  test('the whole: owns everything and says so to late listeners', () => {
    expect(wholeLeadership().owns('a/b')).toBe(true);
    expect(promotedBy(wholeLeadership())).toEqual(['']);
  });
});
