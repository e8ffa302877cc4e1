import { kindVersion, type KindDefinition, type PrinterColumn } from '../kind.ts';
import { defaultPipelineRun, defaultPipelineSpec, defaultTaskRun, defaultTaskSpec } from './v1/defaults.ts';
import { pipelineSpec, type Pipeline } from './v1/pipeline.ts';
import { validatePipeline } from './v1/pipeline.validate.ts';
import { pipelineRunSpec, pipelineRunStatus, type PipelineRun } from './v1/pipelinerun.ts';
import { validatePipelineRun, validatePipelineRunUpdate } from './v1/pipelinerun.validate.ts';
import { taskSpec, type Task } from './v1/task.ts';
import { validateTask } from './v1/task.validate.ts';
import { taskRunSpec, taskRunStatus, type TaskRun } from './v1/taskrun.ts';
import { validateTaskRun, validateTaskRunUpdate } from './v1/taskrun.validate.ts';
import { runRules } from './v1/update-rules.ts';

const common = {
  group: 'tekton.dev',
  namespaced: true,
  categories: ['tekton', 'tekton-pipelines'],
  partOf: 'tekton-pipelines',
  statusSubresource: true,
} as const satisfies Partial<KindDefinition>;

const runColumns: PrinterColumn[] = [
  { name: 'Succeeded', type: 'string', jsonPath: '.status.conditions[?(@.type=="Succeeded")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Succeeded")].reason' },
  { name: 'StartTime', type: 'date', jsonPath: '.status.startTime' },
  { name: 'CompletionTime', type: 'date', jsonPath: '.status.completionTime' },
];

/** Task and Pipeline have a status subresource without a status: it makes metadata.generation count. */
export const pipelineKinds: readonly KindDefinition[] = [
  {
    ...common,
    kind: 'Task',
    plural: 'tasks',
    singular: 'task',
    shortNames: [],
    description: 'Steps that run one after the other in one pod.',
    versions: [
      kindVersion<Task>({
        name: 'v1',
        storage: true,
        spec: taskSpec,
        printerColumns: [],
        setDefaults: (task) => ({ ...task, spec: defaultTaskSpec(task.spec) }),
        validate: validateTask,
      }),
    ],
  },
  {
    ...common,
    kind: 'TaskRun',
    plural: 'taskruns',
    singular: 'taskrun',
    shortNames: ['tr', 'trs'],
    description: 'One run of a Task.',
    versions: [
      kindVersion<TaskRun>({
        name: 'v1',
        storage: true,
        spec: taskRunSpec,
        status: taskRunStatus,
        rules: runRules('TaskRun'),
        printerColumns: runColumns,
        setDefaults: (run, { defaults }) => defaultTaskRun(run, defaults),
        validate: validateTaskRun,
        validateUpdate: validateTaskRunUpdate,
      }),
    ],
  },
  {
    ...common,
    kind: 'Pipeline',
    plural: 'pipelines',
    singular: 'pipeline',
    shortNames: [],
    description: 'Tasks with an order between them.',
    versions: [
      kindVersion<Pipeline>({
        name: 'v1',
        storage: true,
        spec: pipelineSpec,
        printerColumns: [],
        setDefaults: (pipeline, { defaults }) => ({ ...pipeline, spec: defaultPipelineSpec(pipeline.spec, defaults) }),
        validate: validatePipeline,
      }),
    ],
  },
  {
    ...common,
    kind: 'PipelineRun',
    plural: 'pipelineruns',
    singular: 'pipelinerun',
    shortNames: ['pr', 'prs'],
    description: 'One run of a Pipeline.',
    versions: [
      kindVersion<PipelineRun>({
        name: 'v1',
        storage: true,
        spec: pipelineRunSpec,
        status: pipelineRunStatus,
        rules: runRules('PipelineRun'),
        printerColumns: runColumns,
        setDefaults: (run, { defaults }) => defaultPipelineRun(run, defaults),
        validate: validatePipelineRun,
        validateUpdate: validatePipelineRunUpdate,
      }),
    ],
  },
];
