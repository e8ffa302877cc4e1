import { z } from 'zod';
import { embeddedMetadata, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, preservedObject } from '../../schema.ts';
import { params, paramSpecs, paramType, paramValue, pipelineRef, taskRef, whenExpression } from './params.ts';
import { taskSpec } from './task.ts';
import { pipelineWorkspaceDeclaration, workspacePipelineTaskBinding } from './workspace.ts';

export const includeParams = z.object({ name: z.string().optional(), params: params.optional() });
export const matrix = z.object({ params: params.optional(), include: atomicList(includeParams).optional() });
export type Matrix = z.infer<typeof matrix>;

/** A task written inside the pipeline; with apiVersion and kind it is a custom task, whose spec is not ours. */
export const embeddedTask = taskSpec.extend({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: embeddedMetadata.optional(),
  spec: preservedObject<Record<string, unknown>>().optional(),
});
export type EmbeddedTask = z.infer<typeof embeddedTask>;

/** A pipeline inside a pipeline refers to PipelineSpec itself, which a structural schema cannot; kept undescribed as upstream. */
export const pipelineTask = z.object({
  name: z.string().optional(),
  displayName: z.string().optional(),
  description: z.string().optional(),
  taskRef: taskRef.optional(),
  taskSpec: embeddedTask.optional(),
  pipelineRef: pipelineRef.optional(),
  pipelineSpec: preservedObject<Record<string, unknown>>().optional(),
  when: z.array(whenExpression).optional(),
  retries: z.int().optional(),
  runAfter: atomicList(z.string()).optional(),
  params: params.optional(),
  matrix: matrix.optional(),
  workspaces: atomicList(workspacePipelineTaskBinding).optional(),
  timeout: durationText.optional(),
  onError: z.string().optional(),
});
export type PipelineTask = z.infer<typeof pipelineTask>;

export const pipelineResult = z.object({
  name: z.string(),
  type: paramType.optional(),
  description: z.string().optional(),
  value: paramValue,
});
export type PipelineResult = z.infer<typeof pipelineResult>;

export const pipelineSpec = z.object({
  displayName: z.string().optional(),
  description: z.string().optional(),
  tasks: atomicList(pipelineTask).optional(),
  params: paramSpecs.optional(),
  workspaces: atomicList(pipelineWorkspaceDeclaration).optional(),
  results: atomicList(pipelineResult).optional(),
  finally: atomicList(pipelineTask).optional(),
});
export type PipelineSpec = z.infer<typeof pipelineSpec>;

export type Pipeline = ApiObject<PipelineSpec, undefined>;
