/**
 * What a planner decides for a run: the status it should have, the effects to carry out, and when to look again.
 * Effects are a closed union per kind; the status is written once, after the effects, and only when it changed.
 */
export interface Decision<Status, Effect> {
  status: Status;
  effects: Effect[];
  /** Look again after so many milliseconds even if nothing changes (timeouts, back-off). */
  requeueAfterMs?: number;
}

/** Request to record a Kubernetes Event on the run. */
export interface EventEffect {
  type: 'event';
  eventType: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Labels and annotations to add to the run, in one merge patch before the status write. */
export interface PatchMetadataEffect {
  type: 'patchMetadata';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** What became of an effect that can fail in a way users must see. */
export type EffectOutcome<Effect> =
  | { effect: Effect; kind: 'applied'; object?: unknown }
  | { effect: Effect; kind: 'failed'; status: number; reason: string; message: string };

/**
 * Whether the cluster refused an object for its size: the API server with 413, etcd with a text in a 500 (rpctypes
 * ErrRequestTooLarge, grpc's own limit). Trying again gives the same.
 */
export function isTooLarge({ status, message }: { status: number; message: string }): boolean {
  return (
    status === 413 ||
    (status >= 500 && /etcdserver: request is too large|trying to send message larger than max/.test(message))
  );
}

/** The sooner of two requeue times. */
export function soonest(...times: (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
