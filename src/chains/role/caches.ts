import type { Condition } from '../../api/meta.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { succeededCondition } from '../../core/condition.ts';
import { cacheOf, type Cache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { OwnerReference, Resource } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import type { Logger } from '../../log.ts';
import { annotations } from '../annotations.ts';
import { LONGEST_MARK, markOf } from '../plan/mark.ts';
import { childrenOfKind, isSigned, type RunState } from '../plan/run.ts';
import type { Seal } from '../plan/seal.ts';

/**
 * All that planning needs of a run, and no more: a cluster keeps tens of thousands of finished runs, whose specs and
 * results would fill the memory. The run itself is read when it is signed. Cutting twice is the same as once.
 */
export function slimRun(run: RunState, seal: Seal): RunState {
  const managedBy = run.spec?.managedBy;
  return {
    apiVersion: run.apiVersion,
    kind: run.kind,
    metadata: slimMetadata(run.metadata),
    ...(managedBy === undefined ? {} : { spec: { managedBy } }),
    // Signed runs keep it only where it is what says so.
    ...(isSigned(run, seal) && markOf(run.metadata, seal).kind !== 'none' ? {} : slimStatus(run)),
  };
}

function slimMetadata(metadata: RunState['metadata']): RunState['metadata'] {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, finalizers } = metadata;
  const owners = slimOwners(metadata);
  const kept = slimAnnotations(metadata.annotations);
  return {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(finalizers?.length ? { finalizers } : {}),
    ...(owners.length > 0 ? { ownerReferences: owners } : {}),
    ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
  };
}

/** Only the PipelineRun that a run belongs to. */
function slimOwners({ ownerReferences }: RunState['metadata']): OwnerReference[] {
  return (ownerReferences ?? [])
    .filter((owner) => owner.controller === true && owner.kind === 'PipelineRun')
    .map(({ apiVersion, kind, name, uid }) => ({ apiVersion, kind, name, uid, controller: true }));
}

function slimAnnotations(found: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [annotations.signed, annotations.mark, annotations.sign]) {
    const value = found?.[name];
    // Longer ones say nothing to Chains: nobody fills its memory with them.
    if (value !== undefined && value.length <= LONGEST_MARK) kept[name] = value;
  }
  return kept;
}

function slimStatus(run: RunState): Pick<RunState, 'status'> {
  if (run.status === undefined) return {};
  const condition = succeededCondition(run.status);
  const conditions: Condition[] = condition ? [{ type: condition.type, status: condition.status }] : [];
  const childReferences = (['TaskRun', 'PipelineRun'] as const).flatMap((kind) =>
    childrenOfKind(run, kind).map((name) => ({ kind, name })),
  );
  const { completionTime } = run.status;
  return {
    status: {
      conditions,
      ...(completionTime ? { completionTime } : {}),
      ...(childReferences.length > 0 ? { childReferences } : {}),
    },
  };
}

/** The caches of the chains role and the watches that feed them. */
export class RunCaches {
  readonly taskRuns: Cache<RunState>;
  readonly pipelineRuns: Cache<RunState>;
  readonly #informers: Informer<RunState>[] = [];

  /** `namespaces` empty: all of them. Without `resyncMs` nothing is looked at again by the clock. */
  constructor(
    client: Pick<KubeClient, 'list' | 'watch'>,
    { namespaces, resyncMs, seal, log }: { namespaces: readonly string[]; resyncMs?: number; seal: Seal; log: Logger },
  ) {
    const transform = (run: RunState) => slimRun(run, seal);
    const cacheOfRuns = (resource: Resource<RunState>): Cache<RunState> => {
      const inform = (namespace: string | undefined): Store<RunState> => {
        const again = resyncMs === undefined ? {} : { resyncMs };
        const informer = new Informer<RunState>({ client, resource, namespace, transform, log, ...again });
        this.#informers.push(informer);
        return informer.store;
      };
      return cacheOf(namespaces, inform);
    };
    this.taskRuns = cacheOfRuns(taskRuns);
    this.pipelineRuns = cacheOfRuns(pipelineRuns);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }
}
