import { isAbort } from '../errors.ts';
import { ApiError } from './api-error.ts';

/**
 * Delay before try number `attempt` (1 = first repeat): doubling from `base` up to `cap`, the upper half of it random.
 */
export function backoffMs(attempt: number, base: number, cap: number, random: () => number): number {
  const whole = Math.min(cap, base * 2 ** Math.min(attempt - 1, 30));
  return whole / 2 + (whole / 2) * random();
}

/** Failures after which the request cannot have reached the server. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Failures on the way: the server may have acted or not. */
const LOST_ON_THE_WAY = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_INFO',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_INVALID_SESSION',
]);

export type TransportFailure = 'never-sent' | 'lost' | 'other';

/** What one error of a chain of causes says by itself. */
function knownFailure(error: Error): TransportFailure | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && NEVER_SENT.has(code)) return 'never-sent';
  if (typeof code === 'string' && LOST_ON_THE_WAY.has(code)) return 'lost';
  if (!(error instanceof AggregateError) || error.errors.length === 0) return undefined;
  return error.errors.every((one) => transportFailure(one) === 'never-sent') ? 'never-sent' : undefined;
}

/** What a thrown transport error says about the request's fate. */
export function transportFailure(error: unknown): TransportFailure {
  for (let seen: unknown = error, depth = 0; seen instanceof Error && depth < 5; seen = seen.cause, depth++) {
    const known = knownFailure(seen);
    if (known !== undefined) return known;
  }
  // fetch-style wrapping of a socket closed in the middle of a body
  return error instanceof TypeError && error.message === 'terminated' ? 'lost' : 'other';
}

export interface RetryPolicy {
  /** Whether sending it twice is the same as once. */
  idempotent: boolean;
  /** Tries in all for lost connections. 1: none. */
  attempts: number;
  random: () => number;
}

const BASE_MS = 100;
const CAP_MS = 2_000;
/** As client-go: a server that asks to come back later is obeyed up to ten times, but not for longer than this each. */
const ASKED_ATTEMPTS = 10;
const LONGEST_ASKED_MS = 30_000;

/**
 * Milliseconds to wait before sending again, or undefined when the error is the caller's to handle.
 * `attempt` counts the tries already made (1 after the first).
 */
export function retryDelayMs(error: unknown, attempt: number, policy: RetryPolicy): number | undefined {
  if (isAbort(error) || policy.attempts <= 1) return undefined;
  const delay = backoffMs(attempt, BASE_MS, CAP_MS, policy.random);
  if (error instanceof ApiError) return answerDelayMs(error, attempt, policy, delay);
  if (attempt >= policy.attempts) return undefined;
  const failure = transportFailure(error);
  switch (failure) {
    case 'never-sent':
      return delay;
    case 'lost':
      return policy.idempotent ? delay : undefined;
    case 'other':
      return undefined;
    default: {
      const never: never = failure;
      return never;
    }
  }
}

function answerDelayMs(error: ApiError, attempt: number, policy: RetryPolicy, delay: number): number | undefined {
  // A server that names a time has not acted on the request.
  if ((error.status === 429 || error.status >= 500) && error.retryAfterMs !== undefined) {
    return attempt < ASKED_ATTEMPTS ? Math.max(delay, Math.min(error.retryAfterMs, LONGEST_ASKED_MS)) : undefined;
  }
  const passing = error.status === 502 || error.status === 503 || error.status === 504;
  return passing && policy.idempotent && attempt < policy.attempts ? delay : undefined;
}
