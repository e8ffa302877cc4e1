import type { RefSource } from '../../api/meta.ts';
import type { Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepState, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { askDefinitions, type DefinitionNeed, type Planning } from '../need.ts';
import { paramReplacements } from '../params/replacements.ts';
import { stepContainerName, withoutStepPrefix } from '../pod/names.ts';
import { quote } from '../podstatus/quote.ts';
import { keyOf, referenceOf, type Reference } from '../reference/reference.ts';
import type { Resolved } from '../reference/resolved.ts';
import { replaceInTurn, type Replacements } from '../substitution/replacements.ts';
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

/** @throws TooLargeError */
function referringSteps({ taskRun }: TaskRunFacts, spec: TaskSpec, budget: Budget): Referring[] | { problem: Problem } {
  const steps = (spec.steps ?? []).map((step, index) => ({ step, index })).filter(({ step }) => step.ref);
  if (steps.length > mostReferences)
    return tooMany(`${steps.length} steps of the Task refer to StepActions, but ${mostReferences} are the most`);
  const values = runValues(taskRun, spec, '');
  const referring: Referring[] = [];
  for (const { step, index } of steps) {
    const reference = referenceIn(step, values, budget);
    if (typeof reference === 'string') return failure(step, index, reference);
    referring.push({ index, step, reference });
  }
  const different = new Set(referring.map(({ reference }) => keyOf(reference))).size;
  if (different <= mostStepActions) return referring;
  return tooMany(`the Task refers to ${different} different StepActions, but ${mostStepActions} are the most`);
}

/** Params of a resolver may hold those of the run. A text says what is wrong. @throws TooLargeError */
function referenceIn(
  { ref = {} }: Step,
  values: readonly Replacements[],
  budget: Budget,
): Reference<'StepAction'> | string {
  const excessive = ref.resolver ? excess(ref) : undefined;
  if (excessive) return `ref ${excessive}`;
  const reference = referenceOf('StepAction', ref.resolver ? replaceInTurn(ref, values, budget) : ref);
  return reference ?? 'set ref.name, or ref.resolver and ref.params';
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
  facts: TaskRunFacts,
  spec: TaskSpec,
  referring: readonly Referring[],
  { resolved, budget }: { resolved: readonly Resolved<'StepAction'>[]; budget: Budget },
): StepActions {
  const taskParams = paramsOf(facts, spec);
  const parts = new Map<number, ActionPart>();
  const found: StepState[] = [];
  let waiting: Waiting | undefined;
  for (const [at, answer] of resolved.entries()) {
    const one = referring[at];
    if (one === undefined) continue;
    const read = readAnswer(one, answer, { facts, taskParams, budget });
    if (read.kind === 'problem') return { ...read, resolved };
    if (read.kind === 'waiting') waiting = waiting?.retryable ? waiting : read;
    else {
      parts.set(one.index, read.part);
      found.push(...read.origins);
    }
  }
  return waiting ?? { kind: 'found', parts, resolved, origins: found };
}

function paramsOf({ taskRun }: TaskRunFacts, spec: TaskSpec): Replacements {
  return paramReplacements(spec.params ?? [], taskRun.spec.params ?? [], 'params', 'inputs.params');
}

type Waiting = Extract<StepActions, { kind: 'waiting' }>;
type Read = { kind: 'read'; part: ActionPart; origins: StepState[] } | { kind: 'problem'; problem: Problem } | Waiting;

interface Reading {
  facts: TaskRunFacts;
  taskParams: Replacements;
  budget: Budget;
}

function readAnswer(one: Referring, answer: Resolved<'StepAction'>, { facts, taskParams, budget }: Reading): Read {
  const { name = '', namespace = '' } = facts.taskRun.metadata;
  const { index, step } = one;
  switch (answer.kind) {
    case 'resolving':
      return { kind: 'waiting', message: `TaskRun ${namespace}/${name} awaiting remote StepAction`, retryable: false };
    case 'failed': {
      const problem = unresolved(one, answer, namespace);
      return answer.retryable
        ? { kind: 'waiting', message: `${problem.message}; it will be tried again`, retryable: true }
        : { kind: 'problem', problem };
    }
    case 'found': {
      const part = inlineAction({ step, taskParams, settings: facts.settings, budget }, answer.definition);
      if ('problem' in part) return { kind: 'problem', ...failure(step, index, part.problem) };
      return { kind: 'read', part, origins: originsOf(one, answer.refSource, facts) };
    }
    default: {
      const never: never = answer;
      return never;
    }
  }
}

function originsOf(
  { index, step }: Referring,
  refSource: RefSource | undefined,
  { settings }: TaskRunFacts,
): StepState[] {
  if (refSource === undefined || !settings.flags.enableProvenanceInStatus) return [];
  return [{ name: withoutStepPrefix(stepContainerName(step.name, index)), provenance: { refSource } }];
}

function unresolved(
  { step, index, reference }: Referring,
  { reason, message }: Extract<Resolved<'StepAction'>, { kind: 'failed' }>,
  namespace: string,
): Problem {
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
