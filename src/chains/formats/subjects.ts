import type { Artifact as NativeArtifact, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { parseDigest, type DigestSet } from '../artifacts/digest.ts';
import {
  artifactsFromPairs,
  buildArtifacts,
  builtImages,
  countHints,
  imageAsThing,
  imageSubjects,
  outputArtifacts,
  type NamedResult,
  type Report,
} from '../artifacts/hints.ts';
import { merged, type DigestedThing } from '../artifacts/merge.ts';
import type { RunObject } from '../types.ts';
import { allNested, allTaskRuns, isPipelineRun, resultsOf, stepResultsOf, type ExecutedTask } from './runs.ts';

/**
 * Subjects in slsa/v1 and slsa/v2alpha3: every hint of the results; with deep inspection those of all runs within come
 * first.
 */
export function hintedSubjects(
  run: RunObject,
  tasks: readonly ExecutedTask[],
  deep: boolean,
  report: Report,
): DigestedThing[] {
  const inside = deep ? runsWithin(tasks) : [];
  return merged(...inside.map((one) => fromHints(resultsOf(one), report)), fromHints(resultsOf(run), report));
}

function fromHints(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return merged(
    imageSubjects(results, report),
    artifactsFromPairs(results, report),
    outputArtifacts(results, report),
    builtImages(results, report).map(imageAsThing),
  );
}

/** TaskRuns of the whole tree, then the PipelineRuns that are within another. */
function runsWithin(tasks: readonly ExecutedTask[]): RunObject[] {
  return [...allTaskRuns(tasks), ...allNested(tasks).map((nested) => nested.run)];
}

/**
 * Subjects in slsa/v2alpha4: images and marked build artifacts; with deep inspection those of all runs within come
 * last.
 */
export function builtSubjects(
  run: RunObject,
  tasks: readonly ExecutedTask[],
  deep: boolean,
  report: Report,
): DigestedThing[] {
  if (!isPipelineRun(run)) return builtByTask(run, report);
  const inside = deep ? runsWithin(tasks) : [];
  return merged(
    built(resultsOf(run), report),
    ...inside.map((one) => (isPipelineRun(one) ? built(resultsOf(one), report) : builtByTask(one, report))),
  );
}

function builtByTask(run: TaskRun, report: Report): DigestedThing[] {
  const steps = stepResultsOf(run).map((results) => built(results, report));
  return merged(
    ...steps,
    built(resultsOf(run), report),
    nativeOutputs(run).flatMap(({ buildOutput, things }) => (buildOutput ? things : [])),
  );
}

function built(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return merged(
    buildArtifacts(results, report),
    imageSubjects(results, report),
    builtImages(results, report).map(imageAsThing),
  );
}

/** How many subjects the results name, at most and before any of it is made. */
export function countSubjects(run: RunObject, tasks: readonly ExecutedTask[], deep: boolean): number {
  const runs = [run, ...(deep ? runsWithin(tasks) : [])];
  const results = runs.flatMap((one) => [resultsOf(one), ...(isPipelineRun(one) ? [] : stepResultsOf(one))]);
  const native = runs.flatMap((one) => (isPipelineRun(one) ? [] : nativeOutputs(one).flatMap(({ things }) => things)));
  return results.reduce((sum, named) => sum + countHints(named), native.length);
}

/** Outputs that are no subject (native artifacts without buildOutput): by-products of slsa/v2alpha4. */
export function nativeByProducts(run: TaskRun): DigestedThing[] {
  return nativeOutputs(run).flatMap(({ buildOutput, things }) => (buildOutput ? [] : things));
}

/** Native artifacts (feature enable-artifacts) of the task, or of its steps when the task has none. */
function nativeOutputs(run: TaskRun): { buildOutput: boolean; things: DigestedThing[] }[] {
  const outputs: readonly NativeArtifact[] = run.status?.artifacts
    ? (run.status.artifacts.outputs ?? [])
    : (run.status?.steps ?? []).flatMap((step) => step.outputs ?? []);
  return outputs.map(({ buildOutput, values }) => ({
    buildOutput: buildOutput === true,
    things: (values ?? []).flatMap(({ uri, digest }) => {
      const valid = validDigests(digest ?? {});
      return uri && Object.keys(valid).length > 0 ? [{ name: uri, digest: valid }] : [];
    }),
  }));
}

function validDigests(digests: Readonly<Record<string, string>>): DigestSet {
  const parsed = Object.entries(digests).flatMap(([algorithm, hex]) => parseDigest(`${algorithm}:${hex}`) ?? []);
  return Object.fromEntries(parsed.map(({ algorithm, hex }) => [algorithm, hex]));
}
