import { z } from 'zod';
import { podTemplate } from '../../core/podtemplate.ts';
import { resourceRequirements } from '../../core/container.ts';
import { duckStatus, provenance, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, int32, preserved, timeText } from '../../schema.ts';
import { params, paramType, paramValue, taskRef } from './params.ts';
import { taskSpec } from './task.ts';
import { workspaceBinding } from './workspace.ts';

/** spec.status values a user may set (docs/taskruns.md, "Cancelling a TaskRun", "Pending TaskRuns"). */
export const taskRunSpecStatus = { cancelled: 'TaskRunCancelled', pending: 'TaskRunPending' } as const;

export const taskRunStepSpec = z.object({ name: z.string(), computeResources: resourceRequirements });
export const taskRunSidecarSpec = taskRunStepSpec;
export type TaskRunStepSpec = z.infer<typeof taskRunStepSpec>;

const debug = z.object({
  breakpoints: z
    .object({ onFailure: z.string().optional(), beforeSteps: atomicList(z.string()).optional() })
    .optional(),
});

export const taskRunSpec = z.object({
  debug: debug.optional(),
  params: params.optional(),
  serviceAccountName: z.string().optional(),
  taskRef: taskRef.optional(),
  taskSpec: taskSpec.optional(),
  status: z.string().optional(),
  statusMessage: z.string().optional(),
  retries: z.int().optional(),
  timeout: durationText.optional(),
  podTemplate: podTemplate.optional(),
  workspaces: atomicList(workspaceBinding).optional(),
  stepSpecs: atomicList(taskRunStepSpec).optional(),
  sidecarSpecs: atomicList(taskRunSidecarSpec).optional(),
  computeResources: resourceRequirements.optional(),
  managedBy: z.string().optional(),
});
export type TaskRunSpec = z.infer<typeof taskRunSpec>;

export const taskRunResult = z.object({ name: z.string(), type: paramType.optional(), value: paramValue });
export type TaskRunResult = z.infer<typeof taskRunResult>;

const containerStateFields = {
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: timeText.optional() }).optional(),
  terminated: z
    .object({
      exitCode: int32,
      signal: int32.optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      startedAt: timeText.optional(),
      finishedAt: timeText.optional(),
      containerID: z.string().optional(),
    })
    .optional(),
};

const artifactValue = z.object({ uri: z.string().optional(), digest: z.record(z.string(), z.string()).optional() });
export const artifact = z.object({
  name: z.string().optional(),
  values: z.array(artifactValue).optional(),
  buildOutput: z.boolean().optional(),
});
export type Artifact = z.infer<typeof artifact>;

export const artifacts = z.object({
  inputs: z.array(artifact).optional(),
  outputs: z.array(artifact).optional(),
});

export const stepState = z.object({
  ...containerStateFields,
  name: z.string().optional(),
  container: z.string().optional(),
  imageID: z.string().optional(),
  results: z.array(taskRunResult).optional(),
  provenance: provenance.optional(),
  terminationReason: z.string().optional(),
  inputs: z.array(artifact).optional(),
  outputs: z.array(artifact).optional(),
});
export type StepState = z.infer<typeof stepState>;

export const sidecarState = z.object({
  ...containerStateFields,
  name: z.string().optional(),
  container: z.string().optional(),
  imageID: z.string().optional(),
});
export type SidecarState = z.infer<typeof sidecarState>;

const taskRunStatusFields = {
  ...duckStatus,
  podName: z.string().optional(),
  startTime: timeText.optional(),
  completionTime: timeText.optional(),
  steps: atomicList(stepState).optional(),
  sidecars: atomicList(sidecarState).optional(),
  results: atomicList(taskRunResult).optional(),
  artifacts: artifacts.optional(),
  taskSpec: taskSpec.optional(),
  provenance: provenance.optional(),
  spanContext: z.record(z.string(), z.string()).optional(),
};

/** An earlier attempt: a whole status without its own retriesStatus. */
const retryStatus = z.object(taskRunStatusFields);
export type TaskRunRetryStatus = z.infer<typeof retryStatus>;

export const taskRunStatus = z.object({
  ...taskRunStatusFields,
  // Upstream's CRD leaves the attempts undescribed as well: the type refers to itself.
  retriesStatus: preserved<TaskRunRetryStatus[]>().optional(),
});
export type TaskRunStatus = z.infer<typeof taskRunStatus>;

export type TaskRun = ApiObject<TaskRunSpec, TaskRunStatus>;

