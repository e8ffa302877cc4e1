import { STATUS_CODES } from 'node:http';
import type { ServerAnswer } from '../http/server.ts';

/** A request that is not answered. The message says what was refused, by whom, and the way out. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
};

/** A refusal as the API server words its own, so that clients of the proxied API read it too. */
export function refusalOf(status: number, message: string): ServerAnswer {
  const reason = reasons[status] ?? (STATUS_CODES[status] ?? 'Unknown').replaceAll(' ', '');
  return json(status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code: status,
  });
}

/** JSON that nobody keeps or takes for a page. */
export function json(status: number, body: unknown): ServerAnswer {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: JSON.stringify(body),
  };
}
