import type { FoundKind } from './kinds.ts';
import { strictSchema } from './strict.ts';
import type { StructuralSchema } from './structural.ts';

/** A JSON Schema of draft 7, the newest that editors' YAML support understands whole. */
export type JsonSchema = { [keyword: string]: unknown };

/**
 * The JSON Schema of manifests of these kinds, for editors and CI. It is as strict as the webhook: a field that is not
 * there is an error. What is of none of the kinds is let through, so that one schema serves a folder of mixed files.
 */
export function manifestSchema(found: readonly FoundKind[]): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Manifests of Tekton',
    type: 'object',
    required: ['apiVersion', 'kind'],
    allOf: found.map((each) => ({
      if: {
        required: ['apiVersion', 'kind'],
        properties: { apiVersion: { const: apiVersionOf(each) }, kind: { const: each.kind.kind } },
      },
      then: { $ref: `#/definitions/${nameOf(each)}` },
    })),
    definitions: Object.fromEntries(found.map((each) => [nameOf(each), objectSchema(each)])),
  };
}

/** The JSON Schema of manifests of one kind in the versions given, and of nothing else. */
export function kindSchema(found: readonly FoundKind[]): JsonSchema {
  const [first] = found;
  return {
    ...manifestSchema(found),
    title: first?.kind.kind ?? '',
    properties: { apiVersion: { enum: found.map(apiVersionOf) }, kind: { const: first?.kind.kind } },
  };
}

function apiVersionOf({ kind, version }: FoundKind): string {
  return `${kind.group}/${version.name}`;
}

function nameOf({ kind, version }: FoundKind): string {
  return `${kind.group}.${version.name}.${kind.kind}`;
}

function objectSchema({ kind, version }: FoundKind): JsonSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['apiVersion', 'kind', 'spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: metadata(kind.namespaced),
      spec: jsonSchema(strictSchema(version)),
      status: { type: 'object', description: 'What became of it: written by the controller.' },
    },
    additionalProperties: false,
  };
}

/** What people write there. The API server knows more fields, which it fills itself. */
function metadata(namespaced: boolean): JsonSchema {
  const texts = { type: 'object', additionalProperties: { type: 'string' } };
  return {
    type: 'object',
    properties: {
      name: { type: 'string', description: 'Unique within its kind and namespace.' },
      generateName: { type: 'string', description: 'What the name begins with that the API server makes.' },
      ...(namespaced ? { namespace: { type: 'string' } } : {}),
      labels: texts,
      annotations: texts,
    },
  };
}

function jsonSchema(schema: StructuralSchema): JsonSchema {
  const described = Object.fromEntries(Object.entries(schema).filter(([keyword]) => plain.has(keyword)));
  if (schema['x-kubernetes-int-or-string']) return { ...described, type: ['integer', 'string'] };
  if (schema.type === undefined) return described;
  const { properties, additionalProperties, items } = schema;
  return {
    ...described,
    type: schema.type,
    ...(items ? { items: jsonSchema(items) } : {}),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, jsonSchema(child)])) }
      : {}),
    ...(additionalProperties ? { additionalProperties: jsonSchema(additionalProperties) } : closed(schema)),
  };
}

/** Fields that the form does not have are refused, unless it passes them through. */
function closed(schema: StructuralSchema): JsonSchema {
  const open = schema.properties === undefined || schema['x-kubernetes-preserve-unknown-fields'];
  return open ? {} : { additionalProperties: false };
}

/** Keywords that mean the same in both. */
const plain: ReadonlySet<string> = new Set([
  'description',
  'pattern',
  'enum',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'required',
]);
