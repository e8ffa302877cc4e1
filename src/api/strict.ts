import type { KindVersion } from './kind.ts';
import { structuralSchema, type StructuralSchema } from './structural.ts';

const schemas = new WeakMap<KindVersion, StructuralSchema>();

/**
 * The schema that specs of a version are read by. It describes more than the CRD does: a pipeline written into a run is
 * passed through by the API server.
 */
export function strictSchema(version: KindVersion): StructuralSchema {
  let schema = schemas.get(version);
  if (schema === undefined) schemas.set(version, (schema = structuralSchema(version.strictSpec ?? version.spec)));
  return schema;
}
