import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { PatchMetadataEffect } from '../decision.ts';
import { annotations, isPropagatedAnnotation, labels } from '../labels.ts';
import type { Definition } from '../reference/resolved.ts';
import type { TaskRunFacts } from './facts.ts';

/**
 * Labels and annotations that a run should have: its own, then the Task's where it has none of that name, the Task's
 * name, who manages it, and the release that runs it. Runs made by our PipelineRun reconciler have them from birth, so
 * that nothing needs to be written.
 */
export function metadataPatch(
  { taskRun, settings }: TaskRunFacts,
  task: Definition<'Task'>,
): PatchMetadataEffect | undefined {
  const wantedLabels = {
    [labels.managedBy]: settings.defaults.managedByLabelValue,
    ...task.metadata.labels,
    ...(taskRun.spec.taskRef ? { [labels.task]: task.name } : {}),
  };
  const wantedAnnotations = propagated(task.metadata.annotations);
  const missingLabels = missing(wantedLabels, taskRun.metadata.labels);
  const missingAnnotations = missing(wantedAnnotations, taskRun.metadata.annotations);
  if (taskRun.metadata.annotations?.[annotations.release] !== settings.release)
    missingAnnotations[annotations.release] = settings.release;
  if (Object.keys(missingLabels).length === 0 && Object.keys(missingAnnotations).length === 0) return undefined;
  return { type: 'patchMetadata', labels: missingLabels, annotations: missingAnnotations };
}

/** The run as it is after the patch: its pod is made from this. */
export function patched(taskRun: TaskRun, patch: PatchMetadataEffect | undefined): TaskRun {
  if (patch === undefined) return taskRun;
  const metadata = {
    ...taskRun.metadata,
    labels: { ...taskRun.metadata.labels, ...patch.labels },
    annotations: { ...taskRun.metadata.annotations, ...patch.annotations },
  };
  return { ...taskRun, metadata };
}

function propagated(all: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => isPropagatedAnnotation(name)));
}

function missing(wanted: Record<string, string>, present: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => present?.[name] === undefined));
}
