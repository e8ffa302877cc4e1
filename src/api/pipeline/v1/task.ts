import { z } from 'zod';
import { containerFields, containerRuntimeFields, sidecarOnlyFields, volume } from '../../core/container.ts';
import type { ApiObject } from '../../meta.ts';
import { atomicList, durationText } from '../../schema.ts';
import { params, paramSpecs, paramType, paramValue, propertySpec, stepActionRef, whenExpression } from './params.ts';
import { workspaceDeclaration, workspaceUsage } from './workspace.ts';

const resultFields = {
  name: z.string(),
  type: paramType.optional(),
  properties: z.record(z.string(), propertySpec).optional(),
  description: z.string().optional(),
};

export const stepResult = z.object(resultFields);
export type StepResult = z.infer<typeof stepResult>;

export const taskResult = z.object({
  ...resultFields,
  value: paramValue.optional().describe('Step result to pass on: $(steps.<step>.results.<name>).'),
});
export type TaskResult = z.infer<typeof taskResult>;

const outputConfig = z.object({ path: z.string().optional() });

export const step = z.object({
  name: z.string().default('').optional(),
  displayName: z.string().optional(),
  ...containerFields,
  ...containerRuntimeFields,
  script: z
    .string()
    .optional()
    .describe('Contents of a file to run; without #! it runs in /bin/sh -e. Excludes command.'),
  timeout: durationText.optional().describe('Time after which the step fails, such as 5m.'),
  workspaces: atomicList(workspaceUsage)
    .optional()
    .describe('Workspaces of the Task that only the steps and sidecars naming them see.'),
  onError: z.string().optional().describe('stopAndFail (default), continue or continueAndFail.'),
  stdoutConfig: outputConfig.optional().describe('Also write standard output to this path (alpha).'),
  stderrConfig: outputConfig.optional().describe('Also write standard error to this path (alpha).'),
  ref: stepActionRef.optional().describe('StepAction to take the step from.'),
  params: params.optional().describe('Params of the StepAction.'),
  results: atomicList(stepResult).optional().describe('Results the step writes to $(step.results.<name>.path).'),
  when: z.array(whenExpression).optional().describe('The step is skipped unless all of these hold.'),
});
export type Step = z.infer<typeof step>;

export const stepTemplate = z.object({ ...containerFields, ...containerRuntimeFields });
export type StepTemplate = z.infer<typeof stepTemplate>;

export const sidecar = z.object({
  name: z.string().default('').optional(),
  ...containerFields,
  ...containerRuntimeFields,
  ...sidecarOnlyFields,
  script: z.string().optional(),
  workspaces: atomicList(workspaceUsage).optional(),
  restartPolicy: z.string().optional().describe('Always makes a native sidecar.'),
});
export type Sidecar = z.infer<typeof sidecar>;

export const taskSpec = z.object({
  params: paramSpecs.optional().describe('Inputs of the Task.'),
  displayName: z.string().optional(),
  description: z.string().optional(),
  steps: atomicList(step).optional().describe('Containers that run one after the other.'),
  volumes: atomicList(volume).optional().describe('Volumes that steps and sidecars can mount.'),
  stepTemplate: stepTemplate.optional().describe('Fields that every step starts from.'),
  sidecars: atomicList(sidecar).optional().describe('Containers that run beside the steps.'),
  workspaces: atomicList(workspaceDeclaration).optional().describe('Directories that a run must bind to volumes.'),
  results: atomicList(taskResult).optional().describe('Values that steps write to $(results.<name>.path).'),
});
export type TaskSpec = z.infer<typeof taskSpec>;

export type Task = ApiObject<TaskSpec, undefined>;
