import type { Condition } from '../api/meta.ts';

/** The one condition that Pipelines sets. Clients such as tkn read conditions[0] by index, so it always comes first. */
export const succeeded = 'Succeeded';

interface HasConditions {
  conditions?: Condition[];
}

/** The `Succeeded` condition, undefined before the first reconcile. */
export function succeededCondition(status: HasConditions | undefined): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === succeeded);
}

/** A run is done once its condition is True or False; a done run is never changed again. */
export function isDone(status: HasConditions | undefined): boolean {
  const condition = succeededCondition(status);
  return condition !== undefined && condition.status !== 'Unknown';
}

export function isSuccessful(status: HasConditions | undefined): boolean {
  return succeededCondition(status)?.status === 'True';
}

/** A run that its controller has started. */
export function hasBegun(run: { status?: { startTime?: string } | undefined } | undefined): boolean {
  return run?.status?.startTime !== undefined;
}

export function isFailed(status: HasConditions | undefined): boolean {
  return succeededCondition(status)?.status === 'False';
}

/**
 * metav1.Condition allows no more; a message that quotes a user's script must not make the object too large to store.
 */
const longestMessage = 32_768;

/** What a condition says, without its time. */
export interface ConditionState {
  status: Condition['status'];
  reason: string;
  message: string;
}

/**
 * Conditions with `Succeeded` set to `state`. As knative's condition manager: lastTransitionTime moves whenever status,
 * reason or message change and stays when nothing does, so that an unchanged status compares equal.
 */
export function withSucceeded(conditions: Condition[] | undefined, wanted: ConditionState, now: Date): Condition[] {
  const others = (conditions ?? []).filter((condition) => condition.type !== succeeded);
  return [conditionNow(conditions, { type: succeeded, ...wanted }, now), ...others];
}

/** Conditions with one of another type set, behind `Succeeded`. */
export function withCondition(
  conditions: Condition[] | undefined,
  wanted: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): Condition[] {
  const others = (conditions ?? []).filter((condition) => condition.type !== wanted.type);
  return [...others, conditionNow(conditions, wanted, now)];
}

function conditionNow(
  conditions: Condition[] | undefined,
  { message: text, ...wanted }: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): Condition {
  const message = text?.slice(0, longestMessage);
  const before = conditions?.find((condition) => condition.type === wanted.type);
  const same = before?.status === wanted.status && before.reason === wanted.reason && before.message === message;
  const lastTransitionTime = same && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now);
  return { ...wanted, ...(message === undefined ? {} : { message }), lastTransitionTime };
}

/** RFC 3339, UTC, whole seconds: metav1.Time on the wire. */
export function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
