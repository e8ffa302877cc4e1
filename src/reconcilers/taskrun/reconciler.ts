import { isDeepStrictEqual } from 'node:util';
import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { Clock } from '../../clock.ts';
import { isTooLarge } from '../../core/decision.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import { succeededCondition } from '../../core/condition.ts';
import { ownManagedBy } from '../../core/labels.ts';
import { decide } from '../../core/need.ts';
import type { Settings } from '../../core/settings.ts';
import type { TaskRunDecision } from '../../core/taskrun/facts.ts';
import { planTaskRun, statusInstead } from '../../core/taskrun/plan.ts';
import { settle } from '../../core/taskrun/settle.ts';
import { ApiError, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import { applyPodEffects, taskRunResource } from './apply.ts';
import { observe, type TaskRunStores } from './observe.ts';
import { supplierFor, type Supplying } from './supply.ts';

export interface TaskRunReconcilerOptions {
  client: Pick<KubeClient, 'get' | 'list' | 'create' | 'patch' | 'delete' | 'replaceStatus'>;
  stores: TaskRunStores;
  /** One snapshot is taken per reconcile. */
  settings: () => Settings;
  events: Pick<EventRecorder, 'event'>;
  clock: Clock;
  imageLookup: Supplying['imageLookup'];
  /** Answers remote references. */
  remote?: Supplying['remote'];
  log?: Pick<Logger, 'info'>;
}

/**
 * Brings a TaskRun one step on: observe, plan, apply, write its status once if it changed, then tell. A crash between
 * any two calls leaves something that the next reconcile takes up. Throws to be called again with back-off.
 */
export function createTaskRunReconciler(
  options: TaskRunReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  return async (key, signal) => {
    const taskRun = options.stores.taskRuns.get(key);
    if (taskRun === undefined || !isOurs(taskRun)) return { kind: 'skip' };
    const settings = options.settings();
    const facts = observe(taskRun, options.stores, settings);
    const decision = await decide(planTaskRun(facts, options.clock.now()), supplierFor(facts.taskRun, options, signal));
    const outcomes = await applyPodEffects(taskRun, decision.effects, { ...options, settings }, signal);
    const settled = settle(facts, decision, outcomes, options.clock.now());
    try {
      await write(taskRun, settled, options, signal);
    } catch (error) {
      // Deleted meanwhile: the garbage collector takes what it owned.
      if (isNotFound(error)) return { kind: 'done' };
      throw error;
    }
    return settled.requeueAfterMs === undefined
      ? { kind: 'done' }
      : { kind: 'requeueAfter', ms: settled.requeueAfterMs };
  };
}

/**
 * Not another controller's (spec.managedBy), and not on its way out: its pods would be made anew while they are
 * collected.
 */
function isOurs(taskRun: TaskRun): boolean {
  const { metadata, spec } = asRecorded(taskRun).run;
  return (!spec.managedBy || spec.managedBy === ownManagedBy) && metadata.deletionTimestamp === undefined;
}

/** A status that the cluster refuses for its size would be refused for ever: then a smaller one says so. */
async function replaceStatus(
  taskRun: TaskRun,
  { client, clock }: Pick<TaskRunReconcilerOptions, 'client' | 'clock'>,
  signal: AbortSignal,
): Promise<TaskRun> {
  try {
    return await client.replaceStatus(taskRunResource, taskRun, { signal });
  } catch (error) {
    if (!(error instanceof ApiError) || !isTooLarge(error)) throw error;
    const status = statusInstead(taskRun.status ?? {}, error.message, clock.now());
    return client.replaceStatus(taskRunResource, { ...taskRun, status }, { signal });
  }
}

/** Metadata first, because its answer carries the version that the status write needs; then the status, then events. */
async function write(
  taskRun: TaskRun,
  settled: TaskRunDecision,
  options: TaskRunReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { client, stores, events } = options;
  let latest = taskRun;
  for (const effect of settled.effects) {
    if (effect.type !== 'patchMetadata') continue;
    const { labels, annotations } = effect;
    const { namespace, name = '' } = taskRun.metadata;
    latest = await client.patch(
      taskRunResource,
      namespace,
      name,
      { type: 'merge', body: { metadata: { labels, annotations } } },
      { signal },
    );
    stores.taskRuns.observeWrite(latest);
  }
  const status = JSON.parse(JSON.stringify(settled.status)) as TaskRunStatus;
  if (!isDeepStrictEqual(status, taskRun.status ?? {})) {
    latest = await replaceStatus({ ...latest, status }, options, signal);
    stores.taskRuns.observeWrite(latest);
    options.log?.info(reconciledLine(latest));
  }
  for (const effect of settled.effects) {
    if (effect.type === 'event')
      events.event(
        { ...latest, apiVersion: 'tekton.dev/v1', kind: 'TaskRun' },
        effect.eventType,
        effect.reason,
        effect.message,
      );
  }
}

/** Upstream's words, which its users and tests look for in the log; here once for each change of the status. */
function reconciledLine({ metadata, status }: TaskRun): string {
  const condition = succeededCondition(status);
  const said = `${condition?.status ?? 'Unknown'} ${condition?.reason ?? ''}`.trim();
  return `Successfully reconciled taskrun ${metadata.name}/${metadata.namespace} with status: ${said}`;
}
