import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { excess } from '../budget.ts';
import { isDone, timestamp, withSucceeded } from '../condition.ts';
import { specViolations } from '../digest/spec-change.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import { advance } from './advance.ts';
import { askPipeline } from './definitions.ts';
import { Draft, eventsBetween } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { askInheritance } from './inherit.ts';
import { nameOf } from './names.ts';
import { readable } from './pipeline.ts';
import { knownChildren } from './record.ts';
import { cancel, timeOut } from './stop.ts';
import { takeOver } from './takeover.ts';
import { overdue } from './timeouts.ts';
import { takeTurn } from './turn.ts';
import type { InformedFacts, PipelineRunDecision, PipelineRunFacts, PipelineRunNeed } from './types.ts';

/**
 * What is to be done about a PipelineRun now: pure, total, and the same answer for the same facts, answers and time.
 * Applying the effects and observing again leads to the end of the run, after which nothing is decided any more.
 */
export function* planPipelineRun(
  observed: PipelineRunFacts,
  now: Date,
): Planning<PipelineRunDecision, PipelineRunNeed> {
  if (isDone(observed.run.status)) return { status: observed.run.status ?? {}, effects: [] };
  const facts: InformedFacts = { ...observed };
  const isHeld = isHeldBack(facts.run);
  const tooMuch = excessOfRun(facts);
  if (tooMuch) return refused(facts, tooMuch, now);
  if (!isHeld) {
    const early = yield* beforeItBegins(facts, now);
    if (early) return early;
    facts.pipeline = yield* askPipeline(readable(facts.run));
  }
  const problem = excessOfPipeline(facts);
  if (problem) return refused(facts, problem, now);
  const children = knownChildren(facts.run, facts.children);
  const lost =
    children.unknown.length === 0
      ? []
      : yield* takeOver(new Draft({ ...facts, children: children.own }, now), children.unknown);
  const draft = new Draft({ ...facts, children: [...children.own, ...lost] }, now);
  if (isHeld) holdBack(draft);
  else yield* goOn(draft);
  const taken = new Set(lost);
  draft.recordChildren(lost);
  draft.warn(
    [...specViolations(facts.specChange), ...children.violations],
    children.unknown.filter((child) => !taken.has(child)),
  );
  return draft.decision();
}

function* goOn(draft: Draft): Planning<void, DefinitionNeed<'Task'>> {
  start(draft);
  if (draft.run.spec.status === 'Cancelled') cancel(draft);
  else if (overdue(draft.timeouts, draft.status, draft.now).pipelineByFar) timeOut(draft);
  else yield* advance(draft);
}

/**
 * The decision about a run that has to wait for its turn, or takes over from one that cannot be had; undefined when it
 * may begin. `facts` get what it takes over.
 */
function* beforeItBegins(
  facts: InformedFacts,
  now: Date,
): Planning<PipelineRunDecision | undefined, Exclude<PipelineRunNeed, DefinitionNeed>> {
  const draft = new Draft(facts, now);
  try {
    if (!(yield* takeTurn(draft))) return draft.decision();
    facts.inheritance = yield* askInheritance(facts.run);
    return undefined;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    start(draft);
    draft.fail(error.reason, error.message);
    return draft.decision();
  }
}

/** Only before it begins: later the stored pipeline counts, and specs do not change. */
function excessOfRun({ run }: PipelineRunFacts): string | undefined {
  const inRun = run.status?.pipelineSpec === undefined ? excess(run.spec) : undefined;
  return inRun && `spec of PipelineRun ${nameOf(run)} ${inRun}`;
}

function excessOfPipeline({ run, pipeline }: InformedFacts): string | undefined {
  const inPipeline = pipeline?.kind === 'found' ? excess(pipeline.definition.spec) : undefined;
  return inPipeline && `spec of Pipeline ${run.spec.pipelineRef?.name ?? ''} ${inPipeline}`;
}

function refused({ run }: PipelineRunFacts, problem: string, now: Date): PipelineRunDecision {
  const message = userError(problem);
  const state = { status: 'False', reason: 'PipelineValidationFailed', message } as const;
  const status: PipelineRunStatus = {
    ...run.status,
    startTime: run.status?.startTime ?? timestamp(now),
    completionTime: timestamp(now),
    conditions: withSucceeded(run.status?.conditions, state, now),
  };
  return { status, effects: eventsBetween(run.status, status) };
}

/** Only a run that has not begun can be held back (upstream's webhook refuses the state later). */
function isHeldBack({ spec, status }: PipelineRun): boolean {
  return spec.status === 'PipelineRunPending' && status?.startTime === undefined;
}

function holdBack(draft: Draft): void {
  draft.mark({ status: 'Unknown', reason: 'PipelineRunPending', message: `PipelineRun "${draft.name}" is pending` });
}

/**
 * The start is never before the creation (clocks differ), nor after the first child, when the status that had it was
 * lost.
 */
function start({ status, run, facts, now }: Draft): void {
  if (status.startTime !== undefined) return;
  const begun = [timestamp(now), run.metadata.creationTimestamp ?? ''].sort().at(-1) ?? '';
  const children = facts.children.flatMap((child) => child.metadata.creationTimestamp ?? []);
  status.startTime = [begun, ...children].sort()[0] ?? begun;
}
