import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { FormError, goForm } from './form.ts';
import { canonicalQuantity } from './go-quantity.ts';

const golden = (name: string) => readFileSync(path.join(import.meta.dirname, 'golden', name), 'utf8');
const written = golden('everything.jsonl').trim().split('\n');

describe("what Go writes of upstream's types", () => {
  // The lines of everything.jsonl are json.Marshal of the v1beta1 types of tektoncd/pipeline v1.12.0.
  it.each([
    ['Task', 'everything-task.yaml', 0],
    ['Pipeline', 'everything-pipeline.yaml', 1],
  ])('a %s with fields of all types', (kind, file, line) => {
    const object = parse(golden(file)) as Record<string, unknown>;
    expect(goForm(`tekton.dev/v1beta1 ${kind}`, object)).toBe(written[line]);
  });

  it.each<[what: string, object: Record<string, unknown>, message: RegExp]>([
    ['a field that the type lacks', { spec: { stepz: [] } }, /^spec.stepz is not a field/],
    ['a field in another case', { spec: { Steps: [] } }, /^spec.Steps is not a field/],
    ['a text that is no list', { spec: { steps: 'x' } }, /^spec.steps is not a list/],
    ['a number that is no text', { spec: { description: 1 } }, /^spec.description is not a string/],
  ])('%s has no form', (_what, object, message) => {
    expect(() => goForm('tekton.dev/v1 Task', object)).toThrow(FormError);
    expect(() => goForm('tekton.dev/v1 Task', object)).toThrow(message);
  });

  it('has no form of other versions and kinds', () => {
    expect(() => goForm('tekton.dev/v2 Task', {})).toThrow('tekton.dev/v2 Task has no signed form');
    expect(() => goForm('constructor', {})).toThrow(FormError);
  });

  it.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    ['0.5Gi', '512Mi'],
    ['1024Mi', '1Gi'],
    ['1000Mi', '1000Mi'],
    ['512Ki', '512Ki'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['0', '0'],
    ['0Mi', '0'],
    ['nonsense', 'nonsense'],
  ])('the quantity %s as %s', (given, canonical) => {
    expect(canonicalQuantity(given)).toBe(canonical);
  });
});
