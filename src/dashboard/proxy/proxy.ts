import { messageOf } from '../../errors.ts';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import type { PassThrough } from '../../kube/pass-through.ts';
import { RefusedError } from '../refusal.ts';
import { callerOf, pairsOf } from './caller.ts';
import { checkPassage, type Bounds } from './rules.ts';

/** What of a request reaches the API server, credentials aside. No cookie, nothing of hops or of proxies in front. */
const requestHeaders: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'user-agent',
]);

/** What of an answer reaches the caller. */
const answerHeaders: ReadonlySet<string> = new Set([
  'allow',
  'audit-id',
  'content-encoding',
  'content-length',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
  'vary',
  'warning',
  'x-kubernetes-pf-flowschema-uid',
  'x-kubernetes-pf-prioritylevel-uid',
]);

/** An answer is data, also when it is opened as a page: logs and annotations are written by anybody. */
export const inert: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

export interface ProxyOptions extends Bounds {
  passThrough: Pick<PassThrough, 'forward'>;
  /** Nobody gets the dashboard's own rights. */
  needsCredentials: boolean;
}

/**
 * Passes a request on to the API server and its answer back, as both come: lists, watches, logs that go on. When the
 * caller goes, the API server's side ends as well.
 * @throws RefusedError
 */
export async function proxied(
  request: ServerRequest,
  { passThrough, needsCredentials, ...bounds }: ProxyOptions,
): Promise<ServerAnswer> {
  const { method, path, headers, rawHeaders, body, signal } = request;
  checkPassage({ method, path, headers, isUpgrade: false }, bounds);
  const caller = callerOf(rawHeaders, needsCredentials);
  const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
  const answer = await passThrough
    .forward({
      method,
      target: `${path}${query}`,
      headers: [...allowed(rawHeaders), ...caller.headers],
      ...(body.length > 0 ? { body } : {}),
      own: caller.own,
      signal,
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw new RefusedError(502, `the API server did not answer: ${messageOf(error)}; try again`, { cause: error });
    });
  return {
    status: answer.statusCode,
    headers: { ...kept(answer.headers), ...inert },
    body: answer.body,
  };
}

function allowed(rawHeaders: readonly string[]): string[] {
  return pairsOf(rawHeaders)
    .filter(([name]) => requestHeaders.has(name))
    .flat();
}

/** The headers of an answer that are passed on; repeated ones in one line. */
export function kept(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      answerHeaders.has(name) && value !== undefined ? [[name, [value].flat().join(', ')]] : [],
    ),
  );
}
