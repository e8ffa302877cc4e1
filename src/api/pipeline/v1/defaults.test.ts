import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDefaults, type Defaults } from '../../config/config-defaults.ts';
import { mergePodTemplates } from '../../core/podtemplate.merge.ts';
import type { PodTemplate } from '../../core/podtemplate.ts';
import {
  defaultParamSpec,
  defaultPipelineRun,
  defaultPipelineSpec,
  defaultTaskRun,
  defaultTaskSpec,
} from './defaults.ts';
import type { ParamSpec } from './params.ts';
import type { PipelineRunSpec } from './pipelinerun.ts';
import type { TaskRunSpec } from './taskrun.ts';

const plain = parseDefaults(undefined).defaults;

describe('types of params', () => {
  const rows: { name: string; param: ParamSpec; want: ParamSpec }[] = [
    { name: 'nothing said', param: { name: 'p' }, want: { name: 'p', type: 'string' } },
    {
      name: 'empty type, as Go clients send',
      param: { name: 'p', type: '' as 'string' },
      want: { name: 'p', type: 'string' },
    },
    { name: 'by a text', param: { name: 'p', default: 'x' }, want: { name: 'p', type: 'string', default: 'x' } },
    { name: 'by a list', param: { name: 'p', default: [] }, want: { name: 'p', type: 'array', default: [] } },
    {
      name: 'by an object',
      param: { name: 'p', default: { k: 'v' } },
      want: { name: 'p', type: 'object', default: { k: 'v' } },
    },
    {
      name: 'a list of something else is text',
      param: { name: 'p', default: [1] as unknown as string[] },
      want: { name: 'p', type: 'string', default: '[1]' },
    },
    {
      name: 'by properties',
      param: { name: 'p', properties: { k: {} } },
      want: { name: 'p', type: 'object', properties: { k: { type: 'string' } } },
    },
    { name: 'said', param: { name: 'p', type: 'array' }, want: { name: 'p', type: 'array' } },
    {
      name: 'said, with properties',
      param: { name: 'p', type: 'object', properties: { k: {}, l: { type: 'array' } } },
      want: { name: 'p', type: 'object', properties: { k: { type: 'string' }, l: { type: 'array' } } },
    },
  ];
  test.each(rows)('$name', ({ param, want }) => expect(defaultParamSpec(param)).toEqual(want));
});

test('types of results', () => {
  expect(
    defaultTaskSpec({ results: [{ name: 'a' }, { name: 'b', properties: { k: {} } }, { name: 'c', type: 'array' }] })
      .results,
  ).toEqual([
    { name: 'a', type: 'string' },
    { name: 'b', type: 'object', properties: { k: { type: 'string' } } },
    { name: 'c', type: 'array' },
  ]);
});

describe('TaskRun', () => {
  const rows: { name: string; spec: TaskRunSpec; defaults?: Partial<Defaults>; want: TaskRunSpec }[] = [
    {
      name: 'plain',
      spec: { taskRef: { name: 't' } },
      want: { taskRef: { name: 't', kind: 'Task' }, timeout: '1h0m0s', serviceAccountName: 'default' },
    },
    {
      name: 'own values stay',
      spec: { taskRef: { name: 't', kind: 'Task' }, timeout: '0', serviceAccountName: 'x' },
      want: { taskRef: { name: 't', kind: 'Task' }, timeout: '0', serviceAccountName: 'x' },
    },
    {
      name: 'minutes of the operator',
      spec: {},
      defaults: { timeoutMinutes: 90 },
      want: { timeout: '1h30m0s', serviceAccountName: 'default' },
    },
    {
      name: 'no timeout at all',
      spec: {},
      defaults: { timeoutMinutes: 0, serviceAccount: '' },
      want: { timeout: '0s' },
    },
    {
      name: 'resolver of the operator',
      spec: { taskRef: { params: [] } },
      defaults: { resolverType: 'git' },
      want: {
        taskRef: { params: [], resolver: 'git', kind: 'Task' },
        timeout: '1h0m0s',
        serviceAccountName: 'default',
      },
    },
    {
      name: 'a name needs no resolver',
      spec: { taskRef: { name: 't' } },
      defaults: { resolverType: 'git' },
      want: { taskRef: { name: 't', kind: 'Task' }, timeout: '1h0m0s', serviceAccountName: 'default' },
    },
    {
      name: 'pod template',
      spec: {},
      defaults: { podTemplate: { nodeSelector: { a: 'b' } } },
      want: { podTemplate: { nodeSelector: { a: 'b' } }, timeout: '1h0m0s', serviceAccountName: 'default' },
    },
    {
      name: 'embedded spec',
      spec: { taskSpec: { params: [{ name: 'p' }] } },
      want: { taskSpec: { params: [{ name: 'p', type: 'string' }] }, timeout: '1h0m0s', serviceAccountName: 'default' },
    },
  ];
  test.each(rows)('$name', ({ spec, defaults, want }) => {
    expect(defaultTaskRun({ metadata: { name: 'r' }, spec }, { ...plain, ...defaults }).spec).toEqual(want);
  });

  test('managed-by label, unless there is one', () => {
    const key = 'app.kubernetes.io/managed-by';
    const labelsOf = (labels?: Record<string, string>) =>
      defaultTaskRun({ metadata: { name: 'r', ...(labels ? { labels } : {}) }, spec: {} }, plain).metadata.labels;
    expect(labelsOf()).toEqual({ [key]: 'tekton-pipelines' });
    expect(labelsOf({ a: 'b' })).toEqual({ a: 'b', [key]: 'tekton-pipelines' });
    expect(labelsOf({ [key]: '' })).toEqual({ [key]: '' });
  });
});

describe('PipelineRun', () => {
  const rows: { name: string; spec: PipelineRunSpec; defaults?: Partial<Defaults>; want: PipelineRunSpec }[] = [
    {
      name: 'plain',
      spec: { pipelineRef: { name: 'p' } },
      want: {
        pipelineRef: { name: 'p' },
        timeouts: { pipeline: '1h0m0s' },
        taskRunTemplate: { serviceAccountName: 'default' },
      },
    },
    {
      name: 'other timeouts stay',
      spec: { timeouts: { tasks: '30m' } },
      want: { timeouts: { tasks: '30m', pipeline: '1h0m0s' }, taskRunTemplate: { serviceAccountName: 'default' } },
    },
    {
      name: 'own values stay',
      spec: { timeouts: { pipeline: '0' }, taskRunTemplate: { serviceAccountName: 'x' } },
      want: { timeouts: { pipeline: '0' }, taskRunTemplate: { serviceAccountName: 'x' } },
    },
    {
      name: 'embedded specs, all the way down',
      spec: {
        pipelineSpec: {
          params: [{ name: 'p' }],
          tasks: [{ name: 'a', taskRef: { name: 't' } }],
          finally: [{ name: 'f', taskSpec: { params: [{ name: 'q', default: ['x'] }] } }],
        },
      },
      want: {
        pipelineSpec: {
          params: [{ name: 'p', type: 'string' }],
          tasks: [{ name: 'a', taskRef: { name: 't', kind: 'Task' } }],
          finally: [{ name: 'f', taskSpec: { params: [{ name: 'q', type: 'array', default: ['x'] }] } }],
        },
        timeouts: { pipeline: '1h0m0s' },
        taskRunTemplate: { serviceAccountName: 'default' },
      },
    },
    {
      name: 'custom task keeps its kind',
      spec: { pipelineSpec: { tasks: [{ name: 'a', taskRef: { apiVersion: 'x/v1', kind: 'Wait' } }] } },
      want: {
        pipelineSpec: { tasks: [{ name: 'a', taskRef: { apiVersion: 'x/v1', kind: 'Wait' } }] },
        timeouts: { pipeline: '1h0m0s' },
        taskRunTemplate: { serviceAccountName: 'default' },
      },
    },
    {
      name: 'resolver of the operator',
      spec: { pipelineRef: {} },
      defaults: { resolverType: 'hub' },
      want: {
        pipelineRef: { resolver: 'hub' },
        timeouts: { pipeline: '1h0m0s' },
        taskRunTemplate: { serviceAccountName: 'default' },
      },
    },
  ];
  test.each(rows)('$name', ({ spec, defaults, want }) => {
    expect(defaultPipelineRun({ metadata: { name: 'r' }, spec }, { ...plain, ...defaults }).spec).toEqual(want);
  });
});

describe('pod templates', () => {
  const rows: { name: string; own?: PodTemplate; general?: PodTemplate; want?: PodTemplate }[] = [
    { name: 'none' },
    { name: 'only own', own: { hostNetwork: true }, want: { hostNetwork: true } },
    { name: 'only general', general: { schedulerName: 's' }, want: { schedulerName: 's' } },
    {
      name: 'own field wins whole',
      own: { nodeSelector: { a: '1' } },
      general: { nodeSelector: { b: '2' }, runtimeClassName: 'kata' },
      want: { nodeSelector: { a: '1' }, runtimeClassName: 'kata' },
    },
    {
      name: 'false wins too',
      own: { automountServiceAccountToken: false },
      general: { automountServiceAccountToken: true },
      want: { automountServiceAccountToken: false },
    },
    {
      name: 'empty text does not',
      own: { schedulerName: '' },
      general: { schedulerName: 's' },
      want: { schedulerName: 's' },
    },
    {
      name: 'env is joined by name',
      own: { env: [{ name: 'B', value: 'own' }] },
      general: {
        env: [
          { name: 'A', value: 'g' },
          { name: 'B', value: 'g' },
        ],
      },
      want: {
        env: [
          { name: 'A', value: 'g' },
          { name: 'B', value: 'own' },
        ],
      },
    },
    {
      name: 'so are volumes',
      own: { volumes: [{ name: 'v', emptyDir: {} }] },
      general: { volumes: [{ name: 'w', emptyDir: {} }] },
      want: {
        volumes: [
          { name: 'w', emptyDir: {} },
          { name: 'v', emptyDir: {} },
        ],
      },
    },
  ];
  test.each(rows)('$name', ({ own, general, want }) => expect(mergePodTemplates(own, general)).toEqual(want));
});

// Properties: defaulting twice is defaulting once, and the input stays as it was.
const name = fc.constantFrom('a', 'b', 'c');
const value = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 2 }), fc.dictionary(name, fc.string()));
const paramSpec: fc.Arbitrary<ParamSpec> = fc.record(
  {
    name,
    type: fc.constantFrom('string' as const, 'array' as const, 'object' as const),
    default: value,
    properties: fc.dictionary(name, fc.constantFrom({}, { type: 'string' as const })),
  },
  { requiredKeys: ['name'] },
);
const taskSpec = fc.record(
  {
    params: fc.array(paramSpec),
    results: fc.array(
      fc.record({ name, properties: fc.dictionary(name, fc.constant({})) }, { requiredKeys: ['name'] }),
    ),
  },
  { requiredKeys: [] },
);
const ref = fc.record(
  { name, kind: fc.constantFrom('', 'Task'), resolver: fc.constantFrom('', 'git') },
  { requiredKeys: [] },
);
const podTemplate: fc.Arbitrary<PodTemplate> = fc.record(
  {
    env: fc.uniqueArray(fc.record({ name, value: fc.string() }), { selector: (item) => item.name }),
    nodeSelector: fc.dictionary(name, fc.string()),
    hostNetwork: fc.boolean(),
    schedulerName: fc.constantFrom('', 's'),
  },
  { requiredKeys: [] },
);
const pipelineTask = fc.record({ name, taskRef: ref, taskSpec }, { requiredKeys: ['name'] });
const pipelineSpec = fc.record(
  {
    params: fc.array(paramSpec),
    tasks: fc.array(pipelineTask, { maxLength: 3 }),
    finally: fc.array(pipelineTask, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const defaults: fc.Arbitrary<Defaults> = fc
  .record({
    timeoutMinutes: fc.nat(1000),
    resolverType: fc.constantFrom('', 'hub'),
    podTemplate: fc.option(podTemplate, { nil: undefined }),
  })
  .map((some) => ({ ...plain, ...some }));

function freeze<T>(object: T): T {
  if (typeof object === 'object' && object !== null) Object.values(Object.freeze(object)).forEach(freeze);
  return object;
}

describe('defaulting twice is defaulting once, and changes nothing it is given', () => {
  test('TaskRun', () => {
    const taskRun = fc
      .record({ taskRef: ref, taskSpec, podTemplate, timeout: fc.constantFrom('0', '5m') }, { requiredKeys: [] })
      .map((spec) => freeze({ metadata: { name: 'r' }, spec }));
    fc.assert(
      fc.property(taskRun, defaults, (run, given) => {
        const once = freeze(defaultTaskRun(run, freeze(given)));
        expect(defaultTaskRun(once, given)).toEqual(once);
      }),
    );
  });
  test('PipelineRun', () => {
    const run = fc
      .record(
        {
          pipelineSpec,
          taskRunTemplate: fc.record({ podTemplate }),
          timeouts: fc.record({ tasks: fc.constant('5m') }),
        },
        { requiredKeys: [] },
      )
      .map((spec) => freeze({ metadata: { name: 'r' }, spec }));
    fc.assert(
      fc.property(run, defaults, (given, operator) => {
        const once = freeze(defaultPipelineRun(given, freeze(operator)));
        expect(defaultPipelineRun(once, operator)).toEqual(once);
      }),
    );
  });
  test('PipelineSpec', () => {
    fc.assert(
      fc.property(pipelineSpec.map(freeze), defaults, (spec, operator) => {
        const once = freeze(defaultPipelineSpec(spec, operator));
        expect(defaultPipelineSpec(once, operator)).toEqual(once);
      }),
    );
  });
});
