import { eachOf } from '../concurrency.ts';
import { messageOf } from '../errors.ts';
import type { ConfigMap, Deployment, Lease, Pod } from '../kube/resources.ts';
import type { KubeObject } from '../resource.ts';
import { configurations, type Configuration } from '../webhook/configurations.ts';
import { isRole, namespacesIn, type Places } from './places.ts';
import { podsOf } from './roles.ts';
import type { Unread } from './report.ts';

/** Everything that is judged, as the API server told it. */
export interface Observed {
  places: Places;
  kubernetes: string | undefined;
  deployments: Deployment[];
  pods: Pod[];
  leases: Lease[];
  configMaps: ConfigMap[];
  webhooks: Configuration[];
  /** What pods say of themselves, in Prometheus' text. */
  metrics: { namespace: string; pod: string; text: string }[];
  /** Kinds that could be read in a namespace, as `deployments tekton-pipelines`: what is not there is missing. */
  read: ReadonlySet<string>;
  unread: Unread[];
}

/**
 * Reads a path of the API server as text. Rejects with an error that has the `status` of its answer, if it answered.
 */
export type Read = (path: string, signal: AbortSignal) => Promise<string>;

const AT_ONCE = 6;
const MOST_SCRAPED = 24;
const LONGEST_MESSAGE = 500;

/** Reads what there is with the rights of whoever asks; what may not be read is told, and nothing waits for it. */
export async function observe(places: Places, read: Read, signal: AbortSignal): Promise<Observed> {
  const reading = new Reading(read, signal);
  const namespaces = namespacesIn(places);
  const lists = { deployments: apps('deployments'), leases: coordination('leases'), pods: core('pods') };
  const [kubernetes, deployments, leases, pods, configMaps, webhooks] = await Promise.all([
    reading.version(),
    reading.lists<Deployment>('Deployments', lists.deployments, namespaces),
    reading.lists<Lease>('Leases', lists.leases, namespaces),
    reading.lists<Pod>('Pods', lists.pods, namespaces),
    reading.lists<ConfigMap>('ConfigMaps', core('configmaps'), namespaces),
    reading.webhooks(),
  ]);
  const roles = deployments.filter(({ metadata }) => isRole(metadata.name ?? ''));
  const metrics = await reading.metrics(roles.flatMap((role) => podsOf(role, pods)));
  const { seen, unread } = reading;
  return { places, kubernetes, deployments: roles, pods, leases, configMaps, webhooks, metrics, read: seen, unread };
}

interface Listed {
  root: string;
  plural: string;
  /** As kubectl names it. */
  resource: string;
}

const core = (plural: string): Listed => ({ root: '/api/v1', plural, resource: plural });
const apps = (plural: string): Listed => ({ root: '/apis/apps/v1', plural, resource: `${plural}.apps` });
const coordination = (plural: string): Listed => ({
  root: '/apis/coordination.k8s.io/v1',
  plural,
  resource: `${plural}.coordination.k8s.io`,
});

class Reading {
  readonly seen = new Set<string>();
  readonly unread: Unread[] = [];
  readonly #read: Read;
  readonly #signal: AbortSignal;

  constructor(read: Read, signal: AbortSignal) {
    this.#read = read;
    this.#signal = signal;
  }

  async version(): Promise<string | undefined> {
    const found = await this.#json<{ gitVersion?: unknown }>('/version', {
      what: 'the version',
      right: 'get /version',
    });
    return typeof found?.gitVersion === 'string' ? found.gitVersion.slice(0, 100) : undefined;
  }

  async lists<T extends KubeObject>(title: string, listed: Listed, namespaces: readonly string[]): Promise<T[]> {
    const { root, plural, resource } = listed;
    const all = await eachOf(namespaces, AT_ONCE, async (namespace) => {
      const about = { what: `${title} in ${namespace}`, right: `list ${resource} -n ${namespace}` };
      const path = `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
      const list = await this.#json<{ items?: T[] }>(path, about);
      if (list !== undefined) this.seen.add(`${plural} ${namespace}`);
      return list?.items ?? [];
    });
    return all.flat();
  }

  async webhooks(): Promise<Configuration[]> {
    const found = await eachOf(configurations, AT_ONCE, ({ resource: { plural }, name }) =>
      this.#json<Configuration>(`/apis/admissionregistration.k8s.io/v1/${plural}/${name}`, {
        what: `the certificates of ${name}`,
        right: `get ${plural}.admissionregistration.k8s.io/${name}`,
      }),
    );
    return found.filter((each) => each !== undefined);
  }

  /** Through the API server, for neither a laptop nor every pod reaches them. */
  async metrics(pods: readonly Pod[]): Promise<Observed['metrics']> {
    const scraped = pods.flatMap(({ metadata: { namespace = '', name = '' }, spec }) => {
      const ports = spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
      const port = ports.find((each) => each.name === 'metrics')?.containerPort;
      return port === undefined ? [] : [{ namespace, name, port }];
    });
    const refused = new Set<string>();
    const found = await eachOf(scraped.slice(0, MOST_SCRAPED), AT_ONCE, async ({ namespace, name, port }) => {
      // One refusal tells for all pods of a namespace.
      if (refused.has(namespace)) return [];
      const about = { what: `queue depths of pods in ${namespace}`, right: `get pods/proxy -n ${namespace}` };
      const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy/metrics`;
      const text = await this.#text(path, about, () => refused.add(namespace));
      return text === undefined ? [] : [{ namespace, pod: name, text }];
    });
    return found.flat();
  }

  async #json<T>(path: string, about: Omit<Unread, 'message'>): Promise<T | undefined> {
    const text = await this.#text(path, about);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch {
      this.#miss({ ...about, message: 'the API server answered something that is no JSON' });
      return undefined;
    }
  }

  /** Undefined for what is not there, and for what may not be read. */
  async #text(path: string, about: Omit<Unread, 'message'>, onRefused?: () => void): Promise<string | undefined> {
    try {
      return await this.#read(path, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      const { status } = error as { status?: unknown };
      if (status === 401) throw error;
      if (status === 404 && onRefused === undefined) return undefined;
      onRefused?.();
      this.#miss({ ...about, message: messageOf(error).slice(0, LONGEST_MESSAGE) });
      return undefined;
    }
  }

  #miss(unread: Unread): void {
    if (!this.unread.some(({ right }) => right === unread.right)) this.unread.push(unread);
  }
}
