import type { z } from 'zod';
import { pipelineSpec } from './pipeline/v1/pipeline.ts';
import { pipelineRunSpec, pipelineRunStatus } from './pipeline/v1/pipelinerun.ts';
import { taskSpec } from './pipeline/v1/task.ts';
import { taskRunSpec, taskRunStatus } from './pipeline/v1/taskrun.ts';
import { runRules } from './pipeline/v1/update-rules.ts';
import { pipelineRuns, pipelines, taskRuns, tasks, type KindAddress } from './resources.ts';
import type { ValidationRule } from './structural.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'date';
  jsonPath: string;
}

/** Everything a CustomResourceDefinition says about one kind in one version. */
export interface KindDefinition extends KindAddress<unknown> {
  singular: string;
  shortNames: string[];
  categories: string[];
  description: string;
  spec: z.ZodType;
  /** Left out for kinds that only are looked up. */
  status?: z.ZodType;
  /** Rules on the whole object, which no part of it can tell alone. */
  rules?: ValidationRule[];
  statusSubresource: boolean;
  printerColumns: PrinterColumn[];
}

const categories = ['tekton', 'tekton-pipelines'];

const runColumns: PrinterColumn[] = [
  { name: 'Succeeded', type: 'string', jsonPath: '.status.conditions[?(@.type=="Succeeded")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Succeeded")].reason' },
  { name: 'StartTime', type: 'date', jsonPath: '.status.startTime' },
  { name: 'CompletionTime', type: 'date', jsonPath: '.status.completionTime' },
];

/** Task and Pipeline have a status subresource without a status: it makes metadata.generation count. */
export const kinds: readonly KindDefinition[] = [
  {
    ...tasks,
    singular: 'task',
    shortNames: [],
    categories,
    printerColumns: [],
    statusSubresource: true,
    description: 'Steps that run one after the other in one pod.',
    spec: taskSpec,
  },
  {
    ...taskRuns,
    singular: 'taskrun',
    shortNames: ['tr', 'trs'],
    categories,
    printerColumns: runColumns,
    statusSubresource: true,
    description: 'One run of a Task.',
    spec: taskRunSpec,
    status: taskRunStatus,
    rules: runRules('TaskRun'),
  },
  {
    ...pipelines,
    singular: 'pipeline',
    shortNames: [],
    categories,
    printerColumns: [],
    statusSubresource: true,
    description: 'Tasks with an order between them.',
    spec: pipelineSpec,
  },
  {
    ...pipelineRuns,
    singular: 'pipelinerun',
    shortNames: ['pr', 'prs'],
    categories,
    printerColumns: runColumns,
    statusSubresource: true,
    description: 'One run of a Pipeline.',
    spec: pipelineRunSpec,
    status: pipelineRunStatus,
    rules: runRules('PipelineRun'),
  },
];
