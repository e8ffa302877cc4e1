import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../resource.ts';
import { parseDefaults } from '../../config/config-defaults.ts';
import { parseFeatureFlags } from '../../config/feature-flags.ts';
import { formatFieldErrors } from '../../fielderror.ts';
import { findKind } from '../../kinds.ts';
import type { ValidationContext } from '../v1/validation.ts';

const context: ValidationContext = {
  flags: parseFeatureFlags(undefined).flags,
  defaults: parseDefaults(undefined).defaults,
  creating: true,
};

function object(kind: string, spec: object, apiVersion = 'tekton.dev/v1beta1'): KubeObject {
  return { apiVersion, kind, metadata: { name: 'n' }, spec } as unknown as KubeObject;
}

function row(given: KubeObject) {
  const found = findKind(given.apiVersion, given.kind);
  if (!found) throw new Error(`${given.apiVersion} ${given.kind} is no kind`);
  return found.version;
}

const steps = [{ image: 'i', script: 'true' }];

interface Refusal {
  what: string;
  given: KubeObject;
  text: string;
}

const refusals: Refusal[] = [
  {
    what: 'PipelineResources of a Task',
    given: object('Task', { steps, resources: { inputs: [] } }),
    text: 'must not set the field(s): spec.resources',
  },
  {
    what: 'PipelineResources of a task in a Pipeline',
    given: object('Pipeline', { tasks: [{ name: 't', taskSpec: { steps, resources: {} } }] }),
    text: 'must not set the field(s): spec.tasks[0].taskSpec.resources',
  },
  {
    what: 'a bundle',
    given: object('TaskRun', { taskRef: { name: 't', bundle: 'registry/b' } }),
    text: 'must not set the field(s): spec.taskRef.bundle',
  },
  {
    what: 'two time limits',
    given: object('PipelineRun', { pipelineRef: { name: 'p' }, timeout: '1h', timeouts: { pipeline: '1h' } }),
    text: 'must not set the field(s): spec.timeout, spec.timeouts',
  },
  {
    what: "an error is at v1beta1's path: step overrides",
    given: object('TaskRun', {
      taskRef: { name: 't' },
      stepOverrides: [
        { name: 'a', resources: {} },
        { name: 'a', resources: {} },
      ],
    }),
    text: 'expected exactly one, got both: spec.stepOverrides[1].name',
  },
  {
    what: 'a step without an image',
    given: object('Task', { steps: [{ script: 'true' }] }),
    text: 'missing field(s): spec.steps[0].image',
  },
  {
    what: 'a custom run that names no task',
    given: object('CustomRun', { retries: 1, statusMessage: 'because' }),
    text: 'expected exactly one, got neither: spec.customRef, spec.customSpec\ninvalid value: statusMessage should not be set if status is not set, but it is currently set to because: spec.statusMessage',
  },
  {
    what: 'an empty custom run',
    given: object('CustomRun', {}),
    text: 'missing field(s): spec',
  },
  {
    what: 'a custom task without apiVersion',
    given: object('CustomRun', { customRef: { kind: 'Wait' } }),
    text: 'missing field(s): spec.customRef.apiVersion',
  },
  {
    what: 'a StepAction without image',
    given: object('StepAction', { script: 'true' }),
    text: 'missing field(s): spec.Image',
  },
  {
    what: 'a param in the script of a StepAction',
    given: object('StepAction', { image: 'i', script: 'echo $(params.x)', params: [{ name: 'x', type: 'string' }] }),
    text: 'param substitution in scripts is not allowed.: spec.script',
  },
  {
    what: 'script and command of a StepAction',
    given: object('StepAction', { image: 'i', script: 'true', command: ['c'] }, 'tekton.dev/v1alpha1'),
    text: 'script cannot be used with command: spec.script',
  },
  {
    what: 'a volume of its own in a StepAction',
    given: object('StepAction', { image: 'i', volumeMounts: [{ name: 'data', mountPath: '/d' }] }),
    text: 'invalid value: data: spec.volumeMounts[0].name\nexpect the Name to be a single param reference',
  },
  {
    what: 'a param that a StepAction does not declare',
    given: object('StepAction', { image: 'i', args: ['$(params.y)'] }),
    text: 'non-existent variable in "$(params.y)": spec.args[0]',
  },
];

describe('what is refused', () => {
  it.each(refusals)('$what', ({ given, text }) => {
    const version = row(given);
    const defaulted = version.setDefaults?.(given, context) ?? given;
    expect(formatFieldErrors(version.validate?.(defaulted, context) ?? [])).toBe(text);
  });

  it('a bundle that is there already may stay', () => {
    const given = object('TaskRun', { taskRef: { name: 't', bundle: 'registry/b' } });
    expect(row(given).validate?.(given, { ...context, creating: false })).toEqual([]);
  });
});

describe('defaults of v1beta1', () => {
  it.each<{ what: string; given: KubeObject; spec: object }>([
    {
      what: 'a PipelineRun says its time limit in timeout',
      given: object('PipelineRun', { pipelineRef: { name: 'p' } }),
      spec: { pipelineRef: { name: 'p' }, serviceAccountName: 'default', timeout: '1h0m0s' },
    },
    {
      what: 'or in timeouts, where it has that',
      given: object('PipelineRun', { pipelineRef: { name: 'p' }, timeouts: { tasks: '5m' } }),
      spec: {
        pipelineRef: { name: 'p' },
        serviceAccountName: 'default',
        timeouts: { tasks: '5m', pipeline: '1h0m0s' },
      },
    },
    {
      what: 'fields of v1beta1 are left alone',
      given: object('Task', { params: [{ name: 'x' }], steps: [{ image: 'i', resources: {}, tty: true }] }),
      spec: { params: [{ name: 'x', type: 'string' }], steps: [{ image: 'i', resources: {}, tty: true }] },
    },
  ])('$what', ({ given, spec }) => {
    const version = row(given);
    const defaulted = version.setDefaults?.(given, context) as KubeObject & { spec: object };
    expect(defaulted.spec).toEqual(spec);
    expect(version.setDefaults?.(defaulted, context)).toEqual(defaulted);
  });
});

describe('an update', () => {
  it('of a started run is refused in v1beta1 too', () => {
    const before = object('PipelineRun', { pipelineRef: { name: 'p' }, serviceAccountName: 'a' });
    const after = object('PipelineRun', { pipelineRef: { name: 'p' }, serviceAccountName: 'b' });
    expect(row(before).validateUpdate?.(before, after, context)).toEqual([
      {
        path: 'spec',
        message: 'invalid value: Once the PipelineRun has started, only status updates are allowed',
      },
    ]);
  });
});
