import type { Clock } from '../clock.ts';
import type { RequestRecord } from './transport.ts';

/** What a KubeClient is told when it is made, and with each call. */
export interface KubeClientOptions {
  userAgent?: string;
  qps?: number;
  burst?: number;
  onRequest?: (record: RequestRecord) => void;
  http2?: boolean;
  timeoutMs?: number;
  clock?: Clock;
  random?: () => number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Not counted against the client's rate limit: for leases, and for who has a limit of his own. */
  unlimited?: boolean;
  /** Tries in all when the connection is lost; 1 for none. */
  attempts?: number;
}

export interface WriteOptions extends CallOptions {
  dryRun?: boolean;
  fieldManager?: string;
}

export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects a page; default 500. */
  limit?: number;
  resourceVersion?: string;
}
/** Cuts each object down as its page arrives, so that a long list never is in memory whole. */
export interface CutDown<T> {
  transform?: (object: T) => T;
}

export interface Listing<T> {
  items: T[];
  resourceVersion: string;
}

export interface Page<T> extends Listing<T> {
  continue?: string;
  remainingItemCount?: number;
}

export interface PatchSpec {
  type: 'merge' | 'json' | 'strategic' | 'apply';
  body: unknown;
  subresource?: string;
  fieldManager?: string;
  force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  /** Preconditions: delete only this very object, or only in this state. */
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

export interface WatchOptions extends Selection {
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  timeoutSeconds?: number;
  /** Silence after which the connection counts as dead; bookmarks come about once a minute. Default 120 s. */
  idleMs?: number;
}

export interface LogOptions {
  container?: string;
  follow?: boolean;
  timestamps?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  previous?: boolean;
  limitBytes?: number;
  signal?: AbortSignal | undefined;
}
