import type { Condition } from '../../api/meta.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { ChildStatusReference, PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns } from '../../api/resources.ts';
import { messageOf } from '../../errors.ts';
import { isNotFound } from '../../kube/api-error.ts';
import { childTaskRuns } from '../child-task-runs.ts';
import { CommandError } from '../command.ts';
import { hasFailed, isFinished } from '../kinds.ts';
import type { LogChoice, TaskLogs } from './pod.ts';
import { followTaskRun, readTaskRun } from './taskrun.ts';
import { NothingSeen, Tracker } from './tracker.ts';
import type { Observatory } from './tracker.ts';
import type { LogSink } from './writer.ts';

/** Logs of a PipelineRun: where to look, what to show (of `tasks` only, when some are named) and where it goes. */
export interface PipelineLogs {
  from: Observatory;
  choice: LogChoice & { tasks: readonly string[]; displayNames: boolean };
  sink: LogSink;
  signal: AbortSignal;
  /** The pipeline tasks that a nested run stands for, "outer > "; nothing for the run that the user named. */
  path?: string;
  /** The display name of the task that is read, where display names are wanted. */
  heading?: string | undefined;
}

/** All logs of a PipelineRun in the order of its tasks; one that still runs is first waited for as tkn does. */
export async function readPipelineRun(logs: PipelineLogs, run: PipelineRun): Promise<void> {
  const last = await whenFinished(logs, run);
  const shown = await readChildren(logs, last);
  tellFailure(logs, last);
  if (logs.choice.failedOnly && !shown && !hasFailed(last))
    logs.sink.notice(`PipelineRun ${last.metadata.name} has no failed tasks`);
}

/** @returns whether there was a task to show. */
async function readChildren(logs: PipelineLogs, run: PipelineRun): Promise<boolean> {
  const tasks = await pipelineTasks(logs, run);
  const children = inOrder(run.status?.childReferences ?? [], tasks);
  const wanted = children.filter((child) => isWanted(logs, child));
  if (wanted.length === 0 && !logs.path) checkTasks(logs, children);
  const taskRunsByName = await childTaskRuns(logs.from.cluster, run, {
    namespace: logs.from.namespace,
    signal: logs.signal,
  });
  let shown = false;
  for (const child of wanted) {
    const taskRun = taskRunsByName.get(child.name ?? '');
    shown = (await showChild(withHeading(logs, child, tasks), child, taskRun)) || shown;
  }
  return shown;
}

/** Tells of a child that cannot be read: the others are still shown. @returns whether there was a task to show. */
async function showChild(
  logs: PipelineLogs,
  child: ChildStatusReference,
  taskRun: TaskRun | undefined,
): Promise<boolean> {
  if (logs.choice.failedOnly && taskRun && !hasFailed(taskRun)) return false;
  try {
    return await readChild(logs, child, taskRun);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    logs.sink.failure(error.message);
    return true;
  }
}

/** @throws CommandError when tasks were named, for none of them has logs. */
function checkTasks(logs: PipelineLogs, children: readonly ChildStatusReference[]): void {
  const { tasks } = logs.choice;
  const available = new Set(
    children.flatMap(({ kind, pipelineTaskName = '' }) => (kind === taskRuns.kind ? [pipelineTaskName] : [])),
  );
  if (tasks.length > 0)
    throw new CommandError(
      `passed filtered tasks: [${tasks.join(' ')}] is not available, available tasks are: [${[...available].join(' ')}]`,
    );
}

async function readChild(
  logs: PipelineLogs,
  child: ChildStatusReference,
  taskRun: TaskRun | undefined,
): Promise<boolean> {
  const name = child.name ?? '';
  if (child.kind === taskRuns.kind) {
    if (!taskRun)
      throw new CommandError(`Unable to get TaskRun: ${taskRuns.plural}.${taskRuns.group} "${name}" not found`);
    await readTaskRun(taskLogs(logs, child), taskRun);
    return true;
  }
  // Another controller does it: there is no pod of ours.
  if (child.kind === 'CustomRun') return false;
  const run = await logs.from.cluster
    .get(pipelineRuns, logs.from.namespace, name, { signal: logs.signal })
    .catch((error: unknown) => {
      logs.signal.throwIfAborted();
      throw new CommandError(`Unable to get PipelineRun: ${messageOf(error)}`);
    });
  if (isBarren(run)) tellFailure(logs, run);
  return readChildren(nested(logs, child), run);
}

/** It ran nothing: no log of a task says why it failed. */
function isBarren({ status }: PipelineRun): boolean {
  return !status?.childReferences?.length;
}

/** Logs of all tasks as they run, side by side, until the PipelineRun and its last task are over. */
export async function followPipelineRun(logs: PipelineLogs, name: string): Promise<void> {
  using tracker = new Tracker(logs.from, pipelineRuns, name, logs.signal);
  const begun = new Set<string>();
  const running: Promise<void>[] = [];
  const begin = (child: ChildStatusReference, run: PipelineRun): void => {
    if (!child.name || begun.has(child.name) || !isWanted(logs, child)) return;
    begun.add(child.name);
    const following = followChild(withHeading(logs, child, recordedTasks(run) ?? []), child);
    // When the user interrupts, the wait below is left before these are waited for.
    following.catch(() => undefined);
    running.push(following);
  };
  try {
    await tracker.until((run) => {
      for (const child of run.status?.childReferences ?? []) begin(child, run);
      return isFinished(run) || undefined;
    });
  } catch (error) {
    logs.signal.throwIfAborted();
    logs.sink.failure(`PipelineRun ${name}: ${messageOf(error)}`);
  }
  await Promise.all(running);
  if (tracker.latest && (!logs.path || isBarren(tracker.latest))) tellFailure(logs, tracker.latest);
}

async function followChild(logs: PipelineLogs, child: ChildStatusReference): Promise<void> {
  try {
    const name = child.name ?? '';
    if (child.kind === 'CustomRun') return;
    await (child.kind === taskRuns.kind
      ? followTaskRun(taskLogs(logs, child), name, true)
      : followPipelineRun(nested(logs, child), name));
  } catch (error) {
    logs.signal.throwIfAborted();
    logs.sink.failure(messageOf(error));
  }
}

function withHeading(logs: PipelineLogs, child: ChildStatusReference, tasks: readonly PipelineTask[]): PipelineLogs {
  if (!logs.choice.displayNames) return logs;
  // The child's own has its variables replaced.
  const heading =
    child.displayName || tasks.find(({ name }) => name === child.pipelineTaskName)?.displayName || undefined;
  return { ...logs, heading };
}

function taskLogs(logs: PipelineLogs, child: ChildStatusReference): TaskLogs {
  const task = `${logs.path ?? ''}${child.pipelineTaskName ?? ''}`;
  const heading = logs.heading && `${logs.path ?? ''}${logs.heading}`;
  return {
    ...logs,
    task,
    heading,
    fail: (message) => logs.sink.failure(`failed to get logs for task ${task} : ${message}`),
  };
}

/** Logs of a pipeline within the pipeline. Naming its task shows all of its tasks. */
function nested(logs: PipelineLogs, child: ChildStatusReference): PipelineLogs {
  const task = child.pipelineTaskName ?? '';
  const tasks = logs.choice.tasks.includes(task) ? [] : logs.choice.tasks;
  return { ...logs, path: `${logs.path ?? ''}${logs.heading ?? task} > `, choice: { ...logs.choice, tasks } };
}

/** Custom tasks have no logs that we could know of. */
function isWanted(logs: PipelineLogs, child: ChildStatusReference): boolean {
  const { tasks } = logs.choice;
  if (child.kind === pipelineRuns.kind) return true;
  return child.kind === taskRuns.kind && (tasks.length === 0 || tasks.includes(child.pipelineTaskName ?? ''));
}

function firstCondition({ status }: PipelineRun): Condition | undefined {
  return status?.conditions?.[0];
}

function tellFailure(logs: PipelineLogs, run: PipelineRun): void {
  const condition = firstCondition(run);
  if (condition?.status === 'False') logs.sink.failure(condition.message ?? '');
}

/** The run once it is over, or as it stands after the activity timeout without news. */
async function whenFinished(logs: PipelineLogs, run: PipelineRun): Promise<PipelineRun> {
  if (!firstCondition(run) || isFinished(run)) return run;
  using tracker = new Tracker(logs.from, pipelineRuns, run.metadata.name ?? '', logs.signal);
  let told = false;
  try {
    return await tracker.until((state) => {
      if (isFinished(state)) return state;
      if (!told) logs.sink.notice('Pipeline still running ...');
      told = true;
      return undefined;
    }, logs.choice.activityTimeoutMs);
  } catch (error) {
    if (!(error instanceof NothingSeen)) throw error;
    const last = tracker.latest ?? run;
    logs.sink.notice(`PipelineRun is still running: ${firstCondition(last)?.message ?? ''}`);
    return last;
  }
}

/** Children in the order of the pipeline's tasks, then of its finally tasks; several of one task as listed. */
function inOrder(children: readonly ChildStatusReference[], tasks: readonly PipelineTask[]): ChildStatusReference[] {
  const order = tasks.map((task) => task.name);
  const place = (child: ChildStatusReference): number => {
    const index = order.indexOf(child.pipelineTaskName);
    return index === -1 ? order.length : index;
  };
  return [...children].sort((a, b) => place(a) - place(b));
}

/** The run's own record comes first: the Pipeline it names may have changed since, or be gone. */
async function pipelineTasks(logs: PipelineLogs, run: PipelineRun): Promise<PipelineTask[]> {
  const recorded = recordedTasks(run);
  const name = run.spec.pipelineRef?.name;
  if (recorded || !name) return recorded ?? [];
  try {
    const { spec } = await logs.from.cluster.get(pipelines, logs.from.namespace, name, { signal: logs.signal });
    return tasksOf(spec);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function recordedTasks(run: PipelineRun): PipelineTask[] | undefined {
  const recorded = run.status?.pipelineSpec ?? run.spec.pipelineSpec;
  return recorded && tasksOf(recorded);
}

function tasksOf(spec: PipelineSpec): PipelineTask[] {
  return [...(spec.tasks ?? []), ...(spec.finally ?? [])];
}
