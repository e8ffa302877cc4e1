import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepState, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { TooLargeError } from '../budget.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import { awaitingRemote, type Definition, type Resolved } from '../reference/resolved.ts';
import { bindTask, bindWorkspaces } from './bind.ts';
import { storedSpec, type PlanContext } from './context.ts';
import { taskProblem } from './definition.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { findStepActions, noStepActions } from './stepactions.ts';
import { validateTaskRun, type Problem } from './validate.ts';

/** How long to wait before a resolver that did not answer is asked again. */
const resolverRetryMs = 5_000;

/** The Task as this run has it, or why there is none. */
export type Bound =
  | {
      kind: 'bound';
      task: Definition<'Task'>;
      spec: TaskSpec;
      workspaces: WorkspaceBinding[];
      resolved: readonly Resolved<'StepAction'>[];
      /** Of the steps' StepActions. */
      origins: StepState[];
    }
  | { kind: 'problem'; problem: Problem; resolved?: readonly Resolved<'StepAction'>[] }
  | { kind: 'waiting'; reason: string; message: string; requeueAfterMs?: number };

/**
 * The Task with this run's values: what the status holds once the run has begun, whatever became of the Task since;
 * before, the resolved Task, checked against the run.
 */
export function* bindRun(context: PlanContext, task: Resolved<'Task'>): Planning<Bound, DefinitionNeed<'StepAction'>> {
  try {
    return yield* bind(context, task);
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    return { kind: 'problem', problem: { reason: reasons.validationFailed, message: userErrorPrefix + error.message } };
  }
}

function* bind({ facts, status }: PlanContext, task: Resolved<'Task'>): Planning<Bound, DefinitionNeed<'StepAction'>> {
  const { taskRun, settings } = facts;
  if (task.kind === 'failed') return unresolved(taskRun, task);
  if (task.kind === 'resolving') return resolving(taskRun);
  const { definition } = task;
  const fallback = settings.defaults.taskRunWorkspaceBinding;
  const stored = storedSpec(status);
  const problem = stored ? undefined : validateTaskRun(taskRun, definition.name, definition.spec, settings);
  if (problem) return { kind: 'problem', problem };
  const actions = stored ? noStepActions : yield* findStepActions(facts, definition.spec);
  if (actions.kind === 'problem') return actions;
  if (actions.kind === 'waiting') return withoutStepActions(actions);
  const workspaces = bindWorkspaces(taskRun, stored ?? definition.spec, fallback);
  const spec = stored ?? bindTask(taskRun, definition, workspaces, actions.parts);
  return { kind: 'bound', task: definition, spec, workspaces, resolved: actions.resolved, origins: actions.origins };
}

function resolving({ metadata: { namespace = '', name = '' } }: TaskRun): Bound {
  return { kind: 'waiting', reason: reasons.resolvingTaskRef, message: awaitingRemote('TaskRun', namespace, name) };
}

function withoutStepActions({ message, retryable }: { message: string; retryable?: boolean | undefined }): Bound {
  const again = retryable ? { requeueAfterMs: resolverRetryMs } : {};
  return { kind: 'waiting', reason: reasons.resolvingStepActionRef, message, ...again };
}

function unresolved(taskRun: TaskRun, failure: Extract<Resolved<'Task'>, { kind: 'failed' }>): Bound {
  const problem = taskProblem(taskRun, failure);
  return failure.retryable
    ? {
        kind: 'waiting',
        reason: reasons.resolvingTaskRef,
        message: `${problem.message}; it will be tried again`,
        requeueAfterMs: resolverRetryMs,
      }
    : { kind: 'problem', problem };
}

export type BoundTask = Extract<Bound, { kind: 'bound' }>;
