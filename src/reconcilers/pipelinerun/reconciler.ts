import { isDeepStrictEqual } from 'node:util';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Clock } from '../../clock.ts';
import { isDone, succeededCondition } from '../../core/condition.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import { ownManagedBy } from '../../core/labels.ts';
import { isTooLarge } from '../../core/decision.ts';
import { decide } from '../../core/need.ts';
import { statusInstead } from '../../core/pipelinerun/draft.ts';
import { planPipelineRun } from '../../core/pipelinerun/plan.ts';
import { settle } from '../../core/pipelinerun/settle.ts';
import type { Settings } from '../../core/settings.ts';
import { isAbort, messageOf } from '../../errors.ts';
import { ApiError, isConflict, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import type { DefinitionSources } from '../supply/definitions.ts';
import { apply, pipelineRunResource } from './apply.ts';
import { observe, supplierFor, type PipelineRunStores } from './observe.ts';

export interface PipelineRunReconcilerOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'delete' | 'replaceStatus'>;
  stores: PipelineRunStores;
  /** Answers remote references. */
  remote?: DefinitionSources['remote'];
  /** One snapshot is taken per reconcile. */
  settings: () => Settings;
  events: Pick<EventRecorder, 'event'>;
  clock: Clock;
  log: Logger;
}

/** A change by somebody else came in between; its event is on the way, this is only the longest wait for it. */
const AFTER_CONFLICT_MS = 100;

/**
 * Brings a PipelineRun one step on: observe, plan, apply, and write its status once if it changed.
 * Throws to be called again with back-off, after the status or an event says what is in the way.
 */
export function createPipelineRunReconciler(
  options: PipelineRunReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  return async (key, signal) => {
    const run = options.stores.pipelineRuns.get(key);
    if (run === undefined || !isOurs(run) || isDone(run.status)) return { kind: 'skip' };
    try {
      return await bringOn(run, options, signal);
    } catch (error) {
      if (isNotFound(error)) return { kind: 'done' };
      if (isConflict(error)) return { kind: 'requeueAfter', ms: AFTER_CONFLICT_MS };
      if (!isAbort(error, signal)) options.events.event(target(run), 'Warning', 'InternalError', messageOf(error));
      throw error;
    }
  };
}

async function bringOn(run: PipelineRun, options: PipelineRunReconcilerOptions, signal: AbortSignal): Promise<Outcome> {
  const now = options.clock.now();
  const settings = options.settings();
  const facts = observe(run, options.stores, settings);
  const decision = await decide(planPipelineRun(facts, now), supplierFor(facts.run, options, signal));
  const applied = await apply(run, decision.effects, { ...options, settings }, signal);
  const settled = settle(run, decision, applied.outcomes, now);
  await writeStatus(applied.run, settled.status, options, signal);
  for (const { eventType, reason, message } of settled.events)
    options.events.event(target(run), eventType, reason, message);
  if (settled.retry !== undefined) throw new Error(settled.retry);
  if (isDone(settled.status) || decision.requeueAfterMs === undefined) return { kind: 'done' };
  return { kind: 'requeueAfter', ms: decision.requeueAfterMs };
}

/**
 * Not another controller's (spec.managedBy), and not on its way out: the garbage collector takes the children of a
 * deleted run.
 */
function isOurs(run: PipelineRun): boolean {
  const { metadata, spec } = asRecorded(run).run;
  return (!spec.managedBy || spec.managedBy === ownManagedBy) && metadata.deletionTimestamp === undefined;
}

/** At most one write, none when nothing changed. The log line is read by upstream's own tests. */
async function writeStatus(
  run: PipelineRun,
  planned: PipelineRunStatus,
  { client, stores, log, clock }: PipelineRunReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const status = JSON.parse(JSON.stringify(planned)) as PipelineRunStatus;
  if (isDeepStrictEqual(status, run.status ?? {})) return;
  const condition = succeededCondition(status);
  log.info(
    { namespace: run.metadata.namespace },
    `PipelineRun ${run.metadata.name} status is being set to ${JSON.stringify(condition)}`,
  );
  const write = (written: PipelineRunStatus) =>
    client.replaceStatus(pipelineRunResource, { ...run, status: written }, { signal });
  const stored = await write(status).catch((error: unknown) => {
    // It would be refused for ever: a smaller one says so.
    if (!(error instanceof ApiError) || !isTooLarge(error)) throw error;
    return write(statusInstead(status, error.message, clock.now()));
  });
  stores.pipelineRuns.observeWrite(stored);
}

function target(run: PipelineRun): PipelineRun {
  return { ...run, apiVersion: 'tekton.dev/v1', kind: 'PipelineRun' };
}
