import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { EffectOutcome } from '../../core/decision.ts';
import type { ChildKind, ChildObject, NewChild } from '../../core/pipelinerun/child/child.ts';
import type { ClaimObject, PipelineRunEffect } from '../../core/pipelinerun/types.ts';
import { annotations } from '../../core/labels.ts';
import { spanContextAnnotations, writtenCarrier, type SpanCarrier } from '../../core/span-context.ts';
import type { Settings } from '../../core/settings.ts';
import { isAbort, messageOf } from '../../errors.ts';
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isNotFound,
  unlessNotFound,
  type KubeClient,
} from '../../kube/client.ts';
import type { NewPod } from '../../core/pod/types.ts';
import { isControlledBy } from '../../core/owner.ts';
import { persistentVolumeClaims, pods, type Pod } from '../../kube/resources.ts';
import { cancelChild, createChild, isFinished, pipelineRunResource } from './children.ts';
import { during, spans, type ReconcileSpan } from '../tracing.ts';
import type { PipelineRunStores } from './observe.ts';

export interface Applying {
  client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'delete'>;
  stores: Pick<PipelineRunStores, 'pipelineRuns' | 'taskRuns' | 'customRuns'>;
  settings: Settings;
  span?: ReconcileSpan | undefined;
}

type Outcome = EffectOutcome<PipelineRunEffect>;

/** What became of the effects, and the run as it is on the server now. */
export interface Applied {
  run: PipelineRun;
  outcomes: Outcome[];
}

/**
 * Carries out a decision's effects, each at most once: first the run's labels, then claims one after another and the
 * node that is kept (no task starts without them), then cancellations, then children all at once, then what is to be
 * cleaned up. Each step may be repeated after a crash: names are fixed, and what exists already is taken over.
 * @throws what says nothing about a single effect: an abort, or a failed patch of the run itself; and when the node
 *   that was kept cannot be given back
 */
export async function apply(
  run: PipelineRun,
  effects: readonly PipelineRunEffect[],
  { client, stores, settings, span }: Applying,
  signal: AbortSignal,
): Promise<Applied> {
  const of = <T extends PipelineRunEffect['type']>(type: T) =>
    effects.filter((effect): effect is Extract<PipelineRunEffect, { type: T }> => effect.type === type);
  const attempt = async <E extends PipelineRunEffect>(
    effect: E,
    act: (effect: E) => Promise<ChildObject | void>,
  ): Promise<Outcome> => {
    try {
      const object = await act(effect);
      return { effect, kind: 'applied', ...(object ? { object } : {}) };
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      return {
        effect,
        kind: 'failed',
        ...(error instanceof ApiError ? { status: error.status, reason: error.reason } : { status: 0, reason: '' }),
        message: messageOf(error),
      };
    }
  };
  const actions = { client, stores, settings, run, signal };
  let labelled = run;
  for (const { labels, annotations } of of('patchMetadata')) {
    const patch = { type: 'merge', body: { metadata: { labels, annotations } } } as const;
    const { namespace, name = '' } = run.metadata;
    labelled = await during(span, spans.metadata, () =>
      client.patch(pipelineRunResource, namespace, name, { ...patch, signal }),
    );
    stores.pipelineRuns.observeWrite(labelled);
  }
  const outcomes: Outcome[] = [];
  for (const effect of of('createPersistentVolumeClaim')) {
    const outcome = await attempt(effect, ({ claim }) => createClaim(claim, actions));
    outcomes.push(outcome);
    if (outcome.kind === 'failed') return { run: labelled, outcomes };
  }
  for (const effect of of('sharePersistentVolumeClaim')) {
    const outcome = await attempt(effect, ({ name }) => shareClaim(name, actions));
    outcomes.push(outcome);
    if (outcome.kind === 'failed') return { run: labelled, outcomes };
  }
  for (const effect of of('createNodeHolder')) {
    const outcome = await attempt(effect, ({ pod }) => holdNode(pod, actions));
    outcomes.push(outcome);
    if (outcome.kind === 'failed') return { run: labelled, outcomes };
  }
  outcomes.push(
    ...(await Promise.all(of('cancelChild').map((effect) => attempt(effect, (one) => cancelChild(one, actions))))),
  );
  outcomes.push(
    ...(await Promise.all(of('supersede').map((effect) => attempt(effect, (one) => supersede(one, actions))))),
  );
  outcomes.push(
    ...(await Promise.all(
      of('createChild').map((effect) =>
        attempt(effect, ({ child }) =>
          during(span, creationSpans[child.kind], (carrier) => createChild(withSpan(child, carrier), actions)),
        ),
      ),
    )),
  );
  outcomes.push(
    ...(await Promise.all(
      of('deletePersistentVolumeClaim').map((effect) => attempt(effect, ({ name }) => deleteClaim(name, actions))),
    )),
  );
  for (const effect of of('deleteNodeHolder')) {
    await releaseNode(effect.name, actions);
    outcomes.push({ effect, kind: 'applied' });
  }
  return { run: labelled, outcomes };
}

/** Upstream's names of the spans in which children are made. */
const creationSpans: Readonly<Record<ChildKind, string>> = {
  TaskRun: 'createTaskRun',
  CustomRun: 'createCustomRun',
  PipelineRun: 'createChildPipelineRun',
};

/** A child is told of the span that it is made in, unless the plan has told it of another. */
function withSpan(child: NewChild, carrier: SpanCarrier | undefined): NewChild {
  const annotation = spanContextAnnotations[child.kind];
  const written = carrier && writtenCarrier(carrier);
  const { annotations: planned } = child.metadata;
  if (written === undefined || planned?.[annotation] !== undefined) return child;
  return { ...child, metadata: { ...child.metadata, annotations: { ...planned, [annotation]: written } } };
}

/** Its uid goes with the patch: of another run of that name the API server changes nothing. */
async function supersede(
  { name, uid, status, message }: Extract<PipelineRunEffect, { type: 'supersede' }>,
  { client, stores, run, signal }: Actions,
): Promise<void> {
  const body = { metadata: { uid, annotations: { [annotations.statusMessage]: message } }, spec: { status } };
  try {
    const { namespace } = run.metadata;
    const patched = await client.patch(pipelineRunResource, namespace, name, { type: 'merge', body, signal });
    stores.pipelineRuns.observeWrite(patched);
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error) && !isFinished(error)) throw error;
  }
}

interface Actions extends Applying {
  run: PipelineRun;
  signal: AbortSignal;
}

async function createClaim(claim: ClaimObject, { client, signal }: Actions): Promise<void> {
  try {
    await client.create(persistentVolumeClaims, claim, { signal });
  } catch (error) {
    // Its name holds a hash of the run's uid: it is ours, made before a crash.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function holdNode(pod: NewPod, { client, run, signal }: Actions): Promise<void> {
  try {
    await client.create(pods, pod as Pod, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const there = await client.get(pods, pod.metadata.namespace, pod.metadata.name ?? '', { signal });
    if (!isControlledBy(there, 'PipelineRun', run.metadata.uid))
      throw new Error(`pod ${pod.metadata.name} is not this run's; it is waited for until it is gone`, {
        cause: error,
      });
  }
}

/** @throws unless it is gone: a run that is over would keep a node from others for as long as it is listed */
async function releaseNode(name: string, { client, run, signal }: Actions): Promise<void> {
  await client.delete(pods, run.metadata.namespace, name, { signal }).catch(unlessNotFound);
}

/** The run becomes one of the claim's owners: it stays until the last of them is gone. */
async function shareClaim(name: string, { client, run, signal }: Actions): Promise<void> {
  const { namespace, name: runName = '', uid = '' } = run.metadata;
  const { metadata } = await client.get(persistentVolumeClaims, namespace, name, { signal });
  const owners = metadata.ownerReferences ?? [];
  if (owners.some((owner) => owner.uid === uid)) return;
  if (metadata.deletionTimestamp !== undefined) throw new Error('it is being deleted');
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: runName, uid };
  const { resourceVersion } = metadata;
  const body = { metadata: { resourceVersion, ownerReferences: [...owners, owner] } };
  await client.patch(persistentVolumeClaims, namespace, name, { type: 'merge', body, signal });
}

/**
 * A claim that a finished pod still mentions would stay until the pod goes; the guard of the API server is taken off,
 * since this run will not use the claim again.
 */
async function deleteClaim(name: string, { client, run, signal }: Actions): Promise<void> {
  const { namespace } = run.metadata;
  try {
    const left = await client.delete(persistentVolumeClaims, namespace, name, { signal });
    const finalizers = left?.metadata.finalizers ?? [];
    if (!finalizers.includes(claimProtection)) return;
    await client.patch(persistentVolumeClaims, namespace, name, {
      type: 'merge',
      body: { metadata: { finalizers: finalizers.filter((one) => one !== claimProtection) } },
      signal,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

const claimProtection = 'kubernetes.io/pvc-protection';
