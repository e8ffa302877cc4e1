import { createHash } from 'node:crypto';
import { RefusedError } from '../refusal.ts';
import { sessionIn } from './session-cookie.ts';

/** On whose behalf a request is made. */
export interface Caller {
  /** Credentials that came with the request, names and values in turn; empty: the dashboard's own are used. */
  readonly headers: readonly string[];
  readonly own: boolean;
  /** Tells callers apart, and keeps nothing of what they sent. */
  readonly key: string;
}

const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/**
 * Reads who calls: a token (or what else Authorization holds) that came along, from the browser or from a proxy in
 * front, else the one with which somebody signed in, is used in place of the dashboard's own rights. Impersonation goes
 * with it, and the API server judges it.
 * @param isRequired nobody gets the dashboard's own rights
 * @throws RefusedError 401 without credentials that are required, 403 for impersonation with the dashboard's own:
 * without it the request would run with rights other than those it asks for.
 */
export function callerOf(rawHeaders: readonly string[], isRequired = false): Caller {
  const sent = pairsOf(rawHeaders);
  const authorization = credentialsIn(sent);
  const impersonation = sent.filter(([name]) => name.startsWith('impersonate-'));
  const headers = [...(authorization ? [authorization] : []), ...impersonation].flat();
  const token = tokenProtocol(sent);
  const own = authorization === undefined && token === undefined;
  if (own && impersonation.length > 0)
    throw new RefusedError(
      403,
      `the dashboard passes ${impersonation[0]?.[0]} on only with a token of whoever impersonates: let the proxy in front send Authorization as well`,
    );
  if (own && isRequired)
    throw new RefusedError(
      401,
      'the dashboard lends nobody its own rights: sign in with a token, send one, or log in at the proxy in front',
    );
  return { headers, own, key: own ? '' : keyOf(headers, token) };
}

function keyOf(headers: readonly string[], token: string | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([headers, token ?? '']))
    .digest('base64url');
}

/** A token in the protocols of a WebSocket comes before the session, which the browser sends with everything. */
function credentialsIn(sent: readonly [string, string][]): [string, string] | undefined {
  const authorization = sent.find(([name]) => name === 'authorization');
  if (authorization || tokenProtocol(sent) !== undefined) return authorization;
  const token = sessionIn(sent.find(([name]) => name === 'cookie')?.[1]);
  return token === undefined ? undefined : ['authorization', `Bearer ${token}`];
}

function tokenProtocol(sent: readonly [string, string][]): string | undefined {
  return protocolsOf(sent).find((protocol) => protocol.startsWith(BEARER_PROTOCOL));
}

/** Headers by lower-case name, in their order. */
export function pairsOf(rawHeaders: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    pairs.push([(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '']);
  return pairs;
}

function protocolsOf(sent: readonly [string, string][]): string[] {
  return sent
    .filter(([name]) => name === 'sec-websocket-protocol')
    .flatMap(([, value]) => value.split(','))
    .map((protocol) => protocol.trim());
}
