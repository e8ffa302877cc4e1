import { LRUCache } from 'lru-cache';
import { ApiError, KubeClient, type KubeClientOptions } from '../../kube/client.ts';
import type { ClusterConfig } from '../../kube/config.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import { withName } from './event.ts';
import type { Line } from './line.ts';
import type { Create } from './trigger.ts';

type Client = Pick<KubeClient, 'create' | 'get' | 'raw'>;

export interface CreatorOptions {
  /** As the sink's own ServiceAccount, or as another one by impersonation. */
  clientFor: (serviceAccount: { namespace: string; name: string } | undefined) => Client;
  /** Creations go through it in the order of their events. */
  line: Line;
  /** What a name follows from besides trigger and index: the id of the delivery, or that of the event. */
  cause: (event: Parameters<Create>[1]['event']) => readonly string[];
  onCreated: (kind: string) => void;
  signal: AbortSignal;
}

/** Kinds are asked for again after this time. */
const discoveryMs = 5 * 60_000;

/** Creates what triggers made, each once: an object that is there already with the same cause counts as created. */
export function creator(options: CreatorOptions): Create {
  const kinds = new LRUCache<string, Promise<Resource>>({ max: 500, ttl: discoveryMs });
  return (given, { trigger, index, event }) => {
    const { serviceAccountName: account = '' } = trigger.spec;
    const client = options.clientFor(account === '' ? undefined : { namespace: trigger.namespace, name: account });
    const cause = [...options.cause(event), trigger.namespace, trigger.name, String(index)];
    const object = withName(given, cause);
    const { apiVersion, kind } = object;
    return options.line.run(async () => {
      const key = `${account}\n${apiVersion}\n${kind}`;
      const asked = kinds.get(key) ?? discover(client, apiVersion, kind);
      kinds.set(key, asked);
      const resource = await asked.catch((error: unknown) => {
        kinds.delete(key);
        throw error;
      });
      const { namespace: _place, ...bare } = object.metadata ?? {};
      const metadata = resource.namespaced ? object.metadata : bare;
      const made = await createOnce(
        client,
        resource,
        { ...object, metadata: { ...metadata } },
        event.id,
        options.signal,
      );
      options.onCreated(kind);
      const { name = '', namespace } = made.metadata;
      return { apiVersion, kind, ...(namespace ? { namespace } : {}), name };
    }, options.signal);
  };
}

async function createOnce(
  client: Client,
  resource: Resource,
  object: KubeObject,
  eventId: string,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { name, namespace, generateName } = object.metadata;
  try {
    return await client.create(resource, object, { signal, attempts: 2 });
  } catch (error) {
    if (!(error instanceof ApiError && error.isAlreadyExists) || name === undefined) throw error;
    // A generated name follows from the cause; a name of the template's own says nothing of who made it.
    if (generateName !== undefined) return object;
    const found = await client.get(resource, namespace, name, { signal }).catch(() => undefined);
    if (found?.metadata.labels?.['triggers.tekton.dev/triggers-eventid'] === eventId) return found;
    throw error;
  }
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

async function discover(client: Client, apiVersion: string, kind: string): Promise<Resource> {
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  // Both become parts of a path, and an event may have written them.
  if (!/^[a-z0-9.-]*$/.test(group) || !/^v[a-z0-9]+$/.test(version))
    throw new Error(`${JSON.stringify(apiVersion)} is no apiVersion`);
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const list = JSON.parse(await client.raw('GET', path)) as ResourceList;
  const found = (list.resources ?? []).find((each) => each.kind === kind && !each.name.includes('/'));
  if (found === undefined)
    throw new Error(
      `could not find API resource with apiVersion ${JSON.stringify(apiVersion)} and kind ${JSON.stringify(kind)}`,
    );
  return { group, version, kind, plural: found.name, namespaced: found.namespaced };
}

/** A client that acts as another ServiceAccount: the API server asks whether the sink may, and then whether it may. */
export function impersonating(
  config: ClusterConfig,
  { namespace, name }: { namespace: string; name: string },
  options: KubeClientOptions,
): KubeClient {
  const user = { 'impersonate-user': `system:serviceaccount:${namespace}:${name}` };
  return new KubeClient(
    {
      ...config,
      credentials: async (fresh) => {
        const credentials = await config.credentials(fresh);
        return { ...credentials, headers: { ...credentials.headers, ...user } };
      },
    },
    options,
  );
}
