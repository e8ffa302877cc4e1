import type { HttpClient } from '../../http/client.ts';
import { HttpError } from '../../http/http-error.ts';
import { isPassing } from '../../http/retry.ts';
import type { CloudEventMessage } from './event.ts';

export type Delivery =
  | { kind: 'sent' }
  /** `isAway`: it is not this event that it does not take. */
  | { kind: 'failed'; mayPass: boolean; isAway: boolean; why: string };

/** For one try; a receiver has to take an event, not to work on it. */
const deadlineMs = 10_000;
/** Nothing is read of what receivers answer. */
const answerLimit = 64 * 1024;

/** No answer, or one that says: not now. */
const away: ReadonlySet<number> = new Set([0, 429, 502, 503, 504]);

/** Statuses with which the retries of upstream's SDK go on, besides those that may pass anywhere. */
const alsoPassing: ReadonlySet<number> = new Set([404, 413, 425]);

/**
 * Sends one event once. It does not leave the origin that the operator named: runs may hold secrets in their params.
 * @throws the signal's reason when aborted
 */
export async function deliver(
  client: Pick<HttpClient, 'send'>,
  sink: string,
  { headers, body }: CloudEventMessage,
  signal: AbortSignal,
): Promise<Delivery> {
  try {
    const url = new URL(sink);
    const request = { method: 'POST', url, operation: 'cloudevent', headers, body, secret: true } as const;
    const { status } = await client.send({ ...request, attempts: 1, deadlineMs, limit: answerLimit }, signal);
    if (status >= 200 && status < 300) return { kind: 'sent' };
    const mayPass = isPassing(status) || status >= 500 || alsoPassing.has(status);
    return { kind: 'failed', mayPass, isAway: away.has(status), why: `${url.host} answered ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HttpError)) throw error;
    const { retryable, status, message } = error;
    return { kind: 'failed', mayPass: retryable, isAway: retryable && away.has(status), why: message };
  }
}
