import { z } from 'zod';
import { atomicList, preserved } from '../../schema.ts';

/** A param or result value: untyped JSON on the wire. Numbers and nested arrays are kept as their JSON text by upstream. */
export type ParamValue = string | string[] | Record<string, string>;
export const paramValue = preserved<ParamValue>();

export const paramType = z.enum(['string', 'array', 'object']);
export type ParamType = z.infer<typeof paramType>;

export const propertySpec = z.object({ type: paramType.optional() });

export const paramSpec = z.object({
  name: z.string(),
  type: paramType.optional(),
  description: z.string().optional(),
  properties: z.record(z.string(), propertySpec).optional(),
  default: paramValue.optional(),
  enum: z.array(z.string()).optional(),
});
export type ParamSpec = z.infer<typeof paramSpec>;

export const param = z.object({ name: z.string(), value: paramValue });
export type Param = z.infer<typeof param>;

export const paramSpecs = atomicList(paramSpec);
export const params = atomicList(param);

/** A guard: skip unless `input` is (not) among `values`, or the CEL expression holds. */
export const whenExpression = z.object({
  input: z.string().optional(),
  operator: z.string().optional(),
  values: z.array(z.string()).optional(),
  cel: z.string().optional(),
});
export type WhenExpression = z.infer<typeof whenExpression>;

/** Reference to a definition: in the cluster by name, or through a resolver. */
const resolverFields = { resolver: z.string().optional(), params: params.optional() };

export const taskRef = z.object({
  name: z.string().optional(),
  kind: z.string().optional(),
  apiVersion: z.string().optional(),
  bundle: z.string().optional(),
  ...resolverFields,
});
export type TaskRef = z.infer<typeof taskRef>;

export const pipelineRef = z.object({
  name: z.string().optional(),
  apiVersion: z.string().optional(),
  bundle: z.string().optional(),
  ...resolverFields,
});
export type PipelineRef = z.infer<typeof pipelineRef>;

export const stepActionRef = z.object({ name: z.string().optional(), ...resolverFields });
export type StepActionRef = z.infer<typeof stepActionRef>;
