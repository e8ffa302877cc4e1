import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { ResolutionRequest } from '../api/resolution/resolution-request.ts';
import { isDone, succeededCondition } from '../core/condition.ts';
import { ownerOf } from '../core/retention/run.ts';
import type { KubeObject, ObjectMeta } from '../kube/object.ts';
import type { Pod } from '../kube/resources.ts';
import { isResolved } from '../resolvers/contract/status.ts';

/**
 * A cluster keeps tens of thousands of finished runs. A run is settled when no reconcile has anything left to do for it
 * and no other run reads it; of settled runs and their pods the caches keep what is counted and indexed, a tenth of
 * their size.
 */
export interface Surroundings {
  pipelineRun(namespace: string | undefined, name: string): PipelineRun | undefined;
  taskRun(namespace: string | undefined, name: string): TaskRun | undefined;
  pod(namespace: string | undefined, name: string): Pod | undefined;
}

/** Characters of data; shorter ones save a request for each. */
const longestKeptData = 4096;

const cut = new WeakSet<KubeObject>();

/** Whether an object of a cache was cut down: then it must not be planned with, nor written back. */
export function isCut(object: KubeObject): boolean {
  return cut.has(object);
}

function marked<T extends KubeObject>(object: T): T {
  cut.add(object);
  return object;
}

/** What the cache keeps of a PipelineRun: all of it for as long as the one that it runs within may read its results. */
export function keptPipelineRun(run: PipelineRun, around: Pick<Surroundings, 'pipelineRun'>): PipelineRun {
  // They come in one list: the outer run may not be there yet. It trims what it controls when it is, and is over.
  if (!isDone(run.status) || isReadByParent(run, around, true)) return run;
  const { managedBy, pipelineRef } = run.spec;
  return marked({
    apiVersion: run.apiVersion,
    kind: run.kind,
    metadata: keptRunMetadata(run.metadata),
    spec: {
      ...(managedBy === undefined ? {} : { managedBy }),
      ...(pipelineRef?.name === undefined ? {} : { pipelineRef: { name: pipelineRef.name } }),
    },
    status: keptStatus(run),
  });
}

/**
 * What the cache keeps of a ResolutionRequest: not the data of one that is answered, which is read when it is needed,
 * once, while thousands of them stay for as long as their runs do.
 */
export function keptRequest(request: ResolutionRequest): ResolutionRequest {
  if (!request.status?.data || request.status.data.length < longestKeptData) return request;
  const { data: _left, ...status } = request.status;
  return isResolved(request) ? { ...request, status } : request;
}

/** What the cache keeps of a TaskRun: all of it for as long as its PipelineRun may read its results. */
export function keptTaskRun(run: TaskRun, around: Pick<Surroundings, 'pipelineRun' | 'pod'>): TaskRun {
  if (!isDone(run.status) || !sidecarsEnded(run) || isReadByParent(run, around, false) || hasLivePod(run, around))
    return run;
  const { managedBy, taskRef } = run.spec;
  const { podName } = run.status ?? {};
  return marked({
    apiVersion: run.apiVersion,
    kind: run.kind,
    metadata: keptRunMetadata(run.metadata),
    spec: {
      ...(managedBy === undefined ? {} : { managedBy }),
      // Without a name: a remote one.
      ...(taskRef === undefined ? {} : { taskRef: taskRef.name === undefined ? {} : { name: taskRef.name } }),
    },
    status: { ...keptStatus(run), ...(podName === undefined ? {} : { podName }) },
  });
}

/** What the cache keeps of a pod: of one that has ended, its end is read until its TaskRun has taken it over. */
export function keptPod(pod: Pod, around: Pick<Surroundings, 'taskRun'>): Pod {
  const { phase, conditions = [] } = pod.status ?? {};
  if (phase !== 'Succeeded' && phase !== 'Failed') return pod;
  const owner = controllerOf(pod);
  const run = owner && around.taskRun(pod.metadata.namespace, owner.name);
  if (!run || run.metadata.uid !== owner.uid || !isDone(run.status) || !sidecarsEnded(run)) return pod;
  const scheduled = conditions
    .filter(({ type }) => type === 'PodScheduled')
    .map(({ type, status, lastTransitionTime }) => ({ type, status, lastTransitionTime }));
  return marked({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: keptMetadata(pod.metadata),
    spec: { containers: [] },
    status: { phase, conditions: scheduled },
  });
}

/** Whether the pod of a run that is over may still need somebody: to stop its sidecars. */
export function hasLivePod(run: TaskRun, around: Pick<Surroundings, 'pod'>): boolean {
  const phase = around.pod(run.metadata.namespace, run.status?.podName ?? '')?.status?.phase;
  return phase === 'Pending' || phase === 'Running' || phase === 'Unknown';
}

function sidecarsEnded(run: TaskRun): boolean {
  return (run.status?.sidecars ?? []).every(({ terminated }) => terminated !== undefined);
}

/** `unseen`: what holds while the PipelineRun that it is part of is not in the cache. */
function isReadByParent(run: KubeObject, around: Pick<Surroundings, 'pipelineRun'>, unseen: boolean): boolean {
  const owner = controllerOf(run);
  if (owner?.kind !== 'PipelineRun') return false;
  const parent = around.pipelineRun(run.metadata.namespace, owner.name);
  return parent === undefined ? unseen : parent.metadata.uid === owner.uid && !isDone(parent.status);
}

function controllerOf({ metadata }: KubeObject) {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

function keptStatus(run: PipelineRun | TaskRun) {
  const { startTime, completionTime } = run.status ?? {};
  const condition = succeededCondition(run.status);
  return {
    ...(startTime === undefined ? {} : { startTime }),
    ...(completionTime === undefined ? {} : { completionTime }),
    conditions: condition ? [{ type: condition.type, status: condition.status, reason: condition.reason ?? '' }] : [],
  };
}

/** Of a run's own labels and annotations, what selectors of the pruner may ask for. Characters and numbers. */
const keptWords = { longest: 256, most: 24 };

/**
 * Of a run of its own also what says whether it may be pruned: labels, annotations and finalizers. Of what users write
 * only so much is kept as memory allows. What is part of another run goes with that.
 */
function keptRunMetadata<M extends ObjectMeta>(metadata: M): M {
  const { finalizers = [], ownerReferences = [] } = metadata;
  const owners = ownerReferences.filter(({ controller, kind }) => controller === true || kind === 'PipelineRun');
  const kept = { ...keptMetadata(metadata), ...(owners.length > 0 ? { ownerReferences: owners } : {}) };
  if (ownerOf(metadata) !== undefined) return kept;
  const labels = short(metadata.labels, (key) => key.startsWith('tekton.dev/'));
  const annotations = short(metadata.annotations, (key) => /^(pruner|chains|results)\.tekton\.dev\//.test(key));
  return {
    ...kept,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers.length > 0 ? { finalizers } : {}),
  };
}

/** The short ones, up to a number; those that `isFirst` names come first. */
function short(
  words: Readonly<Record<string, string>> | undefined,
  isFirst: (key: string) => boolean,
): Record<string, string> | undefined {
  const all = Object.entries(words ?? {}).filter(([, value]) => value.length <= keptWords.longest);
  const first = all.filter(([key]) => isFirst(key));
  const others = all.filter(([key]) => !isFirst(key));
  const kept = [...first, ...others].slice(0, keptWords.most);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** Tekton's own labels are read by metrics and indexes. */
function keptMetadata<M extends ObjectMeta>(metadata: M): M {
  const { name, generateName, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const labels = Object.entries(metadata.labels ?? {}).filter(([label]) => label.startsWith('tekton.dev/'));
  const owners = (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
  return {
    name,
    ...(generateName === undefined ? {} : { generateName }),
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...(owners.length > 0 ? { ownerReferences: owners } : {}),
  } as M;
}
