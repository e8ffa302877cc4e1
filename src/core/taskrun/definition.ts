import type { TaskRef } from '../../api/pipeline/v1/params.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { askDefinitions, type DefinitionNeed, type Planning } from '../need.ts';
import { referenceOf, type Reference } from '../reference/reference.ts';
import type { Definition, Resolved } from '../reference/resolved.ts';
import { replaceInTurn } from '../substitution/replacements.ts';
import { excess, TooLargeError } from '../budget.ts';
import { bindingBudget, runValues } from './bind.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import type { Problem } from './validate.ts';

type ResolvedTask = Resolved<'Task'>;
type Failure = Extract<ResolvedTask, { kind: 'failed' }>;

/**
 * The Task of a run: the embedded one, what the status has of it once the run has begun, or the one it refers to. Only
 * the last has to be looked up.
 */
export function* findTask(taskRun: TaskRun): Planning<ResolvedTask, DefinitionNeed<'Task'>> {
  const definition = definitionAtHand(taskRun);
  if (definition) return { kind: 'found', definition };
  const reference = readReference(taskRun);
  if (reference.kind === 'failed') return reference;
  const { name: runName = '', namespace = '' } = taskRun.metadata;
  const fresh = taskRun.status?.startTime === undefined;
  const [resolved] = yield* askDefinitions<'Task'>([
    { type: 'definition', namespace, reference, requestName: runName, fresh },
  ]);
  return resolved ?? { kind: 'failed', reason: 'NotFound', message: 'not found' };
}

function definitionAtHand({ metadata, spec, status }: TaskRun): Definition<'Task'> | undefined {
  const known = spec.taskSpec ?? status?.taskSpec;
  const runName = metadata.name ?? '';
  return known && { name: spec.taskSpec ? runName : (spec.taskRef?.name ?? runName), metadata: {}, spec: known };
}

function readReference(taskRun: TaskRun): Reference<'Task'> | Failure {
  try {
    return taskReference(taskRun);
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    return { kind: 'failed', reason: 'Invalid', message: userErrorPrefix + error.message };
  }
}

/** What spec.taskRef asks for. @throws TooLargeError */
function taskReference(taskRun: TaskRun): Reference<'Task'> | Failure {
  const ref = taskRun.spec.taskRef ?? {};
  const invalid = (message: string): Failure => ({ kind: 'failed', reason: 'Invalid', message });
  if (!ref.resolver && ref.kind && ref.kind.toLowerCase() !== 'task')
    return invalid(`spec.taskRef.kind: ${JSON.stringify(ref.kind)} is not supported; use "Task"`);
  const excessive = ref.resolver ? excess(ref) : undefined;
  if (excessive) return invalid(`${userErrorPrefix}spec.taskRef ${excessive}`);
  return (
    referenceOf('Task', withValues(taskRun, ref)) ??
    invalid(
      `taskRun ${taskRun.metadata.name ?? ''} not providing TaskRef or TaskSpec; set spec.taskRef.name or spec.taskSpec`,
    )
  );
}

/** The params of a resolver may hold those of the run. @throws TooLargeError */
function withValues(taskRun: TaskRun, ref: TaskRef): TaskRef {
  return ref.resolver ? replaceInTurn(ref, runValues(taskRun, {}, ''), bindingBudget(taskRun)) : ref;
}

/** Upstream's words, and the way out, by why a Task cannot be had. */
const words: Readonly<Record<Failure['reason'], (taskRun: TaskRun, message: string) => string>> = {
  NotFound: ({ metadata: { name = '', namespace = '' }, spec }, message) =>
    `error when listing tasks for taskRun ${name}: ${message}; create Task ${spec.taskRef?.name ?? ''} in namespace ${namespace} or correct spec.taskRef.name`,
  Forbidden: ({ metadata: { name = '' } }, message) =>
    `error when listing tasks for taskRun ${name}: ${message}; allow the controller to read Tasks there`,
  Unsupported: ({ spec }) =>
    `spec.taskRef.resolver: resolver ${JSON.stringify(spec.taskRef?.resolver ?? '')} is not supported yet; create the Task in the namespace and name it in spec.taskRef.name`,
  Untrusted: (_taskRun, message) => message,
  Invalid: (_taskRun, message) => message,
  Failed: (_taskRun, message) => message,
};

/** Upstream's reason and words for a Task that cannot be had. */
export function taskProblem(taskRun: TaskRun, { reason, message }: Failure): Problem {
  return {
    reason: reason === 'Untrusted' ? reasons.verificationFailed : reasons.resolutionFailed,
    message: words[reason](taskRun, message),
  };
}
