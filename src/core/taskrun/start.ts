import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { lostMessage } from '../digest/spec-change.ts';
import type { Planning } from '../need.ts';
import { hasTwoAffinities } from '../pod/affinity.ts';
import type { Resolved } from '../reference/resolved.ts';
import { bindRun, type BoundTask } from './bound.ts';
import {
  failed,
  started,
  storedSpec,
  withCondition,
  withContainers,
  type AskingPhase,
  type PlanContext,
} from './context.ts';
import { findTask } from './definition.ts';
import type { TaskRunDecision, TaskRunEffect, TaskRunFacts } from './facts.ts';
import { inherit, tookOver } from './inherit.ts';
import { lookUp, type StartFacts } from './lookups.ts';
import { metadataPatch, patched } from './metadata.ts';
import { objectsFor } from './objects.ts';
import { obstacleToStart, podCreationMessage } from './obstacle.ts';
import { withOrigin, withProvenance } from './provenance.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { origins } from './stepactions.ts';
import { unrecordedPods } from './stop.ts';

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
      return yield* begin(context, status, bound);
    default: {
      const never: never = bound;
      return never;
    }
  }
};

/** A rerun takes over what was done before; everything else gets a pod. */
function* begin(context: PlanContext, status: TaskRunStatus, bound: BoundTask): Planning<TaskRunDecision> {
  const { facts, now } = context;
  const inherited = yield* inherit(context, bound);
  if (inherited.kind === 'yes') {
    const patch = metadataPatch(facts, bound.task);
    return { status: tookOver({ ...status, taskSpec: bound.spec }, inherited, now), effects: patch ? [patch] : [] };
  }
  const decision = createPod(context, status, bound, yield* lookUp(facts.taskRun, bound.spec, facts.settings));
  return inherited.warning ? { ...decision, effects: [...decision.effects, inherited.warning] } : decision;
}

/** The Task as it was found, for whoever reads why the run could not start. */
function withTask(status: TaskRunStatus, task: Resolved<'Task'>): TaskRunStatus {
  return task.kind === 'found' ? { ...status, taskSpec: task.definition.spec } : status;
}

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
    ...warnings(facts.taskRun, pod.metadata.name ?? '', found),
  ];
  const pending = withCondition(withSpec, { status: 'Unknown', reason: reasons.podPending, message: 'Pending' }, now);
  return { status: { ...pending, podName: pod.metadata.name ?? '' }, effects };
}

function unmade({ facts, now }: PlanContext, status: TaskRunStatus, why: string): TaskRunDecision {
  const message = podCreationMessage(facts.taskRun, why);
  // Another attempt would come to the same.
  return { status: failed(status, reasons.validationFailed, message, now), effects: [] };
}

function warnings(taskRun: TaskRun, podName: string, { unreadableSecrets }: StartFacts): TaskRunEffect[] {
  const effects: TaskRunEffect[] = [];
  const warn = (reason: string, message: string) =>
    effects.push({ type: 'event', eventType: 'Warning', reason, message });
  if (unreadableSecrets.length > 0) {
    const account = taskRun.spec.serviceAccountName ?? '';
    const message = `Unable to retrieve some secrets (${unreadableSecrets.join(', ')}); attempting to run without them. Create them or take them out of the service account ${account}`;
    warn('FailedToRetrieveSecret', message.trimEnd());
  }
  // Upstream's reason. What it says there, that one is overwritten, is not so.
  if (hasTwoAffinities(taskRun)) {
    const message = `Pod template affinity holds beside that of the affinity assistant for pod ${JSON.stringify(podName)}: a node has to fit both`;
    warn('PodAffinityOverwrite', message);
  }
  return effects;
}
