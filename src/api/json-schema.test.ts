import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kindSchema, manifestSchema } from './json-schema.ts';
import { kinds, type FoundKind } from './kinds.ts';
import { strictSchema } from './strict.ts';
import { arbitraryOf } from './structural.fake.ts';

const every: FoundKind[] = kinds.flatMap((kind) => kind.versions.map((version) => ({ kind, version })));
const options = { strict: true, allowUnionTypes: true, allErrors: true, code: { optimize: false } };
/** Compiled once: it is long. */
const isManifest = new Ajv(options).compile(manifestSchema(every));
const demo = path.resolve(import.meta.dirname, '../../hack/demo/manifests');

/** What is wrong: where, and what of. */
function said(validate: ValidateFunction, object: unknown): string[] {
  if (validate(object)) return [];
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if')
    .map(({ instancePath, message, params }) =>
      [instancePath, message, params['additionalProperty']].filter((part) => part !== undefined).join(' '),
    );
}

describe.each(every.map((found) => ({ found, name: `${found.kind.kind} ${found.version.name}` })))(
  '$name',
  ({ found }) => {
    const { kind, version } = found;
    const head = { apiVersion: `${kind.group}/${version.name}`, kind: kind.kind, metadata: { name: 'n' } };

    it('takes what its form takes', () => {
      fc.assert(
        fc.property(arbitraryOf(strictSchema(version)), (spec) => {
          // What is made by a form's types knows nothing of patterns.
          expect(said(isManifest, { ...head, spec }).filter((text) => !text.includes('must match pattern'))).toEqual(
            [],
          );
        }),
        { numRuns: 15 },
      );
    });

    it('refuses a field that is not there, a wrong type and a missing spec', () => {
      expect(said(isManifest, { ...head, spec: {}, specs: {} })).toContain(
        ' must NOT have additional properties specs',
      );
      expect(said(isManifest, { ...head, spec: 'text' })).toContain('/spec must be object');
      expect(said(isManifest, head)).toContain(" must have required property 'spec'");
    });
  },
);

const step = { image: 'busybox', script: 'true' };
const task = (spec: object) => ({ apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 't' }, spec });

describe('the schema of all kinds', () => {
  it.each([
    ['a good Task', task({ steps: [step] }), []],
    [
      'a misspelt field',
      task({ steps: [{ ...step, imago: 'x' }] }),
      ['/spec/steps/0 must NOT have additional properties imago'],
    ],
    ['a list that is none', task({ steps: step }), ['/spec/steps must be array']],
    [
      'a number as a label',
      { ...task({ steps: [step] }), metadata: { labels: { a: 1 } } },
      ['/metadata/labels/a must be string'],
    ],
    [
      'a field of v1beta1 in v1',
      task({ steps: [{ ...step, resources: {} }] }),
      ['/spec/steps/0 must NOT have additional properties resources'],
    ],
    [
      'a quantity as a number, and one that is none',
      task({ steps: [{ ...step, computeResources: { requests: { cpu: 1 }, limits: { cpu: 'one' } } }] }),
      [expect.stringMatching(/^\/spec\/steps\/0\/computeResources\/limits\/cpu must match pattern/)],
    ],
    ['something else', { apiVersion: 'v1', kind: 'ConfigMap', data: {} }, []],
    ['no manifest', { data: {} }, [" must have required property 'apiVersion'", " must have required property 'kind'"]],
  ])('%s', (_what, object, errors) => {
    expect(said(isManifest, object)).toEqual(errors);
  });

  it.each(['pipeline.yaml', 'pipelinerun.yaml', 'tasks.yaml', 'triggers.yaml'])('takes %s of the demo', (name) => {
    const documents = parseAllDocuments(readFileSync(path.join(demo, name), 'utf8'));
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) expect(said(isManifest, document.toJS())).toEqual([]);
  });
});

describe('the schema of one kind', () => {
  const isTask = new Ajv(options).compile(kindSchema(every.filter(({ kind }) => kind.kind === 'Task')));

  it.each([
    ['its versions', { ...task({ steps: [step] }), apiVersion: 'tekton.dev/v1beta1' }, []],
    [
      'no other version',
      { ...task({}), apiVersion: 'tekton.dev/v2' },
      ['/apiVersion must be equal to one of the allowed values'],
    ],
    ['no other kind', { ...task({}), kind: 'Pipeline' }, ['/kind must be equal to constant']],
  ])('takes %s', (_what, object, errors) => expect(said(isTask, object)).toEqual(errors));
});
