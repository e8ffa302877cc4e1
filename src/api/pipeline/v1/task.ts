import { z } from 'zod';
import {
  containerFields,
  containerRuntimeFields,
  sidecarOnlyFields,
  volume,
} from '../../core/container.ts';
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

export const taskResult = z.object({ ...resultFields, value: paramValue.optional() });
export type TaskResult = z.infer<typeof taskResult>;

const outputConfig = z.object({ path: z.string().optional() });

export const step = z.object({
  name: z.string().default('').optional(),
  displayName: z.string().optional(),
  ...containerFields,
  ...containerRuntimeFields,
  script: z.string().optional(),
  timeout: durationText.optional(),
  workspaces: atomicList(workspaceUsage).optional(),
  onError: z.string().optional(),
  stdoutConfig: outputConfig.optional(),
  stderrConfig: outputConfig.optional(),
  ref: stepActionRef.optional(),
  params: params.optional(),
  results: atomicList(stepResult).optional(),
  when: z.array(whenExpression).optional(),
});
export type Step = z.infer<typeof step>;

export const stepTemplate = z.object({ ...containerFields, ...containerRuntimeFields });
export type StepTemplate = z.infer<typeof stepTemplate>;

export const sidecar = z.object({
  name: z.string(),
  ...containerFields,
  ...containerRuntimeFields,
  ...sidecarOnlyFields,
  script: z.string().optional(),
  workspaces: atomicList(workspaceUsage).optional(),
  restartPolicy: z.string().optional(),
});
export type Sidecar = z.infer<typeof sidecar>;

export const taskSpec = z.object({
  params: paramSpecs.optional(),
  displayName: z.string().optional(),
  description: z.string().optional(),
  steps: atomicList(step).optional(),
  volumes: atomicList(volume).optional(),
  stepTemplate: stepTemplate.optional(),
  sidecars: atomicList(sidecar).optional(),
  workspaces: atomicList(workspaceDeclaration).optional(),
  results: atomicList(taskResult).optional(),
});
export type TaskSpec = z.infer<typeof taskSpec>;

export type Task = ApiObject<TaskSpec, undefined>;
