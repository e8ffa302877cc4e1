import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { actionsOf, requestOf } from './actions.ts';

const condition = (status: 'True' | 'False' | 'Unknown', reason: string) => ({
  startTime: '2026-01-01T00:00:00Z',
  conditions: [{ type: 'Succeeded', status, reason }],
});
const run = (more: Partial<PipelineRun> = {}): PipelineRun => ({
  kind: 'PipelineRun',
  metadata: { name: 'build-1', namespace: 'n' },
  spec: { pipelineRef: { name: 'build' } },
  ...more,
});
const taskRun = (more: Partial<TaskRun> = {}): TaskRun => ({
  kind: 'TaskRun',
  metadata: { name: 't' },
  spec: {},
  ...more,
});

describe('what one may do with a run', () => {
  it.each<{ what: string; of: PipelineRun | TaskRun; actions: string[] }>([
    {
      what: 'that runs',
      of: run({ status: condition('Unknown', 'Running') }),
      actions: ['cancel', 'cancel-run-finally', 'stop-run-finally', 'rerun', 'delete'],
    },
    {
      what: 'that is being stopped with its finally: harder, or the other way',
      of: run({ spec: { status: 'CancelledRunFinally' }, status: condition('Unknown', 'Running') }),
      actions: ['cancel', 'stop-run-finally', 'rerun', 'delete'],
    },
    {
      what: 'that is held back',
      of: run({ spec: { status: 'PipelineRunPending' } }),
      actions: ['start', 'cancel', 'delete'],
    },
    {
      what: 'that failed',
      of: run({ status: condition('False', 'Failed') }),
      actions: ['rerun-from-failure', 'rerun', 'delete'],
    },
    { what: 'that succeeded', of: run({ status: condition('True', 'Succeeded') }), actions: ['rerun', 'delete'] },
    { what: 'that is being deleted', of: run({ metadata: { deletionTimestamp: 'x' } }), actions: [] },
    {
      what: 'of a Task that runs',
      of: taskRun({ status: condition('Unknown', 'Running') }),
      actions: ['cancel', 'rerun', 'delete'],
    },
    {
      what: 'of a Task that failed',
      of: taskRun({ status: condition('False', 'Failed') }),
      actions: ['rerun', 'delete'],
    },
  ])('$what', ({ of, actions }) => {
    expect(actionsOf(of)).toEqual(actions);
  });
});

describe('what is asked of the API server', () => {
  it.each([
    ['start', run(), { verb: 'patch', body: { spec: { status: null } } }],
    ['cancel', run(), { verb: 'patch', body: { spec: { status: 'Cancelled' } } }],
    ['cancel', taskRun(), { verb: 'patch', body: { spec: { status: 'TaskRunCancelled' } } }],
    ['cancel-run-finally', run(), { verb: 'patch', body: { spec: { status: 'CancelledRunFinally' } } }],
    ['stop-run-finally', run(), { verb: 'patch', body: { spec: { status: 'StoppedRunFinally' } } }],
    ['delete', run(), { verb: 'delete' }],
  ] as const)('to %s', (action, of, request) => {
    expect(requestOf(of, action)).toEqual(request);
  });

  it('to run again: the same spec, marked as upstream does, without what made the first one', () => {
    const earlier = run({
      metadata: {
        name: 'build-r-abc12',
        namespace: 'n',
        uid: 'u',
        labels: { team: 'a', 'tekton.dev/pipeline': 'build', 'triggers.tekton.dev/trigger': 'push' },
        annotations: { 'tektite.dev/commit': 'c', 'tektite.dev/person': 'ana', 'chains.tekton.dev/signed': 'true' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x' }],
        finalizers: ['f'],
      },
      spec: { pipelineRef: { name: 'build' }, status: 'Cancelled' },
      status: condition('False', 'Cancelled'),
    });
    expect(requestOf(earlier, 'rerun-from-failure')).toEqual({
      verb: 'create',
      body: {
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: {
          namespace: 'n',
          generateName: 'build-r-',
          labels: { team: 'a', 'dashboard.tekton.dev/rerunOf': 'build-r-abc12' },
          annotations: { 'tektite.dev/commit': 'c', 'tektite.dev/rerun-from-failure': 'build-r-abc12' },
        },
        spec: { pipelineRef: { name: 'build' } },
      },
    });
  });

  it('to run again one with a long name: a name that the API server takes', () => {
    const request = requestOf(run({ metadata: { name: 'n'.repeat(253), namespace: 'n' } }), 'rerun');
    const { metadata } = request.verb === 'create' ? request.body : { metadata: {} };
    expect(metadata.generateName).toHaveLength(53);
    expect(metadata.labels).toEqual({});
  });
});
