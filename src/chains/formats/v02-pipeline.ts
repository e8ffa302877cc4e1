import type { ChildStatusReference, PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import type { StepState, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { RunObject } from '../types.ts';
import { resultReferences } from '../../core/results/reference.ts';
import type { Report } from '../artifacts/hints.ts';
import { asGoWrites } from './go-spec.ts';
import { utcTime, within, type ExecutedPipeline, type ExecutedTask } from './runs.ts';
import { invocation, stepConfig } from './v02-parts.ts';

/**
 * buildConfig of a PipelineRun: an entry for each child, tasks in the order of the spec, finally last. A PipelineRun
 * within it has one, and after it those of its own children, named by the path to them.
 */
export function pipelineTasksConfig(
  run: PipelineRun,
  tasks: readonly ExecutedTask[],
  report: Report,
): Record<string, unknown> {
  return { tasks: run.status?.pipelineSpec ? entriesWithin(run, tasks, { path: '' }, report) : null };
}

/** Where a pipeline is within another: the path of its tasks' names, and what its first ones follow. */
interface Place {
  path: string;
  after?: string[] | undefined;
}

function entriesWithin(
  run: PipelineRun,
  tasks: readonly ExecutedTask[],
  place: Place,
  report: Report,
): Record<string, unknown>[] {
  let last: string | undefined;
  const entries: Record<string, unknown>[] = [];
  for (const executed of tasks) {
    const common = {
      name: place.path + (executed.task.name ?? ''),
      after: after(executed, last)?.map((name) => place.path + name) ?? place.after,
      ref: asGoWrites('Reference', executed.task.taskRef ?? {}),
      serviceAccountName: run.spec.taskRunTemplate?.serviceAccountName || undefined,
    };
    entries.push(
      ...executed.runs.flatMap((child) => entryOf(child, common, report)),
      ...executed.nested.flatMap((one) => entriesOfPipeline(one, common, executed.task, report)),
      ...executed.unseen.map((child) => unseenEntry(child, common, executed.task)),
    );
    if (!executed.isFinally && executed.begun) last = executed.task.name;
  }
  return entries;
}

/** What all entries of one pipeline task say. */
interface Common {
  name: string;
  after: string[] | undefined;
  [field: string]: unknown;
}

/** The PipelineRun itself, which is there too when it failed before it ran anything, then what it ran. */
function entriesOfPipeline(
  { run, tasks }: ExecutedPipeline,
  common: Common,
  task: PipelineTask,
  report: Report,
): Record<string, unknown>[] {
  const { pipelineSpec, startTime, completionTime } = run.status ?? {};
  return [
    {
      ...common,
      ...referenceOf(task),
      child: { apiVersion: run.apiVersion, kind: run.kind, name: run.metadata.name },
      startedOn: utcTime(startTime),
      finishedOn: utcTime(completionTime),
      status: statusOf(run),
      invocation: invocation(run, pipelineSpec?.params),
    },
    ...entriesWithin(run, tasks, { path: common.name + within, after: common.after }, report),
  ];
}

/** runAfter, then tasks whose results are used; a finally task with neither follows the last of the others that ran. */
function after({ task, isFinally }: ExecutedTask, last: string | undefined): string[] | undefined {
  const names = [...(task.runAfter ?? [])];
  for (const reference of resultReferences(task)) if (!names.includes(reference.task)) names.push(reference.task);
  if (names.length === 0 && isFinally && last !== undefined) names.push(last);
  return names.length === 0 ? undefined : names;
}

/**
 * Steps are paired by position. A child whose states do not fit its spec, or that failed before it had one, is left
 * out, as upstream does.
 */
function entryOf(child: TaskRun, common: Record<string, unknown>, report: Report): Record<string, unknown>[] {
  const { steps: states = [], results = [], taskSpec, startTime, completionTime } = child.status ?? {};
  if (taskSpec === undefined) return [];
  const specs = taskSpec.steps ?? [];
  if (!fit(states, specs)) {
    // Without any state the pod never ran: nothing to wonder about.
    if (states.length > 0)
      report({
        subject: `TaskRun ${child.metadata.name}`,
        message: `left out of buildConfig: its ${states.length} step states do not fit the ${specs.length} steps of its spec`,
      });
    return [];
  }
  return [
    {
      ...common,
      startedOn: utcTime(startTime),
      finishedOn: utcTime(completionTime),
      status: statusOf(child),
      steps: states.length === 0 ? undefined : states.map((state, index) => stepConfig(specs[index], state)),
      invocation: invocation(child, taskSpec.params),
      results: results.length === 0 ? undefined : asGoWrites('TaskRunResult[]', results),
    },
  ];
}

/** As many states as steps, and no state of an unnamed step where the spec has a name. */
function fit(states: readonly StepState[], specs: readonly Step[]): boolean {
  return (
    states.length === specs.length &&
    !states.some((state, index) => state.name?.startsWith('unnamed-') && specs[index]?.name)
  );
}

/** A child nobody could look into: that it ran is known, what it did is not. Upstream never attests such a run. */
function unseenEntry(
  child: ChildStatusReference,
  common: Record<string, unknown>,
  task: PipelineTask,
): Record<string, unknown> {
  return {
    ...common,
    ...referenceOf(task),
    child: { apiVersion: child.apiVersion, kind: child.kind, name: child.name },
    invocation: { configSource: {}, parameters: {} },
  };
}

/** Of a pipeline in the pipeline, which has no taskRef. */
function referenceOf({ taskRef, pipelineRef }: PipelineTask): { ref?: unknown } {
  return taskRef === undefined && pipelineRef !== undefined ? { ref: asGoWrites('Reference', pipelineRef) } : {};
}

/** As the CLI says it, from the first condition. */
function statusOf(child: RunObject): string | undefined {
  switch (child.status?.conditions?.[0]?.status) {
    case 'True':
      return 'Succeeded';
    case 'False':
      return 'Failed';
    case 'Unknown':
      return 'Running';
    default:
      return undefined;
  }
}
