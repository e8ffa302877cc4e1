import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { CustomRun } from '../../api/pipeline/v1beta1/customrun.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../api/resources.ts';
import {
  childOf,
  stopPatch,
  type ChildKind,
  type ChildObject,
  type NewChild,
} from '../../core/pipelinerun/child/child.ts';
import { isControlledBy } from '../../core/owner.ts';
import { knownChildren } from '../../core/pipelinerun/record.ts';
import { childDifferences } from '../../core/pipelinerun/takeover.ts';
import type { PipelineRunEffect } from '../../core/pipelinerun/types.ts';
import type { Settings } from '../../core/settings.ts';
import { ApiError, isAlreadyExists, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Resource } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';

export const taskRunResource = taskRuns;
export const pipelineRunResource = pipelineRuns;
export const customRunResource = customRuns;

const resources: Readonly<Record<ChildKind, Resource<ChildObject>>> = {
  TaskRun: taskRunResource,
  CustomRun: customRunResource,
  PipelineRun: pipelineRunResource,
};

/** Where children of each kind are found by the run that controls them. */
export interface ChildStores {
  pipelineRuns: Pick<Store<PipelineRun>, 'byIndex' | 'observeWrite'>;
  taskRuns: Pick<Store<TaskRun>, 'byIndex' | 'observeWrite'>;
  customRuns: Pick<Store<CustomRun>, 'byIndex' | 'observeWrite'>;
}

export interface ChildActions {
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
  stores: ChildStores;
  settings: Settings;
  run: PipelineRun;
  signal: AbortSignal;
}

function observeWrite(kind: ChildKind, object: ChildObject, stores: ChildStores): void {
  if (kind === 'TaskRun') stores.taskRuns.observeWrite(object);
  if (kind === 'PipelineRun') stores.pipelineRuns.observeWrite(object);
  if (kind === 'CustomRun') stores.customRuns.observeWrite(object as CustomRun);
}

/** Returns the child when it has to be recorded: as it was created, now or before a crash. */
export async function createChild(child: NewChild, actions: ChildActions): Promise<ChildObject | undefined> {
  const { client, stores, signal } = actions;
  const resource = resources[child.kind];
  try {
    const created = await client.create(resource, child, { signal });
    observeWrite(child.kind, created, stores);
    return created;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  const { namespace, name = '' } = child.metadata;
  const existing = await client.get(resource, namespace, name, { signal });
  const isRecorded = checkExisting(child, existing, actions);
  observeWrite(child.kind, existing, stores);
  return isRecorded ? undefined : existing;
}

/** Whether that one is recorded already. @throws ApiError when it is not this run's, or not what it makes */
function checkExisting(child: NewChild, existing: ChildObject, { run, settings }: ChildActions): boolean {
  const { kind, metadata } = child;
  const what = `${kind} ${metadata.namespace}/${metadata.name}`;
  if (!isControlledBy(existing, 'PipelineRun', run.metadata.uid)) {
    throw new ApiError(409, {
      reason: 'AlreadyExists',
      message: `${what} exists already and does not belong to this PipelineRun; delete it or give the PipelineRun another name`,
    });
  }
  if (knownChildren(run, [childOf(kind, existing)]).own.length > 0) return true;
  const differences = childDifferences(child, existing, settings.defaults);
  if (differences.length === 0) return false;
  throw new ApiError(409, {
    reason: 'AlreadyExists',
    message: `${what} exists already and is not the one that this PipelineRun makes: it differs in ${differences.slice(0, 5).join(', ')}; delete it and create the PipelineRun anew`,
  });
}

export async function cancelChild(
  { kind, name, cause, request }: Extract<PipelineRunEffect, { type: 'cancelChild' }>,
  { client, stores, run, signal }: ChildActions,
): Promise<void> {
  try {
    const { namespace } = run.metadata;
    const patched = await client.patch(resources[kind], namespace, name, {
      ...stopPatch(kind, cause, request),
      signal,
    });
    observeWrite(kind, patched, stores);
  } catch (error) {
    if (!isNotFound(error) && !isFinished(error)) throw error;
  }
}

/** Nobody may change a run that is done (422; a webhook answers 400): then there is nothing left to cancel. */
export function isFinished(error: unknown): boolean {
  const isRefusal = error instanceof ApiError && (error.isInvalid || error.status === 400);
  return isRefusal && error.message.includes('no updates are allowed');
}
