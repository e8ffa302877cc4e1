import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { commaList } from '../../comma-list.ts';
import { messageOf } from '../../errors.ts';
import { isNotFound, type KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { configNames } from '../defaults.ts';
import { RequestParams, cacheKeyOf, defaultTimeoutMs } from '../params.ts';
import {
  InvalidRequest,
  ResolutionError,
  type ConfigData,
  type ResolvedDefinition,
  type Resolver,
} from '../resolver.ts';
import { checksumOf, type Definition } from '../trust/signed-forms.ts';

const configName = configNames.cluster;

interface Wanted {
  kind: string;
  name: string;
  namespace: string;
}

const versions: ReadonlyMap<string, { resource: Resource<KubeObject>; apiVersion: string; kind: string }> = new Map(
  [
    ['task', 'Task', 'tasks', 'v1'],
    ['pipeline', 'Pipeline', 'pipelines', 'v1'],
    ['stepaction', 'StepAction', 'stepactions', 'v1beta1'],
  ].map(([word = '', kind = '', plural = '', version = '']) => [
    word,
    {
      resource: { group: 'tekton.dev', version, plural, kind, namespaced: true },
      apiVersion: `tekton.dev/${version}`,
      kind,
    },
  ]),
);

/** Definitions in other namespaces, as far as the operator allows. */
export function clusterResolver(client: Pick<KubeClient, 'get'>): Resolver {
  return {
    type: 'cluster',
    title: 'Cluster',
    configName,
    timeoutMs: () => defaultTimeoutMs,
    prepare({ params }, config) {
      const wanted = wantedObject(new RequestParams(params), config);
      return {
        immutable: false,
        cacheKey: cacheKeyOf('cluster', wanted.kind, wanted.namespace, wanted.name),
        unlock: () => Promise.resolve({ credentials: [], fetch: (signal) => read(client, wanted, signal) }),
      };
    },
  };
}

async function read(client: Pick<KubeClient, 'get'>, wanted: Wanted, signal: AbortSignal): Promise<ResolvedDefinition> {
  const { kind, name, namespace } = wanted;
  const found = versions.get(kind);
  if (found === undefined) throw new ResolutionError(`unknown or invalid resource kind ${kind}`);
  const object = await client.get(found.resource, namespace, name, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (isNotFound(cause))
      throw new ResolutionError(
        `${found.resource.plural}.tekton.dev ${JSON.stringify(name)} not found: namespace ${namespace} has none; correct params kind, name and namespace`,
      );
    throw new ResolutionError(messageOf(cause), { retryable: true, cause });
  });
  const { uid = '', managedFields: _left, ...metadata } = object.metadata;
  const definition = { ...object, apiVersion: found.apiVersion, kind: found.kind, metadata: { ...metadata, uid } };
  return {
    data: Buffer.from(stringify(definition)),
    annotations: { 'resolution.tekton.dev/name': name, 'resolution.tekton.dev/namespace': namespace },
    refSource: {
      uri: `/apis/tekton.dev/v1/namespaces/${namespace}/${kind}/${name}@${uid}`,
      digest: { sha256: digestOf(definition as unknown as Definition) },
    },
  };
}

/** Upstream's checksum; of an object with fields that it does not know, a hash of all of it. */
function digestOf(definition: Definition): string {
  return checksumOf(definition) ?? createHash('sha256').update(JSON.stringify(definition.spec)).digest('hex');
}

function wantedObject(params: RequestParams, config: ConfigData): Wanted {
  const kind = params.text('kind') || config['default-kind'];
  if (kind !== undefined && !versions.has(kind))
    throw new InvalidRequest(`unknown or unsupported resource kind '${kind}'`);
  const name = params.text('name');
  const namespace = params.text('namespace') || (config['default-namespace'] ?? '').trim();
  const missing = Object.entries({ kind, name, namespace }).flatMap(([key, value]) => (value ? [] : [key]));
  if (missing.length > 0) throw new InvalidRequest(`missing required cluster resolver params: ${missing.join(', ')}`);
  if (!/^[a-z0-9][-a-z0-9.]*$/.test(namespace) || !/^[a-z0-9][-a-z0-9.]*$/.test(name))
    throw new InvalidRequest(
      `params name and namespace are ${JSON.stringify(name)} and ${JSON.stringify(namespace)}: they must be names of objects`,
    );
  checkNamespace(namespace, config);
  return { kind: kind ?? '', name, namespace };
}

function checkNamespace(namespace: string, config: ConfigData): void {
  const [blocked, allowed] = [
    commaList(config['blocked-namespaces'] ?? ''),
    commaList(config['allowed-namespaces'] ?? ''),
  ];
  if (blocked.includes(namespace)) throw new InvalidRequest(`access to specified namespace ${namespace} is blocked`);
  if (allowed.includes(namespace)) return;
  if (blocked.includes('*')) throw new InvalidRequest('only explicit allowed access to namespaces is allowed');
  if (allowed.length > 0 && !allowed.includes('*'))
    throw new InvalidRequest(`access to specified namespace ${namespace} is not allowed`);
}
