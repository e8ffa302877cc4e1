import { ApiError } from './api-error.ts';
import type { KubeObject } from './object.ts';
import type { WatchEvent } from './watch-connection.ts';

/**
 * The state of one endless watch, as a state machine without I/O (after kube-rs' watcher):
 *
 *   unlisted --listed--> watching --event--> watching        (a later resourceVersion)
 *      ^  \--failed--> unlisted (pause)  |--ended/failed--> watching (resume from the last resourceVersion)
 *      \---------- 410, future version --/
 *
 * It has no final state: only its driver's AbortSignal ends a watch.
 */
export type WatchState =
  { phase: 'unlisted'; failures: number } | { phase: 'watching'; resourceVersion: string; failures: number };

export type WatchInput<T> =
  | { kind: 'listed'; items: T[]; resourceVersion: string }
  | { kind: 'event'; event: WatchEvent<T> }
  /** The connection ended as an HTTP answer ends; `lively` when it had lasted or brought anything. */
  | { kind: 'ended'; lively: boolean }
  | { kind: 'failed'; error: unknown; lively: boolean };

/** What the store has to do. */
export type WatchChange<T> =
  | { kind: 'none' }
  | { kind: 'replace'; items: T[]; resourceVersion: string }
  | { kind: 'upsert' | 'delete'; object: T }
  | { kind: 'advance'; resourceVersion: string };

export interface WatchStep<T> {
  state: WatchState;
  change: WatchChange<T>;
  /** Go on reading this connection, or open the next (a list or a watch, as the state says) after `pause`. */
  next: { kind: 'read' } | { kind: 'open'; pause: Pause };
  /** What went wrong, for the log. */
  problem?: string;
}

/** `backoff` n: the delay after n failures in a row; `asked`: what the server asked for. */
export type Pause =
  { kind: 'none' } | { kind: 'backoff'; failures: number } | { kind: 'asked'; ms: number; failures: number };

export const INITIAL: WatchState = { phase: 'unlisted', failures: 0 };

export function advance<T extends KubeObject>(state: WatchState, input: WatchInput<T>): WatchStep<T> {
  switch (input.kind) {
    case 'listed':
      return {
        // Failures stand until the watch itself speaks: a server that lists but cannot watch is asked ever more slowly.
        state: { phase: 'watching', resourceVersion: input.resourceVersion, failures: state.failures },
        change: { kind: 'replace', items: input.items, resourceVersion: input.resourceVersion },
        next: { kind: 'open', pause: { kind: 'none' } },
      };
    case 'event':
      return onEvent(state, input.event);
    case 'ended': {
      const failures = input.lively ? 0 : state.failures + 1;
      return {
        state: { ...state, failures },
        change: { kind: 'none' },
        next: { kind: 'open', pause: input.lively ? { kind: 'none' } : { kind: 'backoff', failures } },
      };
    }
    case 'failed':
      return onFailure(state, input.error, input.lively);
    default: {
      const never: never = input;
      return never;
    }
  }
}

function onEvent<T extends KubeObject>(state: WatchState, event: WatchEvent<T>): WatchStep<T> {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return {
        state: watchingFrom(state, event.object.metadata.resourceVersion),
        change: { kind: 'upsert', object: event.object },
        next: { kind: 'read' },
      };
    case 'DELETED':
      return {
        state: watchingFrom(state, event.object.metadata.resourceVersion),
        change: { kind: 'delete', object: event.object },
        next: { kind: 'read' },
      };
    case 'BOOKMARK': {
      const next = watchingFrom(state, event.object.metadata.resourceVersion);
      return {
        state: next,
        change:
          next.phase === 'watching' ? { kind: 'advance', resourceVersion: next.resourceVersion } : { kind: 'none' },
        next: { kind: 'read' },
      };
    }
    case 'ERROR':
      return onFailure(state, new ApiError(event.object.code ?? 500, event.object), false);
    default: {
      const never: never = event;
      return never;
    }
  }
}

function watchingFrom(state: WatchState, resourceVersion: string | undefined): WatchState {
  if (resourceVersion) return { phase: 'watching', resourceVersion, failures: 0 };
  return state;
}

function isVersionLost(state: WatchState, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.isGone || error.isFutureVersion || (error.isBadRequest && state.phase === 'watching');
}

/**
 * Versions the server no longer has (410) or does not have yet (a restored etcd) are worth a new list; all else
 * resumes.
 */
function onFailure<T>(state: WatchState, error: unknown, lively: boolean): WatchStep<T> {
  const problem = error instanceof Error ? error.message : String(error);
  const failures = lively ? 1 : state.failures + 1;
  if (isVersionLost(state, error)) {
    // The first relist starts at once; a server that says 410 again and again is not asked without pause.
    const pause: Pause = failures <= 1 ? { kind: 'none' } : { kind: 'backoff', failures };
    return { state: { phase: 'unlisted', failures }, change: { kind: 'none' }, next: { kind: 'open', pause }, problem };
  }
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  const pause: Pause = asked === undefined ? { kind: 'backoff', failures } : { kind: 'asked', ms: asked, failures };
  return { state: { ...state, failures }, change: { kind: 'none' }, next: { kind: 'open', pause }, problem };
}
