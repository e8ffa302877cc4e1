import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import { parseChildren } from '../digest/children.ts';
import { recorded } from '../digest/record.ts';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

const wait = (fields: Partial<PipelineTask> = {}): PipelineTask => ({
  name: 'wait',
  taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'w' },
  ...fields,
});
const simulate = (tasks: PipelineTask[], more: PipelineRunSpec = {}) =>
  new Simulation(pipelineRun({ pipelineSpec: { tasks }, ...more }));

describe('a CustomRun', () => {
  it('is made as upstream makes it, and named among the children', () => {
    const simulation = simulate(
      [
        wait({
          params: [{ name: 'duration', value: '$(context.pipelineRun.name)' }],
          retries: 2,
          timeout: '5m',
          workspaces: [{ name: 'data', workspace: 'shared' }],
        }),
      ],
      {
        workspaces: [{ name: 'shared', emptyDir: {} }],
        taskRunSpecs: [{ pipelineTaskName: 'wait', serviceAccountName: 'builder', metadata: { labels: { a: 'b' } } }],
      },
    );
    simulation.run.spec.pipelineSpec = {
      ...simulation.run.spec.pipelineSpec,
      workspaces: [{ name: 'shared' }],
    };
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown Running/);
    const made = simulation.customRuns.get('run-wait');
    expect(made).toMatchObject({
      apiVersion: 'tekton.dev/v1beta1',
      kind: 'CustomRun',
      metadata: {
        name: 'run-wait',
        namespace: 'ns',
        labels: {
          a: 'b',
          'tekton.dev/pipeline': 'run',
          'tekton.dev/pipelineRun': 'run',
          'tekton.dev/pipelineTask': 'wait',
          'tekton.dev/memberOf': 'tasks',
        },
        ownerReferences: [{ kind: 'PipelineRun', name: 'run', uid: 'uid-run', controller: true }],
      },
    });
    expect(made?.spec).toEqual({
      params: [{ name: 'duration', value: 'run' }],
      customRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'w' },
      retries: 2,
      serviceAccountName: 'builder',
      timeout: '5m',
      workspaces: [{ name: 'data', emptyDir: {} }],
    });
    expect(simulation.run.status?.childReferences).toEqual([
      { apiVersion: 'tekton.dev/v1beta1', kind: 'CustomRun', name: 'run-wait', pipelineTaskName: 'wait' },
    ]);
    expect([...(parseChildren(recorded(simulation.run.status, 'children')) ?? []).keys()]).toEqual(['run-wait']);
    expect(simulation.asked).toEqual([]);
  });

  it('has its spec written in place handed on, and the account of all runs', () => {
    const taskSpec = { apiVersion: 'example.dev/v1', kind: 'Wait', metadata: { labels: { x: 'y' } }, spec: { s: 1 } };
    const simulation = simulate([wait({ taskRef: undefined, taskSpec })], {
      taskRunTemplate: { serviceAccountName: 'all' },
    });
    simulation.step();
    expect(simulation.customRuns.get('run-wait')?.spec).toEqual({ customSpec: taskSpec, serviceAccountName: 'all' });
  });

  it('is followed: its results go to other tasks, and its end is that of its task', () => {
    const simulation = simulate([wait(), task('b', { params: [{ name: 'p', value: '$(tasks.wait.results.r)' }] })]);
    simulation.step();
    simulation.step();
    expect(simulation.created).toEqual(['run-wait']);
    simulation.finish('wait', { results: { r: 'done' } });
    simulation.step();
    expect(simulation.taskRuns.get('run-b')?.spec.params).toEqual([{ name: 'p', value: 'done' }]);
    simulation.finish('b');
    simulation.step();
    expect(simulation.condition).toBe('True Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0');
  });

  it('makes the run fail that needs it', () => {
    const simulation = simulate([wait(), task('b', { runAfter: ['wait'] })]);
    simulation.step();
    simulation.finish('wait', { status: 'False', reason: 'CustomRunTimedOut' });
    simulation.step();
    expect(simulation.condition).toBe('False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 1');
  });

  it('is made for each combination of a matrix, and gathers their results', () => {
    const matrix = { params: [{ name: 'p', value: ['x', 'y'] }] };
    const simulation = simulate([
      wait({ matrix }),
      task('b', { params: [{ name: 'all', value: '$(tasks.wait.results.r[*])' }] }),
    ]);
    simulation.step();
    expect(simulation.created).toEqual(['run-wait-0', 'run-wait-1']);
    expect(simulation.customRuns.get('run-wait-1')?.spec.params).toEqual([{ name: 'p', value: 'y' }]);
    simulation.finish('wait', { results: { r: '0' } }, 0);
    simulation.finish('wait', { results: { r: '1' } }, 1);
    simulation.step();
    expect(simulation.taskRuns.get('run-b')?.spec.params).toEqual([{ name: 'all', value: ['0', '1'] }]);
  });

  it('is cancelled with its run', () => {
    const simulation = simulate([wait()]);
    simulation.step();
    simulation.request('Cancelled');
    simulation.step();
    expect(simulation.customRuns.get('run-wait')?.spec).toMatchObject({
      status: 'RunCancelled',
      statusMessage: 'CustomRun cancelled as the PipelineRun it belongs to has been cancelled.',
    });
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
  });

  it('is cut short by the time of its run, and counts as failed then', () => {
    const simulation = simulate([wait()], { timeouts: { pipeline: '1h', tasks: '1m' } });
    simulation.step();
    simulation.pass(61);
    simulation.step();
    expect(simulation.customRuns.get('run-wait')?.spec.statusMessage).toBe(
      'CustomRun cancelled as the PipelineRun it belongs to has timed out.',
    );
    simulation.finish('wait', { status: 'False', reason: 'CustomRunCancelled' });
    simulation.step();
    expect(simulation.condition).toMatch(/^False PipelineRunTimeout/);
  });

  it('is found again when the status that named it was lost', () => {
    const simulation = simulate([wait()]);
    simulation.step();
    const { childReferences: _lost, annotations: _records, ...status } = simulation.run.status ?? {};
    simulation.run = { ...simulation.run, status: {} };
    expect(status.startTime).toBeDefined();
    simulation.step();
    expect(simulation.created).toEqual(['run-wait']);
    expect(simulation.run.status?.childReferences).toMatchObject([{ kind: 'CustomRun', name: 'run-wait' }]);
  });

  it('of our own group and kind Task is the Task of that name', () => {
    const simulation = simulate([wait({ taskRef: { apiVersion: 'tekton.dev/v1', kind: 'Task', name: 't' } })]);
    simulation.step();
    expect(simulation.asked).toEqual(['t']);
    expect(simulation.customRuns.size).toBe(0);
  });
});
