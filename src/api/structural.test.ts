import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { mapList, preserved, preservedObject } from './schema.ts';
import { structuralSchema, StructuralSchemaError, type StructuralSchema } from './structural.ts';

const text = { type: 'string' };

describe('constructs that have a structural form', () => {
  const rows: { name: string; schema: z.ZodType; want: unknown }[] = [
    {
      name: 'object',
      schema: z.object({ a: z.string(), b: z.string().optional() }),
      want: { type: 'object', properties: { a: text, b: text }, required: ['a'] },
    },
    {
      name: 'loose object loses additionalProperties',
      schema: z.looseObject({ a: z.string() }),
      want: { type: 'object', properties: { a: text }, required: ['a'] },
    },
    { name: 'record', schema: z.record(z.string(), z.string()), want: { type: 'object', additionalProperties: text } },
    { name: 'integer loses the bounds of safe integers', schema: z.int(), want: { type: 'integer' } },
    {
      name: 'integer keeps own bounds',
      schema: z.int().min(1).max(9),
      want: { type: 'integer', minimum: 1, maximum: 9 },
    },
    { name: 'int32 becomes a format', schema: z.int32(), want: { type: 'integer', format: 'int32' } },
    {
      name: 'int32 with an own bound',
      schema: z.int32().min(0),
      want: { type: 'integer', format: 'int32', minimum: 0 },
    },
    {
      name: 'int64 format from meta',
      schema: z.int().meta({ format: 'int64' }),
      want: { type: 'integer', format: 'int64' },
    },
    {
      name: 'int-or-string',
      schema: z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true, pattern: '^x$' }),
      want: { pattern: '^x$', anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
    },
    {
      name: 'any other union becomes undescribed JSON',
      schema: z.union([z.string(), z.array(z.string())]).describe('a value'),
      want: { description: 'a value', 'x-kubernetes-preserve-unknown-fields': true },
    },
    { name: 'preserved', schema: preserved(), want: { 'x-kubernetes-preserve-unknown-fields': true } },
    {
      name: 'preserved object',
      schema: preservedObject('d'),
      want: { description: 'd', type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
    {
      name: 'list by keys, description on the optional',
      schema: z.object({
        l: mapList(z.object({ name: z.string() }), 'name')
          .optional()
          .describe('ports'),
      }),
      want: {
        type: 'object',
        properties: {
          l: {
            type: 'array',
            description: 'ports',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: { type: 'object', properties: { name: text }, required: ['name'] },
          },
        },
      },
    },
    { name: 'time loses the pattern', schema: z.iso.datetime(), want: { type: 'string', format: 'date-time' } },
    {
      name: 'a pattern of the user stays',
      schema: z.string().regex(/^a+$/),
      want: { type: 'string', pattern: '^a+$' },
    },
    { name: 'enum', schema: z.enum(['a', 'b']), want: { type: 'string', enum: ['a', 'b'] } },
    { name: 'boolean', schema: z.boolean(), want: { type: 'boolean' } },
    {
      name: 'default',
      schema: z.object({ p: z.string().default('TCP') }),
      want: { type: 'object', properties: { p: { type: 'string', default: 'TCP' } } },
    },
    { name: 'nullable', schema: z.string().nullable(), want: { type: 'string', nullable: true } },
    { name: 'transform shows its input', schema: z.string().transform((value) => value.length), want: text },
  ];
  test.each(rows)('$name', ({ schema, want }) => {
    expect(structuralSchema(schema)).toEqual(want);
  });

  test('a schema used twice is written twice', () => {
    const shared = z.object({ name: z.string() });
    const { properties } = structuralSchema(z.object({ a: shared, b: shared }));
    expect(properties?.['a']).toEqual(properties?.['b']);
  });
});

describe('constructs that have none', () => {
  const recursive: z.ZodType = z.object({
    get again() {
      return recursive.optional();
    },
  });
  const rows: { name: string; schema: z.ZodType; path: string; problem: RegExp }[] = [
    {
      name: 'strict object',
      schema: z.object({ a: z.strictObject({ b: z.string() }) }),
      path: '$.a',
      problem: /additionalProperties: false/,
    },
    {
      name: 'value without type',
      schema: z.object({ a: z.object({ b: z.unknown() }) }),
      path: '$.a.b',
      problem: /has no type.*preserved\(\)/,
    },
    {
      name: 'record of anything',
      schema: z.object({ a: z.record(z.string(), z.unknown()) }),
      path: '$.a.*',
      problem: /has no type/,
    },
    {
      name: 'record with fixed keys',
      schema: z.record(z.enum(['a', 'b']), z.string()),
      path: '$',
      problem: /fixed keys/,
    },
    {
      name: 'discriminated union',
      schema: z.object({
        a: z.discriminatedUnion('k', [z.object({ k: z.literal('x') }), z.object({ k: z.literal('y') })]),
      }),
      path: '$.a',
      problem: /oneOf/,
    },
    {
      name: 'two patterns',
      schema: z.array(z.string().regex(/^a/).regex(/b$/)),
      path: '$[]',
      problem: /join the patterns/,
    },
    { name: 'own id', schema: z.object({ a: z.string().meta({ id: 'a' }) }), path: '$', problem: /id/ },
    { name: 'recursion', schema: recursive, path: '$', problem: /Cycle.*cut recursion/ },
    { name: 'Date', schema: z.date(), path: '$', problem: /wire types/ },
    { name: 'Set', schema: z.set(z.string()), path: '$', problem: /wire types/ },
    { name: 'uniqueItems', schema: z.array(z.string()).meta({ uniqueItems: true }), path: '$', problem: /list-type/ },
    { name: 'null', schema: z.null(), path: '$', problem: /null is no value/ },
    {
      name: 'unknown keyword',
      schema: z.string().meta({ contentEncoding: 'base64' }),
      path: '$',
      problem: /contentEncoding/,
    },
    { name: 'object without fields', schema: z.unknown().meta({ type: 'object' }), path: '$', problem: /pruned/ },
    { name: 'look-ahead', schema: z.string().regex(/^(?!x)/), path: '$', problem: /RE2/ },
    { name: 'back-reference', schema: z.string().regex(/^(a)\1$/), path: '$', problem: /RE2/ },
    { name: 'mixed literals', schema: z.literal(['a', 2]), path: '$', problem: /has no type/ },
  ];
  test.each(rows)('$name', ({ schema, path, problem }) => {
    const error = catching(() => structuralSchema(schema));
    expect(error).toBeInstanceOf(StructuralSchemaError);
    expect((error as StructuralSchemaError).path).toBe(path);
    expect((error as StructuralSchemaError).message).toMatch(problem);
  });
});

function catching(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Any schema built from the constructs that src/api uses. */
const anySchema: fc.Arbitrary<z.ZodType> = fc.letrec<{ node: z.ZodType }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<z.ZodType[]>(
      z.string(),
      z.int(),
      z.int32(),
      z.boolean(),
      z.iso.datetime(),
      preserved(),
      preservedObject(),
      z.union([z.string(), z.boolean()]),
      z.enum(['x', 'y']),
    ),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node')).map((shape) => z.object(shape)),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('node')).map((shape) => z.looseObject(shape)),
    tie('node').map((item) => z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' })),
    tie('node').map((value) => z.record(z.string(), value)),
    tie('node').map((inner) => inner.optional().describe('text')),
  ),
})).node;

function nodesOf(schema: StructuralSchema): StructuralSchema[] {
  const children = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(schema.additionalProperties ? [schema.additionalProperties] : []),
  ];
  return [schema, ...children.flatMap(nodesOf)];
}

test('whatever is written obeys the rules of structural schemas', () => {
  fc.assert(
    fc.property(anySchema, (schema) => {
      for (const node of nodesOf(structuralSchema(schema))) {
        const undescribed =
          node['x-kubernetes-preserve-unknown-fields'] === true || node['x-kubernetes-int-or-string'] === true;
        expect(node.type !== undefined || undescribed).toBe(true);
        expect(node.properties !== undefined && node.additionalProperties !== undefined).toBe(false);
        expect(node.type === 'array').toBe(node.items !== undefined);
        for (const keyword of ['$ref', 'oneOf', 'allOf', 'not', 'uniqueItems', 'definitions'])
          expect(node).not.toHaveProperty(keyword);
      }
    }),
  );
});
