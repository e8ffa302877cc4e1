import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../api/resources.ts';
import { readPodRecord } from '../../core/digest/pod-record.ts';
import { recorded } from '../../core/digest/record.ts';
import { isControlledBy } from '../../core/owner.ts';
import { podChanges } from '../../core/pod/changes.ts';
import type { NewPod, Pod as RunPod } from '../../core/pod/types.ts';
import type { Settings } from '../../core/settings.ts';
import type { PodPatch, TaskRunEffect } from '../../core/taskrun/facts.ts';
import { gate } from '../../core/taskrun/running.ts';
import { podOfAnother, podOfEarlierRun, type MadePod, type TaskRunOutcome } from '../../core/taskrun/settle.ts';
import { isAbort, messageOf } from '../../errors.ts';
import { ApiError, isAlreadyExists, isConflict, isNotFound, type KubeClient } from '../../kube/client.ts';
import { persistentVolumeClaims, pods, type PersistentVolumeClaim, type Pod } from '../../kube/resources.ts';
import type { Identities } from './identities.ts';
import { during, type ReconcileSpan } from '../tracing.ts';
import type { TaskRunStores } from './observe.ts';

export const taskRunResource = taskRuns;

export interface Applying {
  client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'delete'>;
  stores: Pick<TaskRunStores, 'pods' | 'taskRuns'>;
  settings: Settings;
  identities: Pick<Identities, 'register' | 'remove'>;
  span?: ReconcileSpan | undefined;
}

interface Action extends Applying {
  taskRun: TaskRun;
  signal: AbortSignal;
}

/**
 * Carries out the effects on pods and claims, in order. Creations that fail end it and are reported, for users must see
 * them, as are sidecars that may not be stopped; other failures are thrown, and the reconcile is tried again before its
 * status is written. Each may be repeated after a crash.
 */
export async function applyPodEffects(
  taskRun: TaskRun,
  effects: readonly TaskRunEffect[],
  applying: Applying,
  signal: AbortSignal,
): Promise<TaskRunOutcome[]> {
  const action = { ...applying, taskRun, signal };
  const outcomes: TaskRunOutcome[] = [];
  for (const effect of effects) {
    const outcome = await attempt(effect, action);
    outcomes.push(outcome);
    if (outcome.kind === 'failed') break;
  }
  return outcomes;
}

async function attempt(effect: TaskRunEffect, action: Action): Promise<TaskRunOutcome> {
  try {
    const object = await carryOut(effect, action);
    return { effect, kind: 'applied', ...(object ? { object } : {}) };
  } catch (error) {
    if (!isReported(effect, error) || isAbort(error, action.signal)) throw error;
    return {
      effect,
      kind: 'failed',
      ...(error instanceof ApiError ? { status: error.status, reason: error.reason } : { status: 0, reason: '' }),
      message: messageOf(error),
    };
  }
}

/** Creations, what SPIRE was to be told, and sidecars that the API server or a webhook will not have stopped. */
function isReported(effect: TaskRunEffect, error: unknown): boolean {
  if (effect.type === 'registerIdentity' || effect.type === 'removeIdentity') return true;
  if (effect.type === 'createPod' || effect.type === 'createPersistentVolumeClaim') return true;
  const isRefusal = error instanceof ApiError && [400, 403, 422].includes(error.status);
  return isRefusal && effect.type === 'patchPod' && effect.purpose === 'stopSidecars';
}

async function carryOut(effect: TaskRunEffect, action: Action): Promise<MadePod | void> {
  switch (effect.type) {
    case 'createPersistentVolumeClaim':
      return createClaim(effect.claim, action);
    case 'createPod':
      return during(action.span, 'createPod', () => createPod(effect.pod, action));
    case 'patchPod': {
      const patched = () => patchPod(effect.namespace, effect.name, effect.patch, action);
      return effect.purpose === 'stopSidecars' ? during(action.span, 'stopSidecars', patched) : patched();
    }
    case 'deletePod':
      return deletePod(effect.namespace, effect.name, effect.uid, action);
    case 'registerIdentity':
      return action.identities.register(action.settings.spire, effect.identity, action.signal);
    case 'removeIdentity':
      return action.identities.remove(action.settings.spire, effect.identity, action.signal);
    case 'patchMetadata':
    case 'event':
      // Written with and after the status: see reconciler.ts.
      return;
    default: {
      const never: never = effect;
      return never;
    }
  }
}

async function createClaim(claim: PersistentVolumeClaim, { client, signal }: Action): Promise<void> {
  try {
    await client.create(persistentVolumeClaims, claim, { signal });
  } catch (error) {
    // Its name holds a hash of the run's uid: it is ours, made before.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function createPod(sent: NewPod, action: Action): Promise<MadePod> {
  const { client, stores, settings, signal } = action;
  const made = await createOrTakeOver(sent, action);
  stores.pods.observeWrite(made.pod as Pod);
  // A webhook may have added containers to a pod whose gate we left open: close it before its first step can start.
  for (const effect of gate(made.pod, settings)) {
    if (effect.type === 'patchPod')
      await patchPod(effect.namespace, effect.name, effect.patch, { ...action, client, signal });
  }
  return made;
}

/** The pod as it was created now, or as this run (by uid) created it before that could be written down. */
async function createOrTakeOver(sent: NewPod, { client, taskRun, signal }: Action): Promise<MadePod> {
  try {
    const pod = (await client.create(pods, sent as Pod, { signal })) as RunPod;
    return { pod, takenOver: false, recorded: false };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  const { namespace, name = '' } = (sent as Pod).metadata;
  const existing = await client.get(pods, namespace, name, { signal });
  const owner = (existing.metadata.ownerReferences ?? []).find((reference) => reference.controller);
  if (isControlledBy(existing, 'TaskRun', taskRun.metadata.uid)) return takenOver(sent, existing as RunPod, taskRun);
  if (owner?.kind === 'TaskRun' && owner.name === taskRun.metadata.name) {
    throw new ApiError(409, {
      reason: podOfEarlierRun,
      message: `pod ${namespace}/${name} belongs to a deleted TaskRun of the same name and is not gone yet`,
    });
  }
  const holder = owner ? `belongs to ${owner.kind} ${owner.name}` : 'belongs to nobody';
  throw new ApiError(409, {
    reason: 'AlreadyExists',
    message: `pod ${namespace}/${name} exists already and ${holder}; delete it or give the TaskRun another name`,
  });
}

/**
 * An owner reference is quickly borrowed: a pod is taken for the run's only if it is what the run makes. One that is
 * recorded, and that the cache did not have yet, keeps its record: it shows what was changed since.
 */
function takenOver(sent: NewPod, pod: RunPod, { status }: TaskRun): MadePod {
  if (readPodRecord(recorded(status, 'pod'))?.uid === pod.metadata.uid) return { pod, takenOver: true, recorded: true };
  const changes = podChanges(sent, pod);
  if (changes.length === 0) return { pod, takenOver: true, recorded: false };
  const { namespace, name } = pod.metadata;
  const more = changes.length > shownChanges ? ` and ${changes.length - shownChanges} more` : '';
  throw new ApiError(409, {
    reason: podOfAnother,
    message:
      `pod ${namespace}/${name} exists already and is not the one that this TaskRun makes: it differs in ` +
      `${changes.slice(0, shownChanges).join(', ')}${more}; delete the pod and create the TaskRun anew`,
  });
}

const shownChanges = 5;

async function patchPod(
  namespace: string,
  name: string,
  patch: PodPatch,
  { client, stores, signal }: Action,
): Promise<void> {
  try {
    stores.pods.observeWrite(await client.patch(pods, namespace, name, { ...podPatchBody(patch), signal }));
  } catch (error) {
    // Gone: there is nothing to let go or to stop any more.
    if (!isNotFound(error)) throw error;
  }
}

function podPatchBody(patch: PodPatch): { type: 'merge' | 'json'; body: unknown } {
  switch (patch.kind) {
    case 'annotation':
      return { type: 'merge', body: { metadata: { annotations: { [patch.name]: patch.value } } } };
    case 'images':
      return {
        type: 'json',
        body: patch.images.map(({ index, image }) => ({
          op: 'replace',
          path: `/spec/containers/${index}/image`,
          value: image,
        })),
      };
    default: {
      const never: never = patch;
      return never;
    }
  }
}

async function deletePod(
  namespace: string,
  name: string,
  uid: string | undefined,
  { client, signal }: Action,
): Promise<void> {
  try {
    await client.delete(pods, namespace, name, { signal, ...(uid ? { uid } : {}) });
  } catch (error) {
    // Gone, or another one has its name by now.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
