import { z } from 'zod';
import { duckStatus, type ApiObject, type RefSource } from '../meta.ts';
import { params } from '../pipeline/v1/params.ts';
import type { Resource } from '../../resource.ts';
import { preserved } from '../schema.ts';

/** Which resolver is to answer. */
export const resolverTypeLabel = 'resolution.tekton.dev/type';

export const resolutionRequestSpec = z.object({
  params: params.optional().describe('What the resolver needs to find the definition.'),
  url: z.string().optional().describe('A reference in one word, in place of params.'),
});
export type ResolutionRequestSpec = z.infer<typeof resolutionRequestSpec>;

export const resolutionRequestStatus = z.object({
  ...duckStatus,
  data: z.string().optional().describe('The definition, in base64.'),
  source: preserved<RefSource>('Deprecated: refSource.').optional(),
  refSource: preserved<RefSource>('Where the definition came from.').optional(),
});
export type ResolutionRequestStatus = z.infer<typeof resolutionRequestStatus>;

export type ResolutionRequest = ApiObject<ResolutionRequestSpec, ResolutionRequestStatus>;

export const resolutionRequests: Resource<ResolutionRequest> = {
  group: 'resolution.tekton.dev',
  version: 'v1beta1',
  plural: 'resolutionrequests',
  kind: 'ResolutionRequest',
  namespaced: true,
};

/** v1alpha1: params are an object of texts. */
export const resolutionRequestSpecV1alpha1 = z.object({
  params: z.record(z.string(), z.string()).optional(),
});
export type ResolutionRequestSpecV1alpha1 = z.infer<typeof resolutionRequestSpecV1alpha1>;

export type ResolutionRequestV1alpha1 = ApiObject<ResolutionRequestSpecV1alpha1, ResolutionRequestStatus>;
