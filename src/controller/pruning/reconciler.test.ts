import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parsePruner } from '../../api/config/config-pruner.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns } from '../../api/resources.ts';
import { FakeClock } from '../../clock.fake.ts';
import type { LimitMaps } from '../../core/retention/limits.ts';
import { ApiError } from '../../kube/client.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import type { Namespace } from '../../kube/resources.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../log.ts';
import { byOwnNamespace } from '../caches.ts';
import { DeletionLane } from './lane.ts';
import { PruningMetrics } from './metrics.ts';
import { createPruningReconciler } from './reconciler.ts';

const resource = pipelineRuns;

function ended(name: string, minute: number): PipelineRun {
  const time = `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name, namespace: 'ns', creationTimestamp: time },
    spec: {},
    status: { conditions: [{ type: 'Succeeded', status: 'True' }], completionTime: time },
  };
}

interface Given {
  data?: Record<string, string>;
  maps?: LimitMaps | undefined;
  annotations?: Record<string, string>;
  /** Whether Chains signs. */
  signed?: boolean;
}

function world(runs: PipelineRun[], given: Given) {
  const client = new FakeKubeClient();
  const seeded = client.seed(resource, ...runs);
  const indexes = { [byOwnNamespace]: () => ['ns'] };
  const stores = {
    pipelineRuns: new Store<PipelineRun>({ indexes }),
    taskRuns: new Store<TaskRun>({ indexes }),
  };
  stores.pipelineRuns.replace(seeded, '1');
  const clock = new FakeClock('2026-01-01T01:00:00Z');
  const events: string[] = [];
  const registry = new Registry();
  const { data, annotations, maps, signed = true } = given;
  const namespace: Namespace = { metadata: { name: 'ns', uid: 'n', ...(annotations ? { annotations } : {}) } };
  const reconcile = createPruningReconciler({
    client: client,
    runs: stores,
    signing: { isAwaited: () => Promise.resolve(signed) },
    settings: { pruner: () => parsePruner(data).pruner, limits: () => maps, namespace: () => namespace },
    events: { event: (object, type, reason, text) => void events.push(`${object.kind} ${type} ${reason}: ${text}`) },
    metrics: new PruningMetrics(registry),
    lane: new DeletionLane({ ...clock, now: () => clock.now(), sleep: () => Promise.resolve() }),
    clock,
    log: silentLogger,
  });
  const look = () => reconcile('ns/runs', new AbortController().signal);
  const deleted = () => client.calls.filter(({ verb }) => verb === 'delete').map(({ key }) => key);
  return { client, stores, clock, events, registry, look, deleted };
}
const two = () => [ended('old', 1), ended('mid', 2), ended('new', 3)];
const keepOne = { global: { historyLimit: 1 } };

describe('a look at a namespace', () => {
  it('deletes the oldest first, and counts it', async () => {
    const { look, deleted, registry } = world(two(), { maps: keepOne });
    expect(await look()).toEqual({ kind: 'done' });
    expect(deleted()).toEqual(['ns/old', 'ns/mid']);
    expect(await registry.metrics()).toContain(
      'tekton_pruner_controller_resources_deleted_total{namespace="ns",resource_type="pipelinerun",operation="history"} 2',
    );
  });

  it('does nothing where nothing is set', async () => {
    const { look, deleted } = world(two(), { maps: {} });
    expect(await look()).toEqual({ kind: 'skip' });
    expect(deleted()).toEqual([]);
  });

  it('deletes nothing by limits that cannot be read', async () => {
    const { look, deleted } = world(two(), { maps: undefined });
    await look();
    expect(deleted()).toEqual([]);
  });

  it.each<[string, boolean, string[]]>([
    ['waits for signatures while Chains signs', true, []],
    ['does not wait for signatures that nobody gives', false, ['ns/old', 'ns/mid']],
  ])('%s', async (_name, signed, wanted) => {
    const { look, deleted } = world(two(), { maps: keepOne, data: { 'wait-for-signature': '2h' }, signed });
    await look();
    expect(deleted()).toEqual(wanted);
  });

  it('leaves a run that has changed since', async () => {
    const { client, look, stores } = world(two(), { maps: keepOne });
    await client.patch(resource, 'ns', 'old', { type: 'merge', body: { metadata: { finalizers: ['x/y'] } } });
    expect(await look()).toEqual({ kind: 'done' });
    expect(stores.pipelineRuns.get('ns/old')).toBeDefined();
    const { metadata } = await client.get(resource, 'ns', 'old');
    expect(metadata.deletionTimestamp).toBeUndefined();
  });

  it('leaves another run of the same name', async () => {
    const { client, look } = world(two(), { maps: keepOne });
    await client.delete(resource, 'ns', 'old');
    client.seed(resource, ended('old', 50));
    expect(await look()).toEqual({ kind: 'done' });
    expect((await client.get(resource, 'ns', 'old')).metadata.creationTimestamp).toBe('2026-01-01T00:50:00Z');
  });

  it('tries again what was refused, and counts it', async () => {
    const { client, look, registry } = world(two(), { maps: keepOne });
    client.intercept = ({ verb, key }) => {
      if (verb === 'delete' && key === 'ns/old') throw new ApiError(403, { reason: 'Forbidden', message: 'no' });
    };
    await expect(look()).rejects.toThrow('1 runs of ns');
    expect(await registry.metrics()).toContain('error_type="permission",reason="history_deletion_failed"} 1');
  });

  it('goes on in another turn when this one took long', async () => {
    const many = Array.from({ length: 30 }, (_, index) => ended(`r${index}`, index + 1));
    const { client, clock, look, deleted } = world(many, { maps: { global: { historyLimit: 0 } } });
    client.intercept = ({ verb }) => (verb === 'delete' ? clock.advance(15_000) : undefined);
    expect(await look()).toEqual({ kind: 'requeueAfter', ms: 1 });
    const begun = deleted().length;
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(many.length);
    await look();
    expect(deleted().length).toBeGreaterThan(begun);
  });

  it('gives up after some refusals, with those that are under way', async () => {
    const many = Array.from({ length: 30 }, (_, index) => ended(`r${index}`, index + 1));
    const { client, look } = world(many, { maps: { global: { historyLimit: 0 } } });
    let asked = 0;
    client.intercept = ({ verb }) => {
      if (verb !== 'delete') return;
      asked += 1;
      throw new ApiError(403, { reason: 'Forbidden', message: 'no' });
    };
    await expect(look()).rejects.toThrow(/runs of ns$/);
    expect(asked).toBeLessThanOrEqual(12);
  });

  it('in a dry run says once what would go', async () => {
    const { look, deleted, events } = world(two(), { data: { 'dry-run': 'true' }, maps: keepOne });
    await look();
    await look();
    expect(deleted()).toEqual([]);
    expect(events).toEqual([
      'Namespace Normal WouldPrune: 2 PipelineRuns and 0 TaskRuns would be deleted; the oldest: PipelineRun old, because 1 newer successful runs are kept (global-config)',
    ]);
  });

  it('tells a namespace once of an annotation that cannot be, and deletes nothing by its schedule', async () => {
    const { look, deleted, events } = world(two(), {
      data: { schedule: '0 * * * *', keep: '1' },
      maps: {},
      annotations: { 'operator.tekton.dev/prune.keep': 'all' },
    });
    await look();
    await look();
    expect(deleted()).toEqual([]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatch(/^Namespace Warning InvalidPruning: operator\.tekton\.dev\/prune\.keep is "all"/);
  });
});

describe('a schedule', () => {
  const hourly = { data: { schedule: '30 * * * *', keep: '1' }, maps: {} };
  it('waits for its time, and is held then', async () => {
    const { look, clock, deleted } = world(two(), hourly);
    // The firing of 00:30 is further back than the starting deadline.
    expect(await look()).toEqual({ kind: 'requeueAfter', ms: 1_800_000 });
    expect(deleted()).toEqual([]);
    await clock.advance(1_800_000);
    await look();
    expect(deleted()).toEqual(['ns/old', 'ns/mid']);
  });

  it('that fired while the process restarted is held', async () => {
    const { look, deleted } = world(two(), {
      ...hourly,
      data: { ...hourly.data, startingDeadlineSeconds: '1801' },
    });
    await look();
    expect(deleted()).toEqual(['ns/old', 'ns/mid']);
  });
});
