import fc from 'fast-check';
import type { StructuralSchema } from './structural.ts';

const word = fc.constantFrom(
  'a',
  'build',
  'x-1',
  '',
  'A b',
  '$(params.p)',
  '$(tasks.t.results.r)',
  '1h',
  '/tekton/x',
  'é',
);

/** JSON that a schema takes: what the API server lets through to the webhook. Every optional field may be missing. */
export function arbitraryOf(schema: StructuralSchema, depth = 0): fc.Arbitrary<unknown> {
  if (schema['x-kubernetes-int-or-string']) return fc.oneof(fc.integer({ min: 0, max: 9 }), word);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case undefined:
      return fc.oneof(word, fc.array(word, { maxLength: 2 }), fc.dictionary(word, word, { maxKeys: 2 }));
    case 'string':
      return schema.format === 'date-time' ? fc.constant('2026-01-02T03:04:05Z') : word;
    case 'integer':
      return fc.integer({ min: -2, max: 5 });
    case 'number':
      return fc.double({ noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, depth + 1), { maxLength: depth > 4 ? 1 : 2 });
    case 'object':
      return arbitraryObject(schema, depth);
    default: {
      const never: never = schema.type;
      return never;
    }
  }
}

function arbitraryObject(schema: StructuralSchema, depth: number): fc.Arbitrary<unknown> {
  if (schema.properties === undefined)
    return fc.dictionary(
      word,
      schema.additionalProperties ? arbitraryOf(schema.additionalProperties, depth + 1) : word,
      {
        maxKeys: 2,
      },
    );
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties).map(([name, child]) => {
    const value = arbitraryOf(child, depth + 1);
    // Most objects have few of their fields: whole ones would be megabytes.
    const weight = depth < 2 ? 2 : 6;
    return required.includes(name)
      ? value.map((given) => ({ [name]: given }))
      : fc.oneof(
          { weight, arbitrary: fc.constant({}) },
          { weight: 1, arbitrary: value.map((given) => ({ [name]: given })) },
        );
  });
  return fc.tuple(...fields).map((parts) => Object.assign({}, ...parts) as unknown);
}
