import { stepsSign } from '../../api/config/feature-flags.ts';
import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { ImageFact } from '../pod/image.ts';
import { quote } from '../podstatus/quote.ts';
import { failed, withCondition, type PlanContext } from './context.ts';
import type { TaskRunDecision } from './facts.ts';
import type { StartFacts } from './lookups.ts';
import { reservedResultProblem } from './signed-results.ts';
import { reasons } from './reasons.ts';

/** How long to wait before a registry that did not answer is asked again. */
const registryRetryMs = 5_000;

/** When to look again for a registry's answer that comes with a reconcile of its own, should that get lost. */
const registryWaitMs = 15_000;

/** A new namespace gets its `default` service account a moment later: younger runs wait for theirs. */
const newNamespaceMs = 10_000;
const accountRetryMs = 1_000;

/** What keeps a pod from being made: for good, or until it is looked at again. */
type Obstacle = { kind: 'ends'; reason: string; message: string } | { kind: 'waits'; message: string; ms: number };

/** Something looked up for the pod is missing. */
export function obstacleToStart(
  context: PlanContext,
  status: TaskRunStatus,
  found: StartFacts,
): TaskRunDecision | undefined {
  const obstacle =
    nameObstacle(context, status) ??
    accountObstacle(context, found) ??
    logObstacle(context, found) ??
    imageObstacle(context, found);
  if (obstacle === undefined) return undefined;
  const { now } = context;
  if (obstacle.kind === 'ends') return { status: failed(status, obstacle.reason, obstacle.message, now), effects: [] };
  const state = { status: 'Unknown', reason: reasons.podPending, message: obstacle.message } as const;
  return { status: withCondition(status, state, now), effects: [], requeueAfterMs: obstacle.ms };
}

function nameObstacle({ facts: { settings } }: PlanContext, { taskSpec }: TaskRunStatus): Obstacle | undefined {
  const isSigning = stepsSign(settings.flags);
  const problem = reservedResultProblem(taskSpec?.results ?? [], isSigning);
  return problem && { kind: 'ends', ...problem };
}

function accountObstacle({ facts: { taskRun }, now }: PlanContext, found: StartFacts): Obstacle | undefined {
  const problem = found.serviceAccountProblem;
  if (!problem) return undefined;
  const age = now.getTime() - Date.parse(taskRun.metadata.creationTimestamp ?? '');
  return age < newNamespaceMs
    ? { kind: 'waits', message: `${problem}; it will be tried again`, ms: accountRetryMs }
    : unmade(taskRun, `translating TaskSpec to Pod: ${problem}`);
}

/** Better now than when the steps have done their work and its results are lost. */
function logObstacle({ facts: { taskRun } }: PlanContext, found: StartFacts): Obstacle | undefined {
  if (found.logsDenied !== true) return undefined;
  const message =
    `results-from is "sidecar-logs" in ConfigMap feature-flags, but the controller has no right to get pods/log in ` +
    `namespace ${quote(taskRun.metadata.namespace ?? '')}: install the chart with rbac.podLogs=true, or set ` +
    `results-from to "termination-message"`;
  return { kind: 'ends', reason: reasons.validationFailed, message };
}

function imageObstacle({ facts: { taskRun } }: PlanContext, found: StartFacts): Obstacle | undefined {
  for (const [image, fact] of found.images) {
    const obstacle = obstacleOfImage(taskRun, image, fact);
    if (obstacle) return obstacle;
  }
  return undefined;
}

function obstacleOfImage(taskRun: TaskRun, image: string, fact: ImageFact): Obstacle | undefined {
  if (fact.kind === 'found') return undefined;
  if (fact.kind === 'pending') {
    const message = `waiting for the registry to say what image ${quote(image)} runs`;
    return { kind: 'waits', message, ms: registryWaitMs };
  }
  const message = `the command of image ${quote(image)} could not be looked up: ${fact.message}`;
  if (fact.retry) return { kind: 'waits', message: `${message}; it will be tried again`, ms: registryRetryMs };
  const wayOut = 'give the step a command or script, or make the image readable for its service account';
  return unmade(taskRun, `${message}; ${wayOut}`);
}

function unmade(taskRun: TaskRun, cause: string): Obstacle {
  return { kind: 'ends', reason: reasons.podCreationFailed, message: podCreationMessage(taskRun, cause) };
}

/** Upstream's words for a pod that could not be made. */
export function podCreationMessage(taskRun: TaskRun, cause: string): string {
  const { name = '', namespace = '' } = taskRun.metadata;
  const guess = taskRun.spec.taskRef
    ? `missing or invalid Task ${namespace}/${taskRun.spec.taskRef.name ?? ''}`
    : 'invalid TaskSpec';
  return `failed to create task run pod ${quote(name)}: ${cause}. Maybe ${guess}`;
}
