import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { objectSchema } from '../../src/api/crd.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { StructuralSchema } from '../../src/api/structural.ts';

interface Fields {
  roots: Record<string, Record<string, string>>;
  types: Record<string, Record<string, string>>;
  oursOnly: Record<string, string>;
}
const upstream = JSON.parse(readFileSync(new URL('v1-fields.json', import.meta.url), 'utf8')) as Fields;
const schemas = new Map(
  kinds.flatMap((kind) =>
    kind.versions
      .filter(({ name }) => name === 'v1')
      .map((version) => [kind.kind, objectSchema(kind, version)] as const),
  ),
);

/** Where a schema and upstream's type differ; `owner` names the type a field belongs to. */
function differences(schema: StructuralSchema | undefined, type: string, path: string): string[] {
  if (schema === undefined) return [`${path} is missing`];
  if (type.endsWith('[]'))
    return schema.type === 'array'
      ? differences(schema.items, type.slice(0, -2), `${path}[]`)
      : [`${path} should be a list`];
  if (type.endsWith('{}'))
    return schema.additionalProperties
      ? differences(schema.additionalProperties, type.slice(0, -2), `${path}.*`)
      : [`${path} should be a map`];
  if (type === 'any') return schema['x-kubernetes-preserve-unknown-fields'] ? [] : [`${path} should take any JSON`];
  if (type === 'quantity') return schema['x-kubernetes-int-or-string'] ? [] : [`${path} should be a quantity`];
  const fields = upstream.types[type];
  if (fields === undefined) return schema.type === type ? [] : [`${path} should be of type ${type}, is ${schema.type}`];
  const ours = Object.keys(schema.properties ?? {}).filter(
    (name) => !(name in fields) && !(`${type}.${name}` in upstream.oursOnly),
  );
  return [
    ...Object.entries(fields).flatMap(([name, child]) =>
      differences(schema.properties?.[name], child, `${path}.${name}`),
    ),
    ...ours.map((name) => `${path}.${name} is not upstream's: remove it, or say in oursOnly why it is there`),
  ];
}

describe("the CRDs have upstream's fields, and no others", () => {
  const rows = Object.entries(upstream.roots).flatMap(([kind, fields]) =>
    Object.entries(fields).map(([field, type]) => ({ kind, field, type })),
  );
  test.each(rows)('$kind.$field', ({ kind, field, type }) => {
    expect(differences(schemas.get(kind)?.properties?.[field], type, `${kind}.${field}`)).toEqual([]);
  });
});

test('every kind of ours is in the list', () => {
  expect([...schemas.keys()].sort()).toEqual(Object.keys(upstream.roots).sort());
});

test('every type named in the list is described there', () => {
  const primitive = new Set(['string', 'integer', 'boolean', 'any', 'quantity']);
  const named = Object.values(upstream.types)
    .flatMap((fields) => Object.values(fields))
    .map((type) => type.replace(/(\[\]|\{\})$/, ''));
  expect(named.filter((type) => !primitive.has(type) && !(type in upstream.types))).toEqual([]);
});
