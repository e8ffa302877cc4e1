import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { ClusterConfig, Credentials } from './config.ts';

/** Below Go's 90 s idle limit, so that it is seldom the server that closes first. */
const KEEP_ALIVE_MS = 60_000;

/** Kept connections to the API server, over its proxy when it has one. */
export function poolOf(
  { proxy }: Pick<ClusterConfig, 'proxy'>,
  tls: Omit<Credentials, 'headers'>,
  limits: Agent.Options,
): Dispatcher {
  const secure = secureOf(tls);
  const options: Agent.Options = { ...limits, keepAliveTimeout: KEEP_ALIVE_MS, pipelining: 1 };
  if (proxy) return new ProxyAgent({ ...options, uri: proxy.href, requestTls: secure });
  return new Agent({
    ...options,
    connect: { ...secure, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
  });
}

/** Credentials as Node's TLS takes them. */
export function secureOf({ serverName, ...rest }: Omit<Credentials, 'headers'>): ConnectionOptions {
  return { ...rest, ...(serverName ? asServer(serverName) : {}) };
}

/**
 * TLS settings for a kubeconfig's tls-server-name. An address is never sent as a name (RFC 6066), only looked for in
 * the certificate.
 */
function asServer(name: string): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> {
  if (isIP(name) === 0) return { servername: name };
  return { servername: '', checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) };
}
