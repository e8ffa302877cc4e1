import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { KubeObject } from '../../../resource.ts';
import type { Conversion } from '../../kind.ts';
import { structuralSchema } from '../../structural.ts';
import { arbitraryOf } from '../../structural.fake.ts';
import { pipelineSpec } from '../v1/pipeline.ts';
import { pipelineRunSpec, pipelineRunStatus } from '../v1/pipelinerun.ts';
import { taskSpec } from '../v1/task.ts';
import { taskRunSpec, taskRunStatus } from '../v1/taskrun.ts';
import { pipelineConversion, pipelineRunConversion, taskConversion, taskRunConversion } from './convert.ts';
import * as v1beta1 from './schemas.ts';

type AnyConversion = Conversion<KubeObject, KubeObject>;

interface Kind {
  kind: string;
  conversion: AnyConversion;
  stored: [z.ZodType, z.ZodType?];
  beta: [z.ZodType, z.ZodType?];
}

const kinds: Kind[] = [
  {
    kind: 'Task',
    conversion: taskConversion,
    stored: [taskSpec],
    beta: [v1beta1.taskSpec],
  },
  {
    kind: 'TaskRun',
    conversion: taskRunConversion,
    stored: [taskRunSpec, taskRunStatus],
    beta: [v1beta1.taskRunSpec, v1beta1.taskRunStatus],
  },
  {
    kind: 'Pipeline',
    conversion: pipelineConversion,
    stored: [pipelineSpec],
    beta: [v1beta1.pipelineSpec],
  },
  {
    kind: 'PipelineRun',
    conversion: pipelineRunConversion,
    stored: [pipelineRunSpec, pipelineRunStatus],
    beta: [v1beta1.pipelineRunSpec, v1beta1.pipelineRunStatus],
  },
];

/** Objects in which tasks have names of their own, and what has two spellings has the one that reads back the same. */
function objects(version: string, kind: string, [spec, status]: [z.ZodType, z.ZodType?]): fc.Arbitrary<KubeObject> {
  const metadata = fc.record(
    {
      name: fc.constant('n'),
      annotations: fc.dictionary(fc.constantFrom('team', 'tekton.dev/other'), fc.string(), { minKeys: 1 }),
    },
    { requiredKeys: ['name'] },
  );
  const parts = {
    metadata,
    spec: arbitraryOf(structuralSchema(spec)),
    ...(status ? { status: arbitraryOf(structuralSchema(status)) } : {}),
  };
  return fc
    .record(parts, { requiredKeys: ['metadata', 'spec'] })
    .map((object) => ({ apiVersion: `tekton.dev/${version}`, kind, ...object }))
    .map((object) => (named(object, 'task'), object));
}

/** Names every task of every list, takes away what upstream does not give back, and templates that say nothing. */
function named(node: unknown, prefix: string): void {
  if (typeof node !== 'object' || node === null) return;
  const holder = node as Record<string, unknown>;
  delete holder['bundle'];
  if ('timeouts' in holder) delete holder['timeout'];
  if ('serviceAccountName' in holder || 'pipelineSpec' in holder || 'pipelineRef' in holder) delete holder['timeout'];
  const template = holder['taskRunTemplate'];
  if (template && Object.keys(template).length === 0) delete holder['taskRunTemplate'];
  for (const section of ['tasks', 'finally']) {
    const tasks = holder[section];
    if (!Array.isArray(tasks)) continue;
    tasks.forEach((task: unknown, index) => {
      if (typeof task === 'object' && task !== null) (task as { name: string }).name = `${section}-${prefix}-${index}`;
    });
  }
  for (const child of Object.values(holder)) named(child, prefix);
}

/** A PipelineRun's own timeout is another field in v1 (see below). */
function withoutTimeout(object: KubeObject): KubeObject {
  if (object.kind !== 'PipelineRun') return object;
  const { timeout: _, ...spec } = (object as unknown as { spec: Record<string, unknown> }).spec;
  return { ...object, spec } as unknown as KubeObject;
}

describe.each(kinds)('$kind', ({ kind, conversion, stored, beta }) => {
  it('from v1beta1 and back is the same', () => {
    fc.assert(
      fc.property(objects('v1beta1', kind, beta).map(withoutTimeout), (object) => {
        const before = structuredClone(object);
        expect(conversion.fromStored(conversion.toStored(object))).toEqual(before);
        expect(object).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  it('from v1 and back is the same', () => {
    fc.assert(
      fc.property(objects('v1', kind, stored), (object) => {
        const before = structuredClone(object);
        expect(conversion.toStored(conversion.fromStored(object))).toEqual(before);
        expect(object).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  it('takes any JSON', () => {
    fc.assert(
      fc.property(fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue(), status: fc.jsonValue() }), (object) => {
        conversion.fromStored(conversion.toStored(object as unknown as KubeObject));
      }),
    );
  });
});

/** An object of v1beta1 and what it is in v1, as upstream's webhook converts it. */
interface Row {
  what: string;
  kind: string;
  beta: Record<string, unknown>;
  stored: Record<string, unknown>;
  /** What is read back as v1beta1, where that is not `beta`. */
  readBack?: Record<string, unknown>;
}

const rows: Row[] = [
  {
    what: 'compute resources of steps have another name',
    kind: 'Task',
    beta: { metadata: { name: 't' }, spec: { steps: [{ image: 'i', resources: { limits: { cpu: 1 } } }] } },
    stored: { metadata: { name: 't' }, spec: { steps: [{ image: 'i', computeResources: { limits: { cpu: 1 } } }] } },
  },
  {
    what: 'PipelineResources are kept in an annotation',
    kind: 'Task',
    beta: { metadata: { name: 't' }, spec: { steps: [], resources: { inputs: [{ name: 'source', type: 'git' }] } } },
    stored: {
      metadata: {
        name: 't',
        annotations: { 'tekton.dev/v1beta1Resources': '{"inputs":[{"name":"source","type":"git"}]}' },
      },
      spec: { steps: [] },
    },
  },
  {
    what: "a step's fields that v1 has not are kept by name of the task",
    kind: 'Pipeline',
    beta: {
      metadata: { name: 'p' },
      spec: {
        tasks: [
          { name: 'one', taskSpec: { stepTemplate: { name: 'old' }, steps: [{ image: 'i' }] } },
          { name: 'two', taskSpec: { steps: [{ image: 'i', tty: true }] } },
        ],
      },
    },
    stored: {
      metadata: {
        name: 'p',
        annotations: {
          'tekton.dev/v1beta1.task-deprecations':
            '{"one":{"deprecatedSteps":[{}],"deprecatedStepTemplate":{"name":"old"}},"two":{"deprecatedSteps":[{"tty":true}]}}',
        },
      },
      spec: {
        tasks: [
          { name: 'one', taskSpec: { stepTemplate: {}, steps: [{ image: 'i' }] } },
          { name: 'two', taskSpec: { steps: [{ image: 'i' }] } },
        ],
      },
    },
  },
  {
    what: 'settings of all TaskRuns have a field around them',
    kind: 'PipelineRun',
    beta: {
      metadata: { name: 'r' },
      spec: {
        pipelineRef: { name: 'p' },
        serviceAccountName: 'ci',
        podTemplate: { hostNetwork: true },
        taskRunSpecs: [{ pipelineTaskName: 't', taskServiceAccountName: 'other', stepOverrides: [] }],
      },
    },
    stored: {
      metadata: { name: 'r' },
      spec: {
        pipelineRef: { name: 'p' },
        taskRunTemplate: { serviceAccountName: 'ci', podTemplate: { hostNetwork: true } },
        taskRunSpecs: [{ pipelineTaskName: 't', serviceAccountName: 'other', stepSpecs: [] }],
      },
    },
  },
  {
    what: 'timeout is read back as timeouts.pipeline',
    kind: 'PipelineRun',
    beta: { metadata: { name: 'r' }, spec: { pipelineRef: { name: 'p' }, timeout: '5m' } },
    stored: { metadata: { name: 'r' }, spec: { pipelineRef: { name: 'p' }, timeouts: { pipeline: '5m' } } },
    readBack: { metadata: { name: 'r' }, spec: { pipelineRef: { name: 'p' }, timeouts: { pipeline: '5m' } } },
  },
  {
    what: 'a bundle is read back as its resolver',
    kind: 'TaskRun',
    beta: { metadata: { name: 'r' }, spec: { taskRef: { name: 't', bundle: 'registry/b:1' } } },
    stored: {
      metadata: { name: 'r' },
      spec: {
        taskRef: {
          resolver: 'bundles',
          params: [
            { name: 'bundle', value: 'registry/b:1' },
            { name: 'name', value: 't' },
            { name: 'kind', value: 'Task' },
          ],
        },
      },
    },
    readBack: {
      metadata: { name: 'r' },
      spec: {
        taskRef: {
          resolver: 'bundles',
          params: [
            { name: 'bundle', value: 'registry/b:1' },
            { name: 'name', value: 't' },
            { name: 'kind', value: 'Task' },
          ],
        },
      },
    },
  },
  {
    what: 'results of a run, and of its earlier attempts',
    kind: 'TaskRun',
    beta: {
      metadata: { name: 'r' },
      spec: {},
      status: {
        taskResults: [{ name: 'x', value: '1' }],
        retriesStatus: [{ taskResults: [{ name: 'y', value: '2' }] }],
      },
    },
    stored: {
      metadata: { name: 'r' },
      spec: {},
      status: { results: [{ name: 'x', value: '1' }], retriesStatus: [{ results: [{ name: 'y', value: '2' }] }] },
    },
  },
];

describe('v1beta1 and v1', () => {
  it.each(rows)('$what', ({ kind, beta, stored, readBack = beta }) => {
    const { conversion } = kinds.find((each) => each.kind === kind) as Kind;
    const converted = conversion.toStored({ apiVersion: 'tekton.dev/v1beta1', kind, ...beta } as unknown as KubeObject);
    expect(converted).toEqual({ apiVersion: 'tekton.dev/v1', kind, ...stored });
    expect(conversion.fromStored(converted)).toEqual({ apiVersion: 'tekton.dev/v1beta1', kind, ...readBack });
  });

  it.each(['{', '"text"', '[1]', 'null', '{"t":5}', '{"t":{"deprecatedSteps":[{},{}]}}'])(
    'an annotation of ours that a user wrote stays an annotation: %s',
    (text) => {
      const annotations = { 'tekton.dev/v1beta1.task-deprecations': text, 'tekton.dev/v1beta1CloudEvents': text };
      const run = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata: { name: 't', annotations }, spec: {} };
      const read = taskRunConversion.fromStored(run) as unknown as typeof run;
      expect(read.metadata.annotations).toEqual(annotations);
    },
  );
});
