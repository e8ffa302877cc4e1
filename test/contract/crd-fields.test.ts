import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { objectSchema } from '../../src/api/crd.ts';
import { findKind, kinds } from '../../src/api/kinds.ts';
import type { StructuralSchema } from '../../src/api/structural.ts';

/** A type's name, with [] for each list and {} for each map around it. */
type TypeName = string;
interface Fields {
  roots: Record<string, 'any' | { spec?: TypeName; status?: TypeName }>;
  types: Record<string, Record<string, TypeName>>;
  /** Of a version: fields that ours have besides, and those that ours describe where upstream takes any JSON. */
  more: Record<string, string>;
}
const upstream = JSON.parse(readFileSync(new URL('crd-fields.json', import.meta.url), 'utf8')) as Fields;
const scalars = new Set(['string', 'integer', 'number', 'boolean']);
const preserves = (schema: StructuralSchema) => schema['x-kubernetes-preserve-unknown-fields'] === true;

/** Paths of upstream that ours have not. What ours take as any JSON has every path. */
function lacking(schema: StructuralSchema | undefined, type: TypeName, path: string): string[] {
  if (schema === undefined) return [`${path} is missing`];
  if (preserves(schema)) return [];
  if (type.endsWith('[]')) return lacking(schema.items, type.slice(0, -2), `${path}[]`);
  if (type.endsWith('{}')) return lacking(schema.additionalProperties, type.slice(0, -2), `${path}.*`);
  // A list of any JSON, where upstream takes any.
  if (type === 'any' && schema.items && preserves(schema.items)) return [];
  if (type === 'quantity') return schema['x-kubernetes-int-or-string'] ? [] : [`${path} is no quantity`];
  if (scalars.has(type)) return schema.type === type ? [] : [`${path} is ${schema.type}, not ${type}`];
  const fields = upstream.types[type];
  if (fields === undefined) return [];
  return Object.entries(fields).flatMap(([name, child]) =>
    lacking(schema.properties?.[name], child, `${path}.${name}`),
  );
}

/** Paths of ours that upstream's CRD describes the parent of, and not them; `...`: only ours describe it. */
function additional(schema: StructuralSchema | undefined, type: TypeName, path: string): string[] {
  if (schema === undefined) return [];
  if (type.endsWith('[]')) return additional(schema.items, type.slice(0, -2), `${path}[]`);
  if (type.endsWith('{}')) return additional(schema.additionalProperties, type.slice(0, -2), `${path}.*`);
  const fields = upstream.types[type];
  if (fields === undefined) return type === 'any' && schema.properties ? [`${path}...`] : [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const known = fields[name];
    return known === undefined ? [`${path}.${name}`] : additional(child, known, `${path}.${name}`);
  });
}

const rows = Object.entries(upstream.roots).map(([title, root]) => {
  const [apiVersion = '', kind = ''] = title.split(' ');
  return { title, root, found: findKind(apiVersion, kind) };
});

describe("the CRDs take every field of upstream's", () => {
  test.each(rows)('$title', ({ title, root, found }) => {
    if (!found) throw new Error(`${title} is no version of a kind`);
    const { properties = {} } = objectSchema(found.kind, found.version);
    if (root === 'any') {
      expect(properties['spec']?.['x-kubernetes-preserve-unknown-fields']).toBe(true);
      return;
    }
    const sections = Object.entries(root);
    expect(sections.flatMap(([section, type]) => lacking(properties[section], type, section))).toEqual([]);
    const more = sections.flatMap(([section, type]) => additional(properties[section], type, section));
    expect(more.filter((path) => !(`${title} ${path}` in upstream.more))).toEqual([]);
  });
});

test('every version of every kind of upstream is in the list, and nothing in it is out of date', () => {
  const ours = kinds.flatMap(({ group, kind, versions }) => versions.map(({ name }) => `${group}/${name} ${kind}`));
  const others = ours.filter((title) => !(title in upstream.roots));
  expect(others).toEqual(['dashboard.tekton.dev/v1alpha1 Extension']);
  const more = rows.flatMap(({ title, root, found }) => {
    if (root === 'any' || !found) return [];
    const { properties = {} } = objectSchema(found.kind, found.version);
    return Object.entries(root)
      .flatMap(([section, type]) => additional(properties[section], type, section))
      .map((path) => `${title} ${path}`);
  });
  expect(Object.keys(upstream.more).filter((path) => !more.includes(path))).toEqual([]);
});
