import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import { events, pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';

const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('failures');
const sleep = { name: 'wait', image, script: '#!/bin/sh\nsleep 600\n' };
const echo = { name: 'say', image, command: ['echo', 'hi'] };
const fail = { name: 'break', image, script: '#!/bin/sh\nexit 3\n' };

/** A run that cannot succeed, and how it must say so. */
interface Row<Spec> {
  name: string;
  spec: Spec;
  reason: string;
  message: RegExp;
}

const taskRows: Row<TaskRun['spec']>[] = [
  {
    name: 'a Task that does not exist',
    spec: { taskRef: { name: 'nowhere' } },
    reason: 'TaskRunResolutionFailed',
    message: /tasks\.tekton\.dev "nowhere" not found/,
  },
  {
    name: 'a param without a value',
    spec: { taskSpec: { params: [{ name: 'who' }], steps: [echo] } },
    reason: 'TaskRunValidationFailed',
    message: /who/,
  },
  {
    name: 'a value of the wrong type',
    spec: {
      params: [{ name: 'list', value: 'x' }],
      taskSpec: { params: [{ name: 'list', type: 'array' }], steps: [echo] },
    },
    reason: 'TaskRunValidationFailed',
    message: /list/,
  },
  {
    name: 'a workspace that is not bound',
    spec: { taskSpec: { workspaces: [{ name: 'source' }], steps: [echo] } },
    reason: 'TaskRunValidationFailed',
    message: /source/,
  },
  {
    name: 'a step that fails',
    spec: { taskSpec: { steps: [fail, echo] } },
    reason: 'StepFailed',
    message: /"step-break" exited with code 3/,
  },
  {
    name: 'an image that cannot be pulled',
    spec: { taskSpec: { steps: [{ name: 'x', image: 'docker.io/library/no-such-image:1', command: ['true'] }] } },
    reason: 'TaskRunImagePullFailed',
    message: /no-such-image/,
  },
  {
    name: 'a step that takes too long',
    spec: { taskSpec: { steps: [{ ...sleep, timeout: '1s' }] } },
    reason: 'StepFailed',
    message: /"step-wait" exited because the step exceeded the specified timeout limit/,
  },
  {
    name: 'a TaskRun that takes too long',
    spec: { timeout: '4s', taskSpec: { steps: [sleep] } },
    reason: 'TaskRunTimeout',
    message: /TaskRun ".*" failed to finish within "4s"/,
  },
  {
    name: 'a pod that fits no node, until its timeout',
    spec: { timeout: '3s', podTemplate: { nodeSelector: { disk: 'none' } }, taskSpec: { steps: [echo] } },
    reason: 'TaskRunTimeout',
    message: /failed to finish within "3s"/,
  },
  {
    name: 'a secret that is not there, until its timeout',
    spec: {
      timeout: '5s',
      workspaces: [{ name: 'keys', secret: { secretName: 'none' } }],
      taskSpec: { workspaces: [{ name: 'keys' }], steps: [echo] },
    },
    reason: 'TaskRunTimeout',
    message: /5s/,
  },
  {
    name: 'a result that is too large',
    spec: {
      taskSpec: {
        results: [{ name: 'big' }],
        steps: [{ name: 'x', image, script: '#!/bin/sh\nhead -c 5000 /dev/zero | tr "\\0" x > $(results.big.path)\n' }],
      },
    },
    reason: 'TaskRunResultLargerThanAllowedLimit',
    message: /4096/,
  },
];

describe.concurrent('a TaskRun with', () => {
  it.each(taskRows)('$name ends as $reason', async ({ spec, reason, message }) => {
    const run = await bench.runTask(spec);
    const condition = succeededCondition(run.status);
    expect(condition).toMatchObject({ status: 'False', reason });
    expect(condition?.message).toMatch(message);
    expect(run.status?.completionTime).toBeDefined();
  });
});

const oneTask = (...steps: object[]): PipelineRun['spec'] => ({
  pipelineSpec: { tasks: [{ name: 'only', taskSpec: { steps: steps } }] },
});
const pipelineRows: Row<PipelineRun['spec']>[] = [
  {
    name: 'a Pipeline that does not exist',
    spec: { pipelineRef: { name: 'nowhere' } },
    reason: 'CouldntGetPipeline',
    message: /pipelines\.tekton\.dev "nowhere" not found/,
  },
  {
    name: 'a Task that does not exist',
    spec: { pipelineSpec: { tasks: [{ name: 'a', taskRef: { name: 'nowhere' } }] } },
    reason: 'CouldntGetTask',
    message: /nowhere/,
  },
  {
    name: 'a param without a value',
    spec: { pipelineSpec: { params: [{ name: 'who' }], tasks: [{ name: 'a', taskSpec: { steps: [echo] } }] } },
    reason: 'ParameterMissing',
    message: /who/,
  },
  {
    name: 'a workspace that is not bound',
    spec: { pipelineSpec: { workspaces: [{ name: 'foo' }], tasks: [{ name: 'a', taskSpec: { steps: [echo] } }] } },
    reason: 'InvalidWorkspaceBindings',
    message: /pipeline requires workspace with name "foo" be provided by pipelinerun/,
  },
  {
    name: 'a failing task',
    spec: oneTask(fail),
    reason: 'Failed',
    message: /Tasks Completed: 1 \(Failed: 1, Cancelled 0\), Skipped: 0/,
  },
  {
    name: 'a timeout',
    spec: { timeouts: { pipeline: '4s' }, ...oneTask(sleep) },
    reason: 'PipelineRunTimeout',
    message: /PipelineRun ".*" failed to finish within "4s"/,
  },
];

describe.concurrent('a PipelineRun with', () => {
  it.each(pipelineRows)('$name ends as $reason', async ({ spec, reason, message }) => {
    const run = await bench.runPipeline(spec);
    const condition = succeededCondition(run.status);
    expect(condition?.status).toBe('False');
    expect(condition?.reason).toMatch(new RegExp(`^(${reason})$`));
    expect(condition?.message).toMatch(message);
  });

  it('a failing task skips what depends on it and still runs finally', async () => {
    const run = await bench.runPipeline({
      pipelineSpec: {
        tasks: [
          { name: 'bad', taskSpec: { steps: [fail] } },
          { name: 'after', runAfter: ['bad'], taskSpec: { steps: [echo] } },
        ],
        finally: [{ name: 'clean', taskSpec: { steps: [echo] } }],
      },
    });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'Failed',
      message: 'Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1',
    });
    expect(run.status?.skippedTasks).toMatchObject([{ name: 'after', reason: 'PipelineRun was stopping' }]);
    expect(run.status?.childReferences?.map((child) => child.pipelineTaskName)).toEqual(['bad', 'clean']);
  });
});

describe('what happens to a run from outside', () => {
  const running = (run: TaskRun) => run.status?.steps?.some((step) => step.running) ?? false;

  it('a cancelled TaskRun ends at once and its pod goes', async () => {
    const run = await bench.waitFor(await bench.startTask({ taskSpec: { steps: [sleep] } }), running);
    const { status, out } = await bench.tektite('taskrun', 'cancel', run.metadata.name ?? '');
    expect([status, out]).toEqual([0, `TaskRun cancelled: ${run.metadata.name}\n`]);
    const ended = await bench.waitFor(run, undefined, 10);
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason: 'TaskRunCancelled',
      message: expect.stringContaining(`TaskRun "${run.metadata.name}" was cancelled`) as string,
    });
    expect(ended.status?.steps?.[0]?.terminated).toMatchObject({ exitCode: 1, reason: 'TaskRunCancelled' });
  });

  it('a cancelled PipelineRun cancels its TaskRuns', async () => {
    const run = await bench.startPipeline(oneTask(sleep));
    await bench.waitFor(run, (current) => (current.status?.childReferences?.length ?? 0) > 0);
    await bench.tektite('pipelinerun', 'cancel', run.metadata.name ?? '');
    const ended = await bench.waitFor(run, undefined, 20);
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason: 'Cancelled',
      message: `PipelineRun "${run.metadata.name}" was cancelled`,
    });
    const child = await bench.client.get(taskRuns, bench.namespace, `${run.metadata.name}-only`);
    const childEnded = await bench.waitFor(child, undefined, 20);
    expect(succeededCondition(childEnded.status)?.reason).toBe('TaskRunCancelled');
  });

  it.each([['CancelledRunFinally'], ['StoppedRunFinally']])('%s still runs finally', async (grace) => {
    const run = await bench.startPipeline({
      pipelineSpec: {
        tasks: [{ name: 'slow', taskSpec: { steps: [{ ...sleep, script: '#!/bin/sh\nsleep 5\n' }] } }],
        finally: [{ name: 'clean', taskSpec: { steps: [echo] } }],
      },
    });
    await bench.waitFor(run, (current) => (current.status?.childReferences?.length ?? 0) > 0);
    expect((await bench.tektite('pipelinerun', 'cancel', run.metadata.name ?? '', '--grace', grace)).status).toBe(0);
    const ended = await bench.waitFor(run, undefined, 60);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'False', reason: 'Cancelled' });
    expect(ended.status?.childReferences?.map((child) => child.pipelineTaskName)).toContain('clean');
  });

  it('a pending PipelineRun waits until it is let go', async () => {
    const run = await bench.startPipeline({ ...oneTask(echo), status: 'PipelineRunPending' });
    const waiting = await bench.waitFor(
      run,
      (current) => succeededCondition(current.status)?.reason === 'PipelineRunPending',
    );
    expect(waiting.status?.childReferences ?? []).toEqual([]);
    const { pipelineRuns } = await import('../../src/api/resources.ts');
    await bench.client.patch(pipelineRuns, bench.namespace, run.metadata.name ?? '', {
      type: 'json',
      body: [{ op: 'remove', path: '/spec/status' }],
    });
    expect(succeededCondition((await bench.waitFor(run)).status)?.status).toBe('True');
  });

  it('a pod that is deleted under a TaskRun does not leave it hanging', async () => {
    const run = await bench.waitFor(
      await bench.startTask({ timeout: '60s', taskSpec: { steps: [{ ...sleep, script: '#!/bin/sh\nsleep 4\n' }] } }),
      running,
    );
    await bench.client.delete(pods, bench.namespace, run.status?.podName ?? '', { gracePeriodSeconds: 0 });
    const ended = await bench.waitFor(run, (current) => isDone(current.status), 50);
    expect(succeededCondition(ended.status)?.status).toMatch(/True|False/);
    expect(succeededCondition(ended.status)?.message).not.toBe('');
  });

  it('an unschedulable pod says why while it waits', async () => {
    const run = await bench.startTask({ podTemplate: { nodeSelector: { disk: 'none' } }, taskSpec: { steps: [echo] } });
    const waiting = await bench.waitFor(
      run,
      (current) => succeededCondition(current.status)?.message?.includes('PodScheduled') ?? false,
      15,
    );
    expect(succeededCondition(waiting.status)).toMatchObject({
      status: 'Unknown',
      reason: 'Pending',
      message: expect.stringContaining("node(s) didn't match") as string,
    });
    await bench.tektite('taskrun', 'cancel', run.metadata.name ?? '');
    await bench.waitFor(run, undefined, 10);
  });

  it('failures end in a Warning event', async () => {
    const run = await bench.runTask({ taskSpec: { steps: [fail] } });
    const find = async () =>
      (
        await bench.client.list(events, {
          namespace: bench.namespace,
          fieldSelector: `involvedObject.name=${run.metadata.name}`,
        })
      ).items;
    await expect
      .poll(async () => (await find()).map((event) => [event.type, event.reason]), { timeout: 10_000 })
      .toContainEqual(['Warning', 'Failed']);
  });
});
