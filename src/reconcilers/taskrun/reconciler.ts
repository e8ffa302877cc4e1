import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { isDone, succeededCondition } from '../../core/condition.ts';
import { creationBackOff } from '../../core/creation-back-off.ts';
import type { TaskRunDecision, TaskRunFacts } from '../../core/taskrun/facts.ts';
import { planTaskRun, statusInstead } from '../../core/taskrun/plan.ts';
import { settle, type TaskRunOutcome } from '../../core/taskrun/settle.ts';
import type { KubeClient } from '../../kube/client.ts';
import { reconcilerOf, type FrameOptions } from '../frame.ts';
import { nativeSidecarsOf } from '../supply/native-sidecars.ts';
import type { Identities } from './identities.ts';
import { applyPodEffects, taskRunResource } from './apply.ts';
import { observe, type TaskRunStores } from './observe.ts';
import { supplierFor, type Supplying } from './supply.ts';

export interface TaskRunReconcilerOptions extends FrameOptions {
  client: Pick<KubeClient, 'get' | 'list' | 'create' | 'patch' | 'delete' | 'replaceStatus' | 'podLogs' | 'raw'>;
  stores: TaskRunStores;
  imageLookup: Supplying['imageLookup'];
  identities: Identities;
  /** Answers remote references. */
  remote?: Supplying['remote'];
}

/** A TaskRun: its pod is made, followed and stopped. */
export function createTaskRunReconciler(options: TaskRunReconcilerOptions): ReturnType<typeof reconcilerOf> {
  const { stores } = options;
  const supplying = { ...options, nativeSidecars: nativeSidecarsOf(options.client, options.clock) };
  return reconcilerOf(
    {
      kind: 'TaskRun',
      planningSpan: 'prepare',
      resource: taskRunResource,
      store: stores.taskRuns,
      observe: (taskRun, settings) => observe(taskRun, stores, settings),
      plan: planTaskRun,
      supply: (facts, signal) => supplierFor(facts, supplying, signal),
      apply: async ({ run, facts, effects, span }, signal) => {
        const applying = { ...options, settings: facts.settings, span };
        const outcomes = await applyPodEffects(run, effects, applying, signal);
        return { run, outcomes };
      },
      settle: settleTaskRun,
      statusInstead,
      line,
    },
    options,
  );
}

function settleTaskRun(facts: TaskRunFacts, decision: TaskRunDecision, outcomes: readonly TaskRunOutcome[], now: Date) {
  const { status, effects, requeueAfterMs } = settle(facts, decision, outcomes, now);
  const backOff = isDone(status) ? undefined : creationBackOff(facts.settings, outcomes);
  return {
    status,
    patch: effects.find((effect) => effect.type === 'patchMetadata'),
    events: effects.filter((effect) => effect.type === 'event'),
    // With a back-off what counts is the time until the run is over, which was planned before.
    requeueAfterMs: backOff ? decision.requeueAfterMs : requeueAfterMs,
    backOff,
  };
}

/** Upstream's words, which its users and tests look for in the log; here once for each change of the status. */
function line({ metadata, status }: TaskRun): string {
  const condition = succeededCondition(status);
  const said = `${condition?.status ?? 'Unknown'} ${condition?.reason ?? ''}`.trim();
  return `Successfully reconciled taskrun ${metadata.name}/${metadata.namespace} with status: ${said}`;
}
