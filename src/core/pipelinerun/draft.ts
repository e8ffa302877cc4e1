import { provenanceFeatureFlags } from '../../api/config/feature-flags.ts';
import type { Condition, RefSource } from '../../api/meta.ts';
import { defaultPipelineRun } from '../../api/pipeline/v1/defaults.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { definedOnly } from '../../optional.ts';
import { isDone, isFailed, succeededCondition, timestamp, withSucceeded, type ConditionState } from '../condition.ts';
import type { EventEffect } from '../decision.ts';
import { statusTooLarge } from '../budget.ts';
import type { Violation } from '../digest/violations.ts';
import { keyOf } from '../reference/reference.ts';
import { awaitingRemote, type Resolved } from '../reference/resolved.ts';
import { withVerdicts } from '../reference/verdict.ts';
import { claimedWorkspaces } from './bind.ts';
import { claimsEndWith } from './coschedule.ts';
import { taskReference, type ResolvedTasks } from './definitions.ts';
import { userError } from './failure.ts';
import { withClaims, withInheritance } from './inherit.ts';
import { nameOf } from './names.ts';
import { readable } from './pipeline.ts';
import { withChildRecords, withIgnored, withSpecRecords, withViolations } from './record.ts';
import { readTimeouts, untilNextTimeout, type Timeouts } from './timeouts.ts';
import { requestOf, wasAsked, type CancelCause, type Child, type StopRequest } from './child/child.ts';
import type { InformedFacts, PipelineRunDecision, PipelineRunEffect } from './types.ts';
import { claimName } from './workspaces.ts';

/** What a run begins with, and nothing is left of when it fails before. */
const beginnings: ReadonlySet<PipelineRunEffect['type']> = new Set([
  'createChild',
  'createNodeHolder',
  'createPersistentVolumeClaim',
  'sharePersistentVolumeClaim',
]);

/** A decision in the making: the phases of planning change its status and add effects. */
export class Draft {
  readonly facts: InformedFacts;
  readonly now: Date;
  /** The run with all defaults, and with the claims that it goes on with. */
  readonly run: PipelineRun;
  readonly timeouts: Timeouts;
  /** Why spec.timeouts cannot be understood; the run fails with it. */
  readonly timeoutProblem: string | undefined;
  readonly effects: PipelineRunEffect[] = [];
  status: PipelineRunStatus;
  /** The Tasks that were asked for so far. */
  readonly tasks: ResolvedTasks = new Map();
  /** Why to plan again soon: something could not be found out, and may be then. */
  retry: string | undefined;
  /** Not all that may be done was done: there is more than one plan takes on. */
  goOnAtOnce = false;
  /** When to look again at a run that has not begun. */
  lookAgainMs: number | undefined;
  #recovered: readonly Child[] = [];

  constructor(facts: InformedFacts, now: Date) {
    this.facts = facts;
    this.now = now;
    this.run = withClaims(defaultPipelineRun(readable(facts.run), facts.settings.defaults), facts.inheritance);
    const { timeouts, problem } = readTimeouts(this.run, facts.settings.defaults);
    this.timeouts = timeouts;
    this.timeoutProblem = problem;
    this.status = { ...facts.run.status };
  }

  get name(): string {
    return this.run.metadata.name ?? '';
  }

  /** Keeps what became of references, for the rest of the plan. */
  learn(tasks: ResolvedTasks): void {
    for (const [key, resolved] of tasks) this.tasks.set(key, resolved);
  }

  /** What became of the reference of a pipeline task, if it has one and it was asked for. */
  taskOf(task: PipelineTask): Resolved<'Task'> | undefined {
    const reference = taskReference(task);
    return reference && this.tasks.get(keyOf(reference));
  }

  mark(state: ConditionState): void {
    this.status.conditions = withSucceeded(this.status.conditions, state, this.now);
  }

  /** Ends the run as failed: nothing more is created for it. */
  fail(reason: string, message: string): void {
    const kept = this.effects.filter(({ type }) => !beginnings.has(type));
    this.effects.splice(0, this.effects.length, ...kept);
    this.mark({ status: 'False', reason, message });
  }

  /** Ends a run that would build what cannot be stored. */
  failTooLarge(message: string): void {
    this.fail('PipelineValidationFailed', `PipelineRun ${nameOf(this.run)} can't be Run: ${userError(message)}`);
  }

  /** Asks every live child, or those of some tasks, to stop. A child that was asked already is not asked again. */
  cancelChildren(
    children: readonly Child[],
    cause: CancelCause,
    scope: 'run' | 'tasks',
    request: StopRequest = 'stop',
  ): void {
    for (const child of children) {
      const { kind, name, state } = child;
      if (state !== 'running' || requestOf(kind, request) === undefined || wasAsked(child, request)) continue;
      this.effects.push({ type: 'cancelChild', kind, name, cause, scope, request });
    }
  }

  /**
   * The feature flags the run was planned with, and where its pipeline came from (docs/pipelineruns.md
   * "status.provenance").
   */
  recordProvenance(refSource?: RefSource): void {
    const { flags } = this.facts.settings;
    if (!flags.enableProvenanceInStatus) return;
    this.status.provenance = {
      ...this.status.provenance,
      featureFlags: provenanceFeatureFlags(flags),
      ...(refSource ? { refSource } : {}),
    };
  }

  /** Notes what the policies for trusted resources said of definitions that were found. */
  recordVerdicts(definitions: readonly Resolved[]): void {
    const conditions = withVerdicts(this.status.conditions, definitions, this.now);
    if (conditions) this.status.conditions = conditions;
  }

  /** What is checked once its Tasks are there needs the pipeline as it was written: with its variables. */
  findPipelineAgain(): void {
    const { pipelineSpec: _bound, ...status } = this.status;
    this.status = status;
  }

  /** Says what the run waits for. */
  wait(reason: 'ResolvingPipelineRef' | 'ResolvingTaskRef', resolved: Exclude<Resolved, { kind: 'found' }>): void {
    const { namespace = '', name = '' } = this.run.metadata;
    if (resolved.kind === 'failed') this.retry = resolved.message;
    const message =
      resolved.kind === 'failed'
        ? `${resolved.message}; it will be tried again`
        : awaitingRemote('PipelineRun', namespace, name);
    this.mark({ status: 'Unknown', reason, message });
  }

  /** Records children that exist and were not written down. */
  recordChildren(children: readonly Child[]): void {
    this.#recovered = children;
  }

  /** Notes what was changed under the run, and whom it does not know, and says so once. */
  warn(violations: readonly Violation[], strangers: readonly Child[]): void {
    const changed = withViolations(this.status, violations);
    const ignored = withIgnored(changed.status, strangers);
    this.status = ignored.status;
    this.effects.push(...changed.events, ...ignored.events);
  }

  decision(): PipelineRunDecision {
    this.status = withChildRecords(
      withInheritance(withSpecRecords(this.facts.run, this.status), this.facts.inheritance),
      this.#recovered.map(({ object }) => object),
    );
    if (isDone(this.status)) {
      this.status.completionTime ??= timestamp(this.now);
      this.#cleanUpClaims();
    }
    this.#fit();
    this.effects.push(...eventsBetween(this.facts.run.status, this.status));
    const requeueAfterMs = this.#lookAgainMs();
    return {
      status: this.status,
      effects: this.effects,
      ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
      ...(this.retry === undefined ? {} : { retry: this.retry }),
    };
  }

  #lookAgainMs(): number | undefined {
    if (isDone(this.status)) return undefined;
    if (this.lookAgainMs !== undefined) return this.lookAgainMs;
    return this.goOnAtOnce ? 0 : untilNextTimeout(this.timeouts, this.status, this.now);
  }

  /** A run whose status cannot be stored with it ends, and says so in a status that can. */
  #fit(): void {
    const { metadata, spec } = this.facts.run;
    const problem = statusTooLarge('PipelineRun', { metadata, spec, status: this.status });
    if (problem === undefined) return;
    if (!isDone(this.status)) this.failTooLarge(problem);
    this.status = leastStatus(this.status);
    this.status.completionTime ??= timestamp(this.now);
  }

  #cleanUpClaims(): void {
    if (!claimsEndWith(this.run, this.facts.settings)) return;
    for (const binding of claimedWorkspaces(this.run, this.status.pipelineSpec ?? {}))
      this.effects.push({ type: 'deletePersistentVolumeClaim', name: claimName(binding, this.run.metadata.uid ?? '') });
  }
}

/** What a status cannot do without. */
export function leastStatus(status: PipelineRunStatus): PipelineRunStatus {
  const { conditions, startTime, completionTime, finallyStartTime, annotations: kept } = status;
  return definedOnly({ conditions, startTime, completionTime, finallyStartTime, annotations: kept });
}

/** What is written in the place of a status that the cluster refused for its size: the run ends with it. */
export function statusInstead(status: PipelineRunStatus, refusal: string, now: Date): PipelineRunStatus {
  const message = `the cluster refused the status of the run for its size: ${refusal}; give the run smaller params and results, or split it`;
  const state = { status: 'False', reason: 'PipelineValidationFailed', message: userError(message) } as const;
  const conditions = isFailed(status) ? status.conditions : withSucceeded(status.conditions, state, now);
  return leastStatus({ ...status, completionTime: status.completionTime ?? timestamp(now), conditions });
}

/**
 * The events a change of status is told by: Started, each new reason while it runs, and the end. Unlike upstream a mere
 * change of the message is no event (hack/decisions/0005).
 */
export function eventsBetween(before: PipelineRunStatus | undefined, after: PipelineRunStatus): EventEffect[] {
  const events: EventEffect[] = [];
  if (before?.startTime === undefined && after.startTime !== undefined)
    events.push({ type: 'event', eventType: 'Normal', reason: 'Started', message: '' });
  const [was, is] = [succeededCondition(before), succeededCondition(after)];
  if (is !== undefined && (was?.status !== is.status || was.reason !== is.reason)) events.push(eventOf(is));
  return events;
}

function eventOf({ status, reason = '', message = '' }: Condition): EventEffect {
  if (status === 'True') return { type: 'event', eventType: 'Normal', reason: 'Succeeded', message };
  if (status === 'False') return { type: 'event', eventType: 'Warning', reason: 'Failed', message };
  return { type: 'event', eventType: 'Normal', reason, message };
}
