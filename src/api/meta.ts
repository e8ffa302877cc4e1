import { z } from 'zod';
import type { ObjectMeta, OwnerReference } from '../resource.ts';
import { oneWordOf, preserved, timeText } from './schema.ts';

export type { ObjectMeta, OwnerReference };

/** What every kind of this API has. */
export interface ApiObject<Spec, Status> {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: Spec;
  status?: Status;
}

/** Labels and annotations that a run adds to the objects made for one of its tasks. */
export const embeddedMetadata = z.object({
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type EmbeddedMetadata = z.infer<typeof embeddedMetadata>;

/** knative's duck-typed condition: `Succeeded` is the only type Pipelines writes on its own. */
export const condition = z.object({
  type: z.string(),
  status: oneWordOf<'True' | 'False' | 'Unknown'>().describe('True, False or Unknown.'),
  severity: z.string().optional(),
  lastTransitionTime: timeText.optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});
export type Condition = z.infer<typeof condition>;

/** knative duck status fields, shared by TaskRun and PipelineRun. */
export const duckStatus = {
  observedGeneration: z.int().meta({ format: 'int64' }).optional(),
  conditions: z.array(condition).meta({ 'x-kubernetes-list-type': 'atomic' }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
};

/** Where a definition came from. */
export const refSource = z.object({
  uri: z.string().optional().describe('Where the definition was fetched from.'),
  digest: z.record(z.string(), z.string()).optional().describe('Digests of the source by algorithm.'),
  entryPoint: z.string().optional().describe('Path of the definition inside the source.'),
});
export type RefSource = z.infer<typeof refSource>;

/** `featureFlags` is the camelCase form of the feature-flags ConfigMap, false and empty left out. */
export const provenance = z.object({
  refSource: refSource.optional(),
  featureFlags: preserved<Record<string, unknown>>().optional(),
});
export type Provenance = z.infer<typeof provenance>;
