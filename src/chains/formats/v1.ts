import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { RunObject } from '../types.ts';
import { byProducts, type SlsaVersion } from './byproducts.ts';
import { resolvedDependencies, tektonBuildType } from './dependencies.ts';
import { asGoWrites } from './go-spec.ts';
import { allNested, allUnseen, isPipelineRun, refSourceOf, utcTime, type ExecutedTask } from './runs.ts';
import type { Statement, StatementSource } from './statement.ts';
import { builtSubjects, hintedSubjects } from './subjects.ts';

/**
 * Formats slsa/v2alpha3 and slsa/v2alpha4: a statement with SLSA provenance 1.0
 * (https://slsa.dev/spec/v1.0/provenance).
 */
export function provenanceV1(version: SlsaVersion, source: StatementSource): Statement {
  const { run, tasks, settings, report } = source;
  const deep = settings.pipelinerun.deepInspection;
  const dependencies = resolvedDependencies(version, source);
  const products = byProducts(version, run, tasks, deep);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject:
      version === 'v2alpha4' ? builtSubjects(run, tasks, deep, report) : hintedSubjects(run, tasks, deep, report),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: settings.buildType,
        externalParameters: externalParameters(run),
        internalParameters: internalParameters(run, tasks, settings.buildType),
        ...(dependencies.length === 0 ? {} : { resolvedDependencies: dependencies }),
      },
      runDetails: {
        builder: settings.builderId === '' ? {} : { id: settings.builderId },
        metadata: {
          invocationId: run.metadata.uid || undefined,
          startedOn: utcTime(run.status?.startTime),
          finishedOn: utcTime(run.status?.completionTime),
        },
        ...(products.length === 0 ? {} : { byproducts: products }),
      },
    },
  };
}

/** What the user controls: the whole spec, and where its definition came from when a resolver fetched it. */
function externalParameters(run: RunObject): Record<string, unknown> {
  const source = isRemote(run) ? refSourceOf(run) : undefined;
  const [algorithm, hex] = Object.entries(source?.digest ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))[0] ?? [];
  return {
    runSpec: asGoWrites(isPipelineRun(run) ? 'PipelineRunSpec' : 'TaskRunSpec', run.spec),
    ...(source
      ? {
          buildConfigSource: {
            ref: algorithm === undefined ? '' : `${algorithm}:${hex}`,
            repository: source.uri ?? '',
            path: source.entryPoint ?? '',
          },
        }
      : {}),
  };
}

function isRemote(run: PipelineRun | TaskRun): boolean {
  const reference = isPipelineRun(run) ? run.spec.pipelineRef : run.spec.taskRef;
  return reference?.resolver !== undefined && reference.resolver !== '' && reference.resolver !== 'Cluster';
}

/**
 * What the platform adds: feature flags as the run's status has them; labels and annotations with the slsa-tekton build
 * type.
 */
function internalParameters(
  run: RunObject,
  tasks: readonly ExecutedTask[],
  buildType: string,
): Record<string, unknown> {
  const flags = run.status?.provenance?.featureFlags;
  const unseen = allUnseen(tasks).map(({ apiVersion, kind, name, pipelineTaskName }) => ({
    apiVersion,
    kind,
    name,
    pipelineTaskName,
  }));
  const nested = allNested(tasks).map(({ run: { metadata }, path }) => ({
    name: metadata.name,
    pipelineTaskName: path,
    uid: metadata.uid,
  }));
  return {
    ...(flags ? { 'tekton-pipelines-feature-flags': flags } : {}),
    ...(buildType === tektonBuildType
      ? { labels: run.metadata.labels ?? null, annotations: run.metadata.annotations ?? null }
      : {}),
    // Ours: PipelineRuns within this one, whose TaskRuns are among its dependencies. Each has its own attestation too.
    ...(nested.length === 0 ? {} : { 'nested-pipelineruns': nested }),
    // Ours: children that ran but could not be looked into (pruned, custom runs).
    ...(unseen.length === 0 ? {} : { 'unseen-children': unseen }),
  };
}
