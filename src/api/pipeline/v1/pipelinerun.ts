import { z } from 'zod';
import { podTemplate } from '../../core/podtemplate.ts';
import { resourceRequirements } from '../../core/container.ts';
import { duckStatus, embeddedMetadata, provenance, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, preservedObject, requestedState, timeText } from '../../schema.ts';
import { params, paramValue, pipelineRef, whenExpression } from './params.ts';
import type { PipelineSpec } from './pipeline.ts';
import { taskRunSidecarSpec, taskRunStepSpec } from './taskrun.ts';
import { specRules } from './update-rules.ts';
import { workspaceBinding } from './workspace.ts';

/** spec.status values a user may set (docs/pipelineruns.md). */
export const pipelineRunSpecStatus = {
  cancelled: 'Cancelled',
  cancelledRunFinally: 'CancelledRunFinally',
  stoppedRunFinally: 'StoppedRunFinally',
  pending: 'PipelineRunPending',
} as const;

export const timeoutFields = z.object({
  pipeline: durationText.optional().describe('For the whole run.'),
  tasks: durationText.optional().describe('For all tasks before finally.'),
  finally: durationText.optional().describe('For the finally tasks.'),
});
export type TimeoutFields = z.infer<typeof timeoutFields>;

export const pipelineTaskRunTemplate = z.object({
  podTemplate: podTemplate.optional(),
  serviceAccountName: z.string().optional(),
});

export const pipelineTaskRunSpec = z.object({
  pipelineTaskName: z.string().optional().describe('Task of the Pipeline these settings are for.'),
  serviceAccountName: z.string().optional(),
  podTemplate: podTemplate.optional(),
  stepSpecs: atomicList(taskRunStepSpec).optional(),
  sidecarSpecs: atomicList(taskRunSidecarSpec).optional(),
  metadata: embeddedMetadata.optional(),
  computeResources: resourceRequirements.optional(),
  timeout: durationText.optional(),
});
export type PipelineTaskRunSpec = z.infer<typeof pipelineTaskRunSpec>;

export const pipelineRunSpecFields = {
  pipelineRef: pipelineRef.optional().describe('Pipeline to run; excludes pipelineSpec.'),
  // Undescribed as upstream's: its webhook takes field names in any case, which the API server would refuse.
  pipelineSpec: preservedObject<PipelineSpec>(
    'Pipeline written in place, as Pipeline.spec; excludes pipelineRef.',
  ).optional(),
  params: params.optional().describe("Values of the Pipeline's params."),
  status: requestedState('Cancelled', 'CancelledRunFinally', 'StoppedRunFinally', 'PipelineRunPending'),
  timeouts: timeoutFields.optional().describe('Time limits; 0 means none.'),
  taskRunTemplate: pipelineTaskRunTemplate.optional().describe('Settings of all TaskRuns.'),
  workspaces: atomicList(workspaceBinding).optional().describe('Volumes for the workspaces of the Pipeline.'),
  taskRunSpecs: atomicList(pipelineTaskRunSpec).optional().describe('Settings of single TaskRuns.'),
  managedBy: z
    .string()
    .optional()
    .describe('Controller that runs this; left alone by ours unless tekton.dev/pipeline.'),
};

export const pipelineRunSpec = z.object(pipelineRunSpecFields).meta({
  'x-kubernetes-validations': specRules('PipelineRun', Object.keys(pipelineRunSpecFields), ['status']),
});
export type PipelineRunSpec = z.infer<typeof pipelineRunSpec>;

export const childStatusReference = z.object({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  name: z.string().optional(),
  displayName: z.string().optional(),
  pipelineTaskName: z.string().optional(),
  whenExpressions: z.array(whenExpression).optional(),
});
export type ChildStatusReference = z.infer<typeof childStatusReference>;

export const skippedTask = z.object({
  name: z.string(),
  reason: z.string(),
  whenExpressions: atomicList(whenExpression).optional(),
});
export type SkippedTask = z.infer<typeof skippedTask>;

export const pipelineRunResult = z.object({ name: z.string(), value: paramValue });
export type PipelineRunResult = z.infer<typeof pipelineRunResult>;

export const pipelineRunStatus = z.object({
  ...duckStatus,
  startTime: timeText.optional(),
  completionTime: timeText.optional(),
  finallyStartTime: timeText.optional(),
  results: atomicList(pipelineRunResult).optional().describe('Values the Pipeline produced.'),
  // A copy of what ran: undescribed as upstream's, so that recording a run never fails on its form.
  pipelineSpec: preservedObject<PipelineSpec>('Pipeline as it was run.').optional(),
  skippedTasks: atomicList(skippedTask).optional().describe('Tasks that did not run, and why.'),
  childReferences: atomicList(childStatusReference).optional().describe('TaskRuns and other runs made for the tasks.'),
  provenance: provenance.optional(),
  spanContext: z.record(z.string(), z.string()).optional(),
});
export type PipelineRunStatus = z.infer<typeof pipelineRunStatus>;

export type PipelineRun = ApiObject<PipelineRunSpec, PipelineRunStatus>;
