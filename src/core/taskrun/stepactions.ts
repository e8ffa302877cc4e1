import type { RefSource } from '../../api/meta.ts';
import type { Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepState, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { askDefinitions, type DefinitionNeed, type Planning } from '../need.ts';
import { paramReplacements } from '../params/replacements.ts';
import { stepContainerName, withoutStepPrefix } from '../pod/names.ts';
import { quote } from '../podstatus/quote.ts';
import { keyOf, referenceOf, type Reference } from '../reference/reference.ts';
import type { Resolved } from '../reference/resolved.ts';
import { replaceInTurn } from '../substitution/replacements.ts';
import { excess, type Budget } from '../budget.ts';
import { bindingBudget, runValues } from './bind.ts';
import type { TaskRunFacts } from './facts.ts';
import { reasons } from './reasons.ts';
import { inlineAction, type ActionPart } from './stepaction.ts';
import type { Problem } from './validate.ts';

/** So many different StepActions no Task has; each may be a ResolutionRequest. */
const mostStepActions = 100;
/** Nor so many steps that refer to one. */
const mostReferences = 1_000;

/** What became of the StepActions that a Task's steps refer to. */
export type StepActions =
  /** Parts by the number of the step, and all that was found, for its trust and origin. */
  | {
      kind: 'found';
      parts: ReadonlyMap<number, ActionPart>;
      resolved: readonly Resolved<'StepAction'>[];
      origins: StepState[];
    }
  | { kind: 'problem'; problem: Problem; resolved: readonly Resolved<'StepAction'>[] }
  /** `retryable`: a resolver failed in a way that passes; the others are still at work. */
  | { kind: 'waiting'; message: string; retryable: boolean };

export const noStepActions: StepActions = { kind: 'found', parts: new Map(), resolved: [], origins: [] };

interface Referring {
  index: number;
  step: Step;
  reference: Reference<'StepAction'>;
}

/**
 * Finds the StepActions of a Task, all at once, and puts the values of the steps' params into them.
 * @throws TooLargeError
 */
export function* findStepActions(
  facts: TaskRunFacts,
  spec: TaskSpec,
): Planning<StepActions, DefinitionNeed<'StepAction'>> {
  if (!spec.steps?.some((step) => step.ref)) return noStepActions;
  const { taskRun } = facts;
  const budget = bindingBudget(taskRun);
  const referring = referringSteps(facts, spec, budget);
  if ('problem' in referring) return { kind: 'problem', problem: referring.problem, resolved: [] };
  const { name: requestName = '', namespace = '' } = taskRun.metadata;
  const resolved = yield* askDefinitions<'StepAction'>(
    referring.map(({ reference }) => ({ type: 'definition', namespace, reference, requestName, fresh: true })),
  );
  return readAnswers(facts, spec, referring, { resolved, budget });
}

/** Params of a resolver may hold those of the run. @throws TooLargeError */
function referringSteps({ taskRun }: TaskRunFacts, spec: TaskSpec, budget: Budget): Referring[] | { problem: Problem } {
  const count = (spec.steps ?? []).filter((step) => step.ref).length;
  if (count > mostReferences)
    return tooMany(`${count} steps of the Task refer to StepActions, but ${mostReferences} are the most`);
  const values = runValues(taskRun, spec, '');
  const referring: Referring[] = [];
  for (const [index, step] of (spec.steps ?? []).entries()) {
    if (!step.ref) continue;
    const { ref } = step;
    const excessive = ref.resolver ? excess(ref) : undefined;
    const reference = referenceOf('StepAction', ref.resolver ? replaceInTurn(ref, values, budget) : ref);
    if (excessive || reference === undefined)
      return failure(step, index, excessive ? `ref ${excessive}` : 'set ref.name, or ref.resolver and ref.params');
    referring.push({ index, step, reference });
  }
  const different = new Set(referring.map(({ reference }) => keyOf(reference))).size;
  if (different <= mostStepActions) return referring;
  return tooMany(`the Task refers to ${different} different StepActions, but ${mostStepActions} are the most`);
}

function tooMany(message: string): { problem: Problem } {
  return { problem: { reason: reasons.resolutionFailed, message: `${message}; split it` } };
}

/** Upstream's words for a step that cannot be had. */
function failure({ name = '' }: Step, index: number, message: string): { problem: Problem } {
  return {
    problem: {
      reason: reasons.resolutionFailed,
      message: `failed to resolve step ref for step ${quote(name)} (index ${index}): ${message}`,
    },
  };
}

/** The first step that cannot be had decides; one that is still being fetched waits for no other's failure to pass. */
function readAnswers(
  { taskRun, settings }: TaskRunFacts,
  spec: TaskSpec,
  referring: readonly Referring[],
  { resolved, budget }: { resolved: readonly Resolved<'StepAction'>[]; budget: Budget },
): StepActions {
  const { name = '', namespace = '' } = taskRun.metadata;
  const taskParams = paramReplacements(spec.params ?? [], taskRun.spec.params ?? [], 'params', 'inputs.params');
  const parts = new Map<number, ActionPart>();
  const origins: StepState[] = [];
  let waiting: Extract<StepActions, { kind: 'waiting' }> | undefined;
  for (const [at, { index, step, reference }] of referring.entries()) {
    const answer = resolved[at] ?? { kind: 'failed', reason: 'NotFound', message: 'not found' };
    if (answer.kind === 'resolving') {
      waiting ??= {
        kind: 'waiting',
        message: `TaskRun ${namespace}/${name} awaiting remote StepAction`,
        retryable: false,
      };
      continue;
    }
    if (answer.kind === 'failed') {
      const problem = unresolved(step, index, reference, { answer, namespace });
      if (!answer.retryable) return { kind: 'problem', problem, resolved };
      waiting = { kind: 'waiting', message: `${problem.message}; it will be tried again`, retryable: true };
      continue;
    }
    const part = inlineAction({ step, taskParams, settings, budget }, answer.definition);
    if ('problem' in part) return { kind: 'problem', ...failure(step, index, part.problem), resolved };
    parts.set(index, part);
    if (answer.refSource && settings.flags.enableProvenanceInStatus)
      origins.push(originOf(step, index, answer.refSource));
  }
  return waiting ?? { kind: 'found', parts, resolved, origins };
}

function originOf(step: Step, index: number, refSource: RefSource): StepState {
  return { name: withoutStepPrefix(stepContainerName(step.name, index)), provenance: { refSource } };
}

function unresolved(
  step: Step,
  index: number,
  reference: Reference<'StepAction'>,
  { answer, namespace }: { answer: Extract<Resolved, { kind: 'failed' }>; namespace: string },
): Problem {
  const { reason, message } = answer;
  const say = (text: string): Problem => failure(step, index, text).problem;
  const name = reference.kind === 'inCluster' ? reference.name : reference.resolver;
  switch (reason) {
    case 'NotFound':
      return say(`${message}; create StepAction ${name} in namespace ${namespace} or correct steps[${index}].ref.name`);
    case 'Forbidden':
      return say(`${message}; allow the controller to read StepActions there`);
    case 'Unsupported':
      return say(`steps[${index}].ref.resolver: ${message}; create the StepAction in the namespace and name it`);
    case 'Untrusted':
      return { ...say(message), reason: reasons.verificationFailed };
    case 'Invalid':
    case 'Failed':
      return say(message);
    default: {
      const never: never = reason;
      return never;
    }
  }
}

/** What a status keeps of its steps when a new pod is made: where their StepActions came from. */
export function origins({ steps = [] }: TaskRunStatus): StepState[] {
  return steps.flatMap(({ name, provenance }) => (name && provenance ? [{ name, provenance }] : []));
}
