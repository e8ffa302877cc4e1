import type { PipelineTask } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { StepAction } from '../../src/api/pipeline/v1beta1/stepaction.ts';
import { annotations } from '../../src/core/labels.ts';
import { ends, type Ending } from './kubelet.ts';

/** A run, and what has to have become of it whatever happened to the controller meanwhile. */
export interface Feature {
  name: string;
  spec: PipelineRunSpec;
  annotations?: Record<string, string>;
  /** Made when the run of that name has ended. */
  after?: string;
  /** Status, reason and message of its condition. NAME stands for the name of the run. */
  end: string;
  /**
   * All runs below it, at any depth, by what follows its name, with the pods of each: none for what is no TaskRun, and
   * undefined where a pod may not have come to be.
   */
  below: Record<string, number | undefined>;
}

const image = 'docker.io/library/busybox:1.36';
const scripts: Readonly<Record<Ending, string>> = {
  well: 'printf x > $(results.r.path)',
  badly: 'exit 1',
  'badly-once': '[ "$(context.task.retry-count)" = 1 ]',
  never: 'sleep 3600',
};

/** A task that a kubelet and the one that stands in for it bring to the same end. */
function work(name: string, ending: Ending = 'well', more: Partial<PipelineTask> = {}): PipelineTask {
  return {
    name,
    taskSpec: {
      metadata: { annotations: { [ends]: ending } },
      ...(ending === 'well' ? { results: [{ name: 'r' }] } : {}),
      steps: [{ name: 'do', image, script: `#!/bin/sh\n${scripts[ending]}\n` }],
    },
    ...more,
  };
}

const taking = (name: string, value: string | string[]) => {
  const type = typeof value === 'string' ? 'string' : 'array';
  const made = work(name, 'well', { params: [{ name: 'p', value }] });
  return { ...made, taskSpec: { ...made.taskSpec, params: [{ name: 'p', type } as const] } };
};
/** Its own controller ends it (StandInCustomController), or leaves it until it is told to stop. */
const custom = (name: string, ending: 'well' | 'never'): PipelineTask => ({
  name,
  taskRef: { apiVersion: 'example.dev/v1', kind: 'StandIn', name: ending },
});
const matrix = { params: [{ name: 'm', value: ['1', '2'] }] };
const done = (tasks: number, failed = 0, cancelled = 0, skipped = 0) =>
  `Tasks Completed: ${tasks} (Failed: ${failed}, Cancelled ${cancelled}), Skipped: ${skipped}`;
const succeeded = (tasks: number) => `True Succeeded: ${done(tasks)}`;

/** The StepAction that one of the runs refers to. */
export const stepAction: Pick<StepAction, 'metadata' | 'spec'> = {
  metadata: { name: 'say' },
  spec: { image, script: '#!/bin/sh\ntrue\n' },
};

const failedSpec = (ending: Ending): PipelineRunSpec => ({
  pipelineSpec: { tasks: [work('good'), work('late', ending, { runAfter: ['good'] })] },
});

/** One run for each thing in which a controller may be killed. */
export const features: readonly Feature[] = [
  {
    name: 'nested',
    spec: {
      pipelineSpec: {
        tasks: [
          {
            name: 'inner',
            pipelineSpec: {
              tasks: [work('x'), { name: 'deep', runAfter: ['x'], pipelineSpec: { tasks: [work('y')] } }],
              results: [{ name: 'r', value: '$(tasks.x.results.r)' }],
            },
          },
          taking('after', '$(tasks.inner.results.r)'),
        ],
      },
    },
    end: succeeded(2),
    below: { inner: 0, 'inner-x': 1, 'inner-deep': 0, 'inner-deep-y': 1, after: 1 },
  },
  {
    name: 'nested-matrix',
    spec: { pipelineSpec: { tasks: [{ name: 'inner', matrix, pipelineSpec: { tasks: [work('x')] } }, work('z')] } },
    end: succeeded(2),
    below: { 'inner-0': 0, 'inner-0-x': 1, 'inner-1': 0, 'inner-1-x': 1, z: 1 },
  },
  {
    name: 'nested-retries',
    spec: { pipelineSpec: { tasks: [{ name: 'inner', retries: 1, pipelineSpec: { tasks: [work('x', 'badly')] } }] } },
    end: `False Failed: ${done(1, 1)}`,
    below: { inner: 0, 'inner-x': 1, 'inner-retry-1': 0, 'inner-retry-1-x': 1 },
  },
  {
    name: 'custom',
    spec: {
      pipelineSpec: {
        tasks: [custom('ask', 'well'), { ...custom('fan', 'well'), matrix }, taking('after', '$(tasks.ask.results.r)')],
      },
    },
    end: succeeded(3),
    below: { ask: 0, 'fan-0': 0, 'fan-1': 0, after: 1 },
  },
  {
    name: 'matrix',
    spec: { pipelineSpec: { tasks: [work('fan', 'well', { matrix }), taking('sum', ['$(tasks.fan.results.r[*])'])] } },
    end: succeeded(2),
    below: { 'fan-0': 1, 'fan-1': 1, sum: 1 },
  },
  {
    name: 'retries',
    spec: { pipelineSpec: { tasks: [work('flaky', 'badly-once', { retries: 1 })], finally: [work('end')] } },
    end: succeeded(2),
    below: { flaky: 2, end: 1 },
  },
  {
    name: 'action',
    spec: {
      pipelineSpec: {
        tasks: [{ name: 'say', taskSpec: { steps: [{ name: 'do', ref: { name: stepAction.metadata.name } }] } }],
      },
    },
    end: succeeded(1),
    below: { say: 1 },
  },
  {
    name: 'fail-fast',
    annotations: { [annotations.failFast]: 'true' },
    spec: {
      pipelineSpec: {
        tasks: [
          work('bad', 'badly'),
          work('slow', 'never'),
          custom('wait', 'never'),
          { name: 'inner', pipelineSpec: { tasks: [work('x', 'never')] } },
          work('late', 'well', { runAfter: ['slow'] }),
        ],
        finally: [work('end')],
      },
    },
    end: `False Failed: ${done(5, 1, 3, 1)}`,
    below: { bad: 1, slow: undefined, wait: 0, inner: 0, 'inner-x': undefined, end: 1 },
  },
  {
    name: 'late',
    spec: {
      timeouts: { pipeline: '5m', tasks: '15s' },
      pipelineSpec: { tasks: [work('slow', 'never'), custom('wait', 'never')], finally: [work('end')] },
    },
    end: 'False PipelineRunTimeout: PipelineRun "NAME" failed due to tasks failed to finish within "15s"',
    below: { slow: undefined, wait: 0, end: 1 },
  },
  { name: 'failed', spec: failedSpec('badly'), end: `False Failed: ${done(2, 1)}`, below: { good: 1, late: 1 } },
  {
    name: 'rerun',
    after: 'failed',
    annotations: { [annotations.rerunFromFailure]: 'failed' },
    spec: failedSpec('well'),
    end: succeeded(2),
    below: { good: 0, late: 1 },
  },
  ...['one', 'two', 'three'].map((name) => ({
    name: `queued-${name}`,
    annotations: { [annotations.concurrencyLimit]: '1', [annotations.concurrencyKey]: 'param:lane' },
    spec: {
      params: [{ name: 'lane', value: 'slow' }],
      pipelineSpec: { params: [{ name: 'lane' }], tasks: [work('only')] },
    },
    end: succeeded(1),
    below: { only: 1 },
  })),
];

/** The run of a feature: its name, and those that it speaks of, follow `prefix`. */
export function runOf(
  { name, spec, annotations: given = {} }: Feature,
  prefix: string,
  namespace: string,
): PipelineRun {
  const earlier = given[annotations.rerunFromFailure];
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      name: prefix + name,
      namespace,
      annotations: { ...given, ...(earlier ? { [annotations.rerunFromFailure]: prefix + earlier } : {}) },
    },
    spec,
  };
}
