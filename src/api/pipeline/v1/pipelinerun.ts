import { z } from 'zod';
import { podTemplate } from '../../core/podtemplate.ts';
import { resourceRequirements } from '../../core/container.ts';
import { duckStatus, embeddedMetadata, provenance, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, timeText } from '../../schema.ts';
import { params, paramValue, pipelineRef, whenExpression } from './params.ts';
import { pipelineSpec } from './pipeline.ts';
import { taskRunSidecarSpec, taskRunStepSpec } from './taskrun.ts';
import { workspaceBinding } from './workspace.ts';

/** spec.status values a user may set (docs/pipelineruns.md). */
export const pipelineRunSpecStatus = {
  cancelled: 'Cancelled',
  cancelledRunFinally: 'CancelledRunFinally',
  stoppedRunFinally: 'StoppedRunFinally',
  pending: 'PipelineRunPending',
} as const;

export const timeoutFields = z.object({
  pipeline: durationText.optional(),
  tasks: durationText.optional(),
  finally: durationText.optional(),
});
export type TimeoutFields = z.infer<typeof timeoutFields>;

export const pipelineTaskRunTemplate = z.object({
  podTemplate: podTemplate.optional(),
  serviceAccountName: z.string().optional(),
});

export const pipelineTaskRunSpec = z.object({
  pipelineTaskName: z.string().optional(),
  serviceAccountName: z.string().optional(),
  podTemplate: podTemplate.optional(),
  stepSpecs: atomicList(taskRunStepSpec).optional(),
  sidecarSpecs: atomicList(taskRunSidecarSpec).optional(),
  metadata: embeddedMetadata.optional(),
  computeResources: resourceRequirements.optional(),
  timeout: durationText.optional(),
});
export type PipelineTaskRunSpec = z.infer<typeof pipelineTaskRunSpec>;

export const pipelineRunSpec = z.object({
  pipelineRef: pipelineRef.optional(),
  pipelineSpec: pipelineSpec.optional(),
  params: params.optional(),
  status: z.string().optional(),
  timeouts: timeoutFields.optional(),
  taskRunTemplate: pipelineTaskRunTemplate.optional(),
  workspaces: atomicList(workspaceBinding).optional(),
  taskRunSpecs: atomicList(pipelineTaskRunSpec).optional(),
  managedBy: z.string().optional(),
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
  results: atomicList(pipelineRunResult).optional(),
  pipelineSpec: pipelineSpec.optional(),
  skippedTasks: atomicList(skippedTask).optional(),
  childReferences: atomicList(childStatusReference).optional(),
  provenance: provenance.optional(),
  spanContext: z.record(z.string(), z.string()).optional(),
});
export type PipelineRunStatus = z.infer<typeof pipelineRunStatus>;

export type PipelineRun = ApiObject<PipelineRunSpec, PipelineRunStatus>;
