import { beforeEach, describe, expect, it } from 'vitest';
import { parseBackOff } from '../../api/config/config-back-off.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { task } from '../../core/pipelinerun/simulation.fake.ts';
import { BackOffError } from '../../kube/back-off.ts';
import { ApiError } from '../../kube/client.ts';
import { type FakeCall } from '../../kube/client.fake.ts';
import { persistentVolumeClaims } from '../../kube/resources.ts';
import { customRunResource, pipelineRunResource, taskRunResource } from './children.ts';
import { World } from './world.fake.ts';

const embedded = (...all: PipelineTask[]): PipelineRunSpec => ({ pipelineSpec: { tasks: all } });
const chain = embedded(
  task('a', {}, 'r'),
  task('b', { params: [{ name: 'p', value: '$(tasks.a.results.r)' }] }),
  task('c', { runAfter: ['b'] }),
);
let world: World;
beforeEach(() => {
  world = new World();
});

/** Answers the calls that `matches` with an error, `times` times. */
function fail(matches: (call: FakeCall) => boolean, error: Error, times = Infinity): void {
  let left = times;
  world.client.intercept = (call) => {
    if (left > 0 && matches(call)) {
      left--;
      throw error;
    }
  };
}

describe('a run with a custom task', () => {
  it('makes a CustomRun, follows it by its own cache, and is told of it once', async () => {
    const custom = { name: 'wait', taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'w' } };
    await world.create(embedded(custom, task('b', { runAfter: ['wait'] })));
    await world.reconcile();
    expect(world.writes()).toEqual([
      'patch pipelineruns run',
      'create customruns run-wait',
      'update pipelineruns/status run',
    ]);
    await world.watch();
    await world.reconcile();
    expect(world.writes()).toEqual([]);
    const made = await world.client.get(customRunResource, 'ns', 'run-wait');
    const conditions = [{ type: 'Succeeded', status: 'True' as const, reason: 'Succeeded' }];
    await world.client.replaceStatus(customRunResource, { ...made, status: { conditions } });
    await world.watch();
    world.writes();
    await world.reconcile();
    expect(world.writes()).toEqual(['create taskruns run-b', 'update pipelineruns/status run']);
  });

  it('takes over the one it made before a crash, and no other of its name', async () => {
    const custom = { name: 'wait', taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'w' } };
    await world.create(embedded(custom));
    fail(({ subresource }) => subresource === 'status', new Error('the process ended'), 1);
    await expect(world.reconcile()).rejects.toThrow('the process ended');
    await world.watch();
    await world.reconcile();
    expect((await world.run()).status?.childReferences).toMatchObject([{ kind: 'CustomRun', name: 'run-wait' }]);

    world = new World();
    world.client.seed(customRunResource, { metadata: { name: 'run-wait', namespace: 'ns' }, spec: {} });
    await world.create(embedded(custom));
    await world.reconcile();
    expect(await world.condition()).toBe('False CreateRunFailed');
  });
});

describe('a whole run', () => {
  it('costs one metadata patch, four status writes and a create per task; nothing when nothing changes', async () => {
    await world.create(chain);
    expect(await world.reconcile()).toEqual({ kind: 'requeueAfter', ms: 3_600_001 });
    expect(world.writes()).toEqual([
      'patch pipelineruns run',
      'create taskruns run-a',
      'update pipelineruns/status run',
    ]);
    await world.reconcile();
    await world.watch();
    await world.reconcile();
    expect(world.writes()).toEqual([]);
    await world.finish('run-a', { r: 'R' });
    world.writes();
    await world.reconcile();
    expect(world.writes()).toEqual(['create taskruns run-b', 'update pipelineruns/status run']);
    expect((await world.client.get(taskRunResource, 'ns', 'run-b')).spec.params).toEqual([{ name: 'p', value: 'R' }]);
    for (const name of ['run-b', 'run-c']) {
      await world.finish(name);
      await world.reconcile();
    }
    expect(await world.condition()).toBe('True Succeeded');
    world.writes();
    expect(await world.reconcile()).toEqual({ kind: 'skip' });
    expect(world.writes()).toEqual([]);
    expect(world.events).toEqual([
      'Normal Started',
      'Normal Running: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 3, Skipped: 0',
      'Normal Succeeded: Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0',
    ]);
    expect(world.client.writes.filter(({ resource }) => resource === 'pipelineruns')).toHaveLength(5);
  });

  it('reads definitions from the server as it begins, from the cache after', async () => {
    const tasksInTurn = [task('a', { taskRef: { name: 't' } }), task('b', { taskRef: { name: 't' }, runAfter: ['a'] })];
    world.client.seed(pipelines, { metadata: { name: 'p', namespace: 'ns' }, spec: { tasks: tasksInTurn } });
    world.client.seed(tasks, { metadata: { name: 't', namespace: 'ns' }, spec: { steps: [] } });
    await world.create({ pipelineRef: { name: 'p' } });
    const reads = () =>
      world.client.calls
        .filter(({ verb, resource }) => verb === 'get' && (resource === 'pipelines' || resource === 'tasks'))
        .map(({ resource }) => resource);
    await world.reconcile();
    expect(reads()).toEqual(['pipelines', 'tasks']);
    expect(await world.condition()).toBe('Unknown Running');
    await world.finish('run-a');
    await world.reconcile();
    expect(reads()).toEqual(['pipelines', 'tasks']);
  });

  it('names a Task that the server does not have', async () => {
    world.client.seed(pipelines, {
      metadata: { name: 'p', namespace: 'ns' },
      spec: { tasks: [task('a', { taskRef: { name: 't' } })] },
    });
    await world.create({ pipelineRef: { name: 'p' } });
    await world.reconcile();
    expect((await world.run()).status?.conditions?.[0]?.message).toBe(
      'Pipeline ns/p can\'t be Run; it contains Tasks that don\'t exist: Couldn\'t retrieve Task "t": tasks "t" not found',
    );
  });

  it('goes on with the stored pipeline when the Pipeline is gone', async () => {
    world.client.seed(pipelines, {
      metadata: { name: 'p', namespace: 'ns', labels: { l: 'x' } },
      spec: { tasks: [task('a'), task('b', { runAfter: ['a'] })] },
    });
    await world.create({ pipelineRef: { name: 'p' } });
    await world.reconcile();
    await world.client.delete(pipelines, 'ns', 'p');
    await world.finish('run-a');
    await world.reconcile();
    await world.finish('run-b');
    await world.reconcile();
    expect(await world.condition()).toBe('True Succeeded');
    expect((await world.client.get(taskRunResource, 'ns', 'run-b')).metadata.labels).toMatchObject({
      l: 'x',
      'tekton.dev/pipeline': 'p',
    });
  });

  it.each<[string, PipelineRunSpec, PipelineRun['metadata']]>([
    ["another controller's", { ...chain, managedBy: 'example.com/other' }, {}],
    ['being deleted', chain, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] }],
  ])('leaves a run alone: %s', async (_name, spec, metadata) => {
    await world.create(spec, metadata);
    expect(await world.reconcile()).toEqual({ kind: 'skip' });
    expect(world.writes()).toEqual([]);
  });

  it('knows nothing of a run that is gone', async () => expect(await world.reconcile()).toEqual({ kind: 'skip' }));

  it("cancels children with upstream's patch", async () => {
    await world.create(chain);
    await world.reconcile();
    const run = await world.run();
    await world.client.replace(pipelineRunResource, { ...run, spec: { ...run.spec, status: 'Cancelled' } });
    await world.watch();
    world.writes();
    await world.reconcile();
    expect(world.writes()).toEqual(['patch taskruns run-a', 'update pipelineruns/status run']);
    expect((await world.client.get(taskRunResource, 'ns', 'run-a')).spec).toMatchObject({
      status: 'TaskRunCancelled',
      statusMessage: 'TaskRun cancelled as the PipelineRun it belongs to has been cancelled.',
    });
    expect(await world.condition()).toBe('False Cancelled');
  });

  it.each([
    { refusedBy: "the CRD's rule", status: 422 },
    { refusedBy: 'a webhook', status: 400 },
  ])('has nothing to cancel in a child that just ended, as $refusedBy says', async ({ status }) => {
    await world.create(chain);
    await world.reconcile();
    const run = await world.run();
    await world.client.replace(pipelineRunResource, { ...run, spec: { ...run.spec, status: 'Cancelled' } });
    await world.watch();
    world.client.intercept = (call) => {
      if (call.verb === 'patch' && call.resource === 'taskruns')
        throw new ApiError(status, { message: 'spec: Once the TaskRun is complete, no updates are allowed' });
    };
    await world.reconcile();
    expect(await world.condition()).toBe('False Cancelled');
  });
});

describe('interruptions', () => {
  it('killed before any one of its writes, a run still has one TaskRun per task and its end', async () => {
    for (let victim = 0; victim < 30; victim++) {
      world = new World();
      await world.create(chain);
      let writes = 0;
      const killed = new Error('killed');
      world.client.intercept = (call) => {
        if (
          call.verb !== 'get' &&
          call.verb !== 'list' &&
          call.resource !== 'taskruns/status' &&
          !call.subresource?.includes('none') &&
          writes++ === victim
        )
          throw killed;
      };
      for (let round = 0; round < 12; round++) {
        await world.reconcile().catch(() => undefined);
        // A new process: only what the server has counts.
        await world.watch();
        for (const taskRun of world.stores.taskRuns.list()) {
          if (taskRun.status === undefined)
            await world.finish(taskRun.metadata.name ?? '', { r: 'R' }).catch(() => undefined);
        }
      }
      expect(await world.condition(), `killed at write ${victim}`).toBe('True Succeeded');
      expect((await world.run()).status?.childReferences?.map(({ name }) => name)).toEqual(['run-a', 'run-b', 'run-c']);
      const made = world.client.writes
        .filter(({ verb, resource }) => verb === 'create' && resource === 'taskruns')
        .map(({ key }) => key);
      expect(new Set(made).size).toBe(3);
    }
  });

  it('takes over a TaskRun that it made before and cannot see yet', async () => {
    await world.create(chain);
    await world.reconcile();
    const made = await world.client.get(taskRunResource, 'ns', 'run-a');
    const { status: _status, ...fresh } = await world.run();
    await world.client.replaceStatus(pipelineRunResource, fresh);
    world.stores.pipelineRuns.replace([await world.run()], '1000');
    world.stores.taskRuns.replace([], '1000');
    await world.reconcile();
    expect((await world.run()).status?.childReferences).toMatchObject([{ name: 'run-a' }]);
    expect((await world.client.get(taskRunResource, 'ns', 'run-a')).metadata.uid).toBe(made.metadata.uid);
    expect(world.stores.taskRuns.get('ns/run-a')).toBeUndefined();
  });

  it('fails when the name of a TaskRun belongs to somebody else', async () => {
    world.client.seed(taskRunResource, { metadata: { name: 'run-a', namespace: 'ns' }, spec: {} });
    await world.create(chain);
    expect(await world.reconcile()).toEqual({ kind: 'done' });
    const { status } = await world.run();
    expect(status?.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'CreateRunFailed',
      message:
        'TaskRun ns/run-a exists already and does not belong to this PipelineRun; delete it or give the PipelineRun another name',
    });
    expect(status?.childReferences).toBeUndefined();
    expect(status?.completionTime).toBeDefined();
  });

  it('says what is in the way and throws to be tried again', async () => {
    await world.create(chain);
    fail(
      ({ verb, resource }) => verb === 'create' && resource === 'taskruns',
      new ApiError(503, { message: 'busy' }),
      1,
    );
    await expect(world.reconcile()).rejects.toThrow(
      'error creating TaskRuns called [run-a] for PipelineTask a from PipelineRun run: busy',
    );
    expect(await world.condition()).toBe('Unknown Running');
    expect(world.events).toContain('Warning TaskRunsCreationFailed: Failed to create TaskRuns ["run-a"]: busy');
    await world.reconcile();
    expect((await world.run()).status?.childReferences).toMatchObject([{ name: 'run-a' }]);
  });

  it.each([
    ['a webhook that did not answer in time', 'failed calling webhook: Post "https://w/?timeout=10s": EOF', true],
    ['other trouble', 'etcdserver: no leader', false],
  ])('waits by the back-off that the operator set after %s', async (_name, message, expected) => {
    world.settings = { ...world.settings, creationBackOff: parseBackOff({ duration: '3s' }).backOff };
    await world.create(chain);
    fail(({ verb, resource }) => verb === 'create' && resource === 'taskruns', new ApiError(500, { message }), 1);
    const error: unknown = await world.reconcile().catch((thrown: unknown) => thrown);
    expect(error instanceof BackOffError && error.waiting).toEqual(
      expected && {
        backOff: expect.objectContaining({ durationMs: 3_000 }) as object,
        latestMs: expect.any(Number) as number,
      },
    );
    expect(await world.condition()).toBe('Unknown Running');
  });

  it('tells the user when it cannot even begin', async () => {
    await world.create(chain);
    fail(
      ({ verb, resource }) => verb === 'patch' && resource === 'pipelineruns',
      new ApiError(403, { reason: 'Forbidden', message: 'may not patch' }),
    );
    await expect(world.reconcile()).rejects.toThrow('may not patch');
    expect(world.events).toEqual(['Warning InternalError: may not patch']);
  });

  it('waits for the newer object after a conflict', async () => {
    await world.create(chain);
    fail(
      ({ subresource }) => subresource === 'status',
      new ApiError(409, { reason: 'Conflict', message: 'modified' }),
      1,
    );
    expect(await world.reconcile()).toEqual({ kind: 'requeueAfter', ms: 100 });
    await world.reconcile();
    expect(await world.condition()).toBe('Unknown Running');
  });

  it('ends quietly when the run was deleted meanwhile', async () => {
    await world.create(chain);
    await world.client.delete(pipelineRunResource, 'ns', 'run');
    expect(await world.reconcile()).toEqual({ kind: 'done' });
    expect(world.writes()).toEqual(['delete pipelineruns run', 'patch pipelineruns run']);
  });

  it('starts no task without its claim, and takes over a claim that is there', async () => {
    const spec: PipelineRunSpec = { ...chain, workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }] };
    await world.create(spec);
    fail(
      ({ resource }) => resource === 'persistentvolumeclaims',
      new ApiError(403, { reason: 'Forbidden', message: 'denied' }),
    );
    await world.reconcile();
    expect(await world.condition()).toBe('False CouldntCreateWorkspacePVC');
    expect(world.writes().filter((write) => write.includes('taskruns'))).toEqual([]);

    world = new World();
    await world.create(spec);
    fail(
      ({ resource }) => resource === 'persistentvolumeclaims',
      new ApiError(409, { reason: 'AlreadyExists', message: 'there' }),
    );
    await world.reconcile();
    expect(await world.condition()).toBe('Unknown Running');
  });

  it('deletes a claim that finished pods still mention, when the run asks for it', async () => {
    await world.create(
      { ...embedded(task('a')), workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }] },
      { annotations: { 'tekton.dev/auto-cleanup-pvc': 'true' } },
    );
    await world.reconcile();
    const [claim] = (await world.client.list(persistentVolumeClaims)).items;
    await world.client.replace(persistentVolumeClaims, {
      ...claim,
      metadata: { ...claim?.metadata, finalizers: ['kubernetes.io/pvc-protection'] },
    });
    await world.finish('run-a');
    await world.reconcile();
    expect((await world.client.list(persistentVolumeClaims)).items).toEqual([]);
    expect(await world.condition()).toBe('True Succeeded');
  });
});
