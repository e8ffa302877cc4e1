import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { ask, type ContainerLog, type ContainerLogNeed, type Planning } from '../need.ts';
import { isStepContainer } from '../pod/names.ts';
import { resultsContainer, resultsLogLimit, resultsSidecarOf } from '../pod/results-sidecar.ts';
import type { Container, Pod } from '../pod/types.ts';
import { lastStepToldNothing } from '../podstatus/hand-over.ts';
import { quote } from '../podstatus/quote.ts';
import { readResultsLog, type LoggedResults, type ResultsReading } from '../podstatus/results-log.ts';
import { largestObject } from '../budget.ts';
import type { PlanContext } from './context.ts';
import { reasons } from './reasons.ts';

/** The results sidecar ends within milliseconds of the last step; the kubelet tells of it a moment later. */
const sidecarPatienceMs = 30_000;
/** One that saw its last step killed has printed all by then; one that came up later never ends. */
const afterKillMs = 5_000;
/** So long the log is asked for again while API server, kubelet or network are in trouble. */
const troublePatienceMs = 300_000;
const troubleRetryMs = 5_000;

/** The results of a pod whose steps have ended. */
export type Collected =
  /** `logged` is missing where results come by termination message. */
  | { kind: 'found'; logged?: LoggedResults }
  | { kind: 'problem'; reason: string; message: string }
  | { kind: 'wait'; againInMs: number; message?: string };

/**
 * The results that the sidecar of the run's own pod printed. What other containers print is never read: a step may
 * write into its log whatever it likes.
 */
export function* collectResults(
  context: PlanContext,
  pod: Pod,
  { taskSpec = {} }: TaskRunStatus,
): Planning<Collected, ContainerLogNeed> {
  const sidecar = resultsSidecarOf(pod);
  if (sidecar === undefined) return { kind: 'found' };
  const waitedMs = context.now.getTime() - endOfSteps(pod);
  const patienceMs = lastStepToldNothing(pod) ? afterKillMs : sidecarPatienceMs;
  if (!hasEnded(pod) && waitedMs < patienceMs) return { kind: 'wait', againInMs: patienceMs - Math.max(0, waitedMs) };
  const [log] = yield* ask<ContainerLogNeed>([needOf(pod, sidecar, filesOf(taskSpec))]);
  if (log?.kind === 'read') return judge(context, log.isCut ? cutShort : readResultsLog(log.text, taskSpec));
  return unread(log, waitedMs);
}

/** More than its limit, which no results that can be stored come to. */
const cutShort: ResultsReading = {
  kind: 'tooLarge',
  limit: largestObject,
  what: 'all results together have more',
};

/** Milliseconds since the epoch; 0 when no step has told. */
export function endOfSteps(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? [])
    .filter(({ name }) => isStepContainer(name))
    .map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  return ends.reduce((latest, end) => (end > latest ? end : latest), 0);
}

function hasEnded({ status }: Pod): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true;
  const own = (status?.containerStatuses ?? []).find(({ name }) => name === resultsContainer);
  return own?.state?.terminated !== undefined;
}

/** Files that the sidecar reads: results, and one of artifacts for each step and the Task. */
function filesOf({ results = [], steps = [] }: NonNullable<TaskRunStatus['taskSpec']>): number {
  return results.length + steps.reduce((sum, step) => sum + (step.results ?? []).length + 1, 1);
}

function needOf({ metadata }: Pod, sidecar: Container, files: number): ContainerLogNeed {
  const { namespace = '', name: pod = '', uid: podUid = '' } = metadata;
  const limit = resultsLogLimit(sidecar, files);
  return { type: 'containerLog', namespace, pod, podUid, container: sidecar.name, limit };
}

function judge({ facts }: PlanContext, reading: ResultsReading): Collected {
  switch (reading.kind) {
    case 'results':
      return { kind: 'found', logged: reading.logged };
    case 'tooLarge': {
      // Upstream's words, then which one and what to do.
      const failed = `TaskRun ${quote(facts.taskRun.metadata.name ?? '')} failed: results exceeded size limit ${reading.limit} bytes`;
      const wayOut =
        reading.limit < largestObject
          ? 'write less, hand large data on in a workspace, or raise max-result-size in ConfigMap feature-flags'
          : 'write less, or hand large data on in a workspace';
      return { kind: 'problem', reason: reasons.resultTooLarge, message: `${failed}: ${reading.what}; ${wayOut}` };
    }
    case 'problem':
      return unreadable(reading.message);
    default: {
      const never: never = reading;
      return never;
    }
  }
}

/** A log that could not be read is asked for again, for a while and if that may help. */
function unread(log: Extract<ContainerLog, { kind: 'unreadable' }> | undefined, waitedMs: number): Collected {
  const message = log?.message ?? '';
  if (!log?.retryable || waitedMs >= troublePatienceMs) return unreadable(message);
  return {
    kind: 'wait',
    againInMs: troubleRetryMs,
    message: `All Steps have ended; their results could not be read yet: ${message}; it will be tried again`,
  };
}

function unreadable(message: string): Collected {
  return {
    kind: 'problem',
    reason: reasons.resultsUnreadable,
    message: `the results could not be read from the log of ${quote(resultsContainer)}: ${message}`,
  };
}
