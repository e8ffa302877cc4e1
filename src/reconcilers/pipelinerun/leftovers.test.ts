import { beforeEach, describe, expect, it } from 'vitest';
import { task } from '../../core/pipelinerun/simulation.fake.ts';
import { ApiError } from '../../kube/client.ts';
import type { FakeCall } from '../../kube/client.fake.ts';
import { pipelineRunResource, taskRunResource } from './children.ts';
import { World } from './world.fake.ts';

const spec = { pipelineSpec: { tasks: [task('slow'), task('first'), task('refused', { runAfter: ['first'] })] } };
const refusal = new ApiError(422, { reason: 'Invalid', message: 'bad field' });
let world: World;

/** A run of which one task runs, and the next is about to be refused by the API server. */
beforeEach(async () => {
  world = new World();
  await world.create(spec);
  await world.reconcile();
  await world.finish('run-first');
  world.writes();
});

function intercept(...answers: [(call: FakeCall) => boolean, Error, times?: number][]): void {
  const left = answers.map(([, , times = Infinity]) => times);
  world.client.intercept = (call) => {
    answers.forEach(([matches, error], index) => {
      if ((left[index] ?? 0) <= 0 || !matches(call)) return;
      left[index] = (left[index] ?? 0) - 1;
      throw error;
    });
  };
}

const isRefused = ({ verb, key }: FakeCall) => verb === 'create' && key === 'ns/run-refused';
const isCancel = ({ verb, key }: FakeCall) => verb === 'patch' && key === 'ns/run-slow';

describe('a run that fails while others of its tasks run', () => {
  it('stops them before it is over', async () => {
    intercept([isRefused, refusal]);
    await world.reconcile();
    expect(world.writes()).toEqual([
      'create taskruns run-refused',
      'patch taskruns run-slow',
      'update pipelineruns/status run',
    ]);
    expect(await world.condition()).toBe('False CreateRunFailed');
    expect((await world.client.get(taskRunResource, 'ns', 'run-slow')).spec).toMatchObject({
      status: 'TaskRunCancelled',
      statusMessage: 'TaskRun cancelled as the PipelineRun it belongs to has failed.',
    });
    await world.watch();
    expect(await world.reconcile()).toEqual({ kind: 'skip' });
  });

  it('is not over while one cannot be stopped, and says so', async () => {
    intercept([isRefused, refusal], [isCancel, new ApiError(503, { message: 'busy' }), 1]);
    await expect(world.reconcile()).rejects.toThrow('error(s) from cancelling TaskRun(s)');
    const [condition] = (await world.run()).status?.conditions ?? [];
    expect(condition).toMatchObject({
      status: 'Unknown',
      reason: 'PipelineRunCouldntCancel',
      message:
        'PipelineRun "run" failed (bad field) but had errors trying to cancel TaskRuns and/or Runs: Failed to patch TaskRun `run-slow` with cancellation: busy',
    });
    expect((await world.run()).status?.completionTime).toBeUndefined();
    await world.watch();
    await world.reconcile();
    expect(await world.condition()).toBe('False CreateRunFailed');
  });

  it('forgets none when the controller ends before its status is written', async () => {
    intercept([isRefused, refusal], [({ subresource }) => subresource === 'status', new Error('the process ended'), 1]);
    await expect(world.reconcile()).rejects.toThrow('the process ended');
    await world.watch();
    await world.reconcile();
    expect(await world.condition()).toBe('False CreateRunFailed');
    expect((await world.client.get(taskRunResource, 'ns', 'run-slow')).spec.status).toBe('TaskRunCancelled');
    expect((await world.client.list(pipelineRunResource)).items).toHaveLength(1);
  });

  it('leaves alone what only says that it belongs to the run', async () => {
    const { uid } = (await world.run()).metadata;
    const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'run', uid: uid ?? '', controller: true };
    world.client.seed(taskRunResource, {
      metadata: { name: 'stranger', namespace: 'ns', uid: 'other', ownerReferences: [owner] },
      spec: {},
    });
    await world.watch();
    intercept([isRefused, refusal]);
    await world.reconcile();
    expect((await world.client.get(taskRunResource, 'ns', 'stranger')).spec.status).toBeUndefined();
  });
});
