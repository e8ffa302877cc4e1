import { beforeEach, describe, expect, it } from 'vitest';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { recorded, type RecordVerdict } from '../../core/digest/record.ts';
import { verifyPipelineRunRecord } from '../../core/digest/verify.ts';
import { task } from '../../core/pipelinerun/simulation.fake.ts';
import { pipelineRunResource, taskRunResource } from './children.ts';
import { World } from './world.fake.ts';

const two: PipelineRunSpec = {
  pipelineSpec: { tasks: [task('a'), task('b', { runAfter: ['a'] })] },
  params: [{ name: 'ref', value: 'evil' }],
};
let world: World;
beforeEach(() => {
  world = new World();
});

async function edit(change: (spec: PipelineRunSpec) => PipelineRunSpec): Promise<void> {
  const run = await world.run();
  await world.client.replace(pipelineRunResource, { ...run, spec: change(run.spec) });
  await world.watch();
}

/** The children as Chains reads them; their own records are their reconciler's matter. */
async function verdict(): Promise<string[] | RecordVerdict['kind']> {
  const children = (await world.client.list(taskRunResource)).items.map(({ status: _status, ...child }) => child);
  const run = await world.run();
  const named = new Set(run.status?.childReferences?.map(({ name }) => name));
  const found = verifyPipelineRunRecord(
    run,
    children.filter(({ metadata }) => named.has(metadata.name)),
  );
  return found.kind === 'changed' ? found.problems.map(({ field }) => field) : found.kind;
}

/** A TaskRun that a user made to look like one of the run's. */
function stranger(name: string, more: Partial<TaskRun> = {}): TaskRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: {
      name,
      namespace: 'ns',
      labels: { 'tekton.dev/pipelineTask': 'a', 'tekton.dev/pipelineRun': 'run', 'tekton.dev/memberOf': 'tasks' },
      ownerReferences: [
        { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'run', uid: 'uid-run', controller: true },
      ],
    },
    spec: { taskSpec: { steps: [{ image: 'evil' }] } },
    status: { conditions: [{ type: 'Succeeded', status: 'True' }], results: [{ name: 'r', value: 'forged' }] },
    ...more,
  };
}

describe('what is recorded', () => {
  it('run, pipeline and each child, in the writes that are made anyway', async () => {
    await world.create(two);
    await world.reconcile();
    expect(world.writes()).toEqual([
      'patch pipelineruns run',
      'create taskruns run-a',
      'update pipelineruns/status run',
    ]);
    expect(await verdict()).toBe('sound');
    for (const name of ['run-a', 'run-b']) {
      await world.finish(name);
      await world.reconcile();
    }
    expect(await world.condition()).toBe('True Succeeded');
    expect(recorded((await world.run()).status, 'children')?.split(',')).toHaveLength(2);
    expect(await verdict()).toBe('sound');
  });

  it('a run that fails its validation too', async () => {
    await world.create({ pipelineSpec: { tasks: [task('a', { runAfter: ['nobody'] })] } });
    await world.reconcile();
    expect(await world.condition()).toMatch(/^False/);
    expect(await verdict()).toBe('sound');
  });

  it('nothing of a run that a controller without records began', async () => {
    await world.create(two);
    const run = await world.run();
    await world.client.replaceStatus(pipelineRunResource, { ...run, status: { startTime: '2026-01-01T00:00:00Z' } });
    await world.watch();
    await world.reconcile();
    expect(await verdict()).toBe('unrecorded');
  });
});

describe('a spec that is changed after the run has begun', () => {
  it('has no effect where what was recorded can be had back, and is told once', async () => {
    await world.create(two);
    await world.reconcile();
    await edit((spec) => ({ ...spec, params: [], timeouts: { pipeline: '1s' } }));
    await world.reconcile();
    await world.clock.advance(5_000);
    await world.finish('run-a');
    await world.reconcile();
    await world.finish('run-b');
    await world.reconcile();
    expect(await world.condition()).toBe('True Succeeded');
    expect(world.events.filter((event) => event.startsWith('Warning'))).toEqual([
      expect.stringContaining('Warning ChangedAfterStart: spec.params: was changed after the run had begun'),
      expect.stringContaining('Warning ChangedAfterStart: spec.timeouts: was changed after the run had begun'),
    ]);
    expect(await verdict()).toEqual(expect.arrayContaining(['spec.params', 'spec.timeouts']));
  });

  it('makes no TaskRun where it cannot: the run ends, names the field, and stops what runs', async () => {
    await world.create({
      pipelineSpec: { tasks: [task('a'), task('b', { runAfter: ['a'] }), task('c')] },
      params: [{ name: 'ref', value: 'x'.repeat(100) }],
    });
    await world.reconcile();
    await edit((spec) => ({ ...spec, params: [{ name: 'ref', value: 'main' }] }));
    await world.reconcile();
    expect(await world.condition()).toBe('Unknown Running');
    await world.finish('run-a');
    world.writes();
    await world.reconcile();
    expect((await world.run()).status?.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'PipelineValidationFailed',
      message:
        '[User error] spec.params was changed after the PipelineRun had begun, and nothing is made from a changed spec; create a new PipelineRun instead',
    });
    expect(world.writes()).toEqual(['patch taskruns run-c', 'update pipelineruns/status run']);
  });
});

describe('children', () => {
  it('one whose spec was changed is noted; the run goes on', async () => {
    await world.create(two);
    await world.reconcile();
    const child = await world.client.get(taskRunResource, 'ns', 'run-a');
    await world.client.replace(taskRunResource, {
      ...child,
      spec: { ...child.spec, params: [{ name: 'x', value: 'y' }] },
    });
    await world.finish('run-a');
    await world.reconcile();
    expect(await world.condition()).toBe('Unknown Running');
    expect(await verdict()).toEqual(['TaskRun run-a spec']);
    expect(world.events.filter((event) => event.includes('ChangedAfterStart'))).toHaveLength(1);
  });

  it('a stranger is ignored, told once, and spoils nothing', async () => {
    await world.create(two);
    await world.reconcile();
    world.client.seed(taskRunResource, stranger('forged'));
    await world.watch();
    await world.reconcile();
    await world.reconcile();
    expect((await world.run()).status?.childReferences?.map(({ name }) => name)).toEqual(['run-a']);
    for (const name of ['run-a', 'run-b']) {
      await world.finish(name);
      await world.reconcile();
    }
    expect(await world.condition()).toBe('True Succeeded');
    expect((await world.run()).status?.childReferences?.map(({ name }) => name)).toEqual(['run-a', 'run-b']);
    expect(await verdict()).toBe('sound');
    expect(world.events.filter((event) => event.includes('TaskRunIgnored'))).toEqual([
      'Warning TaskRunIgnored: TaskRun forged names this PipelineRun as its controller, but was not made by it: it is ignored; delete it',
    ]);
    expect(recorded((await world.run()).status, 'ignored')).toBe('forged');
  });

  it('a stranger there first keeps no claim or check from being made', async () => {
    await world.create({ ...two, workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }] });
    world.client.seed(taskRunResource, stranger('forged'));
    await world.watch();
    await world.reconcile();
    expect(world.writes().filter((write) => write.startsWith('create'))).toEqual([
      expect.stringMatching(/^create persistentvolumeclaims /),
      'create taskruns run-a',
    ]);
  });

  it('a stranger is not cancelled with the run', async () => {
    await world.create(two);
    await world.reconcile();
    world.client.seed(taskRunResource, stranger('forged', { status: {} }));
    await edit((spec) => ({ ...spec, status: 'Cancelled' }));
    world.writes();
    await world.reconcile();
    expect(world.writes()).toEqual(['patch taskruns run-a', 'update pipelineruns/status run']);
  });

  it('a stranger under the name of a task ends the run, which names it', async () => {
    await world.create(two);
    await world.reconcile();
    world.client.seed(taskRunResource, stranger('run-b'));
    await world.finish('run-a');
    await world.reconcile();
    expect(await world.condition()).toBe('False CreateRunFailed');
    expect((await world.run()).status?.conditions?.[0]?.message).toMatch(
      /^TaskRun ns\/run-b exists already and is not the one that this PipelineRun makes: it differs in spec\..*; delete it and create the PipelineRun anew$/,
    );
    expect((await world.run()).status?.childReferences?.map(({ name }) => name)).toEqual(['run-a']);
  });
});

describe('a crash before the status write', () => {
  async function lostStatus(spec: PipelineRunSpec): Promise<void> {
    await world.create(spec);
    world.client.intercept = (call) => {
      if (call.subresource === 'status') throw new Error('killed');
    };
    await world.reconcile().catch(() => undefined);
    world.client.intercept = undefined;
    await world.watch();
  }

  it('the children made before it are taken over and recorded', async () => {
    await lostStatus(two);
    await world.reconcile();
    expect(await verdict()).toBe('sound');
    expect(recorded((await world.run()).status, 'children')).toMatch(/^run-a /);
    expect(recorded((await world.run()).status, 'ignored')).toBeUndefined();
    expect(
      world.client.writes.filter(({ verb, resource }) => verb === 'create' && resource === 'taskruns'),
    ).toHaveLength(1);
  });

  it.each<[string, Partial<PipelineRunSpec>]>([
    ['cancelled', { status: 'Cancelled' }],
    ['cancelled gracefully', { status: 'CancelledRunFinally' }],
  ])('they are stopped and recorded also when the run was %s meanwhile', async (_name, change) => {
    await lostStatus(two);
    await edit((spec) => ({ ...spec, ...change }));
    await world.reconcile();
    expect((await world.client.get(taskRunResource, 'ns', 'run-a')).spec.status).toBe('TaskRunCancelled');
    expect((await world.run()).status?.childReferences).toMatchObject([{ name: 'run-a' }]);
    expect(await verdict()).toBe('sound');
  });

  it('one that was changed since is a stranger', async () => {
    await lostStatus(two);
    const child = await world.client.get(taskRunResource, 'ns', 'run-a');
    await world.client.replace(taskRunResource, { ...child, spec: { ...child.spec, timeout: '5h' } });
    await world.watch();
    await world.reconcile();
    expect(await world.condition()).toBe('False CreateRunFailed');
    const run: PipelineRun = await world.run();
    expect(run.status?.childReferences).toBeUndefined();
    expect(run.status?.conditions?.[0]?.message).toContain('it differs in spec.timeout');
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('killed before write %d, the record is whole in the end', async (victim) => {
    await world.create(two);
    let writes = 0;
    world.client.intercept = ({ verb }) => {
      if (verb !== 'get' && verb !== 'list' && writes++ === victim) throw new Error('killed');
    };
    for (let round = 0; round < 8; round++) {
      await world.reconcile().catch(() => undefined);
      await world.watch();
      for (const { metadata, status } of world.stores.taskRuns.list())
        if (status === undefined) await world.finish(metadata.name ?? '').catch(() => undefined);
    }
    expect(await world.condition()).toBe('True Succeeded');
    expect(await verdict()).toBe('sound');
    expect(recorded((await world.run()).status, 'ignored')).toBeUndefined();
  });
});
