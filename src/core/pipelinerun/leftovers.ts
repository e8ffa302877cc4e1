import type { PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone, isFailed } from '../condition.ts';
import type { EffectOutcome } from '../decision.ts';
import type { ChildKind } from './child/child.ts';
import { nodeHolderName } from './node-holder.ts';
import { knownChildren } from './record.ts';
import type { PipelineRunEffect, PipelineRunFacts } from './types.ts';

/**
 * What a run that ends with this status has to be relieved of before it is written, so that a crash in between does not
 * forget it: children that run, and the node that was kept for it.
 */
export function leftoversOf(
  facts: PipelineRunFacts,
  status: PipelineRunStatus,
  outcomes: readonly EffectOutcome<PipelineRunEffect>[],
): PipelineRunEffect[] {
  return [...cancellations(facts, status, outcomes), ...releaseOfNode(facts, status, outcomes)];
}

function releaseOfNode(
  { run, settings }: PipelineRunFacts,
  status: PipelineRunStatus,
  outcomes: readonly EffectOutcome<PipelineRunEffect>[],
): PipelineRunEffect[] {
  const name = nodeHolderName(run, settings);
  if (name === undefined || !isDone(status)) return [];
  return outcomes.some(({ effect }) => effect.type === 'deleteNodeHolder') ? [] : [{ type: 'deleteNodeHolder', name }];
}

/**
 * Cancellations of the children that a run would leave behind which fails while others of its tasks run (a Task that is
 * gone, a TaskRun that was refused): upstream lets them go on, push and deploy.
 */
function cancellations(
  { run, children }: PipelineRunFacts,
  status: PipelineRunStatus,
  outcomes: readonly EffectOutcome<PipelineRunEffect>[],
): PipelineRunEffect[] {
  if (!isFailed(status)) return [];
  const asked = new Set(
    outcomes.flatMap(({ effect }) => (effect.type === 'cancelChild' ? [`${effect.kind} ${effect.name}`] : [])),
  );
  const running: { kind: ChildKind; name: string }[] = knownChildren(run, children).own.filter(
    ({ state, isStopping }) => state === 'running' && !isStopping,
  );
  const made = outcomes.flatMap(({ effect, kind }) =>
    effect.type === 'createChild' && kind === 'applied'
      ? [{ kind: effect.child.kind, name: effect.child.metadata.name ?? '' }]
      : [],
  );
  return [...running, ...made]
    .filter(({ kind, name }) => !asked.has(`${kind} ${name}`))
    .map(({ kind, name }) => ({ type: 'cancelChild', kind, name, cause: 'failed', scope: 'run', request: 'stop' }));
}
