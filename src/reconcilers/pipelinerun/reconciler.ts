import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone, succeededCondition } from '../../core/condition.ts';
import { creationBackOff } from '../../core/creation-back-off.ts';
import { statusInstead } from '../../core/pipelinerun/draft.ts';
import { leftoversOf } from '../../core/pipelinerun/leftovers.ts';
import { planPipelineRun } from '../../core/pipelinerun/plan.ts';
import { settle } from '../../core/pipelinerun/settle.ts';
import type { Settings } from '../../core/settings.ts';
import type { KubeClient } from '../../kube/client.ts';
import { reconcilerOf, type FrameOptions } from '../frame.ts';
import type { DefinitionSources } from '../supply/definitions.ts';
import { apply } from './apply.ts';
import { pipelineRunResource } from './children.ts';
import { observe, supplierFor, type PipelineRunStores } from './observe.ts';

export interface PipelineRunReconcilerOptions extends FrameOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'delete' | 'replace' | 'replaceStatus'>;
  stores: PipelineRunStores;
  /** Where the controller is: queues keep their slots there. */
  systemNamespace: string;
  /** Answers remote references. */
  remote?: DefinitionSources['remote'];
}

/** A PipelineRun: runs are made for its tasks, in their order, followed and stopped. */
export function createPipelineRunReconciler(options: PipelineRunReconcilerOptions): ReturnType<typeof reconcilerOf> {
  const { client, stores, systemNamespace } = options;
  const admissionFor = ({ concurrency: rules = [] }: Settings) => ({
    client,
    pipelineRuns: stores.pipelineRuns,
    systemNamespace,
    rules,
  });
  return reconcilerOf(
    {
      kind: 'PipelineRun',
      planningSpan: 'resolvePipelineState',
      resource: pipelineRunResource,
      store: stores.pipelineRuns,
      isOver: (run) => isDone(run.status),
      observe: (run, settings) => observe(run, stores, settings),
      plan: planPipelineRun,
      supply: ({ run, settings }, signal) =>
        supplierFor(run, { ...options, admission: admissionFor(settings) }, signal),
      apply: ({ run, facts, effects, span }, signal) =>
        apply(run, effects, { ...options, settings: facts.settings, span }, signal),
      settle: ({ run, settings }, decision, outcomes, now) => {
        const settled = settle(run, decision, outcomes, now);
        return settled.retry === undefined ? settled : { ...settled, backOff: creationBackOff(settings, outcomes) };
      },
      leftovers: leftoversOf,
      statusInstead,
      line,
    },
    options,
  );
}

/** Read by upstream's own tests. */
function line({ metadata, status }: PipelineRun): string {
  return `PipelineRun ${metadata.name} status is being set to ${JSON.stringify(succeededCondition(status))}`;
}
