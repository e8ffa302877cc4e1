import { z } from 'zod';
import { atomicList, preservedObject } from '../schema.ts';
import { envVar, volume } from './container.ts';

/** Upstream's pod template: the parts of a PodSpec that a run may set (docs/podtemplates.md). */
export const podTemplate = z.object({
  nodeSelector: z.record(z.string(), z.string()).optional().describe('Labels a node must have.'),
  env: atomicList(envVar).optional().describe('Environment variables of every container.'),
  tolerations: atomicList(preservedObject<Record<string, unknown>>()).optional().describe('As core/v1 Toleration.'),
  affinity: preservedObject<Record<string, unknown>>().optional().describe('As core/v1 Affinity.'),
  securityContext: preservedObject<Record<string, unknown>>().optional().describe('As core/v1 PodSecurityContext.'),
  volumes: atomicList(volume).optional().describe('More volumes of the pod.'),
  runtimeClassName: z.string().optional(),
  automountServiceAccountToken: z.boolean().optional(),
  dnsPolicy: z.string().optional(),
  dnsConfig: preservedObject<Record<string, unknown>>().optional(),
  enableServiceLinks: z.boolean().optional(),
  priorityClassName: z.string().optional(),
  schedulerName: z.string().optional(),
  imagePullSecrets: atomicList(z.object({ name: z.string().optional() }))
    .optional()
    .describe('Secrets with registry credentials.'),
  hostAliases: atomicList(preservedObject<Record<string, unknown>>()).optional(),
  hostNetwork: z.boolean().optional(),
  hostUsers: z.boolean().optional(),
  topologySpreadConstraints: atomicList(preservedObject<Record<string, unknown>>()).optional(),
});
export type PodTemplate = z.infer<typeof podTemplate>;
