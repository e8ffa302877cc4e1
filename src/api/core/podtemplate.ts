import { z } from 'zod';
import { atomicList, preserved, preservedObject } from '../schema.ts';
import { envVar, volume } from './container.ts';

/** Upstream's pod template: the parts of a PodSpec that a run may set (docs/podtemplates.md). */
export const podTemplate = z.object({
  nodeSelector: z.record(z.string(), z.string()).optional(),
  env: atomicList(envVar).optional(),
  tolerations: atomicList(preservedObject<Record<string, unknown>>()).optional(),
  affinity: preservedObject<Record<string, unknown>>().optional(),
  securityContext: preservedObject<Record<string, unknown>>().optional(),
  volumes: atomicList(volume).optional(),
  runtimeClassName: z.string().optional(),
  automountServiceAccountToken: z.boolean().optional(),
  dnsPolicy: z.string().optional(),
  dnsConfig: preservedObject<Record<string, unknown>>().optional(),
  enableServiceLinks: z.boolean().optional(),
  priorityClassName: z.string().optional(),
  schedulerName: z.string().optional(),
  imagePullSecrets: atomicList(z.object({ name: z.string().optional() })).optional(),
  hostAliases: atomicList(preservedObject<Record<string, unknown>>()).optional(),
  hostNetwork: z.boolean().optional(),
  hostUsers: z.boolean().optional(),
  topologySpreadConstraints: atomicList(preserved<Record<string, unknown>>()).optional(),
});
export type PodTemplate = z.infer<typeof podTemplate>;
