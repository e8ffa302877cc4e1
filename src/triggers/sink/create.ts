import { LRUCache } from 'lru-cache';
import { ApiError, KubeClient, type KubeClientOptions } from '../../kube/client.ts';
import type { ClusterConfig } from '../../kube/config.ts';
import { transportFailure } from '../../kube/retry.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import type { ResourceObject } from '../resolve/template.ts';
import { withName, type ReceivedEvent } from './event.ts';
import type { Line } from './line.ts';
import type { Create } from './trigger.ts';

type Client = Pick<KubeClient, 'create' | 'get' | 'raw'>;

/** What a name follows from besides trigger and index. */
interface Cause {
  key: readonly string[];
  /** Other events may have the same cause. */
  isShared: boolean;
  /** For at least this long they create nothing, and after twice as long they do; undefined: no end of it. */
  windowMs?: number | undefined;
}

export interface CreatorOptions {
  /** As the listener's ServiceAccount, or as another one by impersonation. Rejects where that may not be. */
  clientFor: (serviceAccount: { namespace: string; name: string } | undefined) => Client | Promise<Client>;
  /** Creations go through it in the order of their events. */
  line: Line;
  cause: (event: ReceivedEvent) => Cause;
  /** Milliseconds of the epoch. */
  now: () => number;
  onCreated: (kind: string) => void;
  signal: AbortSignal;
}

/** Kinds are asked for again after this time. */
const discoveryMs = 5 * 60_000;

/** Creates what triggers made, each once: what is there already came from this event, or from the same one before. */
export function creator(options: CreatorOptions): Create {
  const kinds = new LRUCache<string, Promise<Resource>>({ max: 500, ttl: discoveryMs });
  return (given, { trigger, index, event }) => {
    const { serviceAccountName: account = '' } = trigger.spec;
    const cause = options.cause(event);
    const { now, others } = namesAround(given, cause, [trigger.namespace, trigger.name, String(index)], options.now());
    const { apiVersion, kind } = given;
    const attempts = { sent: 0, isShared: cause.isShared };
    return options.line.run(async () => {
      const other = account === '' ? undefined : { namespace: trigger.namespace, name: account };
      const client = await options.clientFor(other);
      const key = `${account}\n${apiVersion}\n${kind}`;
      const asked = kinds.get(key) ?? discover(client, apiVersion, kind);
      kinds.set(key, asked);
      const resource = await asked.catch((error: unknown) => {
        kinds.delete(key);
        throw error;
      });
      const means = { client, attempts, eventId: event.id, signal: options.signal };
      const before = await firstThere(resource, others, means);
      const { object: made, isRepeated } =
        before === undefined
          ? await createOnce(resource, placed(now, resource), means)
          : { object: before, isRepeated: true };
      if (!isRepeated) options.onCreated(kind);
      const { name = '', namespace } = made.metadata;
      return {
        apiVersion,
        kind,
        ...(namespace ? { namespace } : {}),
        name,
        ...(isRepeated ? { isRepeated: true as const } : {}),
      };
    }, options.signal);
  };
}

/**
 * The object under the name of this span of time, and under those of the spans beside it: an event that comes again
 * within the window finds the first one under one of the three, also where clocks of replicas differ. So what happened
 * when is nowhere kept but in names, and sinks need no right but to create.
 */
function namesAround(
  given: ResourceObject,
  { key, windowMs }: Cause,
  place: readonly string[],
  time: number,
): { now: ResourceObject; others: ResourceObject[] } {
  if (windowMs === undefined) return { now: withName(given, [...key, ...place]), others: [] };
  const span = Math.floor(time / windowMs);
  const at = (number: number) => withName(given, [...key, ...place, `${windowMs} ms`, String(number)]);
  const now = at(span);
  // A name of the template's own is the same at all times.
  return { now, others: now === given ? [] : [at(span - 1), at(span + 1)] };
}

/** Asks without creating anything. The client asks again where an answer is lost: it does no harm, and no event is. */
async function firstThere(
  resource: Resource,
  objects: readonly ResourceObject[],
  { client, signal }: CreationMeans,
): Promise<KubeObject | undefined> {
  for (const object of objects) {
    const candidate = placed(object, resource);
    try {
      await client.create(resource, candidate, { signal, dryRun: true });
    } catch (error) {
      if (error instanceof ApiError && error.isAlreadyExists) return candidate;
      throw error;
    }
  }
  return undefined;
}

function placed(object: ResourceObject, { namespaced }: Resource): KubeObject {
  const { namespace: _place, ...bare } = object.metadata ?? {};
  return { ...object, metadata: { ...(namespaced ? object.metadata : bare) } };
}

interface CreationMeans {
  client: Client;
  /** How often this creation was sent, and whether its name may be another event's too. */
  attempts: { sent: number; isShared: boolean };
  eventId: string;
  signal: AbortSignal;
}

/** The object, and whether an event before this one made it. */
async function createOnce(
  resource: Resource,
  object: KubeObject,
  means: CreationMeans,
): Promise<{ object: KubeObject; isRepeated: boolean }> {
  const { client, attempts, signal } = means;
  const { name } = object.metadata;
  attempts.sent += 1;
  try {
    return { object: await client.create(resource, object, { signal, attempts: 1 }), isRepeated: false };
  } catch (error) {
    if (attempts.sent === 1 && name !== undefined && transportFailure(error) !== 'other')
      return createOnce(resource, object, means);
    if (!(error instanceof ApiError && error.isAlreadyExists) || name === undefined) throw error;
    const found = await ownObject(resource, object, name, means);
    if (found === undefined) throw error;
    // At the first attempt, another event had the same cause.
    return { object: found, isRepeated: attempts.isShared && attempts.sent === 1 };
  }
}

/** The object that is there under the name; undefined where somebody else made it. */
async function ownObject(
  resource: Resource,
  object: KubeObject,
  name: string,
  { client, eventId, signal }: CreationMeans,
): Promise<KubeObject | undefined> {
  const { namespace, generateName } = object.metadata;
  // A generated name follows from the cause.
  if (generateName !== undefined) return object;
  // A name of the template's own says nothing of who made it.
  const found = await client.get(resource, namespace, name, { signal }).catch(() => undefined);
  return found?.metadata.labels?.['triggers.tekton.dev/triggers-eventid'] === eventId ? found : undefined;
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

async function discover(client: Client, apiVersion: string, kind: string): Promise<Resource> {
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  // Both become parts of a path, and an event may have written them.
  if (!/^(?:[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*)?$/.test(group) || !/^v[a-z0-9]+$/.test(version))
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
