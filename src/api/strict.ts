import type { KindVersion } from './kind.ts';
import { structuralSchema, type StructuralSchema } from './structural.ts';
import { onceFor } from '../memo.ts';

/**
 * The schema that specs of a version are read by. It describes more than the CRD does: a pipeline written into a run is
 * passed through by the API server.
 */
export const strictSchema: (version: KindVersion) => StructuralSchema = onceFor(({ strictSpec, spec }) =>
  structuralSchema(strictSpec ?? spec),
);
