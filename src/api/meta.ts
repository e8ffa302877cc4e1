import { z } from 'zod';
import { oneWordOf, preserved, timeText } from './schema.ts';

/** Owner of an object, meta/v1. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** The part of meta/v1 ObjectMeta that we read or write. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

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
