import type { LogGroup, LogLine } from '../../view/log-store.ts';

/** Where a log is read from, in this order: whole addresses. */
export interface LogSource {
  address: string;
  /** Where it is when the cluster has it no longer. */
  fallback?: string;
}

/** What the page asks of the worker that holds a log. */
export type ToLog =
  | { type: 'open'; source: LogSource }
  /** The container has ended: when the stream ends now, that was all. */
  | { type: 'over' }
  | { type: 'lines'; block: number; from: number; to: number }
  | { type: 'search'; id: number; text: string; isExpression: boolean };

/** What is known of a log as a whole. */
export interface LogState {
  lines: number;
  bytes: number;
  groups: readonly LogGroup[];
  /** More comes, or may. */
  isOpen: boolean;
  /** More came than is kept. */
  isCut: boolean;
  /** It came from the place of old logs. */
  isOld: boolean;
  /** It is nowhere: neither its pod is there, nor an old log of it. */
  isGone: boolean;
  problem?: string;
}

export type FromLog =
  | { type: 'state'; state: LogState }
  | { type: 'lines'; block: number; lines: LogLine[] }
  | { type: 'found'; id: number; lines: number[]; isCut: boolean; isDone: boolean; problem?: string };
