import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { Report } from '../artifacts/hints.ts';
import type { DigestedThing } from '../artifacts/merge.ts';
import type { RunObject } from '../types.ts';
import type { SlsaVersion } from './byproducts.ts';
import { asGoWrites } from './go-spec.ts';
import { base64Json, sortedJson } from '../../core/digest/canonical-json.ts';
import {
  fetchedInputs,
  imageMaterials,
  inheritedMaterial,
  pipelineInputs,
  stepInputs,
  taskInputs,
} from './materials.ts';
import { allNested, allTaskRuns, isPipelineRun, refSourceOf } from './runs.ts';
import { descriptor, type ResourceDescriptor, type StatementSource } from './statement.ts';

/** builddefinition.buildtype that adds whole TaskRuns, labels and annotations. */
export const tektonBuildType = 'https://tekton.dev/chains/v2/slsa-tekton';

const inputName = 'inputs/result';

/** resolvedDependencies of SLSA 1.0: definitions, images and inputs, in upstream's order. */
export function resolvedDependencies(
  version: SlsaVersion,
  { run, tasks, earlier, settings, report }: StatementSource,
): ResourceDescriptor[] {
  const steps = version === 'v2alpha4';
  if (!isPipelineRun(run)) {
    const fetched = fetchedInputs(earlier, report).map(input);
    return [...definition('task', run), ...withoutRepetition([...ofTaskRun(run, steps, report), ...fetched])];
  }
  const deep = settings.pipelinerun.deepInspection;
  const children = allTaskRuns(tasks);
  return withoutRepetition([
    ...definition('pipeline', run),
    ...allNested(tasks).flatMap((nested) => definition('pipelineTask', nested.run)),
    ...children.flatMap((child) => [
      ...pipelineTask(child, settings.buildType),
      ...(steps ? stepActions(child) : []),
      ...images(child, report),
      ...inherited(child),
    ]),
    ...(deep && steps ? children.flatMap((child) => stepInputs(child, report)).map(input) : []),
    ...pipelineInputs(run, tasks, deep, report).map(input),
  ]);
}

function ofTaskRun(run: TaskRun, steps: boolean, report: Report): ResourceDescriptor[] {
  return [
    ...images(run, report),
    ...inherited(run),
    ...(steps ? [...stepInputs(run, report).map(input), ...stepActions(run)] : []),
    ...taskInputs(run, report).map(input),
  ];
}

function definition(name: string, run: RunObject): ResourceDescriptor[] {
  const source = refSourceOf(run);
  return source ? [descriptor({ name, uri: source.uri, digest: source.digest })] : [];
}

/** A child's definition when a resolver fetched it; with slsa-tekton always, and with the whole TaskRun. */
function pipelineTask(child: TaskRun, buildType: string): ResourceDescriptor[] {
  if (buildType !== tektonBuildType) return definition('pipelineTask', child);
  const source = refSourceOf(child);
  return [
    descriptor({
      name: 'pipelineTask',
      uri: source?.uri,
      digest: source?.digest,
      content: base64Json(wholeTaskRun(child)),
    }),
  ];
}

/** Without what the API server counts up at every write: a retry must find the same bytes. */
function wholeTaskRun(run: TaskRun): Record<string, unknown> {
  return {
    ...run,
    metadata: { ...run.metadata, resourceVersion: undefined, managedFields: undefined },
    spec: asGoWrites('TaskRunSpec', run.spec),
    status: asGoWrites('TaskRunStatus', run.status),
  };
}

/** StepActions that a resolver fetched. */
function stepActions(run: TaskRun): ResourceDescriptor[] {
  return (run.status?.steps ?? []).flatMap((step) => {
    const source = step.provenance?.refSource;
    return source
      ? [descriptor({ name: `stepAction/${step.name ?? ''}`, uri: source.uri, digest: source.digest })]
      : [];
  });
}

function images(run: TaskRun, report: Report): ResourceDescriptor[] {
  return imageMaterials(run, report).map(({ name, digest }) => descriptor({ uri: name, digest }));
}

/** Ours: of a rerun, what was taken over from an earlier run. */
function inherited(run: TaskRun): ResourceDescriptor[] {
  return inheritedMaterial(run).map(({ name, digest }) => descriptor({ name: 'inherited', uri: name, digest }));
}

function input({ name, digest }: DigestedThing): ResourceDescriptor {
  return descriptor({ name: inputName, uri: name, digest });
}

/**
 * The first of each uri, digest and content stays, whatever its name; definitions of a pipeline and of StepActions
 * always stay, for they say where the build's instructions came from.
 */
function withoutRepetition(all: readonly ResourceDescriptor[]): ResourceDescriptor[] {
  const seen = new Set<string>();
  return all.filter(({ name, uri, digest, content }) => {
    const key = sortedJson({ uri, digest, content });
    const repeated = seen.has(key);
    seen.add(key);
    return !repeated || name === 'pipeline' || name?.startsWith('stepAction/');
  });
}
