import type { Shape } from '../../conversion.ts';
import { isJsonObject, type JsonObject } from '../../../json-object.ts';

/** Where v1beta1 differs from v1, upstream's pkg/apis/pipeline/v1beta1/*_conversion.go in tables. */

const container: Shape = { names: { resources: 'computeResources' } };
const overrides = {
  names: { stepOverrides: 'stepSpecs', sidecarOverrides: 'sidecarSpecs' },
  fields: { stepOverrides: container, sidecarOverrides: container },
};

export const taskSpec: Shape = { fields: { steps: container, stepTemplate: container, sidecars: container } };

/** `bundle` was a field of its own before there were resolvers; it is not made out of a resolver again, as upstream. */
function reference(kind: 'Task' | 'Pipeline'): Shape {
  return {
    toStored: ({ bundle, ...ref }) => {
      if (typeof bundle !== 'string' || bundle === '') return ref;
      const { name, ...rest } = ref;
      const params = [
        { name: 'bundle', value: bundle },
        { name: 'name', value: name ?? '' },
        { name: 'kind', value: kind },
      ];
      return { ...rest, resolver: 'bundles', params };
    },
  };
}

const pipelineTask: Shape = {
  fields: {
    taskRef: reference('Task'),
    taskSpec,
    pipelineRef: reference('Pipeline'),
    pipelineSpec: () => pipelineSpec,
  },
};

export const pipelineSpec: Shape = { fields: { tasks: pipelineTask, finally: pipelineTask } };

const taskRunSpec: Shape = {
  names: overrides.names,
  fields: { ...overrides.fields, taskRef: reference('Task'), taskSpec },
};

const taskRunStatus: Shape = {
  names: { taskResults: 'results' },
  fields: { taskSpec, retriesStatus: () => taskRunStatus },
};

const pipelineRunSpec: Shape = {
  fields: {
    pipelineRef: reference('Pipeline'),
    pipelineSpec,
    taskRunSpecs: {
      names: { ...overrides.names, taskServiceAccountName: 'serviceAccountName', taskPodTemplate: 'podTemplate' },
      fields: overrides.fields,
    },
  },
  toStored: withTemplate,
  fromStored: ({ taskRunTemplate, ...spec }) => ({
    ...spec,
    ...(isJsonObject(taskRunTemplate) ? taskRunTemplate : {}),
  }),
};

/** Service account and pod template of all TaskRuns have a field around them in v1, and `timeout` is one of three. */
function withTemplate({ serviceAccountName, podTemplate, timeout, ...spec }: JsonObject): JsonObject {
  const template = {
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ...(podTemplate === undefined ? {} : { podTemplate }),
  };
  return {
    ...spec,
    ...(timeout === undefined || timeout === null ? {} : { timeouts: { pipeline: timeout } }),
    ...(Object.keys(template).length === 0 ? {} : { taskRunTemplate: template }),
  };
}

const pipelineRunStatus: Shape = { names: { pipelineResults: 'results' }, fields: { pipelineSpec } };

export const task: Shape = { fields: { spec: taskSpec } };
export const taskRun: Shape = { fields: { spec: taskRunSpec, status: taskRunStatus } };
export const pipeline: Shape = { fields: { spec: pipelineSpec } };
export const pipelineRun: Shape = { fields: { spec: pipelineRunSpec, status: pipelineRunStatus } };
