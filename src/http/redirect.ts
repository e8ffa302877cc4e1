import { HttpError, LeavesTlsError, shownHost } from './http-error.ts';
import type { HttpRequest } from './request.ts';

/** One request of those that a chain of redirects makes. */
export interface Hop {
  url: URL;
  method: HttpRequest['method'];
  body: HttpRequest['body'] | undefined;
  /** Redirects before this one. */
  hops: number;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 5;

/**
 * Where an answer leads; undefined when it is the last.
 * @throws HttpError for redirects without end, from TLS to plain HTTP, to what is no HTTP, or with a secret elsewhere.
 */
export function redirectOf(
  answer: { status: number; headers: Readonly<Record<string, string | undefined>> },
  hop: Hop,
  wanted: Pick<HttpRequest, 'url' | 'insecure' | 'secret'>,
): Hop | undefined {
  const location = answer.headers['location'];
  if (!redirects.has(answer.status) || location === undefined) return undefined;
  if (hop.hops >= mostRedirects) throw refusal(answer, hop, 'redirects without end');
  const url = targetOf(location, answer, hop);
  if (leavesTls(hop.url, url) && !wanted.insecure) throw new LeavesTlsError(answer.status, hop.url, url);
  const hops = hop.hops + 1;
  if (becomesGet(answer.status, hop.method))
    return { url, method: hop.method === 'HEAD' ? 'HEAD' : 'GET', body: undefined, hops };
  if (wanted.secret && url.origin !== wanted.url.origin)
    throw refusal(answer, hop, `wants credentials sent on to ${shownHost(url)}`);
  return { ...hop, url, hops };
}

function leavesTls(from: URL, to: URL): boolean {
  return from.protocol === 'https:' && to.protocol !== 'https:';
}

function becomesGet(status: number, method: Hop['method']): boolean {
  return status === 303 || (status <= 302 && method === 'POST');
}

function targetOf(location: string, answer: { status: number }, hop: Hop): URL {
  const url = URL.canParse(location, hop.url) ? new URL(location, hop.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw refusal(answer, hop, 'redirects to what is no HTTP URL');
  url.username = url.password = '';
  return url;
}

function refusal({ status }: { status: number }, { url }: Hop, what: string): HttpError {
  const host = shownHost(url);
  return new HttpError({ host, status, retryable: false }, `${host} ${what}`);
}
