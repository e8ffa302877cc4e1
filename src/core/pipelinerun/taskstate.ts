import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { isDone, isFailed, isSuccessful, succeededCondition } from '../condition.ts';
import { labels } from '../labels.ts';
import { taskResults, type TaskResults } from '../results/values.ts';
import { isMatrixed } from './matrix.ts';
import { cancelMessages } from './types.ts';

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

/** What is known of a pipeline task from its TaskRuns alone. */
export interface TaskObservation {
  name: string;
  section: Section;
  /** As bound; results and statuses are not replaced yet. */
  task: PipelineTask;
  /** In the order of a matrix. */
  runs: readonly TaskRun[];
  progress: 'notStarted' | 'running' | 'succeeded' | 'failed';
  /** Of a failed task: some run was cancelled, and by a time limit of this run. */
  cancelled: boolean;
  cancelledForTimeout: boolean;
  results: TaskResults;
}

/** Pairs the tasks of a pipeline with the TaskRuns made for them. */
export function observeTasks(run: PipelineRun, spec: PipelineSpec, taskRuns: readonly TaskRun[]): TaskObservation[] {
  const byTask = groupByTask(run, taskRuns);
  const observe = (section: Section) => (task: PipelineTask) =>
    observeTask(task, section, byTask.get(task.name ?? '') ?? []);
  return [...(spec.tasks ?? []).map(observe('tasks')), ...(spec.finally ?? []).map(observe('finally'))];
}

/** By status.childReferences, which only the controller writes; one that is not there yet, by its label. */
function groupByTask(run: PipelineRun, taskRuns: readonly TaskRun[]): Map<string, TaskRun[]> {
  const referenced = new Map((run.status?.childReferences ?? []).map((child) => [child.name, child.pipelineTaskName]));
  const groups = new Map<string, TaskRun[]>();
  for (const taskRun of taskRuns) {
    const name = referenced.get(taskRun.metadata.name) ?? taskRun.metadata.labels?.[labels.pipelineTask];
    if (name !== undefined)
      groups
        .set(name, groups.get(name) ?? [])
        .get(name)
        ?.push(taskRun);
  }
  return groups;
}

function observeTask(task: PipelineTask, section: Section, unordered: readonly TaskRun[]): TaskObservation {
  const runs = [...unordered].sort(
    (a, b) => fanOutIndex(a) - fanOutIndex(b) || (a.metadata.name ?? '').localeCompare(b.metadata.name ?? ''),
  );
  const progress = progressOf(runs);
  const ended = progress === 'failed';
  return {
    name: task.name ?? '',
    section,
    task,
    runs,
    progress,
    cancelled: ended && runs.some(wasCancelled),
    cancelledForTimeout:
      ended && runs.some((run) => wasCancelled(run) && run.spec.statusMessage === cancelMessages.timedOut),
    results: progress === 'succeeded' || progress === 'failed' ? taskResults(runs, isMatrixed(task)) : new Map(),
  };
}

/** The number at the end of a fanned-out TaskRun's name. */
function fanOutIndex(run: TaskRun): number {
  return Number(/-(\d+)$/.exec(run.metadata.name ?? '')?.[1] ?? 0);
}

/** A fan-out is done when all its runs are, and failed when any is. */
function progressOf(runs: readonly TaskRun[]): TaskObservation['progress'] {
  if (runs.length === 0) return 'notStarted';
  if (!runs.every((run) => isDone(run.status))) return 'running';
  return runs.every((run) => isSuccessful(run.status)) ? 'succeeded' : 'failed';
}

function wasCancelled(run: TaskRun): boolean {
  return isFailed(run.status) && succeededCondition(run.status)?.reason === 'TaskRunCancelled';
}

/** `$(tasks.<t>.reason)`: of the first run that did not succeed, else of the first. */
export function reasonOf({ runs }: TaskObservation): string {
  const telling =
    runs.find((run) => !isSuccessful(run.status) && succeededCondition(run.status) !== undefined) ?? runs[0];
  return succeededCondition(telling?.status)?.reason ?? '';
}

export const ignoresFailure = ({ task }: { task: PipelineTask }): boolean => task.onError === 'continue';
