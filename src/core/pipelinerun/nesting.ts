import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { keyOf, referenceOf } from '../reference/reference.ts';
import { RunFailure, userError } from './failure.ts';
import { nameOf } from './names.ts';

/** So deep pipelines may be within pipelines. */
export const deepestNesting = 10;

/**
 * Refuses a run within which, through however many pipelines, its own pipeline would be run again: that has no end.
 * What hides a loop from the comparison, such as a resolver's param that grows, ends at the depth limit.
 * @param ancestors the runs that it is made for, the nearest first
 * @throws RunFailure that names the loop
 */
export function checkNesting(run: PipelineRun, ancestors: readonly PipelineRun[]): void {
  const own = pipelineKey(run);
  const again = own === undefined ? -1 : ancestors.findIndex((ancestor) => pipelineKey(ancestor) === own);
  const path = (runs: readonly PipelineRun[]) => [run, ...runs].map(shownPipeline).toReversed().join(' -> ');
  if (again !== -1)
    throw refusal(run, `the pipeline runs itself: ${path(ancestors.slice(0, again + 1))}; take one of these out`);
  if (ancestors.length > deepestNesting)
    throw refusal(
      run,
      `pipelines in pipelines are nested deeper than ${deepestNesting}: ${path(ancestors.slice(0, deepestNesting))}`,
    );
}

function refusal(run: PipelineRun, problem: string): RunFailure {
  return new RunFailure('PipelineValidationFailed', `PipelineRun ${nameOf(run)} can't be Run: ${userError(problem)}`);
}

function pipelineKey({ spec: { pipelineRef } }: PipelineRun): string | undefined {
  const reference = pipelineRef && referenceOf('Pipeline', pipelineRef);
  return reference && keyOf(reference);
}

function shownPipeline({ spec: { pipelineRef }, metadata }: PipelineRun): string {
  return (
    pipelineRef?.name || (pipelineRef?.resolver ? `${pipelineRef.resolver} of ${metadata.name}` : `${metadata.name}`)
  );
}
