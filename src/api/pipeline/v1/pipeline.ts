import { z } from 'zod';
import { embeddedMetadata, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, preserved, preservedObject } from '../../schema.ts';
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
  // No type: Go clients send `spec: null` for every ordinary embedded task.
  spec: preserved<Record<string, unknown> | null>('Spec of a custom task.').optional(),
});
export type EmbeddedTask = z.infer<typeof embeddedTask>;

/**
 * A pipeline inside a pipeline refers to PipelineSpec itself, which a structural schema cannot; kept undescribed as
 * upstream.
 */
export const pipelineTask = z.object({
  name: z.string().optional().describe('Name that other tasks refer to.'),
  displayName: z.string().optional(),
  description: z.string().optional(),
  taskRef: taskRef.optional().describe('Task to run.'),
  taskSpec: embeddedTask.optional().describe('Task written in place.'),
  pipelineRef: pipelineRef.optional().describe('Pipeline to run as a child (alpha).'),
  pipelineSpec: preservedObject<Record<string, unknown>>().optional().describe('Pipeline written in place (alpha).'),
  when: z.array(whenExpression).optional().describe('The task is skipped unless all of these hold.'),
  retries: z.int().optional().describe('How often to try again after a failure.'),
  runAfter: atomicList(z.string()).optional().describe('Tasks that must end first.'),
  params: params.optional().describe("Values of the Task's params."),
  matrix: matrix.optional().describe('Run the task once per combination of these params.'),
  workspaces: atomicList(workspacePipelineTaskBinding)
    .optional()
    .describe("Which of the Pipeline's workspaces the Task gets."),
  timeout: durationText.optional().describe('Time after which the TaskRun fails.'),
  onError: z.string().optional().describe('stopAndFail (default) or continue.'),
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
  tasks: atomicList(pipelineTask).optional().describe('Tasks to run, in the order their runAfter and results demand.'),
  params: paramSpecs.optional().describe('Inputs of the Pipeline.'),
  workspaces: atomicList(pipelineWorkspaceDeclaration)
    .optional()
    .describe('Directories that a run must bind to volumes.'),
  results: atomicList(pipelineResult).optional().describe('Values taken from results of tasks.'),
  finally: atomicList(pipelineTask).optional().describe('Tasks that run at the end, whatever happened.'),
});
export type PipelineSpec = z.infer<typeof pipelineSpec>;

export type Pipeline = ApiObject<PipelineSpec, undefined>;
