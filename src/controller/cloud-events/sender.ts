import type { HttpClient } from '../../http/client.ts';
import { HttpError } from '../../http/http-error.ts';
import { isPassing } from '../../http/retry.ts';
import type { CloudEventMessage } from './event.ts';

export type Delivery = { kind: 'sent' } | { kind: 'failed'; mayPass: boolean; why: string };

/** For one try; a receiver has to take an event, not to work on it. */
const deadlineMs = 10_000;
/** Nothing is read of what receivers answer. */
const answerLimit = 64 * 1024;

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
    return { kind: 'failed', mayPass, why: `${url.host} answered ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HttpError) return { kind: 'failed', mayPass: error.retryable, why: error.message };
    throw error;
  }
}
