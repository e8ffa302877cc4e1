import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { RefSource } from '../../api/meta.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { ChildStatusReference, PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
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
  /** Whether anything was made for it, ended or not. */
  begun: boolean;
  /**
   * Children that the run speaks of but that nobody could look into: pruned, or of another kind (CustomRun,
   * PipelineRun).
   */
  unseen: ChildStatusReference[];
}

/** Tasks of the pipeline in the order of the spec, finally last. Skipped ones have neither runs nor unseen children. */
export function executedTasks(run: PipelineRun, children: readonly TaskRun[]): ExecutedTask[] {
  const references = run.status?.childReferences ?? [];
  const position = new Map(references.map((reference, index) => [childKey(reference.kind, reference.name), index]));
  const place = (child: TaskRun) => position.get(childKey('TaskRun', child.metadata.name)) ?? references.length;
  const taskOf = (child: TaskRun) =>
    child.metadata.labels?.[pipelineTaskLabel] ?? references[place(child)]?.pipelineTaskName;
  const ordered = [...children].sort((a, b) => place(a) - place(b));
  const present = new Set(children.map((child) => childKey('TaskRun', child.metadata.name)));
  const runsOf = Map.groupBy(ordered, taskOf);
  const unseenOf = Map.groupBy(
    references.filter(({ kind, name }) => !present.has(childKey(kind, name))),
    ({ pipelineTaskName }) => pipelineTaskName,
  );
  const describe =
    (isFinally: boolean) =>
    (task: PipelineTask): ExecutedTask => {
      const runs = runsOf.get(task.name) ?? [];
      const unseen = unseenOf.get(task.name) ?? [];
      return {
        task,
        isFinally,
        begun: runs.length + unseen.length > 0,
        runs: runs.filter((child) => child.status?.completionTime !== undefined),
        unseen,
      };
    };
  const spec = run.status?.pipelineSpec;
  return [...(spec?.tasks ?? []).map(describe(false)), ...(spec?.finally ?? []).map(describe(true))];
}

function childKey(kind: string | undefined, name: string | undefined): string {
  return `${kind ?? 'TaskRun'}/${name ?? ''}`;
}

/** A time of the API server as RFC 3339 in UTC, whole seconds; undefined when there is none. */
export function utcTime(time: string | undefined): string | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
