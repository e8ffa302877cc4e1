import { z } from 'zod';
import { containerFields } from '../../core/container.ts';
import type { ApiObject } from '../../meta.ts';
import { atomicList } from '../../schema.ts';
import { paramSpecs } from '../v1/params.ts';
import { stepResult } from '../v1/task.ts';

export const stepActionSpec = z.object({
  description: z.string().optional(),
  ...containerFields,
  script: z.string().optional().describe('Contents of a file to run. Params reach it through env only.'),
  params: paramSpecs.optional().describe('Inputs of the StepAction.'),
  results: atomicList(stepResult).optional().describe('Results the step writes to $(step.results.<name>.path).'),
});
export type StepActionSpec = z.infer<typeof stepActionSpec>;

/** A step to refer to from Tasks. v1alpha1 and v1beta1 have the same fields. */
export type StepAction = ApiObject<StepActionSpec, undefined>;
