import { kindVersion, type KindDefinition, type KindVersion, type PrinterColumn } from '../kind.ts';
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
import { betaAdmission } from './v1beta1/admission.ts';
import { pipelineConversion, pipelineRunConversion, taskConversion, taskRunConversion } from './v1beta1/convert.ts';
import { customRunSpec, customRunStatus, type CustomRun } from './v1beta1/customrun.ts';
import { validateCustomRun, validateCustomRunUpdate } from './v1beta1/customrun.validate.ts';
import * as v1beta1 from './v1beta1/schemas.ts';
import * as shapes from './v1beta1/shapes.ts';
import { stepActionSpec, type StepAction } from './v1beta1/stepaction.ts';
import { validateStepAction } from './v1beta1/stepaction.validate.ts';

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

const task: KindVersion<Task> = {
  name: 'v1',
  storage: true,
  spec: taskSpec,
  printerColumns: [],
  setDefaults: (object) => ({ ...object, spec: defaultTaskSpec(object.spec) }),
  validate: validateTask,
};

const taskRun: KindVersion<TaskRun> = {
  name: 'v1',
  storage: true,
  spec: taskRunSpec,
  status: taskRunStatus,
  rules: runRules('TaskRun'),
  printerColumns: runColumns,
  setDefaults: (run, { defaults }) => defaultTaskRun(run, defaults),
  validate: validateTaskRun,
  validateUpdate: validateTaskRunUpdate,
};

const pipeline: KindVersion<Pipeline> = {
  name: 'v1',
  storage: true,
  spec: pipelineSpec,
  printerColumns: [],
  setDefaults: (object, { defaults }) => ({ ...object, spec: defaultPipelineSpec(object.spec, defaults) }),
  validate: validatePipeline,
};

const pipelineRun: KindVersion<PipelineRun> = {
  name: 'v1',
  storage: true,
  spec: pipelineRunSpec,
  strictSpec: pipelineRunSpec.extend({ pipelineSpec: pipelineSpec.optional() }),
  status: pipelineRunStatus,
  rules: runRules('PipelineRun'),
  printerColumns: runColumns,
  setDefaults: (run, { defaults }) => defaultPipelineRun(run, defaults),
  validate: validatePipelineRun,
  validateUpdate: validatePipelineRunUpdate,
};

const stepAction = kindVersion<StepAction>({
  name: 'v1beta1',
  storage: true,
  spec: stepActionSpec,
  printerColumns: [],
  setDefaults: ({ spec, ...object }) => ({ ...object, spec: defaultTaskSpec(spec) }),
  validate: validateStepAction,
});

/** What v1beta1 has of its own, beside admission. */
const beta = { name: 'v1beta1', storage: false } as const;

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
      kindVersion<v1beta1.Task, Task>({
        ...beta,
        spec: v1beta1.taskSpec,
        printerColumns: [],
        ...betaAdmission({ shape: shapes.task, convert: taskConversion, stored: task }),
        convert: taskConversion,
      }),
      kindVersion(task),
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
      kindVersion<v1beta1.TaskRun, TaskRun>({
        ...beta,
        spec: v1beta1.taskRunSpec,
        status: v1beta1.taskRunStatus,
        rules: runRules('TaskRun'),
        printerColumns: runColumns,
        ...betaAdmission({ shape: shapes.taskRun, convert: taskRunConversion, stored: taskRun }),
        convert: taskRunConversion,
      }),
      kindVersion(taskRun),
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
      kindVersion<v1beta1.Pipeline, Pipeline>({
        ...beta,
        spec: v1beta1.pipelineSpec,
        printerColumns: [],
        ...betaAdmission({ shape: shapes.pipeline, convert: pipelineConversion, stored: pipeline }),
        convert: pipelineConversion,
      }),
      kindVersion(pipeline),
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
      kindVersion<v1beta1.PipelineRun, PipelineRun>({
        ...beta,
        spec: v1beta1.pipelineRunSpec,
        strictSpec: v1beta1.pipelineRunSpec.extend({ pipelineSpec: v1beta1.pipelineSpec.optional() }),
        status: v1beta1.pipelineRunStatus,
        rules: runRules('PipelineRun'),
        printerColumns: runColumns,
        ...betaAdmission({ shape: shapes.pipelineRun, convert: pipelineRunConversion, stored: pipelineRun }),
        convert: pipelineRunConversion,
      }),
      kindVersion(pipelineRun),
    ],
  },
  {
    ...common,
    kind: 'CustomRun',
    plural: 'customruns',
    singular: 'customrun',
    shortNames: [],
    description: 'One run of a task that another controller does.',
    versions: [
      kindVersion<CustomRun>({
        name: 'v1beta1',
        storage: true,
        spec: customRunSpec,
        status: customRunStatus,
        printerColumns: runColumns,
        validate: validateCustomRun,
        validateUpdate: validateCustomRunUpdate,
      }),
    ],
  },
  {
    ...common,
    kind: 'StepAction',
    plural: 'stepactions',
    singular: 'stepaction',
    shortNames: [],
    description: 'A step that steps of Tasks refer to.',
    versions: [{ ...stepAction, name: 'v1alpha1', storage: false }, stepAction],
  },
];
