import type { PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone, succeededCondition, timestamp, withSucceeded, type ConditionState } from '../condition.ts';
import { isTooLarge, soonest, type EffectOutcome, type EventEffect } from '../decision.ts';
import type { CancelCause, ChildKind, ChildObject } from './child/child.ts';
import { eventsBetween } from './draft.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { recordEvents, withChildRecords } from './record.ts';
import type { PipelineRunDecision, PipelineRunEffect } from './types.ts';
import { resultValidationFailed } from './failure.ts';
import { nameOf } from './names.ts';
import { claimRetryMs } from '../quota.ts';

type Outcome = EffectOutcome<PipelineRunEffect>;
type Failed<T extends PipelineRunEffect['type']> = Extract<Outcome, { kind: 'failed' }> & {
  effect: Extract<PipelineRunEffect, { type: T }>;
};

/** What is left to do after the effects: the status to write, the events to send, and why to try again. */
export interface Settled {
  status: PipelineRunStatus;
  events: EventEffect[];
  requeueAfterMs?: number;
  /** Set when an effect failed in a way that may pass: reconcile again, with back-off. */
  retry?: string;
}

/** A status on its way through the effects that failed, and what else comes of them. */
interface Settling {
  run: PipelineRun;
  now: Date;
  status: PipelineRunStatus;
  events: EventEffect[];
  /** Why to try again. */
  retries: string[];
}

/**
 * The status after the effects were carried out. An effect that failed for good ends the run, one that may succeed
 * later does not; either way the user sees it. Effects without an outcome were not tried.
 */
export function settle(
  run: PipelineRun,
  decision: PipelineRunDecision,
  outcomes: readonly Outcome[],
  now: Date,
): Settled {
  const status = withChildRecords({ ...decision.status }, madeBy(outcomes));
  keepChildrenThatExist(status, run, decision, outcomes);
  const events = decision.effects.filter(
    (effect): effect is EventEffect => effect.type === 'event' && lastingEvents.has(effect.reason),
  );
  const retries = decision.retry === undefined ? [] : [decision.retry];
  const settling: Settling = { run, now, status, events, retries };
  const waitMs = settleClaims(settling, failures(outcomes, 'createPersistentVolumeClaim'));
  settleNode(settling, failures(outcomes, 'createNodeHolder'));
  settleSharing(settling, failures(outcomes, 'sharePersistentVolumeClaim'));
  settleCreations(settling, failures(outcomes, 'createChild'));
  settleCleanup(settling, failures(outcomes, 'deletePersistentVolumeClaim'));
  for (const { effect, message } of failures(outcomes, 'supersede'))
    retries.push(`PipelineRun ${effect.name} could not be cancelled to make way: ${message}`);
  settleCancellations(settling, failures(outcomes, 'cancelChild'));
  const retry = isDone(status) ? undefined : retries.join('; ');
  const again = isDone(status) ? undefined : soonest(decision.requeueAfterMs, waitMs);
  return {
    status,
    events: [...events, ...eventsBetween(run.status, status)],
    ...(again === undefined ? {} : { requeueAfterMs: again }),
    ...(retry ? { retry } : {}),
  };
}

/** Milliseconds until a claim may be made after all, when quota is in the way. */
function settleClaims(
  { run, now, status, retries }: Settling,
  failed: Failed<'createPersistentVolumeClaim'>[],
): number | undefined {
  let waitMs: number | undefined;
  for (const failure of failed) {
    const message = `Failed to create PVC for PipelineRun ${nameOf(run)} correctly: failed to create PVC ${failure.effect.claim.metadata.name} for workspace "${failure.effect.workspace}": ${failure.message}`;
    const retryMs = claimRetryMs(failure);
    if (retryMs !== undefined) {
      waitMs = retryMs;
      mark(status, waitingForClaim(failure.message), now);
    } else if (mayPass(failure)) retries.push(message);
    else end(status, { status: 'False', reason: 'CouldntCreateWorkspacePVC', message }, now);
  }
  return waitMs;
}

function settleCreations({ run, now, status, events, retries }: Settling, failed: Failed<'createChild'>[]): void {
  for (const failure of failed) {
    const { child, pipelineTask } = failure.effect;
    const { name } = child.metadata;
    events.push({
      type: 'event',
      eventType: 'Warning',
      reason: creationFailed[child.kind],
      message: `Failed to create ${child.kind}s ["${name}"]: ${failure.message}`,
    });
    if (isRefused(failure)) end(status, { status: 'False', reason: 'CreateRunFailed', message: failure.message }, now);
    else
      retries.push(
        `error creating ${child.kind}s called [${name}] for PipelineTask ${pipelineTask} from PipelineRun ${run.metadata.name}: ${failure.message}`,
      );
  }
}

function settleCleanup({ events }: Settling, failed: Failed<'deletePersistentVolumeClaim'>[]): void {
  for (const { effect, message } of failed) {
    events.push({
      type: 'event',
      eventType: 'Warning',
      reason: 'PersistentVolumeClaimCleanupFailed',
      message: `could not delete PersistentVolumeClaim "${effect.name}", delete it yourself: ${message}`,
    });
  }
}

/** Upstream's words while quota is used up. The time of the run passes all the same. */
function waitingForClaim(why: string): ConditionState {
  const message = `Waiting for PVC creation to succeed: ${why}`;
  return { status: 'Unknown', reason: 'PipelineRunPending', message };
}

/** Upstream's, for what does the same there. */
const couldntHoldNode = 'ReasonCouldntCreateOrUpdateAffinityAssistantStatefulSet';

/** Children as the API server gave them back, to be recorded with the references that name them. */
function madeBy(outcomes: readonly Outcome[]): ChildObject[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === 'applied' && outcome.effect.type === 'createChild' && outcome.object !== undefined
      ? [outcome.object as ChildObject]
      : [],
  );
}

/** Upstream's reasons of the event that a child could not be created. */
const creationFailed: Readonly<Record<ChildKind, string>> = {
  TaskRun: 'TaskRunsCreationFailed',
  CustomRun: 'RunsCreationFailed',
  PipelineRun: 'ChildPipelineRunsCreationFailed',
};

const lastingEvents = new Set<string>([...Object.values(recordEvents), resultValidationFailed]);

function failures<T extends PipelineRunEffect['type']>(outcomes: readonly Outcome[], type: T): Failed<T>[] {
  return outcomes.filter((outcome): outcome is Failed<T> => outcome.kind === 'failed' && outcome.effect.type === type);
}

/** A run that was to be created is a child only once it is there. */
function keepChildrenThatExist(
  status: PipelineRunStatus,
  run: PipelineRun,
  { effects }: PipelineRunDecision,
  outcomes: readonly Outcome[],
): void {
  const there = new Set(
    outcomes.flatMap((outcome) =>
      outcome.kind === 'applied' && outcome.effect.type === 'createChild' ? outcome.effect.child.metadata.name : [],
    ),
  );
  for (const child of run.status?.childReferences ?? []) there.add(child.name);
  const absent = new Set(
    effects.flatMap((effect) =>
      effect.type === 'createChild' && !there.has(effect.child.metadata.name) ? effect.child.metadata.name : [],
    ),
  );
  if (absent.size === 0 || status.childReferences === undefined) return;
  status.childReferences = status.childReferences.filter((child) => !absent.has(child.name));
  if (status.childReferences.length === 0) delete status.childReferences;
}

/** No task starts without the node that is to be kept for the run. */
function settleNode({ run, now, status, retries }: Settling, failed: Failed<'createNodeHolder'>[]): void {
  for (const { effect, ...failure } of failed) {
    const message = `Failed to create the pod ${effect.pod.metadata.name} that keeps a node for PipelineRun ${nameOf(run)}: ${failure.message}`;
    if (mayPass(failure) || claimRetryMs(failure) !== undefined) retries.push(message);
    else end(status, { status: 'False', reason: couldntHoldNode, message }, now);
  }
}

/** A claim that went between the look and the act: its tasks cannot be told that it is new. */
function settleSharing({ status, now, retries }: Settling, failed: Failed<'sharePersistentVolumeClaim'>[]): void {
  for (const { effect, ...failure } of failed) {
    const message = `PersistentVolumeClaim ${effect.name} of the earlier run cannot be had for workspace "${effect.workspace}": ${failure.message}`;
    if (mayPass(failure) || failure.reason === 'Conflict') retries.push(message);
    else end(status, { status: 'False', reason: 'CouldntCreateWorkspacePVC', message }, now);
  }
}

/** A run is over only when its children know it; until then it says what is in the way. */
function settleCancellations({ run, now, status, retries }: Settling, failed: Failed<'cancelChild'>[]): void {
  if (failed.length === 0) return;
  const details = failed
    .map(({ effect, message }) =>
      effect.cause === 'timedOut'
        ? `failed to patch ${effect.kind} \`${effect.name}\` with timeout: ${message}`
        : `Failed to patch ${effect.kind} \`${effect.name}\` with cancellation: ${message}`,
    )
    .join('\n');
  retries.push(`error(s) from cancelling TaskRun(s) from PipelineRun ${run.metadata.name}: ${details}`);
  if (failed.every(({ effect }) => effect.scope === 'tasks')) return;
  const cause = causes.find((one) => failed.some(({ effect }) => effect.cause === one)) ?? 'cancelled';
  const { reason, verb, act } = couldnt[cause];
  const why = cause === 'failed' ? ` (${succeededCondition(status)?.message ?? ''})` : '';
  const message = `PipelineRun "${run.metadata.name}" ${verb}${why} but had errors trying to ${act} TaskRuns and/or Runs: ${details}`;
  delete status.completionTime;
  mark(status, { status: 'Unknown', reason, message }, now);
}

/** Which cause of several is told. */
const causes = ['timedOut', 'cancelled', 'failed'] as const satisfies CancelCause[];

const couldnt: Readonly<Record<CancelCause, { reason: string; verb: string; act: string }>> = {
  timedOut: { reason: 'PipelineRunCouldntTimeOut', verb: 'was timed out', act: 'time out' },
  cancelled: { reason: 'PipelineRunCouldntCancel', verb: 'was cancelled', act: 'cancel' },
  failed: { reason: 'PipelineRunCouldntCancel', verb: 'failed', act: 'cancel' },
};

function end(status: PipelineRunStatus, state: ConditionState, now: Date): void {
  mark(status, state, now);
  status.completionTime ??= timestamp(now);
}

function mark(status: PipelineRunStatus, state: ConditionState, now: Date): void {
  status.conditions = withSucceeded(status.conditions, state, now);
}

/** The object itself is at fault (or its name is taken by somebody else's): trying again gives the same answer. */
function isRefused(failure: { status: number; reason: string; message: string }): boolean {
  const { status, reason } = failure;
  return status === 400 || status === 422 || reason === 'AlreadyExists' || isTooLarge(failure);
}

/** The server or the connection is at fault (0: no answer), not the request. */
function mayPass(failure: { status: number; message: string }): boolean {
  const { status } = failure;
  return !isTooLarge(failure) && (status === 0 || status === 429 || status >= 500);
}
