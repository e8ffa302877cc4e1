import { readFile, readFileSync, existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** What a connection to the API server needs. Everything but the headers belongs to TLS. */
export interface Credentials {
  headers: Record<string, string>;
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  rejectUnauthorized?: boolean;
  serverName?: string;
}

export interface ClusterConfig {
  /** May carry a path prefix (Rancher and other proxies). */
  server: URL;
  /** The namespace of the context or of the service account; "default" when there is none. */
  namespace: string;
  proxy?: URL;
  /** Current credentials, read again about once a minute; `fresh` skips the cache (after a 401). */
  credentials(fresh?: boolean): Promise<Credentials>;
}

export interface ConfigSource {
  /** Path of a kubeconfig file; wins over everything. */
  kubeconfig?: string;
  context?: string;
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
  /** Where the kubelet mounts the service account. */
  serviceAccountFolder?: string;
}

const CREDENTIALS_AGE_MS = 60_000;
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the cluster: the kubeconfig named, else $KUBECONFIG, else the pod's own service account, else ~/.kube/config.
 * client-node (85 MB) is loaded only for kubeconfig files: a controller in its pod never pays for it.
 * @throws when no configuration is found or the context does not exist.
 */
export async function loadClusterConfig(source: ConfigSource = {}): Promise<ClusterConfig> {
  const { env = process.env, clock = systemClock } = source;
  if (!source.kubeconfig && !env['KUBECONFIG']) {
    const account = serviceAccountOf(env, source.serviceAccountFolder);
    if (account) return inCluster(account, clock);
    if (!existsSync(join(env['HOME'] ?? homedir(), '.kube', 'config')))
      throw new Error('no cluster is configured: pass --kubeconfig, set KUBECONFIG or write $HOME/.kube/config');
  }
  return fromKubeconfig(source, clock);
}

/** The API server as a pod has it, and where its token is. */
interface ServiceAccount {
  host: string;
  port: string;
  folder: string;
}

function serviceAccountOf(
  env: NonNullable<ConfigSource['env']>,
  folder = SERVICE_ACCOUNT_FOLDER,
): ServiceAccount | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (!host || !existsSync(`${folder}/token`)) return undefined;
  return { host, port: env['KUBERNETES_SERVICE_PORT'] ?? '443', folder };
}

function inCluster({ host, port, folder }: ServiceAccount, clock: Clock): ClusterConfig {
  const read = promisify(readFile);
  const namespaceFile = `${folder}/namespace`;
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : 'default',
    credentials: cached(clock, async () => {
      const [token, ca] = await Promise.all([read(`${folder}/token`, 'utf8'), read(`${folder}/ca.crt`)]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, ca };
    }),
  };
}

async function fromKubeconfig(source: ConfigSource, clock: Clock): Promise<ClusterConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeconfig = new KubeConfig();
  if (source.kubeconfig) kubeconfig.loadFromFile(source.kubeconfig);
  else kubeconfig.loadFromDefault();
  if (source.context) selectContext(kubeconfig, source.context);
  const cluster = kubeconfig.getCurrentCluster();
  if (!cluster) {
    throw new Error(
      `kubeconfig ${source.kubeconfig ?? '(default)'}: current context ${JSON.stringify(kubeconfig.getCurrentContext())} names no cluster; set one with "kubectl config use-context" or pass --context`,
    );
  }
  return {
    server: new URL(cluster.server),
    namespace: kubeconfig.getContextObject(kubeconfig.getCurrentContext())?.namespace ?? 'default',
    ...(cluster.proxyUrl ? { proxy: new URL(cluster.proxyUrl) } : {}),
    credentials: cached(clock, () => kubeconfigCredentials(kubeconfig)),
  };
}

function selectContext(kubeconfig: KubeConfig, context: string): void {
  if (!kubeconfig.getContextObject(context)) {
    const known = kubeconfig
      .getContexts()
      .map((c) => c.name)
      .join(', ');
    throw new Error(`context ${JSON.stringify(context)} is not in the kubeconfig; it has: ${known || 'none'}`);
  }
  kubeconfig.setCurrentContext(context);
}

/** Lets KubeConfig run exec plugins and refresh OIDC tokens, and takes what it would put on a request. */
async function kubeconfigCredentials(kubeconfig: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await kubeconfig.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries((options.headers ?? {}) as Record<string, string | undefined>)) {
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  if (typeof options.auth === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return {
    headers,
    ...(options.ca ? { ca: options.ca as Buffer } : {}),
    ...(options.cert ? { cert: options.cert as Buffer } : {}),
    ...(options.key ? { key: options.key as Buffer } : {}),
    ...(options.rejectUnauthorized === false ? { rejectUnauthorized: false } : {}),
    ...(options.servername ? { serverName: options.servername } : {}),
  };
}

/** Keeps an answer for a minute and lets callers at the same moment share one read. A failed read is not kept. */
function cached(clock: Clock, read: () => Promise<Credentials>): ClusterConfig['credentials'] {
  let value: Promise<Credentials> | undefined;
  let until = 0;
  return (fresh = false) => {
    const now = clock.now().getTime();
    if (!value || fresh || now >= until) {
      const reading = read();
      value = reading;
      until = now + CREDENTIALS_AGE_MS;
      reading.catch(() => {
        if (value === reading) value = undefined;
      });
    }
    return value;
  };
}
