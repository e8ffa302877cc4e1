import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { RefSource } from '../../api/meta.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { ChildStatusReference, PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import type { NamedResult } from '../artifacts/hints.ts';
import type { RunObject } from '../types.ts';

const pipelineTaskLabel = 'tekton.dev/pipelineTask';

export function isPipelineRun(run: RunObject): run is PipelineRun {
  return run.kind === 'PipelineRun';
}

export function resultsOf(run: RunObject): NamedResult[] {
  return named(run.status?.results);
}

/** Results of each step, in the order of the steps. */
export function stepResultsOf(run: TaskRun): NamedResult[][] {
  return (run.status?.steps ?? []).map((step) => named(step.results));
}

function named(results: readonly { name: string; value?: unknown }[] | undefined): NamedResult[] {
  return (results ?? []).map(({ name, value }) => ({ name, value: toParamValue(value) }));
}

/** Where the definition of a run came from, when a resolver fetched it. */
export function refSourceOf(run: RunObject): RefSource | undefined {
  return run.status?.provenance?.refSource;
}

/** A task of the pipeline with the child TaskRuns that ran to their end; several with a matrix. */
export interface ExecutedTask {
  task: PipelineTask;
  isFinally: boolean;
  runs: TaskRun[];
  /** PipelineRuns that were made for it, ended or not, each with its own tasks. */
  nested: ExecutedPipeline[];
  /** Whether anything was made for it, ended or not. */
  begun: boolean;
  /** Children that the run speaks of but that nobody could look into: pruned, or CustomRuns. */
  unseen: ChildStatusReference[];
}

/** A PipelineRun within another. */
export interface ExecutedPipeline {
  run: PipelineRun;
  tasks: ExecutedTask[];
}

/** Between the names of a pipeline task and of a task within its pipeline, as `describe` shows them. */
export const within = ' > ';

/**
 * Tasks of the pipeline in the order of the spec, finally last. Skipped ones have neither runs nor unseen children.
 * @param nested PipelineRuns that it made, as far as they are still there, each with what it made
 */
export function executedTasks(
  run: PipelineRun,
  children: readonly TaskRun[],
  nested: readonly NestedRun[] = [],
): ExecutedTask[] {
  const references = run.status?.childReferences ?? [];
  const position = new Map(references.map((reference, index) => [childKey(reference.kind, reference.name), index]));
  const keyOf = (child: RunObject) => childKey(isPipelineRun(child) ? 'PipelineRun' : 'TaskRun', child.metadata.name);
  const place = (child: RunObject) => position.get(keyOf(child)) ?? references.length;
  const taskOf = (child: RunObject) =>
    child.metadata.labels?.[pipelineTaskLabel] ?? references[place(child)]?.pipelineTaskName;
  const ordered = [...children].sort((a, b) => place(a) - place(b));
  const present = new Set([...children, ...nested.map((one) => one.run)].map(keyOf));
  const runsOf = Map.groupBy(ordered, taskOf);
  const nestedOf = Map.groupBy(
    [...nested].sort((a, b) => place(a.run) - place(b.run)),
    (one) => taskOf(one.run),
  );
  const unseenOf = Map.groupBy(
    references.filter(({ kind, name }) => !present.has(childKey(kind, name))),
    ({ pipelineTaskName }) => pipelineTaskName,
  );
  const describe =
    (isFinally: boolean) =>
    (task: PipelineTask): ExecutedTask => {
      const runs = runsOf.get(task.name) ?? [];
      const unseen = unseenOf.get(task.name) ?? [];
      const pipelines = nestedOf.get(task.name) ?? [];
      return {
        task,
        isFinally,
        begun: runs.length + unseen.length + pipelines.length > 0,
        runs: runs.filter((child) => child.status?.completionTime !== undefined),
        nested: pipelines.map((one) => ({ run: one.run, tasks: executedTasks(one.run, one.children, one.nested) })),
        unseen,
      };
    };
  const spec = run.status?.pipelineSpec;
  return [...(spec?.tasks ?? []).map(describe(false)), ...(spec?.finally ?? []).map(describe(true))];
}

/** TaskRuns of the whole tree that ran to their end: those of a task, then those of the pipelines within it. */
export function allTaskRuns(tasks: readonly ExecutedTask[]): TaskRun[] {
  return tasks.flatMap(({ runs, nested }) => [...runs, ...nested.flatMap((one) => allTaskRuns(one.tasks))]);
}

/** PipelineRuns of the whole tree, outer ones first, each with the path of the task that it was made for. */
export function allNested(tasks: readonly ExecutedTask[], path = ''): (ExecutedPipeline & { path: string })[] {
  return tasks.flatMap(({ task, nested }) =>
    nested.flatMap((one) => {
      const own = path + (task.name ?? '');
      return [{ ...one, path: own }, ...allNested(one.tasks, own + within)];
    }),
  );
}

/** Children of the whole tree that nobody could look into, each with the path of its task. */
export function allUnseen(tasks: readonly ExecutedTask[], path = ''): ChildStatusReference[] {
  return tasks.flatMap(({ task, nested, unseen }) => [
    ...unseen.map((child) => ({ ...child, pipelineTaskName: path + (child.pipelineTaskName ?? '') })),
    ...nested.flatMap((one) => allUnseen(one.tasks, path + (task.name ?? '') + within)),
  ]);
}

function childKey(kind: string | undefined, name: string | undefined): string {
  return `${kind ?? 'TaskRun'}/${name ?? ''}`;
}

/** A time of the API server as RFC 3339 in UTC, whole seconds; undefined when there is none. */
export function utcTime(time: string | undefined): string | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
