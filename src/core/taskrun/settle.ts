import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition, withSucceeded } from '../condition.ts';
import { isTooLarge, soonest, type EffectOutcome } from '../decision.ts';
import type { Pod } from '../pod/types.ts';
import { claimRetryMs, quotaConflictRetryMs, quotaRetryMs } from '../quota.ts';
import { failed, planContext } from './context.ts';
import type { TaskRunDecision, TaskRunEffect, TaskRunFacts } from './facts.ts';
import { podCreationMessage } from './obstacle.ts';
import { finish } from './plan.ts';
import { changedAfterStart, withPodRecord } from './record.ts';
import { reasons } from './reasons.ts';

export type TaskRunOutcome = EffectOutcome<TaskRunEffect>;
type Failure = Extract<TaskRunOutcome, { kind: 'failed' }>;

const troubleRetryMs = 5_000;
/** A run that was deleted and made anew has to wait until the old one's pod is gone. */
const earlierRunRetryMs = 1_000;

/** Reason of an outcome: a pod of the wanted name belongs to a deleted run of the same name. */
export const podOfEarlierRun = 'PodOfEarlierRun';

/** What became of createPod (`object` of its outcome). */
export interface MadePod {
  pod: Pod;
  /** It was there already: its events may have come and gone. */
  takenOver: boolean;
  /** The run has its record. */
  recorded: boolean;
}

/** Reason of an outcome: the pod of the wanted name is not what the run makes, whoever it says it belongs to. */
export const podOfAnother = 'PodOfAnother';

/** Events that are sent whatever becomes of the pod. */
const lastingEvents = new Set<string>(['FailedToRetrieveSecret', changedAfterStart]);

/**
 * What the decision comes to once its effects were tried: the first that failed in a way users must see decides the
 * status. Without a failure the decision stands.
 */
export function settle(
  facts: TaskRunFacts,
  decision: TaskRunDecision,
  outcomes: readonly TaskRunOutcome[],
  now: Date,
): TaskRunDecision {
  const failure = outcomes.find((outcome) => outcome.kind === 'failed');
  if (failure === undefined) return withMadePod(decision, outcomes);
  if (failure.effect.type === 'removeIdentity') return identityStays(decision, failure);
  if (failure.effect.type === 'registerIdentity') return identityAwaited(facts, decision, failure, now);
  if (failure.effect.type === 'patchPod') return sidecarsRunOn(decision, failure);
  // The decision had a condition for a pod that was made; this one replaces what the run had before.
  const status = { ...decision.status, conditions: facts.taskRun.status?.conditions };
  const ownEvents = decision.effects.filter((effect) => effect.type === 'event' && lastingEvents.has(effect.reason));
  const settled =
    failure.effect.type === 'createPersistentVolumeClaim'
      ? claimFailure(facts, status, failure, now)
      : podFailure(facts, status, failure, now);
  return finish(planContext(facts, now), { ...settled, effects: ownEvents });
}

/** The pod as the API server has it now is recorded in the same write that names it. */
function withMadePod(decision: TaskRunDecision, outcomes: readonly TaskRunOutcome[]): TaskRunDecision {
  for (const outcome of outcomes) {
    if (outcome.kind !== 'applied' || outcome.effect.type !== 'createPod' || outcome.object === undefined) continue;
    const { pod, takenOver, recorded } = outcome.object as MadePod;
    const status = recorded ? decision.status : withPodRecord(decision.status, outcome.effect.pod, pod);
    return { ...decision, status, ...(takenOver ? { requeueAfterMs: 0 } : {}) };
  }
  return decision;
}

/** The run is over and stays as it ended: that its sidecars were not stopped is told beside it. */
function sidecarsRunOn(decision: TaskRunDecision, { message }: Failure): TaskRunDecision {
  const text = `the sidecars could not be stopped and run on until the pod is deleted: ${message}`;
  return {
    ...decision,
    effects: [{ type: 'event', eventType: 'Warning', reason: reasons.stopSidecarFailed, message: text }],
  };
}

/** The steps of the pod cannot sign until SPIRE knows them: the run goes on, and says so. */
function identityAwaited(
  facts: TaskRunFacts,
  { status, requeueAfterMs }: TaskRunDecision,
  { message: cause }: Failure,
  now: Date,
): TaskRunDecision {
  const message = `SPIRE could not be told of the pod, whose steps wait with their results for it: ${cause}; it will be tried again`;
  const reason = succeededCondition(status)?.reason ?? reasons.running;
  const waitingStatus = {
    ...status,
    conditions: withSucceeded(status.conditions, { status: 'Unknown', reason, message }, now),
  };
  const again = soonest(requeueAfterMs, troubleRetryMs) ?? troubleRetryMs;
  return finish(planContext(facts, now), { status: waitingStatus, effects: [], requeueAfterMs: again });
}

/** The run is over, and its pod ends: nobody else can have the identity, which expires with the run's time. */
function identityStays(decision: TaskRunDecision, { message }: Failure): TaskRunDecision {
  const text = `SPIRE still knows the pod of the run, which has ended: ${message}`;
  const effect = { type: 'event', eventType: 'Warning', reason: 'IdentityNotRemoved', message: text } as const;
  return { ...decision, effects: [...decision.effects, effect] };
}

type Settled = Omit<TaskRunDecision, 'effects'>;

function claimFailure({ taskRun }: TaskRunFacts, status: TaskRunStatus, failure: Failure, now: Date): Settled {
  const { name = '', namespace = '' } = taskRun.metadata;
  const message = `Failed to create PVC for TaskRun ${namespace}/${name} workspaces correctly: ${failure.message}`;
  const retryMs = claimRetryMs(failure);
  if (retryMs !== undefined)
    return pending(status, { message: `Waiting for PVC creation to succeed: ${failure.message}`, retryMs }, now);
  if (isTrouble(failure) && !isTooLarge(failure))
    return pending(status, { message: `${message}; it will be tried again`, retryMs: troubleRetryMs }, now);
  return { status: failed(withoutPod(status), reasons.couldntCreateClaim, message, now) };
}

function podFailure({ taskRun }: TaskRunFacts, status: TaskRunStatus, failure: Failure, now: Date): Settled {
  const { reason, message } = failure;
  const quota = quotaWait(failure);
  if (quota) return unstarted(waiting(status, quota, now));
  const end = (why: string, text: string): Settled => ({ status: failed(withoutPod(status), why, text, now) });
  if (isTooLarge(failure)) return end(reasons.validationFailed, podCreationMessage(taskRun, message));
  if (reason === podOfAnother) return end(reasons.podCreationFailed, message);
  if (reason === podOfEarlierRun) return pending(status, { message, retryMs: earlierRunRetryMs }, now);
  if (isTrouble(failure)) {
    const trouble = `failed to create task run pod: ${message}; it will be tried again`;
    return pending(status, { message: trouble, retryMs: troubleRetryMs }, now);
  }
  if (isRefusedBySecurity(failure)) return end(reasons.podAdmissionFailed, message);
  return end(reasons.podCreationFailed, podCreationMessage(taskRun, message));
}

/** What a run waits for that has no quota for its pod; undefined when that is not what is in the way. */
function quotaWait({ status, reason, message }: Failure): Wait | undefined {
  if (status === 409 && reason === 'Conflict' && message.includes('resourcequotas'))
    return {
      reason: reasons.podPending,
      message: 'tried to create pod, but it failed with ResourceQuotaConflictError',
      retryMs: quotaConflictRetryMs,
    };
  if (status === 403 && message.includes('exceeded quota'))
    return {
      reason: reasons.exceededResourceQuota,
      message: `TaskRun Pod exceeded available resources: ${message}`,
      retryMs: quotaRetryMs,
    };
  return undefined;
}

function isRefusedBySecurity({ status, message }: Failure): boolean {
  return (
    status === 403 && (message.includes('violates PodSecurity') || message.includes('security context constraint'))
  );
}

/** The server, the network or a webhook is in trouble: the run is not at fault. */
function isTrouble({ status }: Failure): boolean {
  return status === 0 || status === 429 || status >= 500;
}

/** What a run waits for, and when to try again. */
interface Wait {
  reason: string;
  message: string;
  retryMs: number;
}

function pending(status: TaskRunStatus, wait: Omit<Wait, 'reason'>, now: Date): Settled {
  return waiting(status, { reason: reasons.podPending, ...wait }, now);
}

function waiting(status: TaskRunStatus, { reason, message, retryMs }: Wait, now: Date): Settled {
  return {
    status: {
      ...withoutPod(status),
      conditions: withSucceeded(status.conditions, { status: 'Unknown', reason, message }, now),
    },
    requeueAfterMs: retryMs,
  };
}

/** A run that waits for quota has not started: its time does not run. */
function unstarted(settled: Settled): Settled {
  const { startTime: _startTime, ...status } = settled.status;
  return { ...settled, status };
}

function withoutPod(status: TaskRunStatus): TaskRunStatus {
  const { podName: _podName, ...rest } = status;
  return rest;
}
