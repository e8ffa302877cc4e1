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
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const isManifest = ajv.compile(manifestSchema(every));
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
    const isKind = new Ajv({ strict: true, allowUnionTypes: true }).compile(kindSchema([found]));

    it('takes what its form takes', () => {
      fc.assert(
        fc.property(arbitraryOf(strictSchema(version)), (spec) => {
          expect(said(isKind, { ...head, spec })).toEqual([]);
        }),
        { numRuns: 15 },
      );
    });

    it('refuses a field that is not there, a wrong type, a missing spec and another kind', () => {
      const spec = {};
      expect(said(isKind, { ...head, spec, specs: {} })).toContain(' must NOT have additional properties specs');
      expect(said(isKind, { ...head, spec: 'text' })).toContain('/spec must be object');
      expect(said(isKind, head)).toContain(" must have required property 'spec'");
      expect(said(isKind, { ...head, kind: 'Other', spec })).toEqual(['/kind must be equal to constant']);
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
    const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(manifestSchema(every));
    expect(said(validate, object)).toEqual(errors);
  });

  it.each(['pipeline.yaml', 'pipelinerun.yaml', 'tasks.yaml', 'triggers.yaml'])('takes %s of the demo', (name) => {
    const documents = parseAllDocuments(readFileSync(path.join(demo, name), 'utf8'));
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) expect(said(isManifest, document.toJS())).toEqual([]);
  });
});
