import { z } from 'zod';
import { atomicList, oneWordOf, preserved } from '../../schema.ts';
import type { ParamValue } from './param-value.ts';

export { toParamValue, type ParamValue } from './param-value.ts';

export const paramValue = preserved<ParamValue>('Text, a list of texts, or an object of texts.');

export type ParamType = 'string' | 'array' | 'object';
export const paramType = oneWordOf<ParamType>();

export const propertySpec = z.object({ type: paramType.optional() });

export const paramSpec = z.object({
  name: z.string(),
  type: paramType.optional().describe('string, array or object; taken from the default when left out, else string.'),
  description: z.string().optional(),
  properties: z.record(z.string(), propertySpec).optional().describe('Keys of an object param.'),
  default: paramValue.optional().describe('Value when a run gives none.'),
  enum: z.array(z.string()).optional().describe('Allowed values (flag enable-param-enum).'),
});
export type ParamSpec = z.infer<typeof paramSpec>;

export const param = z.object({ name: z.string(), value: paramValue });
export type Param = z.infer<typeof param>;

export const paramSpecs = atomicList(paramSpec);
export const params = atomicList(param);

/** A guard: skip unless `input` is (not) among `values`, or the CEL expression holds. */
export const whenExpression = z.object({
  input: z.string().optional().describe('Text to look for, usually a variable.'),
  operator: z.string().optional().describe('in or notin.'),
  values: z.array(z.string()).optional().describe('Texts to compare the input with.'),
  cel: z
    .string()
    .optional()
    .describe('CEL expression in place of input, operator and values (flag enable-cel-in-whenexpression).'),
});
export type WhenExpression = z.infer<typeof whenExpression>;

/** Reference to a definition: in the cluster by name, or through a resolver. */
const resolverFields = {
  resolver: z
    .string()
    .optional()
    .describe('Fetches the definition from elsewhere: git, hub, bundles, cluster or http.'),
  params: params.optional().describe('What the resolver needs to find it.'),
};

export const taskRef = z.object({
  name: z.string().optional(),
  kind: z.string().default('Task').optional().describe('Task, or with apiVersion the kind of a custom task.'),
  apiVersion: z.string().optional().describe('Set only for custom tasks.'),
  ...resolverFields,
});
export type TaskRef = z.infer<typeof taskRef>;

export const pipelineRef = z.object({
  name: z.string().optional(),
  apiVersion: z.string().optional(),
  ...resolverFields,
});
export type PipelineRef = z.infer<typeof pipelineRef>;

export const stepActionRef = z.object({ name: z.string().optional(), ...resolverFields });
export type StepActionRef = z.infer<typeof stepActionRef>;
