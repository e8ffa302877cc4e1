import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { Clock } from '../clock.ts';
import {
  isTooLarge,
  type Decision,
  type EffectOutcome,
  type EventEffect,
  type PatchMetadataEffect,
} from '../core/decision.ts';
import { asRecorded } from '../core/digest/spec-change.ts';
import { ownManagedBy } from '../core/labels.ts';
import { decide, type AnswerTo, type Need, type Planning } from '../core/need.ts';
import type { RunKind } from '../core/owner.ts';
import type { Settings } from '../core/settings.ts';
import { ApiError, isConflict, isNotFound, type KubeClient } from '../kube/client.ts';
import { BackOffError, type BackOff } from '../kube/back-off.ts';
import type { Outcome } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Resource } from '../kube/object.ts';
import type { Store } from '../kube/store.ts';
import type { Logger } from '../log.ts';
import { isSameJson } from '../same-json.ts';
import { tellingFailures } from './telling-failures.ts';
import { during, spans, traced, type ReconcileSpan, type Tracing } from './tracing.ts';

type AnyRun = TaskRun | PipelineRun;
type StatusOf<Run extends AnyRun> = NonNullable<Run['status']>;

/** What is left to do once the effects were tried. */
export interface Settled<Status> {
  status: Status;
  /** Labels and annotations of the run that are written before its status. */
  patch?: PatchMetadataEffect | undefined;
  events: readonly EventEffect[];
  requeueAfterMs?: number | undefined;
  /** Something failed in a way that may pass: reconcile again, with back-off, and let it be known. */
  retry?: string | undefined;
  /** How long to wait when it is tried again, if not as the queue has it; requeueAfterMs is the latest then. */
  backOff?: BackOff | undefined;
}

/** The parts that a kind of run is made of, in the order in which the frame calls them. */
export interface RunParts<Run extends AnyRun, Facts, Effect, N extends Need> {
  kind: RunKind;
  /** Upstream's name of the span in which a run is planned. */
  planningSpan: string;
  resource: Resource<Run>;
  store: Pick<Store<Run>, 'get' | 'observeWrite'>;
  /** Whether nothing is left to do for a run, ever. */
  isOver?(run: Run): boolean;
  /** What the caches have of a run. */
  observe(run: Run, settings: Settings): Facts;
  /** Pure. */
  plan(facts: Facts, now: Date): Planning<Decision<StatusOf<Run>, Effect>, N>;
  /** Finds out what the plan asks for. */
  supply(facts: Facts, signal: AbortSignal): (need: N) => Promise<AnswerTo<N>>;
  /**
   * Carries effects out, each idempotent. Rejects only for what says nothing about a single effect.
   * @returns the run as it is on the server then, and what became of the effects
   */
  apply(
    given: { run: Run; facts: Facts; effects: readonly Effect[]; span: ReconcileSpan | undefined },
    signal: AbortSignal,
  ): Promise<{ run: Run; outcomes: EffectOutcome<Effect>[] }>;
  /** Pure. */
  settle(
    facts: Facts,
    decision: Decision<StatusOf<Run>, Effect>,
    outcomes: readonly EffectOutcome<Effect>[],
    now: Date,
  ): Settled<StatusOf<Run>>;
  /** What a run that ends with this status would leave behind: stopped before the status is written. Pure. */
  leftovers?(facts: Facts, status: StatusOf<Run>, outcomes: readonly EffectOutcome<Effect>[]): Effect[];
  /** The status in the place of one that the cluster refused for its size. Pure. */
  statusInstead(status: StatusOf<Run>, refusal: string, now: Date): StatusOf<Run>;
  /** The log line of a status that was written. */
  line(run: Run): string;
}

export interface FrameOptions {
  client: Pick<KubeClient, 'patch' | 'replaceStatus'>;
  /** One snapshot is taken per reconcile. */
  settings: () => Settings;
  events: Pick<EventRecorder, 'event'>;
  clock: Clock;
  log?: Pick<Logger, 'info'> | undefined;
  /** Absent: nothing is recorded, ever. */
  tracing?: Tracing | undefined;
}

/** A change by somebody else came in between; its event is on the way, this is only the longest wait for it. */
const afterConflictMs = 100;

/**
 * Brings a run one step on: observe, plan, apply, settle, write its status once if it changed, then tell. A crash
 * between any two calls leaves something that the next reconcile takes up. Throws to be called again with back-off,
 * after the status or an event says what is in the way.
 */
export function reconcilerOf<Run extends AnyRun, Facts, Effect, N extends Need>(
  parts: RunParts<Run, Facts, Effect, N>,
  options: FrameOptions,
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  return tellingFailures(options.events, parts.store, parts.kind, async (key, signal) => {
    const run = parts.store.get(key);
    if (run === undefined || !isOurs(run) || parts.isOver?.(run)) return { kind: 'skip' };
    try {
      const span = options.tracing?.begin(parts.kind, run);
      return await traced(span, () => new Step(parts, options, { run, span }, signal).take());
    } catch (error) {
      // Deleted meanwhile: the garbage collector takes what it owned.
      if (isNotFound(error)) return { kind: 'done' };
      if (isConflict(error)) return { kind: 'requeueAfter', ms: afterConflictMs };
      throw error;
    }
  });
}

/**
 * Not another controller's (spec.managedBy), and not on its way out: what it made would be made anew while it is
 * collected.
 */
function isOurs(stored: AnyRun): boolean {
  const { metadata, spec } = asRecorded(stored).run;
  return (!spec.managedBy || spec.managedBy === ownManagedBy) && metadata.deletionTimestamp === undefined;
}

/** One reconcile of one run. */
class Step<Run extends AnyRun, Facts, Effect, N extends Need> {
  readonly #parts: RunParts<Run, Facts, Effect, N>;
  readonly #options: FrameOptions;
  readonly #signal: AbortSignal;
  readonly #before: StatusOf<Run> | undefined;
  readonly #facts: Facts;
  readonly #span: ReconcileSpan | undefined;
  /** As the API server has it after the last write. */
  #run: Run;
  readonly #outcomes: EffectOutcome<Effect>[] = [];

  constructor(
    parts: RunParts<Run, Facts, Effect, N>,
    options: FrameOptions,
    { run, span }: { run: Run; span: ReconcileSpan | undefined },
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
    this.#run = run;
    this.#span = span;
    this.#before = run.status;
    this.#facts = parts.observe(run, options.settings());
  }

  async take(): Promise<Outcome> {
    const { clock, events } = this.#options;
    const decision = await during(this.#span, this.#parts.planningSpan, () => {
      const planning = this.#parts.plan(this.#facts, clock.now());
      return decide(planning, this.#parts.supply(this.#facts, this.#signal));
    });
    await this.#apply(decision.effects);
    let settled = this.#settle(decision);
    if (await this.#stopLeftovers(settled.status)) settled = this.#settle(decision);
    if (settled.patch) await this.#patchMetadata(settled.patch);
    await this.#writeStatus(settled.status);
    const target = { ...this.#run, apiVersion: 'tekton.dev/v1', kind: this.#parts.kind };
    for (const { eventType, reason, message } of settled.events) events.event(target, eventType, reason, message);
    return outcomeOf(settled);
  }

  async #apply(effects: readonly Effect[]): Promise<void> {
    const given = { run: this.#run, facts: this.#facts, effects, span: this.#span };
    const { run, outcomes } = await this.#parts.apply(given, this.#signal);
    this.#run = run;
    this.#outcomes.push(...outcomes);
  }

  #settle(decision: Decision<StatusOf<Run>, Effect>): Settled<StatusOf<Run>> {
    return this.#parts.settle(this.#facts, decision, this.#outcomes, this.#options.clock.now());
  }

  /** Whether there were any. */
  async #stopLeftovers(status: StatusOf<Run>): Promise<boolean> {
    const effects = this.#parts.leftovers?.(this.#facts, status, this.#outcomes) ?? [];
    if (effects.length > 0) await this.#apply(effects);
    return effects.length > 0;
  }

  /** Before the status, since its answer carries the version that the status write needs. */
  async #patchMetadata({ labels, annotations }: PatchMetadataEffect): Promise<void> {
    const { namespace, name = '' } = this.#run.metadata;
    const body = { metadata: { labels, annotations } };
    const { client } = this.#options;
    const patch = { type: 'merge', body } as const;
    this.#run = await during(this.#span, spans.metadata, () =>
      client.patch(this.#parts.resource, namespace, name, { ...patch, signal: this.#signal }),
    );
    this.#parts.store.observeWrite(this.#run);
  }

  /** At most one write, none when nothing changed. The trace of a run is written with what is written anyway. */
  async #writeStatus(planned: StatusOf<Run>): Promise<void> {
    if (isSameJson(planned, this.#before ?? {})) return;
    const status = this.#span === undefined ? planned : { ...planned, spanContext: { ...this.#span.carrier } };
    this.#run = await during(this.#span, spans.status, () => this.#replaceStatus(status));
    this.#parts.store.observeWrite(this.#run);
    const { namespace } = this.#run.metadata;
    this.#options.log?.info({ namespace }, this.#parts.line(this.#run));
  }

  /** A status that the cluster refuses for its size would be refused for ever: then a smaller one says so. */
  async #replaceStatus(status: StatusOf<Run>): Promise<Run> {
    const { client, clock } = this.#options;
    const write = (written: StatusOf<Run>) =>
      client.replaceStatus(this.#parts.resource, { ...this.#run, status: written }, { signal: this.#signal });
    try {
      return await write(status);
    } catch (error) {
      if (!(error instanceof ApiError) || !isTooLarge(error)) throw error;
      const instead = this.#parts.statusInstead(status, error.message, clock.now());
      await this.#stopLeftovers(instead);
      return write(instead);
    }
  }
}

/** @throws to be called again with back-off */
function outcomeOf({ retry, backOff, requeueAfterMs }: Settled<unknown>): Outcome {
  const waiting = backOff && { backOff, latestMs: requeueAfterMs };
  if (retry !== undefined) throw waiting ? new BackOffError(retry, waiting) : new Error(retry);
  if (waiting) return { kind: 'backOff', ...waiting };
  return requeueAfterMs === undefined ? { kind: 'done' } : { kind: 'requeueAfter', ms: requeueAfterMs };
}
