import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { labels } from '../labels.ts';
import { taskResults, type TaskResults } from '../results/values.ts';
import { attemptsOf } from './child/attempts.ts';
import type { Child } from './child/child.ts';
import { isMatrixed } from './matrix.ts';
import { taskChildName } from './names.ts';

/** Why a task is not run; upstream's texts, which clients show (status.skippedTasks[].reason). */
export type SkipReason =
  | 'When Expressions evaluated to false'
  | 'Parent Tasks were skipped'
  | 'PipelineRun was stopping'
  | 'PipelineRun was gracefully cancelled'
  | 'PipelineRun was gracefully stopped'
  | 'Results were missing'
  | 'PipelineRun timeout has been reached'
  | 'PipelineRun Tasks timeout has been reached'
  | 'PipelineRun Finally timeout has been reached'
  | 'Matrix Parameters have an empty array';

export type Section = 'tasks' | 'finally';

/** What is known of a pipeline task from its runs alone. */
export interface TaskObservation {
  name: string;
  section: Section;
  /** As bound; results and statuses are not replaced yet. */
  task: PipelineTask;
  /** In the order of a matrix. */
  children: readonly Child[];
  /** Those of them that count: of a run that was tried several times, the last. */
  latest: readonly Child[];
  /** By the name of the first attempt, the name of the one that is to follow. */
  again: ReadonlyMap<string, string>;
  progress: 'notStarted' | 'running' | 'succeeded' | 'failed';
  /** Of a failed task: some run was cancelled, and by a time limit of this run. */
  cancelled: boolean;
  cancelledForTimeout: boolean;
  results: TaskResults;
}

/** Pairs the tasks of a pipeline with the runs made for them. */
export function observeTasks(run: PipelineRun, spec: PipelineSpec, children: readonly Child[]): TaskObservation[] {
  const byTask = groupByTask(run, children);
  const observe = (section: Section) => (task: PipelineTask) =>
    observeTask(run, task, section, byTask.get(task.name ?? '') ?? []);
  return [...(spec.tasks ?? []).map(observe('tasks')), ...(spec.finally ?? []).map(observe('finally'))];
}

/** By status.childReferences, which only the controller writes; one that is not there yet, by its label. */
function groupByTask(run: PipelineRun, children: readonly Child[]): Map<string, Child[]> {
  const referenced = new Map((run.status?.childReferences ?? []).map((child) => [child.name, child.pipelineTaskName]));
  const groups = new Map<string, Child[]>();
  for (const child of children) {
    const name = referenced.get(child.name) ?? child.metadata.labels?.[labels.pipelineTask];
    if (name !== undefined)
      groups
        .set(name, groups.get(name) ?? [])
        .get(name)
        ?.push(child);
  }
  return groups;
}

function observeTask(
  run: PipelineRun,
  task: PipelineTask,
  section: Section,
  unordered: readonly Child[],
): TaskObservation {
  const children = isMatrixed(task) ? inFanOutOrder(run, task.name ?? '', unordered) : unordered;
  const { latest, again } = attemptsOf(task, children);
  const progress = progressOf(latest);
  const ended = progress === 'failed';
  return {
    name: task.name ?? '',
    section,
    task,
    children,
    latest,
    again,
    progress,
    cancelled: ended && latest.some((child) => child.wasCancelled),
    cancelledForTimeout: ended && latest.some((child) => child.wasTimedOut),
    results:
      progress === 'succeeded' || progress === 'failed'
        ? taskResults(
            latest.map((child) => child.object),
            isMatrixed(task),
          )
        : new Map(),
  };
}

/** In the order in which their names are given. */
function inFanOutOrder(run: PipelineRun, task: string, children: readonly Child[]): Child[] {
  const order = new Map(children.map((child) => [child, fanOutIndex(run, task, child.name)]));
  return [...children].sort(
    (a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** Which run of a fan-out has a name: the number that gives it that very name, for a task may be called `build-2`. */
function fanOutIndex(run: PipelineRun, task: string, name: string): number {
  const index = Number(/-(\d+)$/.exec(name)?.[1] ?? 0);
  return taskChildName(run, task, index) === name ? index : 0;
}

/** A fan-out is done when all its runs are, and failed when any is. */
function progressOf(children: readonly Child[]): TaskObservation['progress'] {
  if (children.length === 0) return 'notStarted';
  if (children.some(({ state }) => state === 'running')) return 'running';
  return children.every(({ state }) => state === 'succeeded') ? 'succeeded' : 'failed';
}

/** `$(tasks.<t>.reason)`: of the first run that did not succeed, else of the first. */
export function reasonOf({ latest }: TaskObservation): string {
  const telling = latest.find(({ state, reason }) => state !== 'succeeded' && reason !== '') ?? latest[0];
  return telling?.reason ?? '';
}

export const ignoresFailure = ({ task }: { task: PipelineTask }): boolean => task.onError === 'continue';
