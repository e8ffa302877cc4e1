import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import {
  isDone,
  isSuccessful,
  succeededCondition,
  timestamp,
  withSucceeded,
  type ConditionState,
} from '../condition.ts';
import { soonest } from '../decision.ts';
import { annotations } from '../labels.ts';
import { ask, type Planning, type PodWarningNeed } from '../need.ts';
import type { Pod } from '../pod/types.ts';
import { delayCheckMs, delayOf, isDelayed } from '../podstatus/delay.ts';
import { disruptionOf } from '../podstatus/disruption.ts';
import { didFail, failureOf, type Failure } from '../podstatus/failure.ts';
import { soonStuckMs } from '../podstatus/hand-over.ts';
import { isFinished } from '../podstatus/order.ts';
import { pendingState, startFailure } from '../podstatus/pending.ts';
import { checkResults, latestOfEach } from '../podstatus/results.ts';
import type { LoggedResults } from '../podstatus/results-log.ts';
import { readyGateChange, readyValue } from '../podstatus/ready.ts';
import { readSidecars, readSteps } from '../podstatus/steps.ts';
import { isNews } from './change.ts';
import { collectResults, type Collected } from './collect.ts';
import { failed, started, withContainers, type AskingPhase, type PlanContext } from './context.ts';
import type { TaskRunEffect } from './facts.ts';
import { withLastLines } from './last-lines.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { withVerifiedResults, type Verified } from './signed-results.ts';
import { withProvenance } from './provenance.ts';

/**
 * A status that only shows progress of containers is held back this long, so that a pod coming up is one write and not
 * four.
 */
const progressDelayMs = 1_000;

/** There is a pod: the status follows it, and its gate is moved when sidecars are ready. */
export const running: AskingPhase = function* (context) {
  const { pod, facts, now } = context;
  if (pod === undefined) return undefined;
  const { status, againInMs } = yield* followed(context, pod);
  const effects: TaskRunEffect[] = gate(pod, facts.settings);
  const patience = startFailure(pod, facts.taskRun.metadata.name ?? '', facts.settings.defaults, now);
  const retry = patience && 'retryAfterMs' in patience ? patience.retryAfterMs : undefined;
  const held = progressHold(context, status, pod);
  const soon = [retry, held?.againInMs, againInMs, delayCheckMs(pod, now), soonStuckMs(pod, now)];
  const requeueAfterMs = soonest(...soon);
  return {
    status: held ? context.status : status,
    effects,
    ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
  };
};

/** The status as the pod has it, and when to ask again for what it still owes. */
function* followed(context: PlanContext, pod: Pod): Planning<{ status: TaskRunStatus; againInMs?: number }> {
  const begun = withProvenance(started(context), context.facts.settings);
  if (!isFinished(pod)) return { status: unfinished(begun, pod, context) };
  const end = yield* theEnd(begun, pod, context);
  if (end.kind === 'ended') return { status: end.status };
  return { status: unfinished(begun, pod, context, end.message), againInMs: end.againInMs };
}

/** The status of a run whose steps have ended, once its results are there and verified. */
function* theEnd(
  begun: TaskRunStatus,
  pod: Pod,
  context: PlanContext,
): Planning<Verified | Extract<Collected, { kind: 'wait' }>> {
  const collected = yield* collectResults(context, pod, begun);
  if (collected.kind === 'wait') return collected;
  // What the pod itself failed of says more than results that could not be had.
  const lost = collected.kind === 'problem' ? collected : undefined;
  const failure = didFail(pod) ? yield* withLastLines(context, pod, failureOf(pod)) : lost;
  const logged = collected.kind === 'found' ? collected.logged : undefined;
  return yield* withVerifiedResults(context, pod, finished(begun, pod, context, { failure, logged }));
}

/** What its events say of a pod whose steps should have begun by now. */
export function* withPodWarning(context: PlanContext): Planning<PlanContext, PodWarningNeed> {
  const { pod, status, now } = context;
  if (pod === undefined || isDone(status) || !isDelayed(pod, now)) return context;
  const { namespace = '', uid: podUid = '' } = pod.metadata;
  const [podWarning] = yield* ask<PodWarningNeed>([{ type: 'podWarning', namespace, podUid }]);
  return { ...context, podWarning };
}

function unfinished(
  status: TaskRunStatus,
  pod: Pod,
  { now, podWarning }: PlanContext,
  message?: string,
): TaskRunStatus {
  const { steps } = readSteps(pod, status.taskSpec ?? {}, false);
  const condition: ConditionState =
    message === undefined
      ? unfinishedCondition(status, pod, takenAway(pod) ?? delayOf(pod, podWarning, now))
      : { status: 'Unknown', reason: reasons.running, message };
  return {
    ...withContainers(status, steps, readSidecars(pod)),
    conditions: withSucceeded(status.conditions, condition, now),
    podName: pod.metadata.name ?? '',
  };
}

/** A node that does not answer keeps such a pod for long. */
function takenAway(pod: Pod): string | undefined {
  const disruption = disruptionOf(pod);
  return disruption && `the cluster takes the pod away: ${disruption}`;
}

function conditionBefore(status: TaskRunStatus): ConditionState | undefined {
  const before = succeededCondition(status);
  return before && { status: before.status, reason: before.reason ?? '', message: before.message ?? '' };
}

function unfinishedCondition(status: TaskRunStatus, pod: Pod, delay: string | undefined): ConditionState {
  if (pod.status?.phase === 'Running')
    return {
      status: 'Unknown',
      reason: reasons.running,
      message: `Not all Steps in the Task have finished executing${delay ? `; ${delay}` : ''}`,
    };
  // A node that is not heard of says nothing new about the run.
  const before = pod.status?.phase === 'Unknown' ? conditionBefore(status) : undefined;
  if (before) return before;
  const { reason, message, notable } = pendingState(pod);
  return { status: 'Unknown', reason, message: notable ? message : (delay ?? message) };
}

interface Ended {
  failure: Failure | undefined;
  /** Missing where results come by termination message, or could not be had. */
  logged: LoggedResults | undefined;
}

function finished(
  status: TaskRunStatus,
  pod: Pod,
  { facts, now }: PlanContext,
  { failure, logged }: Ended,
): TaskRunStatus {
  const spec = status.taskSpec ?? {};
  const readings = readSteps(pod, spec, true, logged);
  const checked = checkResults(latestOfEach(readings.results), spec.results ?? []);
  const ended: TaskRunStatus = {
    ...withContainers(status, readings.steps, readSidecars(pod)),
    conditions: withSucceeded(
      status.conditions,
      outcome(failure, facts.taskRun.metadata.annotations?.[annotations.pipelineTaskOnError]),
      now,
    ),
    completionTime: timestamp(now),
    podName: pod.metadata.name ?? '',
    ...(checked.results.length > 0 ? { results: checked.results } : {}),
    // Also when there are none: upstream's clients compare it.
    artifacts: readings.artifacts,
  };
  // The pod's own failure says more than results that it left unfinished.
  return checked.message && isSuccessful(ended)
    ? failed(ended, reasons.validationFailed, userErrorPrefix + checked.message, now)
    : ended;
}

function outcome(failure: Failure | undefined, onError: string | undefined): ConditionState {
  if (failure === undefined)
    return { status: 'True', reason: reasons.succeeded, message: 'All Steps have completed executing' };
  return {
    status: 'False',
    reason: onError === 'continue' ? reasons.failureIgnored : failure.reason,
    message: failure.message,
  };
}

/** The patch that opens or closes the gate before the first step, if it must be moved. */
export function gate(pod: Pod, settings: PlanContext['facts']['settings']): TaskRunEffect[] {
  const change = readyGateChange(pod, settings.flags);
  if (change === undefined || pod.metadata.deletionTimestamp || isFinished(pod)) return [];
  const { name = '', namespace = '' } = pod.metadata;
  return [
    {
      type: 'patchPod',
      namespace,
      name,
      purpose: 'ready',
      patch: { kind: 'annotation', name: annotations.ready, value: change === 'open' ? readyValue : '' },
    },
  ];
}

/**
 * Whether a status that is no news is kept back, and until when: on the ordinary way up until that takes too long, else
 * for a moment.
 */
function progressHold(context: PlanContext, status: TaskRunStatus, pod: Pod): { againInMs?: number } | undefined {
  const before = context.status;
  const ordinaryPending = pod.status?.phase === 'Pending' && !pendingState(pod).notable;
  if (isNews(before, status, ordinaryPending)) return undefined;
  if (ordinaryPending) return delayOf(pod, context.podWarning, context.now) === undefined ? {} : undefined;
  const since = Date.parse(succeededCondition(before)?.lastTransitionTime ?? '');
  const left = Number.isNaN(since) ? 0 : since + progressDelayMs - context.now.getTime();
  return left > 0 ? { againInMs: left } : undefined;
}
