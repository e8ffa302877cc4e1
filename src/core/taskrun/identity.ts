import { isDone } from '../condition.ts';
import { isStepContainer } from '../pod/names.ts';
import { signingFlag } from '../pod/entrypoint.ts';
import type { Pod } from '../pod/types.ts';
import { isFinished } from '../podstatus/order.ts';
import type { PlanContext } from './context.ts';
import type { TaskRunDecision, TaskRunEffect, TaskRunFacts } from './facts.ts';
import { timeoutMs } from './timeout.ts';

/** An identity outlives the run's time by as much as the pod may. */
const expiryFactor = 1.5;

/** Whether the steps of a pod sign what they report: as it was made, whatever the flag says now. */
export function isSigned(pod: Pod): boolean {
  return pod.spec.containers.some(
    ({ name, args = [] }) => isStepContainer(name) && ownFlags(args).includes(signingFlag),
  );
}

/** Of the entrypoint, not of the command that it runs. */
function ownFlags(args: readonly string[]): readonly string[] {
  return args.slice(0, args.indexOf('--'));
}

/**
 * The decision with what SPIRE has to be told: the steps of a pod that has its node get their identity, and lose it
 * when the attempt is over. Asked for each time: whoever carries it out knows what SPIRE knows already.
 */
export function withIdentity({ facts, pod, status: before }: PlanContext, decision: TaskRunDecision): TaskRunDecision {
  if (pod === undefined || isDone(before) || !isSigned(pod)) return decision;
  const effect = identityEffect(facts, pod, isDone(decision.status));
  return effect === undefined ? decision : { ...decision, effects: [...decision.effects, effect] };
}

function identityEffect(facts: TaskRunFacts, pod: Pod, isOver: boolean): TaskRunEffect | undefined {
  const { name: taskRun = '', namespace = '' } = facts.taskRun.metadata;
  const { name = '', uid: podUid = '', deletionTimestamp } = pod.metadata;
  if (isOver) return { type: 'removeIdentity', identity: { namespace, taskRun, podUid } };
  const { nodeName: node } = pod.spec;
  if (!node || deletionTimestamp || isFinished(pod)) return undefined;
  const containers = pod.spec.containers.map((container) => container.name).filter(isStepContainer);
  const expiresAt = expiryOf(facts, pod);
  return { type: 'registerIdentity', identity: { namespace, taskRun, pod: name, podUid, node, containers, expiresAt } };
}

function expiryOf({ taskRun }: TaskRunFacts, { metadata }: Pod): number {
  const limit = timeoutMs(taskRun);
  const created = Date.parse(metadata.creationTimestamp ?? '');
  return limit === 0 || Number.isNaN(created) ? 0 : Math.ceil((created + limit * expiryFactor) / 1000);
}
