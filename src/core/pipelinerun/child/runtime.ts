import { toParamValue, type Param } from '../../../api/pipeline/v1/params.ts';
import type { PipelineRun, PipelineTaskRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { Budget } from '../../budget.ts';
import { valuesUnder } from '../../params/replacements.ts';
import { mergeReplacements, replaceDeep } from '../../substitution/replacements.ts';
import type { ChildContext } from './context.ts';

/**
 * taskRunSpecs of this task and taskRunTemplate, with the run's params, the TaskRun's own (of a matrix) and context
 * replaced.
 */
export function runtimeSpecs(
  { run, values, taskRunSpecs }: ChildContext,
  task: string,
  params: readonly Param[],
  budget: Budget,
): { own: PipelineTaskRunSpec; template: PipelineRun['spec']['taskRunTemplate'] } {
  const ofTask = new Map(params.map(({ name, value }) => [name, toParamValue(value)]));
  const replacements = mergeReplacements(values, valuesUnder(ofTask, ['params']));
  return {
    own: replaceDeep(taskRunSpecs.get(task) ?? {}, replacements, budget),
    template: replaceDeep(run.spec.taskRunTemplate, replacements, budget),
  };
}
