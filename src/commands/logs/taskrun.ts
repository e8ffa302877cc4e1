import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../api/resources.ts';
import { recorded } from '../../core/digest/record.ts';
import { parseOrigin } from '../../core/inheritance/record.ts';
import { labels } from '../../core/labels.ts';
import { messageOf } from '../../errors.ts';
import { CommandError } from '../command.ts';
import { isFinished } from '../kinds.ts';
import { followPod, readPod } from './pod.ts';
import type { TaskLogs } from './pod.ts';
import { NothingSeen, ObjectGone, Tracker } from './tracker.ts';

/** What a TaskRun's logs are headed with: the pipeline task, else the Task, else its number. */
export function taskNameOf(run: TaskRun, number: number): string {
  return run.metadata.labels?.[labels.pipelineTask] ?? run.spec.taskRef?.name ?? `Task ${number}`;
}

/**
 * What there is of a TaskRun's logs: those of earlier attempts, then of the last.
 * @throws CommandError when there is nothing to read yet.
 */
export async function readTaskRun(logs: TaskLogs, run: TaskRun): Promise<void> {
  if (!run.status?.startTime) throw new CommandError(`task ${logs.task} has not started yet`);
  const failure = failureOf(run, logs.task);
  if (failure) logs.sink.failure(failure);
  const origin = originOf(run);
  if (origin !== undefined) return logs.sink.notice(origin);
  if (!run.status.podName) throw new CommandError(`pod for taskrun ${run.metadata.name} not available yet`);
  for (const pod of podNames(run)) await guarded(logs, run.metadata.name ?? '', () => readPod(logs, pod));
}

/**
 * A TaskRun's logs until it is over. `patient` waits for its pod however long that takes; otherwise the activity
 * timeout holds.
 */
export async function followTaskRun(logs: TaskLogs, name: string, patient: boolean): Promise<void> {
  using tracker = new Tracker(logs.from, taskRuns, name, logs.signal);
  const finished = tracker.until((run) => isFinished(run) || undefined);
  // Whoever races against this promise hears of its failure through the wait below as well.
  finished.catch(() => undefined);
  const read = new Set<string>();
  for (;;) {
    const pod = await nextPod(logs, tracker, read, patient);
    if (pod === undefined) break;
    read.add(pod);
    await guarded(logs, name, () => followPod(logs, pod, finished));
  }
  if (tracker.latest === undefined || read.size > 0) return;
  const failure = failureOf(tracker.latest, logs.task);
  if (failure) logs.fail(failure);
  const origin = originOf(tracker.latest);
  if (origin !== undefined) logs.sink.notice(origin);
}

/** What there is to say of a TaskRun of a rerun that had nothing to do. */
function originOf({ metadata, status }: TaskRun): string | undefined {
  const origin = parseOrigin(recorded(status, 'inherited'));
  if (origin === undefined) return undefined;
  const { taskRun, pipelineRun } = origin;
  return `TaskRun ${metadata.name} has the results of TaskRun ${taskRun} of PipelineRun ${pipelineRun}, and no log of its own`;
}

/** The next pod that has not been read; undefined once the TaskRun is over (or out of sight, which is reported). */
async function nextPod(
  logs: TaskLogs,
  tracker: Tracker<TaskRun>,
  read: ReadonlySet<string>,
  patient: boolean,
): Promise<string | undefined> {
  const idleMs = patient || read.size > 0 ? undefined : logs.choice.activityTimeoutMs;
  try {
    const { pod } = await tracker.until((run) => {
      const next = podNames(run).find((name) => !read.has(name));
      return next !== undefined ? { pod: next } : isFinished(run) ? { pod: undefined } : undefined;
    }, idleMs);
    return pod;
  } catch (error) {
    logs.signal.throwIfAborted();
    if (error instanceof NothingSeen)
      logs.fail(`task ${logs.task} create has not started yet or pod for task not yet available`);
    else if (error instanceof ObjectGone || read.size === 0) logs.fail(`task ${logs.task}: ${messageOf(error)}`);
    else logs.fail(`failed to watch the task ${logs.task}: ${messageOf(error)}`);
    return undefined;
  }
}

/** Runs a reading of one pod; its failure is the task's, told with where to look. */
async function guarded(logs: TaskLogs, run: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    logs.signal.throwIfAborted();
    logs.fail(`task ${logs.task} failed: ${messageOf(error).trim()}. Run tektite tr desc ${run} for more details`);
  }
}

/** Pods of all attempts so far, oldest first. */
function podNames(run: TaskRun): string[] {
  const attempts = [...(run.status?.retriesStatus ?? []), ...(run.status ? [run.status] : [])];
  return [...new Set(attempts.flatMap(({ podName }) => (podName ? [podName] : [])))];
}

function failureOf(run: TaskRun, task: string): string | undefined {
  const condition = run.status?.conditions?.[0];
  return condition?.status === 'False' ? `task ${task} has failed: ${condition.message ?? ''}` : undefined;
}
