import { z } from 'zod';
import { podTemplate } from '../../core/podtemplate.ts';
import { resourceRequirements } from '../../core/container.ts';
import { duckStatus, provenance, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, int32, preserved, preservedObject, requestedState, timeText } from '../../schema.ts';
import { params, paramType, paramValue, taskRef } from './params.ts';
import { taskSpec, type TaskSpec } from './task.ts';
import { specRules } from './update-rules.ts';
import { workspaceBinding } from './workspace.ts';

/** spec.status values a user may set (docs/taskruns.md, "Cancelling a TaskRun", "Pending TaskRuns"). */
export const taskRunSpecStatus = { cancelled: 'TaskRunCancelled', pending: 'TaskRunPending' } as const;

export const taskRunStepSpec = z.object({ name: z.string(), computeResources: resourceRequirements });
export const taskRunSidecarSpec = taskRunStepSpec;
export type TaskRunStepSpec = z.infer<typeof taskRunStepSpec>;

const debug = z.object({
  breakpoints: z
    .object({
      onFailure: z.string().optional().describe('enabled: pause when a step fails.'),
      beforeSteps: atomicList(z.string()).optional().describe('Steps to pause before.'),
    })
    .optional(),
});

export const taskRunSpecFields = {
  debug: debug.optional().describe('Breakpoints (alpha).'),
  params: params.optional().describe("Values of the Task's params."),
  serviceAccountName: z.string().optional().describe('Service account of the pod.'),
  taskRef: taskRef.optional().describe('Task to run; excludes taskSpec.'),
  taskSpec: taskSpec.optional().describe('Task written in place; excludes taskRef.'),
  status: requestedState('TaskRunCancelled', 'TaskRunPending'),
  statusMessage: z.string().optional().describe('Why the status was set.'),
  retries: z.int().optional().describe('How often to try again after a failure.'),
  timeout: durationText.optional().describe('Time after which one attempt fails, such as 1h30m; 0 means never.'),
  podTemplate: podTemplate.optional().describe('Settings of the pod.'),
  workspaces: atomicList(workspaceBinding).optional().describe('Volumes for the workspaces of the Task.'),
  stepSpecs: atomicList(taskRunStepSpec).optional().describe('Compute resources of single steps.'),
  sidecarSpecs: atomicList(taskRunSidecarSpec).optional().describe('Compute resources of single sidecars.'),
  computeResources: resourceRequirements.optional().describe('Compute resources of the whole TaskRun.'),
  managedBy: z
    .string()
    .optional()
    .describe('Controller that runs this; left alone by ours unless tekton.dev/pipeline.'),
};

export const taskRunSpec = z.object(taskRunSpecFields).meta({
  'x-kubernetes-validations': specRules('TaskRun', Object.keys(taskRunSpecFields), ['status', 'statusMessage']),
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

export const taskRunStatusFields = {
  ...duckStatus,
  podName: z.string().optional().describe('Pod of the current attempt.'),
  startTime: timeText.optional(),
  completionTime: timeText.optional(),
  steps: atomicList(stepState).optional().describe('State of each step.'),
  sidecars: atomicList(sidecarState).optional(),
  results: atomicList(taskRunResult).optional().describe('Values the Task produced.'),
  artifacts: artifacts.optional(),
  // A copy of what ran: undescribed as upstream's, so that recording a run never fails on its form.
  taskSpec: preservedObject<TaskSpec>('Task as it was run.').optional(),
  provenance: provenance.optional(),
  spanContext: z.record(z.string(), z.string()).optional(),
};

/** An earlier attempt: a whole status without its own retriesStatus. */
export type TaskRunRetryStatus = z.infer<z.ZodObject<typeof taskRunStatusFields>>;

export const taskRunStatus = z.object({
  ...taskRunStatusFields,
  // Upstream's CRD leaves the attempts undescribed as well: the type refers to itself.
  retriesStatus: preserved<TaskRunRetryStatus[]>('Status of earlier attempts.').optional(),
});
export type TaskRunStatus = z.infer<typeof taskRunStatus>;

export type TaskRun = ApiObject<TaskRunSpec, TaskRunStatus>;
