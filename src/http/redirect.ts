import type { HttpRequest } from './client.ts';
import { HttpError, shownHost } from './http-error.ts';

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
  const host = shownHost(hop.url);
  const refuse = (message: string) => new HttpError({ host, status: answer.status, retryable: false }, message);
  if (hop.hops >= mostRedirects) throw refuse(`${shownHost(wanted.url)} redirects without end`);
  const url = URL.canParse(location, hop.url) ? new URL(location, hop.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refuse(`${host} redirects to what is no HTTP URL`);
  if (hop.url.protocol === 'https:' && url.protocol !== 'https:' && !wanted.insecure)
    throw refuse(
      `${host} redirects from TLS to http://${shownHost(url)}; allow it with storage.oci.repository.insecure, or mend the registry's external URL`,
    );
  const becomesGet = answer.status === 303 || (answer.status <= 302 && hop.method === 'POST');
  if (wanted.secret && !becomesGet && url.origin !== wanted.url.origin)
    throw refuse(`${host} wants credentials sent on to ${shownHost(url)}`);
  url.username = url.password = '';
  return becomesGet
    ? { url, method: hop.method === 'HEAD' ? 'HEAD' : 'GET', body: undefined, hops: hop.hops + 1 }
    : { ...hop, url, hops: hop.hops + 1 };
}
