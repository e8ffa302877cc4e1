import type { Pipeline } from '../../api/pipeline/v1/pipeline.ts';
import type { Task } from '../../api/pipeline/v1/task.ts';
import { pipelines, stepActions, tasks } from '../../api/resources.ts';
import type { DefinitionNeed } from '../../core/need.ts';
import type { ClusterReference, RemoteReference } from '../../core/reference/reference.ts';
import type { Definition, Resolved } from '../../core/reference/resolved.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';

/** The run that asks; it owns the ResolutionRequest that is made for it. */
export interface Requester {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

/** Has resolvers fetch a definition; a failure is an answer. Rejects only for what trying again may mend. */
export type RemoteSupplier = (
  need: DefinitionNeed & { reference: RemoteReference },
  requester: Requester,
  signal: AbortSignal,
) => Promise<Resolved>;

export interface DefinitionSources {
  client: Pick<KubeClient, 'get'>;
  stores: { tasks: Pick<Store<Task>, 'find'>; pipelines?: Pick<Store<Pipeline>, 'find'> };
  /** Without one, remote references are answered as unsupported. */
  remote?: RemoteSupplier | undefined;
}

/** Finds a definition in the run's namespace, or leaves it to the remote supplier. */
export async function supplyDefinition(
  need: DefinitionNeed,
  requester: Requester,
  sources: DefinitionSources,
  signal: AbortSignal,
): Promise<Resolved> {
  const { reference } = need;
  if (reference.kind === 'inCluster') return findInCluster({ ...need, reference }, sources, signal);
  if (sources.remote) return sources.remote({ ...need, reference }, requester, signal);
  const message = `resolver "${reference.resolver}" is not supported by this version`;
  return { kind: 'failed', reason: 'Unsupported', message };
}

async function findInCluster(
  need: DefinitionNeed & { reference: ClusterReference },
  { client, stores }: DefinitionSources,
  signal: AbortSignal,
): Promise<Resolved> {
  switch (need.reference.ofKind) {
    case 'Task':
      return read(need, { resource: tasks, store: stores.tasks }, client, signal);
    case 'Pipeline':
      return read(need, { resource: pipelines, store: stores.pipelines }, client, signal);
    case 'StepAction':
      // Read when a run begins, and only then: nobody watches them.
      return read(need, { resource: stepActions }, client, signal);
    default: {
      const never: never = need.reference.ofKind;
      return never;
    }
  }
}

/**
 * From the cache, but for a run that has not begun from the API server: a definition that was changed a moment before
 * its run was created must count. What the cache lacks may only be too new for it.
 */
async function read<T extends KubeObject & Pick<Definition, 'spec'>>(
  { namespace, reference: { name }, fresh }: DefinitionNeed & { reference: ClusterReference },
  { resource, store }: { resource: Resource<T>; store?: Pick<Store<T>, 'find'> | undefined },
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<Resolved> {
  try {
    const cached = fresh ? undefined : store?.find(namespace, name);
    const { metadata, spec } = cached ?? (await client.get(resource, namespace, name, { signal }));
    return { kind: 'found', definition: { name, metadata, spec } };
  } catch (error) {
    if (!(error instanceof ApiError) || !(error.isNotFound || error.isForbidden)) throw error;
    return { kind: 'failed', reason: error.isNotFound ? 'NotFound' : 'Forbidden', message: error.message };
  }
}
