import { beforeAll, describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import type { StepAction } from '../../src/api/pipeline/v1beta1/stepaction.ts';
import { stepActions, taskRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { image, sh } from './shell-step.ts';

const bench = openWorkbench('tasks');
const succeeded = { status: 'True', reason: 'Succeeded', message: 'All Steps have completed executing' };

interface Row {
  spec: TaskRunSpec;
  condition: object;
  status?: object;
}

/** All of these run at the same time. */
const rows: Record<string, Row> = {
  'a StepAction: params and results': {
    spec: {
      params: [{ name: 'who', value: 'Ada' }],
      taskSpec: {
        results: [{ name: 'out', value: '$(steps.greet.results.greeting)' }],
        steps: [
          { name: 'greet', ref: { name: 'greet' }, params: [{ name: 'words', value: ['Hello', '$(params.who)'] }] },
          {
            name: 'again',
            ref: { name: 'greet' },
            params: [{ name: 'words', value: ['Hello', 'again'] }],
            when: [{ input: '$(steps.greet.results.greeting)', operator: 'notin', values: ['Hello, Ada'] }],
          },
        ],
      },
    },
    condition: succeeded,
    status: {
      results: [{ name: 'out', type: 'string', value: 'Hello, Ada' }],
      steps: [
        { name: 'greet', results: [{ name: 'greeting', type: 'string', value: 'Hello, Ada' }] },
        { name: 'again', terminationReason: 'Skipped' },
      ],
      // As it is run: nothing is referred to any more.
      taskSpec: {
        steps: [
          { name: 'greet', image },
          { name: 'again', image },
        ],
      },
    },
  },
  'a StepAction of the older version': {
    spec: { taskSpec: { steps: [{ name: 'old', ref: { name: 'old' } }] } },
    condition: succeeded,
    status: { steps: [{ name: 'old', results: [{ name: 'said', value: 'old' }] }] },
  },
  'a StepAction that lacks a param': {
    spec: { taskSpec: { steps: [{ name: 'greet', ref: { name: 'greet' } }] } },
    condition: {
      status: 'False',
      reason: 'TaskRunResolutionFailed',
      message: 'failed to resolve step ref for step "greet" (index 0): non-existent params in Step: [words]',
    },
  },
  'a StepAction that is not there': {
    spec: { taskSpec: { steps: [{ name: 's', ref: { name: 'none' } }] } },
    condition: {
      status: 'False',
      reason: 'TaskRunResolutionFailed',
      message: expect.stringContaining('stepactions.tekton.dev "none" not found') as string,
    },
  },
  'step results and a guard on them': {
    spec: {
      taskSpec: {
        steps: [
          { ...sh('make', 'printf yes > $(step.results.r.path)'), results: [{ name: 'r' }] },
          // In the pod only command, args and env get them, as upstream: a script is a file by then.
          { ...sh('take', '[ "$R" = yes ]'), env: [{ name: 'R', value: '$(steps.make.results.r)' }] },
          {
            ...sh('skipped', 'exit 1'),
            when: [{ input: '$(steps.make.results.r)', operator: 'in', values: ['no'] }],
          },
        ],
      },
    },
    condition: succeeded,
    status: { steps: [{ terminationReason: 'Completed' }, {}, { terminationReason: 'Skipped' }] },
  },
  'array and object results': {
    spec: {
      taskSpec: {
        results: [
          { name: 'list', type: 'array' },
          { name: 'object', type: 'object', properties: { a: { type: 'string' } } },
        ],
        steps: [sh('make', `printf '["x","y"]' > $(results.list.path)\nprintf '{"a":"A"}' > $(results.object.path)`)],
      },
    },
    condition: succeeded,
    status: {
      results: [
        { name: 'list', type: 'array', value: ['x', 'y'] },
        { name: 'object', type: 'object', value: { a: 'A' } },
      ],
    },
  },
  'a sidecar that the steps wait for, and that is stopped': {
    spec: {
      taskSpec: {
        volumes: [{ name: 'shared', emptyDir: {} }],
        sidecars: [
          {
            ...sh('server', 'trap exit TERM; sleep 2; echo up > /shared/up; sleep 3600 & wait'),
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
            readinessProbe: { exec: { command: ['test', '-f', '/shared/up'] }, periodSeconds: 1 },
          },
        ],
        steps: [{ ...sh('use', 'cat /shared/up'), volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }],
      },
    },
    condition: succeeded,
    status: { sidecars: [{ name: 'server', container: 'sidecar-server' }] },
  },
  'retries, each with its status': {
    spec: { retries: 1, taskSpec: { steps: [sh('try', '[ "$(context.task.retry-count)" = 1 ]')] } },
    condition: succeeded,
    status: { retriesStatus: [{ conditions: [{ status: 'False', reason: 'StepFailed' }] }] },
  },
  'onError: continue': {
    spec: { taskSpec: { steps: [{ ...sh('fails', 'exit 3'), onError: 'continue' }, sh('goes-on', 'true')] } },
    condition: succeeded,
    status: {
      steps: [{ terminated: { exitCode: 3 }, terminationReason: 'Continued' }, { terminated: { exitCode: 0 } }],
    },
  },
  'onError: continueAndFail: the steps after it run, and the first that failed so is told': {
    spec: {
      taskSpec: {
        results: [{ name: 'report' }],
        steps: [
          { ...sh('test', 'exit 3'), onError: 'continueAndFail' },
          { ...sh('lint', 'exit 4'), onError: 'continueAndFail' },
          sh('publish', 'printf "$(cat $(steps.step-test.exitCode.path))" > $(results.report.path)'),
          sh('stop', 'exit 5'),
          sh('never', 'true'),
        ],
      },
    },
    condition: { status: 'False', reason: 'StepFailed', message: '"step-test" exited with code 3: Error' },
    status: {
      results: [{ name: 'report', value: '3' }],
      steps: [
        { terminated: { exitCode: 3, reason: 'Error' }, terminationReason: 'Continued' },
        { terminated: { exitCode: 4, reason: 'Error' }, terminationReason: 'Continued' },
        { terminated: { exitCode: 0 }, terminationReason: 'Completed' },
        { terminated: { exitCode: 5 }, terminationReason: 'Error' },
        { terminationReason: 'Skipped' },
      ],
    },
  },
  'a step that takes too long': {
    spec: { taskSpec: { steps: [{ ...sh('slow', 'sleep 3600'), timeout: '1s' }] } },
    condition: {
      status: 'False',
      reason: 'StepFailed',
      message: '"step-slow" exited because the step exceeded the specified timeout limit',
    },
    status: { steps: [{ terminationReason: 'TimeoutExceeded' }] },
  },
  'a step that fails': {
    spec: { taskSpec: { steps: [sh('fails', 'exit 7')] } },
    condition: { status: 'False', reason: 'StepFailed', message: '"step-fails" exited with code 7: Error' },
  },
  'compute resources of the whole run': {
    spec: {
      computeResources: { requests: { cpu: '20m' }, limits: { memory: '64Mi' } },
      taskSpec: { steps: [sh('one', 'true'), sh('two', 'true')] },
    },
    condition: succeeded,
  },
  'workspaces: optional, a part of one, and for one step alone': {
    spec: {
      workspaces: [
        { name: 'alone', emptyDir: {} },
        { name: 'part', emptyDir: {}, subPath: 'inner' },
      ],
      taskSpec: {
        workspaces: [{ name: 'alone' }, { name: 'part' }, { name: 'optional', optional: true }],
        steps: [
          {
            ...sh('in-part', 'touch $(workspaces.part.path)/file && [ -f /whole/inner/file ]'),
            volumeMounts: [{ name: '$(workspaces.part.volume)', mountPath: '/whole' }],
          },
          {
            ...sh('has', '[ "$(workspaces.optional.bound)" = false ] && touch $(workspaces.alone.path)/file'),
            workspaces: [{ name: 'alone', mountPath: '/mine' }],
          },
          sh('has-not', '[ ! -e /mine/file ] && [ ! -e /workspace/alone/file ]'),
        ],
      },
    },
    condition: succeeded,
  },
};

const greet: StepAction = {
  apiVersion: 'tekton.dev/v1beta1',
  kind: 'StepAction',
  metadata: { name: 'greet' },
  spec: {
    image,
    params: [{ name: 'words', type: 'array' }],
    env: [
      { name: 'FIRST', value: '$(params.words[0])' },
      { name: 'SECOND', value: '$(params.words[1])' },
    ],
    results: [{ name: 'greeting' }],
    script: '#!/bin/sh\nprintf "%s, %s" "$FIRST" "$SECOND" > $(step.results.greeting.path)\n',
  },
};

const olderStepActions = { ...stepActions, version: 'v1alpha1' };
const old: StepAction = {
  apiVersion: 'tekton.dev/v1alpha1',
  kind: 'StepAction',
  metadata: { name: 'old' },
  spec: { image, results: [{ name: 'said' }], script: '#!/bin/sh\nprintf old > $(step.results.said.path)\n' },
};

describe('TaskRuns of all kinds at once', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    await Promise.all([bench.create(stepActions, greet), bench.create(olderStepActions, old)]);
    const runs = Object.entries(rows).map(async ([name, { spec }]) => started.set(name, await bench.startTask(spec)));
    await Promise.all(runs);
  }, 60_000);

  it.each(Object.entries(rows))('%s', { timeout: 130_000 }, async (name, { condition, status = {} }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 120);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    expect(ended.status).toMatchObject(status);
  });

  it('a sidecar is stopped once the steps have ended', async () => {
    const run = started.get('a sidecar that the steps wait for, and that is stopped');
    if (run === undefined) throw new Error('it was not started');
    const isStopped = (current: TaskRun) => current.status?.sidecars?.[0]?.terminated !== undefined;
    const { status } = await bench.waitFor(run, isStopped, 60);
    const pod = await bench.client.get(pods, bench.namespace, status?.podName ?? '');
    const left = pod.status?.containerStatuses?.filter(({ state }) => state?.running !== undefined) ?? [];
    expect(left.map(({ name }) => name)).toEqual([]);
  });

  it('each step has its share of what the run requests, and the whole limit', async () => {
    const run = started.get('compute resources of the whole run');
    if (run === undefined) throw new Error('it was not started');
    const { status } = await bench.waitFor(run);
    const { spec } = await bench.client.get(pods, bench.namespace, status?.podName ?? '');
    const share = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '64Mi' } };
    expect(spec?.containers.map(({ resources }) => resources)).toEqual([share, share]);
  });

  it("another controller's run is left alone", async () => {
    const taskSpec = { steps: [sh('s', 'true')] };
    const run = await bench.startTask({ managedBy: 'example.com/other', taskSpec });
    await bench.runTask({ managedBy: 'tekton.dev/pipeline', taskSpec });
    const seen = await bench.client.get(taskRuns, bench.namespace, run.metadata.name ?? '');
    expect(seen.status).toBeUndefined();
    const labelSelector = `tekton.dev/taskRun=${run.metadata.name}`;
    expect((await bench.client.list(pods, { namespace: bench.namespace, labelSelector })).items).toEqual([]);
  });
});
