import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { prunedKinds, type PrunedKind, type PrunerConfig } from '../../api/config/config-pruner.ts';
import { eachOf } from '../../concurrency.ts';
import { elapsedScale, type Clock } from '../../clock.ts';
import { planPruning, reasonText, titleOf, type Doomed, type PrunePlan } from '../../core/retention/plan.ts';
import type { FinishedRun } from '../../core/retention/run.ts';
import { policyOf, type SchedulePolicy } from '../../core/retention/schedule.ts';
import type { Cache } from '../../kube/cache.ts';
import { isConflict, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { joinKey } from '../../kube/object.ts';
import { namespaceOfKey } from '../../kube/fair-line.ts';
import type { Logger } from '../../log.ts';
import { byOwnNamespace } from '../caches.ts';
import { Firings } from './firings.ts';
import type { DeletionLane } from './lane.ts';
import type { PruningMetrics } from './metrics.ts';
import type { PruningSettings } from './settings.ts';
import type { Signing } from './signing.ts';

export interface PruningWorld {
  client: Pick<KubeClient, 'delete'>;
  runs: { pipelineRuns: Pick<Cache<PipelineRun>, 'byIndex'>; taskRuns: Pick<Cache<TaskRun>, 'byIndex'> };
  settings: Pick<PruningSettings, 'pruner' | 'limits' | 'namespace'>;
  signing: Pick<Signing, 'isAwaited'>;
  events: Pick<EventRecorder, 'event'>;
  metrics: PruningMetrics;
  lane: DeletionLane;
  clock: Clock;
  log: Logger;
}

/** How long one look deletes before other namespaces have their turn. */
const TURN_MS = 20_000;
/** A look at least this often where time alone decides. */
const LONGEST_PAUSE_MS = 3_600_000;
const SHORTEST_PAUSE_MS = 1_000;
/** Deletions under way at once: an API server that takes its time for each does not set the rate. */
const AT_ONCE = 8;
/** After so many failures a look is given up. */
const MOST_FAILURES = 5;
/** Of what may be thousands, so many are named in the log and by events. */
const MOST_TOLD = 10;

/** The key under which a namespace is pruned. */
export function pruningKey(namespace: string): string {
  return joinKey(namespace, 'runs');
}

/**
 * Prunes one namespace: all that is known of it is planned with, then deleted at the rate of the lane. It may be broken
 * off anywhere; the next look comes to the same plan.
 */
export function createPruningReconciler(world: PruningWorld) {
  const firings = new Firings();
  const told = new Map<string, string>();
  const tell: Tell = (namespace, subject, text) => {
    const key = `${namespace} ${subject}`;
    if ((told.get(key) ?? '') === text) return false;
    if (text === '') told.delete(key);
    else told.set(key, text);
    return text !== '';
  };
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const namespace = namespaceOfKey(key);
    const set = world.settings.pruner();
    if (set === undefined) return { kind: 'skip' };
    const pruner = await withWait(world, set, signal);
    const started = elapsedScale(world.clock);
    const plan = planned(world, { namespace, pruner, firings, tell });
    if (plan === undefined) return { kind: 'skip' };
    tellProblems(world, namespace, plan, tell);
    if (pruner.dryRun) sayWhatWouldGo(world, namespace, plan, tell);
    const rest = pruner.dryRun ? { left: [], failures: [] } : await deleteAll(world, pruner, plan.doomed, signal);
    const seconds = (elapsedScale(world.clock) - started) / 1000;
    const outcome = rest.failures.length > 0 ? 'error' : 'success';
    for (const kind of prunedKinds) {
      const pending = [...rest.left, ...plan.held].filter(({ run }) => run.kind === kind);
      world.metrics.pending(namespace, kind, pending.length);
      world.metrics.looked(namespace, kind, outcome, seconds);
    }
    if (rest.failures.length > 0)
      throw new AggregateError(rest.failures, `${rest.failures.length} runs of ${namespace}`);
    return rest.left.length > 0 ? { kind: 'requeueAfter', ms: 1 } : nextLook(plan);
  };
}

/** Signatures are waited for only where somebody makes them. */
async function withWait({ signing }: PruningWorld, set: PrunerConfig, signal: AbortSignal): Promise<PrunerConfig> {
  const waits = set.waitForSignatureMs > 0 && (await signing.isAwaited(signal));
  return waits ? set : { ...set, waitForSignatureMs: 0 };
}

function nextLook({ nextMs }: PrunePlan): Outcome {
  if (nextMs === undefined) return { kind: 'done' };
  return { kind: 'requeueAfter', ms: Math.min(Math.max(nextMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS) };
}

/** Whether a text about a namespace is new, and not empty. */
type Tell = (namespace: string, subject: 'schedule' | 'runs' | 'dry run', text: string) => boolean;

interface Look {
  namespace: string;
  pruner: PrunerConfig;
  firings: Firings;
  tell: Tell;
}

/** Undefined: nothing is configured for this namespace. */
function planned(world: PruningWorld, { namespace, pruner, firings, tell }: Look): PrunePlan | undefined {
  const now = world.clock.now();
  const policy = scheduleOf(world, namespace, pruner, tell);
  const firing = firings.at(namespace, policy?.schedule ?? '', pruner.startingDeadlineSeconds * 1_000, now);
  const maps = world.settings.limits(namespace) ?? {};
  if (policy === undefined && maps.global === undefined) return undefined;
  return planPruning({
    namespace,
    runs: runsOf(world, namespace),
    maps,
    scheduled: policy && { policy, firing },
    rules: pruner,
    now,
  });
}

function scheduleOf(
  { settings, events }: PruningWorld,
  namespace: string,
  pruner: PrunerConfig,
  tell: Tell,
): SchedulePolicy | undefined {
  const object = settings.namespace(namespace);
  const read = policyOf(pruner, object?.metadata.annotations);
  const text = read.kind === 'invalid' ? `${read.problems.join('; ')}; its schedule deletes nothing until then` : '';
  if (tell(namespace, 'schedule', text))
    events.event(aboutNamespace(namespace, object), 'Warning', 'InvalidPruning', text);
  return read.kind === 'policy' ? read.policy : undefined;
}

function runsOf({ runs }: PruningWorld, namespace: string): FinishedRun[] {
  const of = (kind: PrunedKind, found: readonly (PipelineRun | TaskRun)[]) =>
    found.map(({ metadata, status }): FinishedRun => ({ kind, metadata, ...(status ? { status } : {}) }));
  return [
    ...of('pipelinerun', runs.pipelineRuns.byIndex(byOwnNamespace, namespace)),
    ...of('taskrun', runs.taskRuns.byIndex(byOwnNamespace, namespace)),
  ];
}

const resources = { pipelinerun: pipelineRuns, taskrun: taskRuns } as const;

/** Deletes until the turn is over. What has changed since is left for the next look, which sees the change. */
async function deleteAll(
  world: PruningWorld,
  { deletionsPerSecond }: PrunerConfig,
  doomed: readonly Doomed[],
  signal: AbortSignal,
): Promise<{ left: readonly Doomed[]; failures: unknown[] }> {
  const until = elapsedScale(world.clock) + TURN_MS;
  const failures: unknown[] = [];
  const left: Doomed[] = [];
  await eachOf(doomed, AT_ONCE, async (one) => {
    // After some failures the same is likely to be wrong with the others.
    if (failures.length >= MOST_FAILURES || elapsedScale(world.clock) >= until) {
      left.push(one);
      return;
    }
    await world.lane.take(deletionsPerSecond, signal);
    failures.push(...(await deleteOne(world, one, signal)));
  });
  return { left, failures };
}

/** What it failed of, if it did. */
async function deleteOne(
  { client, metrics, clock, log }: PruningWorld,
  { run, reason }: Doomed,
  signal: AbortSignal,
): Promise<unknown[]> {
  const { namespace = '', name = '', uid = '', resourceVersion = '', creationTimestamp = '' } = run.metadata;
  try {
    // On a rate of its own: runs that are going on have the client's.
    const how = { uid, resourceVersion, propagationPolicy: 'Background', unlimited: true, signal } as const;
    await client.delete(resources[run.kind], namespace, name, how);
    metrics.deleted(namespace, run.kind, reason, (clock.now().getTime() - Date.parse(creationTimestamp)) / 1_000);
    log.info({ kind: run.kind, namespace, name, reason: reasonText(reason) }, 'run pruned');
    return [];
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error) || isConflict(error)) return [];
    metrics.failed(namespace, run.kind, reason, error);
    return [error];
  }
}

function tellProblems({ events }: PruningWorld, namespace: string, { problems }: PrunePlan, tell: Tell): void {
  const first = problems.slice(0, MOST_TOLD);
  const text = first.map(({ run, message }) => `${run.metadata.uid} ${message}`).join('\n');
  if (!tell(namespace, 'runs', text)) return;
  for (const { run, message } of first) events.event(aboutRun(run), 'Warning', 'InvalidPruning', message);
}

function sayWhatWouldGo({ events, settings, log }: PruningWorld, namespace: string, plan: PrunePlan, tell: Tell): void {
  const first = plan.doomed.at(0);
  const ends = [first, plan.doomed.at(-1)].map((one) => one?.run.metadata.uid).join(' ');
  if (!tell(namespace, 'dry run', first ? `${plan.doomed.length} ${ends}` : '') || first === undefined) return;
  for (const { run, reason } of plan.doomed.slice(0, MOST_TOLD))
    log.info({ kind: run.kind, namespace, name: run.metadata.name, reason: reasonText(reason) }, 'run would be pruned');
  const counted = prunedKinds.map(
    (kind) => `${plan.doomed.filter(({ run }) => run.kind === kind).length} ${titleOf(kind)}s`,
  );
  const text = `${counted.join(' and ')} would be deleted; the oldest: ${titleOf(first.run.kind)} ${first.run.metadata.name}, because ${reasonText(first.reason)}`;
  events.event(aboutNamespace(namespace, settings.namespace(namespace)), 'Normal', 'WouldPrune', text);
}

/** Told within the namespace, where its people look. */
function aboutNamespace(name: string, object: { metadata: { uid?: string | undefined } } | undefined) {
  const uid = object?.metadata.uid;
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, namespace: name, ...(uid === undefined ? {} : { uid }) },
  };
}

function aboutRun({ kind, metadata }: FinishedRun) {
  return { apiVersion: 'tekton.dev/v1', kind: titleOf(kind), metadata };
}
