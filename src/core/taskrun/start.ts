import { mergePodTemplates } from '../../api/core/podtemplate.merge.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepState, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { TooLargeError } from '../budget.ts';
import { lostMessage } from '../digest/spec-change.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import { runReference } from '../owner.ts';
import { buildPod } from '../pod/build.ts';
import type { ImageConfig } from '../pod/image.ts';
import type { NewPod } from '../pod/types.ts';
import { quote } from '../podstatus/quote.ts';
import { awaitingRemote, type Definition, type Resolved } from '../reference/resolved.ts';
import { replaceInTurn } from '../substitution/replacements.ts';
import { bindAttempt, bindTask, bindWorkspaces, claimName, runValues } from './bind.ts';
import {
  failed,
  started,
  storedSpec,
  withCondition,
  withContainers,
  type AskingPhase,
  type PlanContext,
} from './context.ts';
import { findTask, taskProblem } from './definition.ts';
import type { NewClaim, TaskRunDecision, TaskRunEffect, TaskRunFacts } from './facts.ts';
import { lookUp, type StartFacts } from './lookups.ts';
import { metadataPatch, patched } from './metadata.ts';
import { withOrigin, withProvenance } from './provenance.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { findStepActions, noStepActions, origins } from './stepactions.ts';
import { unrecordedPods } from './stop.ts';
import { timeoutMs } from './timeout.ts';
import { validateTaskRun, type Problem } from './validate.ts';

/** How long to wait before a registry that did not answer is asked again. */
const registryRetryMs = 5_000;

/** The same for a resolver. */
const resolverRetryMs = 5_000;

/** When to look again for a registry's answer that comes with a reconcile of its own, should that get lost. */
const registryWaitMs = 15_000;

/** A new namespace gets its `default` service account a moment later: younger runs wait for theirs. */
const newNamespaceMs = 10_000;

/** The Task as this run has it, or why there is none. */
type Bound =
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
function* bindRun(context: PlanContext, task: Resolved<'Task'>): Planning<Bound, DefinitionNeed<'StepAction'>> {
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
  if (task.kind === 'resolving') {
    const { namespace = '', name = '' } = taskRun.metadata;
    return { kind: 'waiting', reason: reasons.resolvingTaskRef, message: awaitingRemote('TaskRun', namespace, name) };
  }
  const { definition } = task;
  const fallback = settings.defaults.taskRunWorkspaceBinding;
  const stored = storedSpec(status);
  const problem = stored ? undefined : validateTaskRun(taskRun, definition.name, definition.spec, settings);
  if (problem) return { kind: 'problem', problem };
  const actions = stored ? noStepActions : yield* findStepActions(facts, definition.spec);
  if (actions.kind === 'problem') return actions;
  if (actions.kind === 'waiting') {
    const { message, retryable } = actions;
    const again = retryable ? { requeueAfterMs: resolverRetryMs } : {};
    return { kind: 'waiting', reason: reasons.resolvingStepActionRef, message, ...again };
  }
  const workspaces = bindWorkspaces(taskRun, stored ?? definition.spec, fallback);
  const spec = stored ?? bindTask(taskRun, definition, workspaces, actions.parts);
  return { kind: 'bound', task: definition, spec, workspaces, resolved: actions.resolved, origins: actions.origins };
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

/** Its spec was changed, and not all of what it was can be had back: no pod can be made from it. */
function specIsLost({ specChange }: TaskRunFacts): boolean {
  return specChange !== undefined && specChange.lost.length > 0;
}

/**
 * There is no pod: resolve, check and make one. Also after a pod was deleted by someone else, as upstream: a run is not
 * lost with its pod.
 */
export const start: AskingPhase = function* (context) {
  const { facts, pod, now } = context;
  if (pod !== undefined) return undefined;
  if (facts.specChange && specIsLost(facts)) {
    const message = userErrorPrefix + lostMessage('TaskRun', facts.specChange);
    const status = failed(started(context), reasons.validationFailed, message, now);
    return { status, effects: unrecordedPods(context) };
  }
  const task = yield* findTask(facts.taskRun);
  const bound = yield* bindRun(context, task);
  const begun = withProvenance(started(context), facts.settings);
  const actions = bound.kind === 'waiting' ? [] : (bound.resolved ?? []);
  const status = withOrigin(begun, [task, ...actions], facts.settings, now);
  switch (bound.kind) {
    case 'problem':
      return {
        status: failed(withTask(status, task), bound.problem.reason, bound.problem.message, now),
        effects: [],
      };
    case 'waiting': {
      const { reason, message, requeueAfterMs } = bound;
      const state = { status: 'Unknown', reason, message } as const;
      const again = requeueAfterMs === undefined ? {} : { requeueAfterMs };
      return { status: withCondition(status, state, now), effects: [], ...again };
    }
    case 'bound':
      return createPod(context, status, bound, yield* lookUp(facts.taskRun, bound.spec, facts.settings));
    default: {
      const never: never = bound;
      return never;
    }
  }
};

/** The Task as it was found, for whoever reads why the run could not start. */
function withTask(status: TaskRunStatus, task: Resolved<'Task'>): TaskRunStatus {
  return task.kind === 'found' ? { ...status, taskSpec: task.definition.spec } : status;
}

type BoundTask = Extract<Bound, { kind: 'bound' }>;

function createPod(context: PlanContext, status: TaskRunStatus, bound: BoundTask, found: StartFacts): TaskRunDecision {
  const { facts, now } = context;
  // With the spec, whatever keeps the pod from being made: they are not looked for again.
  const steps = bound.origins.length > 0 ? bound.origins : origins(status);
  const withSpec = { ...withContainers(status, [], []), taskSpec: bound.spec, ...(steps.length > 0 ? { steps } : {}) };
  const obstacle = obstacleToStart(context, withSpec, found);
  if (obstacle) return obstacle;
  const patch = storedSpec(context.status) ? undefined : metadataPatch(facts, bound.task);
  const made = objectsFor(facts, patched(facts.taskRun, patch), bound, found);
  if ('tooLarge' in made) return unmade(context, withSpec, made.tooLarge);
  const { pod } = made;
  const effects: TaskRunEffect[] = [
    ...made.claims,
    { type: 'createPod', pod },
    ...(patch ? [patch] : []),
    ...warnings(facts.taskRun, found),
  ];
  const pending = withCondition(withSpec, { status: 'Unknown', reason: reasons.podPending, message: 'Pending' }, now);
  return { status: { ...pending, podName: pod.metadata.name ?? '' }, effects };
}

/** Something looked up for the pod is missing. */
function obstacleToStart(
  { facts, now }: PlanContext,
  status: TaskRunStatus,
  found: StartFacts,
): TaskRunDecision | undefined {
  if (found.serviceAccountProblem) {
    const age = now.getTime() - Date.parse(facts.taskRun.metadata.creationTimestamp ?? '');
    if (age < newNamespaceMs) {
      return {
        status: withCondition(
          status,
          {
            status: 'Unknown',
            reason: reasons.podPending,
            message: `${found.serviceAccountProblem}; it will be tried again`,
          },
          now,
        ),
        effects: [],
        requeueAfterMs: 1_000,
      };
    }
    return {
      status: failed(
        status,
        reasons.podCreationFailed,
        podCreationMessage(facts.taskRun, `translating TaskSpec to Pod: ${found.serviceAccountProblem}`),
        now,
      ),
      effects: [],
    };
  }
  for (const [image, fact] of found.images) {
    if (fact.kind === 'found') continue;
    if (fact.kind === 'pending')
      return waiting(status, `waiting for the registry to say what image ${quote(image)} runs`, now);
    const message = `the command of image ${quote(image)} could not be looked up: ${fact.message}`;
    if (!fact.retry) {
      return {
        status: failed(
          status,
          reasons.podCreationFailed,
          podCreationMessage(
            facts.taskRun,
            `${message}; give the step a command or script, or make the image readable for its service account`,
          ),
          now,
        ),
        effects: [],
      };
    }
    return {
      status: withCondition(
        status,
        { status: 'Unknown', reason: reasons.podPending, message: `${message}; it will be tried again` },
        now,
      ),
      effects: [],
      requeueAfterMs: registryRetryMs,
    };
  }
  return undefined;
}

function waiting(status: TaskRunStatus, message: string, now: Date): TaskRunDecision {
  return {
    status: withCondition(status, { status: 'Unknown', reason: reasons.podPending, message }, now),
    effects: [],
    requeueAfterMs: registryWaitMs,
  };
}

/** Upstream's words for a pod that could not be made. */
export function podCreationMessage(taskRun: TaskRun, cause: string): string {
  const { name = '', namespace = '' } = taskRun.metadata;
  const guess = taskRun.spec.taskRef
    ? `missing or invalid Task ${namespace}/${taskRun.spec.taskRef.name ?? ''}`
    : 'invalid TaskSpec';
  return `failed to create task run pod ${quote(name)}: ${cause}. Maybe ${guess}`;
}

/** The pod and the claims that it needs, or why they cannot be made. */
function objectsFor(
  facts: TaskRunFacts,
  taskRun: TaskRun,
  bound: BoundTask,
  found: StartFacts,
): { pod: NewPod; claims: TaskRunEffect[] } | { tooLarge: string } {
  try {
    return { claims: claims(facts.taskRun, bound.spec), pod: podFor(facts, taskRun, bound, found) };
  } catch (error) {
    if (error instanceof TooLargeError) return { tooLarge: error.message };
    throw error;
  }
}

function unmade({ facts, now }: PlanContext, status: TaskRunStatus, why: string): TaskRunDecision {
  const message = podCreationMessage(facts.taskRun, why);
  // Another attempt would come to the same.
  return { status: failed(status, reasons.validationFailed, message, now), effects: [] };
}

function podFor(
  { settings }: TaskRunFacts,
  taskRun: TaskRun,
  { task, spec, workspaces }: BoundTask,
  found: StartFacts,
) {
  const template = mergePodTemplates(taskRun.spec.podTemplate, settings.defaults.podTemplate);
  const values = runValues(taskRun, spec, task.name);
  const images = new Map(
    [...found.images].flatMap(([image, fact]): [string, ImageConfig][] =>
      fact.kind === 'found' ? [[image, fact.config]] : [],
    ),
  );
  return buildPod({
    taskRun: template
      ? { ...taskRun, spec: { ...taskRun.spec, podTemplate: replaceInTurn(template, values) } }
      : taskRun,
    spec: bindAttempt(taskRun, spec),
    workspaces,
    secrets: found.secrets,
    limitRanges: found.limitRanges,
    images,
    timeoutMs: timeoutMs(taskRun, settings),
    settings,
  });
}

/** A claim for each volumeClaimTemplate, owned by the run so that it goes with it. */
function claims(taskRun: TaskRun, spec: TaskSpec): TaskRunEffect[] {
  const values = runValues(taskRun, spec, '');
  return (taskRun.spec.workspaces ?? []).flatMap((binding): TaskRunEffect[] => {
    if (!binding.volumeClaimTemplate) return [];
    const template = replaceInTurn(binding.volumeClaimTemplate, values);
    const { namespace = '' } = taskRun.metadata;
    const claim: NewClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...template.metadata,
        name: claimName(taskRun, binding),
        namespace,
        ownerReferences: [runReference('TaskRun', taskRun.metadata)],
      },
      spec: template.spec ?? {},
    };
    return [{ type: 'createPersistentVolumeClaim', claim }];
  });
}

function warnings(taskRun: TaskRun, found: StartFacts): TaskRunEffect[] {
  const effects: TaskRunEffect[] =
    found.unreadableSecrets.length === 0
      ? []
      : [
          {
            type: 'event',
            eventType: 'Warning',
            reason: 'FailedToRetrieveSecret',
            message:
              `Unable to retrieve some secrets (${found.unreadableSecrets.join(', ')}); attempting to run without them. Create them or take them out of the service account ${taskRun.spec.serviceAccountName ?? ''}`.trimEnd(),
          },
        ];
  return effects;
}
