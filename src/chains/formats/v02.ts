import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { merged, type DigestedThing } from '../artifacts/merge.ts';
import type { Report } from '../artifacts/hints.ts';
import type { RunObject } from '../types.ts';
import {
  definitionMaterial,
  fetchedInputs,
  imageMaterials,
  inheritedMaterial,
  pipelineInputs,
  taskInputs,
} from './materials.ts';
import { allNested, allTaskRuns, isPipelineRun, utcTime, type ExecutedTask } from './runs.ts';
import type { Statement, StatementSource } from './statement.ts';
import { hintedSubjects } from './subjects.ts';
import { invocation, stepConfig } from './v02-parts.ts';
import { pipelineTasksConfig } from './v02-pipeline.ts';

const reproducibleLabel = 'chains.tekton.dev/reproducible';

/** Formats in-toto and slsa/v1: a statement with SLSA provenance 0.2 (https://slsa.dev/provenance/v0.2). */
export function provenanceV02({ run, tasks, earlier, settings, report }: StatementSource): Statement {
  const deep = settings.pipelinerun.deepInspection;
  const materials = isPipelineRun(run)
    ? pipelineMaterials(run, tasks, deep, report)
    : taskMaterials(run, earlier, report);
  return {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: hintedSubjects(run, tasks, deep, report),
    predicateType: 'https://slsa.dev/provenance/v0.2',
    predicate: {
      builder: { id: settings.builderId },
      buildType: `${run.apiVersion}/${run.kind}`,
      invocation: invocation(run, isPipelineRun(run) ? run.status?.pipelineSpec?.params : run.status?.taskSpec?.params),
      buildConfig: isPipelineRun(run) ? pipelineTasksConfig(run, tasks, report) : { steps: taskSteps(run) },
      metadata: metadata(run),
      ...(materials.length === 0 ? {} : { materials: materials.map(material) }),
    },
  };
}

function taskMaterials(run: TaskRun, earlier: readonly TaskRun[], report: Report): DigestedThing[] {
  const fetched = fetchedInputs(earlier, report);
  return merged(imageMaterials(run, report), inheritedMaterial(run), taskInputs(run, report), fetched);
}

function pipelineMaterials(
  run: Parameters<typeof pipelineInputs>[0],
  tasks: readonly ExecutedTask[],
  deep: boolean,
  report: Report,
): DigestedThing[] {
  const ofTasks = allTaskRuns(tasks).map((child) => [
    ...imageMaterials(child, report),
    ...definitionMaterial(child),
    ...inheritedMaterial(child),
  ]);
  const ofNested = allNested(tasks).flatMap((nested) => definitionMaterial(nested.run));
  return merged(definitionMaterial(run), ofNested, ...ofTasks, pipelineInputs(run, tasks, deep, report));
}

function material({ name, digest }: DigestedThing): { uri?: string; digest?: Record<string, string> } {
  return { ...(name === '' ? {} : { uri: name }), ...(Object.keys(digest).length === 0 ? {} : { digest }) };
}

/** A TaskRun's steps; the spec of a step is found by its name, so an unnamed one shows its image only. */
function taskSteps(run: TaskRun): Record<string, unknown>[] {
  return (run.status?.steps ?? []).map((state) =>
    stepConfig(
      run.status?.taskSpec?.steps?.find((step) => step.name === state.name),
      state,
    ),
  );
}

function metadata(run: RunObject): Record<string, unknown> {
  return {
    buildStartedOn: utcTime(run.status?.startTime),
    buildFinishedOn: utcTime(run.status?.completionTime),
    completeness: { parameters: false, environment: false, materials: false },
    reproducible: run.metadata.labels?.[reproducibleLabel] === 'true',
  };
}
