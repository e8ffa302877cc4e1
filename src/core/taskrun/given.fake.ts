import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun, TaskRunSpec, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../condition.ts';
import { decideAtOnce } from '../need.ts';
import { created, podOf, settingsOf, taskRunOf } from '../pod/pod.fake.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import type { Resolved } from '../reference/resolved.ts';
import type { TaskRunDecision, TaskRunFacts } from './facts.ts';
import { planTaskRun } from './plan.ts';
import { supplyOf, type Findings } from './supply.fake.ts';

export const spec: TaskSpec = { steps: [{ name: 'one', image: 'x', command: ['y'] }] };
export const commandless: TaskSpec = { steps: [{ name: 'one', image: 'x' }] };
export const now = new Date('2026-01-01T00:00:10Z');
export const foundTask = (found: TaskSpec): Resolved<'Task'> => ({
  kind: 'found',
  definition: { name: 't', metadata: {}, spec: found },
});

export interface Given extends Findings {
  spec?: TaskRunSpec;
  status?: TaskRunStatus;
  metadata?: Partial<TaskRun['metadata']>;
  taskSpec?: TaskSpec;
  pods?: Pod[];
  flags?: Record<string, string>;
  defaults?: Record<string, string>;
}

export function factsOf(given: Given = {}): TaskRunFacts {
  const taskSpec = given.taskSpec ?? spec;
  return {
    taskRun: taskRunOf({ ...(given.task ? { taskRef: { name: 't' } } : { taskSpec }), ...given.spec }, given.status, {
      annotations: { 'pipeline.tekton.dev/release': 'v0.1.0' },
      labels: { 'app.kubernetes.io/managed-by': 'tekton-pipelines' },
      ...given.metadata,
    }),
    pods: given.pods ?? [],
    settings: settingsOf(given.flags, given.defaults),
  };
}

/** A run whose pod was made at the time of its creation. */
export function begun(podStatus: PodStatus, more: Given & { reason?: string; since?: string } = {}): Given {
  const { reason = 'Pending', since = created, ...given } = more;
  const taskSpec = given.taskSpec ?? spec;
  const messages: Record<string, string> = {
    Pending: 'Pending',
    Running: 'Not all Steps in the Task have finished executing',
  };
  return {
    ...given,
    status: {
      podName: 'run-pod',
      startTime: created,
      taskSpec,
      conditions: [
        { type: 'Succeeded', status: 'Unknown', reason, message: messages[reason] ?? '', lastTransitionTime: since },
      ],
      ...given.status,
    },
    pods: given.pods ?? [podOf(taskSpec, podStatus)],
  };
}

export function plan(given: Given, at = now): TaskRunDecision & { condition: string; kinds: string[] } {
  const decision = decideAtOnce(planTaskRun(factsOf(given), at), supplyOf(given));
  const { status, reason, message } = succeededCondition(decision.status) ?? {};
  const kinds = decision.effects.map((effect) =>
    effect.type === 'event' ? `event ${effect.eventType} ${effect.reason}` : effect.type,
  );
  return { ...decision, condition: `${status} ${reason}: ${message}`, kinds };
}
