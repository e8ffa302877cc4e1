import { LRUCache } from 'lru-cache';
import { serverTypeLabel } from '../../../api/triggers/defaults.ts';
import { clusterInterceptors } from '../../../api/triggers/objects.ts';
import { systemClock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import { HttpClient } from '../../../http/client.ts';
import { serve, type RunningServer, type ServerAnswer, type ServerRequest } from '../../../http/server.ts';
import { found, isAlreadyExists, isConflict, unlessExists } from '../../../kube/client.ts';
import { secrets, type Secret } from '../../../kube/resources.ts';
import { parseRoleFlags, numberFlag, type Environment, type RoleFlags } from '../../../role/flags.ts';
import { runRole, type Role, type RoleProcess } from '../../../role/process.ts';
import { servedCertificate } from '../../../role/served-certificate.ts';
import { untilDone } from '../../../role/until-done.ts';
import { parseJson } from '../../resolve/body.ts';
import { coreInterceptors } from '../core.ts';
import { stop, type InterceptorRequest } from '../wire.ts';
import type { SecretAnswer, World } from '../world.ts';
import { isUsable, issueCertificate, type CertificateData } from './certificate.ts';
import { githubApi } from './github-api.ts';

interface InterceptorsFlags extends RoleFlags {
  port: number;
  serviceName: string;
  secretName: string;
  githubHosts: string[];
  drainMs: number;
}

const flagsOfRole = {
  role: 'interceptors',
  options: {
    port: { type: 'string', default: '8443' },
    'github-enterprise-host': { type: 'string', multiple: true },
    'drain-seconds': { type: 'string', default: '5' },
  },
  defaults: { concurrency: 32, qps: 100, burst: 200, systemNamespace: 'tekton-pipelines' },
} as const;

function parseInterceptorsFlags(args: readonly string[], env: Environment): InterceptorsFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  return {
    ...flags,
    port: numberFlag('--port', values.port, 0),
    serviceName: env['INTERCEPTOR_TLS_SVC_NAME'] || 'tekton-triggers-core-interceptors',
    secretName: env['INTERCEPTOR_TLS_SECRET_NAME'] || 'tekton-triggers-core-interceptors-certs',
    githubHosts: values['github-enterprise-host'] ?? [],
    drainMs: numberFlag('--drain-seconds', values['drain-seconds'], 0) * 1000,
  };
}

/** The interceptors role: github, gitlab, bitbucket, slack and cel over HTTPS. */
const interceptorsRole: Role<InterceptorsFlags> = {
  name: 'interceptors',
  component: 'tekton-triggers-core-interceptors',
  meter: 'tekton_triggers_core_interceptors',
  eventMetrics: 'tekton_triggers_core_interceptors_',
  parseFlags: parseInterceptorsFlags,
  work,
};

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(interceptorsRole, [args, env], end);
}

/** A body of 25 MB in base64, with what is around it. */
const bodyLimit = 72 * 1024 * 1024;
const checkMs = 60_000;
const graceMs = 10_000;
/** Upstream's: a decision takes no longer. */
const decisionMs = 3_000;

async function work(process: RoleProcess<InterceptorsFlags>): Promise<void> {
  const { flags, log, end, ready } = process;
  const github = new HttpClient({ attempts: 2, deadlineMs: decisionMs });
  const world: World = {
    secret: cachedSecrets(process),
    github: githubApi(github, flags.githubHosts, () => AbortSignal.timeout(decisionMs)),
    now: () => Date.now(),
  };
  const data = await certificates(process);
  const server = await serve(
    [
      { method: '*', path: '/ready', handler: () => ({ status: 200 }) },
      { method: '*', path: '/*', handler: (request) => answer(request, world) },
    ],
    { port: flags.port, certificate: servedWith(data), bodyLimit, log },
  );
  log.info({ port: server.port }, 'serving');
  try {
    await register(process, data);
    ready();
    await keep(process, server, data);
    server.drain();
    await systemClock.sleep(flags.drainMs);
  } finally {
    await server.close(end.aborted ? graceMs : 0);
    await github.close();
  }
}

function servedWith(data: CertificateData) {
  return { cert: data['server-cert.pem'], key: data['server-key.pem'] };
}

/** One interceptor's answer: 400 for a path or a body that is none, 200 for every decision. */
export async function answer(request: Pick<ServerRequest, 'path' | 'body'>, world: World): Promise<ServerAnswer> {
  const interceptor = coreInterceptors.get(request.path.toLowerCase().replace(/^\//, ''));
  if (interceptor === undefined) return { status: 400, body: 'path did not match any interceptors\n' };
  const parsed = parseJson(request.body.toString());
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) {
    const problem = parsed.ok ? 'it is no JSON object' : parsed.problem;
    return { status: 400, body: `failed to parse body as InterceptorRequest: ${problem}\n` };
  }
  const decision = await interceptor(parsed.value as InterceptorRequest, world).catch((error: unknown) =>
    stop('internal', messageOf(error)),
  );
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(decision) };
}

const secretsMs = 5_000;

/** Secrets, remembered for some seconds as upstream does. An empty one is none: anyone could sign with it. */
function cachedSecrets({ client }: Pick<RoleProcess<InterceptorsFlags>, 'client'>): World['secret'] {
  const cache = new LRUCache<string, Promise<Readonly<Record<string, string>> | string>>({ max: 1024, ttl: secretsMs });
  return async (namespace, { secretName, secretKey }): Promise<SecretAnswer> => {
    const key = `${namespace}/${secretName}`;
    const read =
      cache.get(key) ??
      client
        .get(secrets, namespace, secretName, { signal: AbortSignal.timeout(decisionMs), attempts: 2 })
        .then(({ data = {} }) => data, messageOf);
    cache.set(key, read);
    const data = await read;
    if (typeof data === 'string') {
      cache.delete(key);
      return { ok: false, problem: data };
    }
    const value = Object.hasOwn(data, secretKey) ? data[secretKey] : undefined;
    if (value === undefined)
      return { ok: false, problem: `cannot find ${secretKey} key in secret ${namespace}/${secretName}` };
    if (value === '') return { ok: false, problem: `${secretKey} of secret ${namespace}/${secretName} is empty` };
    return { ok: true, value: Buffer.from(value, 'base64') };
  };
}

/** The certificate that is in the Secret; made and written first if it is missing or near its end. */
async function certificates({ client, flags, end, log }: RoleProcess<InterceptorsFlags>): Promise<CertificateData> {
  const { systemNamespace: namespace, secretName: name, serviceName } = flags;
  const host = `${serviceName}.${namespace}.svc`;
  for (let attempt = 1; ; attempt++) {
    const secret = await found(client.get(secrets, namespace, name, { signal: end }));
    const stored = certificateIn(secret);
    const now = systemClock.now();
    if (isUsable(stored, host, now)) return stored;
    const made = await issueCertificate([host, `${host}.cluster.local`, serviceName], now);
    const data = Object.fromEntries(
      Object.entries(made).map(([key, value]) => [key, Buffer.from(value as string).toString('base64')]),
    );
    try {
      if (secret) await client.replace(secrets, { ...secret, data: { ...secret.data, ...data } }, { signal: end });
      else await client.create(secrets, { metadata: { name, namespace }, data }, { signal: end });
      log.info({ secret: `${namespace}/${name}` }, 'a new certificate was made');
      return made;
    } catch (error) {
      // Another replica was first: its certificate is used.
      const isLost = isConflict(error) || isAlreadyExists(error);
      if (!isLost || attempt >= 5) throw error;
    }
  }
}

function certificateIn(secret: Secret | undefined): Partial<CertificateData> {
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/**
 * Makes itself known. A webhook that judges ClusterInterceptors may start at the same time: while the API server does
 * not take them the process is alive and not ready, and its log says why.
 */
async function register(process: RoleProcess<InterceptorsFlags>, data: CertificateData): Promise<void> {
  const { end, log } = process;
  const work = async () => {
    await createMissing(process, data);
    await announce(process, data);
  };
  const onFailure = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'the ClusterInterceptors are not taken; it is tried again');
  await untilDone(work, { clock: systemClock, end, onFailure });
}

/** Tells sinks whom to trust: the caBundle of the ClusterInterceptors that come along. */
async function announce({ client, log, end }: RoleProcess<InterceptorsFlags>, data: CertificateData): Promise<void> {
  const caBundle = bundleOf(data);
  const { items } = await client.list(clusterInterceptors, { signal: end });
  for (const { metadata, spec } of items) {
    const name = metadata.name ?? '';
    if (!coreInterceptors.has(name) || spec?.clientConfig?.caBundle === caBundle) continue;
    const body = { spec: { clientConfig: { caBundle } } };
    await client.patch(clusterInterceptors, undefined, name, { type: 'merge', body, signal: end });
    log.info({ clusterInterceptor: name }, 'its certificate was announced');
  }
}

function bundleOf(data: CertificateData): string {
  return Buffer.from(data['ca-cert.pem']).toString('base64');
}

/**
 * Makes the ClusterInterceptors that are not there, at the start only: whoever deletes one later means it. They cannot
 * be part of the chart, since their kind is.
 */
async function createMissing(
  { client, flags, end }: RoleProcess<InterceptorsFlags>,
  data: CertificateData,
): Promise<void> {
  for (const path of coreInterceptors.keys()) {
    const service = { name: flags.serviceName, namespace: flags.systemNamespace, path, port: 8443 };
    const metadata = { name: path, labels: { [serverTypeLabel]: 'https' } };
    const spec = { clientConfig: { service, caBundle: bundleOf(data) } };
    await client.create(clusterInterceptors, { metadata, spec }, { signal: end }).catch(unlessExists);
  }
}

/** Looks after certificate and caBundles until the end. */
async function keep(
  process: RoleProcess<InterceptorsFlags>,
  server: RunningServer,
  first: CertificateData,
): Promise<void> {
  const { end, log, meters } = process;
  const tellAge = servedCertificate(meters.role);
  let current = first;
  tellAge(current['server-cert.pem']);
  while (!end.aborted) {
    await systemClock.sleep(checkMs, end).catch(() => undefined);
    if (end.aborted) return;
    try {
      const next = await certificates(process);
      // Sinks trust it before it is served.
      await announce(process, next);
      if (next['server-cert.pem'] !== current['server-cert.pem']) server.setCertificate(servedWith(next));
      current = next;
      tellAge(current['server-cert.pem']);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'cannot look after the certificate; it is tried again in a minute');
    }
  }
}
