import type { PodTemplate } from '../../../api/core/podtemplate.ts';
import type { PipelineSpec, PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../../api/pipeline/v1/taskrun.ts';
import type { Subject } from './parts.ts';
import { eachTask } from './pipeline.ts';
import { rootAdvice } from './privilege.ts';
import { advice, type Advice } from './wording.ts';

/** 0 in any unit: "0", "0s", "0h0m". */
const ENDLESS = /^(?:0+|(?:0+(?:\.0+)?(?:ns|us|µs|ms|s|m|h))+)$/;

/** How long a run may take, in v1 and v1beta1. */
interface Limits {
  timeout?: unknown;
  timeouts?: { pipeline?: unknown };
}

/**
 * @param spec as it was written: a default is nobody's choice
 * @param at where the spec is
 */
export function timeoutAdvice(kind: string, spec: unknown, at: string): Advice[] {
  if (kind !== 'TaskRun' && kind !== 'PipelineRun') return [];
  const [value, field] = limitOf(kind, spec);
  if (value === undefined) {
    const message = `no time limit of its own, so that the cluster's default holds; set spec.${field}`;
    return [advice('no-timeout', at, message)];
  }
  if (typeof value !== 'string' || !ENDLESS.test(value)) return [];
  return [advice('no-timeout', `${at}.${field}`, 'it may run for ever; give it a time within which it is done')];
}

/** The time limit that was written, if any, and where it belongs. */
function limitOf(kind: string, written: unknown): [value: unknown, field: string] {
  const { timeout, timeouts } = (written ?? {}) as Limits;
  if (kind === 'PipelineRun' && timeout === undefined) return [timeouts?.pipeline, 'timeouts.pipeline'];
  return [timeout, 'timeout'];
}

/** @param task the Task that it runs, where that is known */
export function taskRunAdvice(run: TaskRunSpec, at: string, task: TaskSpec | undefined): Advice[] {
  return [
    ...podAdvice(run.podTemplate, `${at}.podTemplate`),
    ...(task === undefined ? [] : overrideAdvice(run, task, at)),
  ];
}

/** @param pipeline the Pipeline that it runs, where that is known, and `taskOf` what its tasks are, where that is */
export function pipelineRunAdvice(
  { spec, at: path, written }: Subject,
  pipeline: PipelineSpec | undefined,
  taskOf: (task: PipelineTask) => TaskSpec | undefined,
): Advice[] {
  const run = spec as PipelineRunSpec;
  const isLimited = limitOf('PipelineRun', written)[0] !== undefined;
  const tasks = new Map(eachTask(pipeline ?? {}, '').map(({ task }) => [task.name, task]));
  return [
    ...podAdvice(run.taskRunTemplate?.podTemplate, `${path}.taskRunTemplate.podTemplate`),
    ...(run.taskRunSpecs ?? []).flatMap((settings, index) => {
      const at = `${path}.taskRunSpecs[${index}]`;
      const name = settings.pipelineTaskName;
      const task = tasks.get(name);
      const used = task && taskOf(task);
      return [
        ...podAdvice(settings.podTemplate, `${at}.podTemplate`),
        ...(pipeline && name && !task
          ? [advice('unknown-override', `${at}.pipelineTaskName`, `the pipeline has no task "${name}"`)]
          : []),
        ...(used === undefined ? [] : overrideAdvice(settings, used, at)),
      ];
    }),
    ...(pipeline && isLimited ? finallyAdvice(run, path, pipeline) : []),
    ...(pipeline ? sharingAdvice(run, path, pipeline) : []),
  ];
}

function podAdvice(pod: PodTemplate | undefined, at: string): Advice[] {
  if (pod === undefined) return [];
  return [
    ...rootAdvice(pod.securityContext, `${at}.securityContext`),
    ...(pod.hostNetwork === true
      ? [advice('host-network', `${at}.hostNetwork`, 'it reaches what only the node may reach; leave it out')]
      : []),
  ];
}

function overrideAdvice(
  { stepSpecs = [], sidecarSpecs = [] }: Pick<TaskRunSpec, 'stepSpecs' | 'sidecarSpecs'>,
  { steps = [], sidecars = [] }: TaskSpec,
  at: string,
): Advice[] {
  const unknown = (what: string, there: readonly { name?: string | undefined }[], given: readonly { name: string }[]) =>
    given.flatMap(({ name }, index) =>
      !name || there.some((each) => each.name === name)
        ? []
        : [advice('unknown-override', `${at}.${what}Specs[${index}].name`, `the task has no ${what} "${name}"`)],
    );
  return [...unknown('step', steps, stepSpecs), ...unknown('sidecar', sidecars, sidecarSpecs)];
}

/** Tasks that take all of the time leave finally none. */
function finallyAdvice({ timeouts }: PipelineRunSpec, at: string, pipeline: PipelineSpec): Advice[] {
  const whole = timeouts?.pipeline;
  if (!pipeline.finally?.length || !whole || ENDLESS.test(whole)) return [];
  if (timeouts.tasks !== undefined || timeouts.finally !== undefined) return [];
  const message = 'tasks that take all of it leave nothing to finally; set timeouts.finally too';
  return [advice('no-finally-time', `${at}.timeouts.pipeline`, message)];
}

/** An emptyDir is made anew for each pod. */
function sharingAdvice({ workspaces = [] }: PipelineRunSpec, at: string, pipeline: PipelineSpec): Advice[] {
  const users = (name: string) =>
    eachTask(pipeline, '').filter(({ task }) =>
      (task.workspaces ?? []).some((each) => (each.workspace || each.name) === name),
    );
  return workspaces.flatMap(({ name, emptyDir }, index) => {
    const tasks = emptyDir && name ? users(name).map(({ task }) => task.name) : [];
    if (tasks.length < 2) return [];
    const message = `each of ${tasks.join(', ')} gets an empty folder of its own; bind a volumeClaimTemplate to share files`;
    return [advice('unshared-workspace', `${at}.workspaces[${index}].emptyDir`, message)];
  });
}
