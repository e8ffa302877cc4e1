import { describe, expect, it } from 'vitest';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { StepState, TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { attemptsOf, stepToShow } from './attempts.ts';
import { runGraph } from './run-graph.ts';
import { pipelineRunSentence, placeToShow, taskRunSentence } from './sentence.ts';
import { statusOf } from './status.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const now = Date.parse(at(90));
const condition = (status: 'True' | 'False' | 'Unknown', reason: string, message = '') => ({
  conditions: [{ type: 'Succeeded', status, reason, message }],
});
const ended = (name: string, exitCode: number, more: Partial<StepState> = {}): StepState => ({
  name,
  container: `step-${name}`,
  terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: at(10), finishedAt: at(22) },
  ...more,
});
const taskRun = (name: string, status: TaskRunStatus): TaskRun => ({ metadata: { name }, spec: {}, status });

function pipelineRun(status: PipelineRunStatus, ...taskRuns: TaskRun[]) {
  const spec = { tasks: taskRuns.map(({ metadata: { name = '' } }) => ({ name })) };
  const childReferences = taskRuns.map(({ metadata: { name = '' } }) => ({ name, pipelineTaskName: name }));
  const byName = new Map(taskRuns.map((run) => [run.metadata.name ?? '', run]));
  const run: PipelineRun = { metadata: { name: 'r' }, spec: {}, status: { ...status, childReferences } };
  const graph = runGraph(spec, run.status, (name) => statusOf(byName.get(name) ?? {}));
  return { run, graph, taskRuns: byName };
}

const failedPush = taskRun('build', {
  ...condition('False', 'Failed', '"step-push" exited with code 1'),
  startTime: at(5),
  completionTime: at(30),
  steps: [ended('compile', 0), ended('push', 1), ended('sign', 1, { terminationReason: 'Skipped' })],
});
const fine = taskRun('lint', { ...condition('True', 'Succeeded'), startTime: at(0), completionTime: at(4) });

describe('a PipelineRun in a sentence', () => {
  it.each<{ says: string; status: PipelineRunStatus; taskRuns?: TaskRun[] }>([
    { says: 'not begun', status: {} },
    {
      says: 'waits in a queue: 3rd for key shop',
      status: condition('Unknown', 'PipelineRunPending', '3rd for key shop'),
    },
    { says: 'running for 1 m 30 s', status: { ...condition('Unknown', 'Running'), startTime: at(0) } },
    {
      says: 'running for 1 m 30 s: test / unit',
      status: { ...condition('Unknown', 'Running'), startTime: at(0) },
      taskRuns: [
        fine,
        taskRun('test', { startTime: at(9), steps: [{ name: 'unit', running: { startedAt: at(10) } }] }),
      ],
    },
    {
      says: 'running for 1 m 30 s: test waits: exceeded quota: q',
      status: { ...condition('Unknown', 'Running'), startTime: at(0) },
      taskRuns: [fine, taskRun('test', condition('Unknown', 'ExceededResourceQuota', 'exceeded quota: q\nmore'))],
    },
    {
      says: 'succeeded in 18 s',
      status: { ...condition('True', 'Succeeded'), startTime: at(0), completionTime: at(18) },
      taskRuns: [fine],
    },
    {
      says: 'failed in build / push: exit 1 after 12 s',
      status: { ...condition('False', 'Failed', 'Tasks Completed: 2'), startTime: at(0), completionTime: at(31) },
      taskRuns: [fine, failedPush],
    },
    {
      says: 'failed in build: TaskRunImagePullFailed: no such image',
      status: { ...condition('False', 'Failed'), startTime: at(0), completionTime: at(31) },
      taskRuns: [taskRun('build', condition('False', 'TaskRunImagePullFailed', 'no such image\nmore'))],
    },
    { says: 'failed: no Pipeline x', status: condition('False', 'CouldntGetPipeline', 'no Pipeline x') },
    {
      says: 'cancelled after 20 s',
      status: { ...condition('False', 'Cancelled', 'by ana'), startTime: at(0), completionTime: at(20) },
    },
    {
      says: 'timed out after 1 m 00 s: took too long',
      status: {
        ...condition('False', 'PipelineRunTimeout', 'took too long'),
        startTime: at(0),
        completionTime: at(60),
      },
    },
  ])('$says', ({ says, status, taskRuns = [] }) => {
    const { run, graph, taskRuns: byName } = pipelineRun(status, ...taskRuns);
    expect(pipelineRunSentence(run, graph, { taskRuns: byName, now })).toBe(says);
  });

  it('that is held back says by what', () => {
    const { run, graph, taskRuns } = pipelineRun({});
    const held = { ...run, spec: { status: 'PipelineRunPending' as const } };
    expect(pipelineRunSentence(held, graph, { taskRuns, now })).toContain('spec.status');
  });
});

describe('where a run is opened', () => {
  it('is the step that broke it, of the task that ended first', () => {
    const later = taskRun('deploy', {
      ...condition('False', 'Failed'),
      startTime: at(6),
      completionTime: at(40),
      steps: [ended('apply', 2)],
    });
    const { graph, taskRuns } = pipelineRun(condition('False', 'Failed'), later, failedPush);
    expect(placeToShow(graph, taskRuns)).toEqual({ task: 'build', child: 'build', step: 'push' });
  });

  it('is nowhere in a run without tasks', () => {
    expect(placeToShow({ nodes: [] }, new Map())).toBeUndefined();
  });
});

describe('attempts', () => {
  it('are there with the one that counts last, each with its pod and steps', () => {
    const run = taskRun('t', {
      ...condition('True', 'Succeeded'),
      podName: 'second',
      steps: [ended('a', 0)],
      retriesStatus: [{ ...condition('False', 'Failed'), podName: 'first', steps: [ended('a', 1)] }],
    });
    expect(attemptsOf(run)).toMatchObject([
      { status: 'failed', pod: 'first', steps: [{ name: 'a', status: 'failed', exitCode: 1 }] },
      { status: 'succeeded', pod: 'second', steps: [{ name: 'a', status: 'succeeded' }] },
    ]);
  });

  it('show the steps of the Task before the pod is there', () => {
    const run: TaskRun = { metadata: {}, spec: { taskSpec: { steps: [{ name: 'a' }, { name: 'b' }] } } };
    expect(attemptsOf(run)[0]?.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'a waiting',
      'b waiting',
    ]);
  });

  it('a step that may fail is not what broke the task', () => {
    const [attempt] = attemptsOf(
      taskRun('t', { steps: [ended('may', 1, { terminationReason: 'Continued' }), ended('must', 2)] }),
    );
    expect(attempt && stepToShow(attempt)?.name).toBe('must');
  });

  it.each<{ says: string; status: TaskRunStatus }>([
    {
      says: 'waiting for 1 m 30 s: ImagePullBackOff, no such image',
      status: {
        ...condition('Unknown', 'Pending'),
        startTime: at(0),
        steps: [{ name: 'a', waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }],
      },
    },
    { says: 'waiting: exceeded quota: q', status: condition('Unknown', 'ExceededResourceQuota', 'exceeded quota: q') },
    {
      says: 'waiting for 1 m 30 s: awaiting remote resource',
      status: { ...condition('Unknown', 'ResolvingTaskRef', 'awaiting remote resource'), startTime: at(0) },
    },
    {
      says: 'running for 1 m 30 s',
      status: { ...condition('Unknown', 'Started', 'Not all Steps'), startTime: at(0) },
    },
    {
      says: 'failed in a: exit 137 (OOMKilled) after 12 s',
      status: { ...condition('False', 'Failed'), steps: [ended('a', 137, { terminationReason: 'OOMKilled' })] },
    },
    {
      says: 'failed: TaskRunResolutionFailed: no Task x',
      status: condition('False', 'TaskRunResolutionFailed', 'no Task x'),
    },
  ])('a TaskRun says $says', ({ says, status }) => {
    expect(taskRunSentence(taskRun('t', status), now)).toBe(says);
  });
});
