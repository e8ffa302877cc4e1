import { messageOf } from '../../errors.ts';
import { ApiError } from '../../kube/api-error.ts';
import { pods } from '../../kube/resources.ts';
import type { Pod } from '../../kube/resources.ts';
import {
  containerFailure,
  hasStarted,
  hindrances,
  isOver,
  isReadable,
  isSidecar,
  selectContainers,
  stateOf,
} from './containers.ts';
import type { StepContainer } from './containers.ts';
import { linesOf } from './lines.ts';
import { NothingSeen, ObjectGone, Tracker } from './tracker.ts';
import type { Observatory } from './tracker.ts';
import type { LogSink } from './writer.ts';

/** What the user wants to see. */
export interface LogChoice {
  follow: boolean;
  timestamps: boolean;
  allSteps: boolean;
  /** Of failed tasks, only the step that failed. */
  failedOnly: boolean;
  steps: readonly string[];
  /** How long to wait for a sign of life of something that should start. */
  activityTimeoutMs: number;
}

/** Logs of one task: where to look, what to show, and where it goes. */
export interface TaskLogs {
  from: Observatory;
  choice: LogChoice;
  sink: LogSink;
  signal: AbortSignal;
  /** Names the task in messages and before each line; `heading` takes its place there. */
  task: string;
  heading?: string | undefined;
  /** Says that something went wrong with a pod or a step of this task. */
  fail(message: string): void;
  /** Called when a pod has none of the steps that were asked for. */
  noSteps?(): void;
}

/** The kubelet reports the end of a container a moment after its log ends. */
const STATUS_DELAY_MS = 5_000;
/** What a sidecar had written when the TaskRun ended is under way for a moment. */
const LAST_WORDS_MS = 500;

/**
 * What there is of a pod's logs, container by container; stops at the first that failed. @throws when the pod cannot be
 * read.
 */
export async function readPod(logs: TaskLogs, name: string): Promise<void> {
  const pod = await logs.from.cluster.get(pods, logs.from.namespace, name, { signal: logs.signal });
  const containers = selectContainers(pod, logs.choice);
  if (containers.length === 0) logs.noSteps?.();
  const { failedOnly } = logs.choice;
  // What comes after the step that failed did not run.
  await readContainers(logs, pod, failedOnly ? containers.filter((each) => containerFailure(pod, each)) : containers);
}

async function readContainers(logs: TaskLogs, pod: Pod, containers: readonly StepContainer[]): Promise<void> {
  for (const container of containers) {
    if (!hasStarted(stateOf(pod, container))) continue;
    await copyLog(logs, pod.metadata.name ?? '', container, false);
    const failure = containerFailure(pod, container);
    if (failure) return logs.fail(failure);
  }
}

/**
 * A pod's logs from its start to its end, container by container. `finished` settles when the TaskRun is over: a pod
 * that has not started by then never will, and is read as it stands.
 * @throws when the pod is deleted or will not start.
 */
export async function followPod(logs: TaskLogs, name: string, finished: Promise<unknown>): Promise<void> {
  using tracker = new Tracker(logs.from, pods, name, logs.signal);
  const over = finished.then(() => undefined);
  const told = new Set<string>();
  const seen = (pod: Pod): Pod => {
    for (const { cause, sentence } of hindrances(pod)) {
      if (!told.has(cause)) logs.sink.failure(`task ${logs.task}: ${sentence}`);
      told.add(cause);
    }
    return pod;
  };
  const pod = await Promise.race([tracker.until((state) => (isReadable(seen(state)) ? state : undefined)), over]);
  if (!pod) return readPod(logs, name);
  const containers = selectContainers(pod, logs.choice);
  if (containers.length === 0) logs.noSteps?.();
  for (const [index, container] of containers.entries()) {
    const ready = await Promise.race([tracker.until((state) => readiness(seen(state), container)), over]);
    if (!ready) {
      const last = await logs.from.cluster.get(pods, logs.from.namespace, name, { signal: logs.signal });
      return readContainers(logs, last, containers.slice(index));
    }
    if (ready === 'never') continue;
    if (isSidecar(container)) {
      await copySidecarLog(logs, name, container, over);
      continue;
    }
    await copyLog(logs, name, container, true);
    const failure = await outcome(tracker, container);
    if (failure) return logs.fail(failure);
  }
}

function readiness(pod: Pod, container: StepContainer): 'started' | 'never' | undefined {
  if (hasStarted(stateOf(pod, container))) return 'started';
  return isOver(pod) ? 'never' : undefined;
}

/** How a container whose log has ended came out. */
async function outcome(tracker: Tracker<Pod>, container: StepContainer): Promise<string | undefined> {
  try {
    return await tracker
      .until(
        (pod) => (stateOf(pod, container)?.terminated ? { failure: containerFailure(pod, container) } : undefined),
        STATUS_DELAY_MS,
      )
      .then(({ failure }) => failure);
  } catch (error) {
    if (error instanceof NothingSeen)
      return `the log of container ${container.container} broke off while it was still running`;
    // A pod that is cleaned up at once leaves nothing to say.
    if (error instanceof ObjectGone) return undefined;
    throw error;
  }
}

/**
 * A sidecar's log until the TaskRun is over; to be killed may take the sidecar half a minute more, which nobody waits
 * for.
 */
async function copySidecarLog(
  logs: TaskLogs,
  pod: string,
  container: StepContainer,
  over: Promise<unknown>,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([logs.signal, ended.signal]);
  const copied = copyLog({ ...logs, signal }, pod, container, true);
  const cut = over.then(() => logs.from.clock.sleep(LAST_WORDS_MS, signal)).then(() => 'cut' as const);
  try {
    if ((await Promise.race([copied, cut])) === 'cut') logs.sink.endOfStep();
  } finally {
    ended.abort(new ObjectGone('the TaskRun is over'));
  }
}

async function copyLog(
  logs: TaskLogs,
  pod: string,
  { container, step }: StepContainer,
  follow: boolean,
): Promise<void> {
  const { from, choice, sink, signal, heading = logs.task } = logs;
  try {
    for await (const line of linesOf(
      from.cluster.podLogs(from.namespace, pod, { container, follow, timestamps: choice.timestamps, signal }),
    )) {
      sink.line(heading, step, line);
      const full = sink.drained?.(signal);
      if (full) await full;
    }
    sink.endOfStep();
  } catch (error) {
    signal.throwIfAborted();
    logs.fail(
      `${error instanceof ApiError ? `error in getting logs for step ${step}` : `failed to get logs for ${step}`}: ${messageOf(error)}`,
    );
  }
}
