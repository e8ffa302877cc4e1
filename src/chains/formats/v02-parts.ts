import { toParamValue, type Param, type ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import type { StepState } from '../../api/pipeline/v1/taskrun.ts';
import type { RunObject } from '../types.ts';
import { refSourceOf } from './runs.ts';

/** Parts that SLSA provenance 0.2 of TaskRuns and of PipelineRuns have in common. */

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const ownPrefix = 'chains.tekton.dev/';

/**
 * What the run was started with: its source, its params over their defaults, and labels and annotations that are not
 * ours.
 */
export function invocation(run: RunObject, specs: readonly ParamSpec[] | undefined): Record<string, unknown> {
  const given: readonly Param[] = run.spec.params ?? [];
  const environment = environmentOf(run);
  return {
    configSource: configSource(run),
    parameters: Object.fromEntries([
      ...(specs ?? [])
        .filter((spec) => spec.default !== undefined)
        .map((spec) => [spec.name, toParamValue(spec.default)] as const),
      ...given.map(({ name, value }) => [name, toParamValue(value)] as const),
    ]),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
  };
}

function configSource(run: RunObject): Record<string, unknown> {
  const { uri, digest, entryPoint } = refSourceOf(run) ?? {};
  return {
    ...(uri ? { uri } : {}),
    ...(digest && Object.keys(digest).length > 0 ? { digest } : {}),
    ...(entryPoint ? { entryPoint } : {}),
  };
}

function environmentOf({ metadata }: RunObject): Record<string, unknown> {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => name !== lastApplied && !name.startsWith(ownPrefix),
  );
  const labels = metadata.labels ?? {};
  return {
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** One step: what ran (script before command), and in which image. Missing arguments are null, as upstream's. */
export function stepConfig(step: Step | undefined, state: StepState): Record<string, unknown> {
  return {
    entryPoint: step?.script || (step?.command ?? []).join(' '),
    arguments: step?.args ?? null,
    environment: {
      container: state.name ?? '',
      image: `oci://${(state.imageID ?? '').replace(/^docker-pullable:\/\//, '')}`,
    },
    annotations: null,
  };
}
