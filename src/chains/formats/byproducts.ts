import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { isByProduct, type NamedResult } from '../artifacts/hints.ts';
import type { RunObject } from '../types.ts';
import { base64Json } from '../../core/digest/canonical-json.ts';
import { allNested, allTaskRuns, isPipelineRun, resultsOf, stepResultsOf, type ExecutedTask } from './runs.ts';
import { descriptor, type ResourceDescriptor } from './statement.ts';
import { nativeByProducts } from './subjects.ts';

export type SlsaVersion = 'v2alpha3' | 'v2alpha4';

/**
 * Results as by-products: in v2alpha3 all of the run's own; in v2alpha4 those that name no subject, with the run's name
 * in theirs, those of steps too (under the name of the TaskRun), and with deep inspection those of all runs within.
 */
export function byProducts(
  version: SlsaVersion,
  run: RunObject,
  tasks: readonly ExecutedTask[],
  deep: boolean,
): ResourceDescriptor[] {
  switch (version) {
    case 'v2alpha3':
      return resultsOf(run).map((result) =>
        product(isPipelineRun(run) ? 'pipelineRunResults' : 'taskRunResults', result),
      );
    case 'v2alpha4': {
      if (!isPipelineRun(run)) return ofTaskRun(run);
      const pipelines = [run, ...(deep ? allNested(tasks).map((nested) => nested.run) : [])];
      return [
        ...pipelines.flatMap((one) => ofResults(`pipelineRunResults/${one.metadata.name ?? ''}`, resultsOf(one))),
        ...(deep ? allTaskRuns(tasks) : []).flatMap(ofTaskRun),
      ];
    }
    default: {
      const never: never = version;
      return never;
    }
  }
}

function ofTaskRun(run: TaskRun): ResourceDescriptor[] {
  return [
    ...ofResults(`taskRunResults/${run.metadata.name ?? ''}`, resultsOf(run)),
    ...ofResults(`stepResults/${run.metadata.name ?? ''}`, stepResultsOf(run).flat()),
    ...nativeByProducts(run).map(({ name, digest }) => descriptor({ name, digest })),
  ];
}

function ofResults(prefix: string, results: readonly NamedResult[]): ResourceDescriptor[] {
  return results.filter(isByProduct).map((result) => product(prefix, result));
}

function product(prefix: string, { name, value }: NamedResult): ResourceDescriptor {
  return { name: `${prefix}/${name}`, content: base64Json(value), mediaType: 'application/json' };
}
