import { z } from 'zod';
import type { ApiObject } from '../meta.ts';
import type { Resource } from '../../resource.ts';
import { oneWordOf } from '../schema.ts';

export type HashAlgorithm = 'sha224' | 'sha256' | 'sha384' | 'sha512';

export const policyKey = z.object({
  secretRef: z
    .object({ name: z.string().optional(), namespace: z.string().optional() })
    .optional()
    .describe('A Secret with the public key as its only entry.'),
  data: z.string().optional().describe('The public key in PEM.'),
  kms: z.string().optional().describe('Where a KMS holds the key, such as awskms:///KEY.'),
  hashAlgorithm: oneWordOf<HashAlgorithm | ''>().optional().describe('sha224, sha256 (default), sha384 or sha512.'),
});
export type PolicyKey = z.infer<typeof policyKey>;

export const authority = z.object({ name: z.string(), key: policyKey.optional() });
export type Authority = z.infer<typeof authority>;

export const verificationPolicySpec = z.object({
  resources: z
    .array(z.object({ pattern: z.string() }))
    .describe('Regular expressions; one that fits where a definition came from makes the policy count for it.'),
  authorities: z.array(authority).describe('Keys: a signature by one of them is enough.'),
  mode: oneWordOf<'enforce' | 'warn' | ''>().optional().describe('enforce (default) fails runs, warn tells.'),
});
export type VerificationPolicySpec = z.infer<typeof verificationPolicySpec>;

export type VerificationPolicy = ApiObject<VerificationPolicySpec, never>;

export const verificationPolicies: Resource<VerificationPolicy> = {
  group: 'tekton.dev',
  version: 'v1alpha1',
  plural: 'verificationpolicies',
  kind: 'VerificationPolicy',
  namespaced: true,
};
