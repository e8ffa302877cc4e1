import { z } from 'zod';
import { podTemplate } from '../../core/podtemplate.ts';
import { resourceRequirements, sidecarOnlyFields } from '../../core/container.ts';
import { provenance as storedProvenance, refSource, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, preserved, preservedObject } from '../../schema.ts';
import { pipelineRef as storedPipelineRef, taskRef as storedTaskRef } from '../v1/params.ts';
import { embeddedTask, pipelineSpec as storedPipelineSpec, pipelineTask } from '../v1/pipeline.ts';
import {
  pipelineRunSpecFields,
  pipelineRunStatus as storedPipelineRunStatus,
  pipelineTaskRunSpec,
} from '../v1/pipelinerun.ts';
import { sidecar, step, stepTemplate, taskSpec as storedTaskSpec } from '../v1/task.ts';
import { stepState, taskRunSpecFields, taskRunStatusFields } from '../v1/taskrun.ts';
import { specRules } from '../v1/update-rules.ts';

/**
 * tekton.dev/v1beta1: what v1 has, with the names and fields of then. A field that only v1 has (status.artifacts) is
 * here too: a client of v1beta1 that writes an object back must not lose it.
 */

const removed = 'Removed in v1, kept as it was written.';
const resources = preservedObject<Record<string, unknown>>(removed).optional();
const removedList = atomicList(preservedObject<Record<string, unknown>>()).optional().describe(removed);
const provenance = storedProvenance
  .extend({ configSource: refSource.optional().describe('Removed: refSource.') })
  .optional();
const bundle = z.string().optional().describe('Removed: use the resolver bundles.');
const computed = { resources: resourceRequirements.optional().describe('Requests and limits of the container.') };

const containers = {
  steps: atomicList(step.omit({ computeResources: true }).extend({ ...computed, ...sidecarOnlyFields }))
    .optional()
    .describe('Containers that run one after the other.'),
  stepTemplate: stepTemplate
    .omit({ computeResources: true })
    .extend({ name: z.string().optional(), ...computed, ...sidecarOnlyFields })
    .optional()
    .describe('Fields that every step starts from.'),
  sidecars: atomicList(sidecar.omit({ computeResources: true }).extend(computed))
    .optional()
    .describe('Containers that run beside the steps.'),
  resources,
};

export const taskSpec = storedTaskSpec.extend(containers);

const taskRef = storedTaskRef.extend({ bundle });
const pipelineRef = storedPipelineRef.extend({ bundle });

const tasks = atomicList(
  pipelineTask.extend({
    taskRef: taskRef.optional().describe('Task to run.'),
    taskSpec: embeddedTask.extend(containers).optional().describe('Task written in place.'),
    pipelineRef: pipelineRef.optional().describe('Pipeline to run as a child (alpha).'),
    resources,
  }),
);

export const pipelineSpec = storedPipelineSpec.extend({
  tasks: tasks.optional().describe('Tasks to run, in the order their runAfter and results demand.'),
  finally: tasks.optional().describe('Tasks that run at the end, whatever happened.'),
  resources: removedList,
});

const overrides = atomicList(z.object({ name: z.string(), resources: resourceRequirements })).optional();

const { stepSpecs: _steps, sidecarSpecs: _sidecars, ...sameOfTaskRun } = taskRunSpecFields;
const taskRunFields = {
  ...sameOfTaskRun,
  taskRef: taskRef.optional().describe('Task to run; excludes taskSpec.'),
  taskSpec: taskSpec.optional().describe('Task written in place; excludes taskRef.'),
  stepOverrides: overrides,
  sidecarOverrides: overrides,
  resources,
};

export const taskRunSpec = z.object(taskRunFields).meta({
  'x-kubernetes-validations': specRules('TaskRun', Object.keys(taskRunFields), ['status', 'statusMessage']),
});

const { results: taskResults, ...sameOfTaskRunStatus } = taskRunStatusFields;

export const taskRunStatus = z.object({
  ...sameOfTaskRunStatus,
  steps: atomicList(stepState.extend({ provenance })).optional().describe('State of each step.'),
  provenance,
  taskResults,
  retriesStatus: preserved<unknown[]>('Status of earlier attempts.').optional(),
  cloudEvents: removedList,
  resourcesResult: removedList,
});

const { taskRunTemplate: _template, ...sameOfPipelineRun } = pipelineRunSpecFields;
const pipelineRunFields = {
  ...sameOfPipelineRun,
  pipelineRef: pipelineRef.optional().describe('Pipeline to run; excludes pipelineSpec.'),
  serviceAccountName: z.string().optional().describe('Service account of all pods.'),
  podTemplate: podTemplate.optional().describe('Settings of all pods.'),
  timeout: durationText.optional().describe('For the whole run; excludes timeouts.'),
  taskRunSpecs: atomicList(
    pipelineTaskRunSpec
      .omit({ serviceAccountName: true, podTemplate: true, stepSpecs: true, sidecarSpecs: true })
      .extend({
        taskServiceAccountName: z.string().optional(),
        taskPodTemplate: podTemplate.optional(),
        stepOverrides: overrides,
        sidecarOverrides: overrides,
      }),
  )
    .optional()
    .describe('Settings of single TaskRuns.'),
  resources: removedList,
};

export const pipelineRunSpec = z.object(pipelineRunFields).meta({
  'x-kubernetes-validations': specRules('PipelineRun', Object.keys(pipelineRunFields), ['status']),
});

const { results: pipelineResults } = storedPipelineRunStatus.shape;

export const pipelineRunStatus = storedPipelineRunStatus.omit({ results: true }).extend({
  pipelineResults,
  provenance,
  taskRuns: preservedObject<Record<string, unknown>>(removed).optional(),
  runs: preservedObject<Record<string, unknown>>(removed).optional(),
});

export type Task = ApiObject<z.infer<typeof taskSpec>, undefined>;
export type TaskRun = ApiObject<z.infer<typeof taskRunSpec>, z.infer<typeof taskRunStatus>>;
export type Pipeline = ApiObject<z.infer<typeof pipelineSpec>, undefined>;
export type PipelineRun = ApiObject<z.infer<typeof pipelineRunSpec>, z.infer<typeof pipelineRunStatus>>;
