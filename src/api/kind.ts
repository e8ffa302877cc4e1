import type { z } from 'zod';
import type { KubeObject } from '../resource.ts';
import type { FieldError } from './fielderror.ts';
import type { ValidationContext } from './pipeline/v1/validation.ts';
import type { ValidationRule } from './structural.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'date';
  jsonPath: string;
}

/**
 * One version of a kind: what it looks like, and what admission does to it. `T` is the version's type, `Stored` that of
 * the version that is stored.
 */
export interface KindVersion<T extends KubeObject = KubeObject, Stored extends KubeObject = KubeObject> {
  /** Such as `v1beta1`. */
  name: string;
  /** Exactly one version of a kind is stored; the others are converted to it and from it. */
  storage: boolean;
  spec: z.ZodType;
  /** The spec with the parts that the CRD leaves undescribed; what admission reads it by. */
  strictSpec?: z.ZodType;
  /** Left out for kinds that only are looked up. */
  status?: z.ZodType;
  /** Rules on the whole object, which no part of it can tell alone. */
  rules?: ValidationRule[];
  printerColumns: PrinterColumn[];
  /** The object with its defaults. Applied twice it gives the same as once. */
  setDefaults?(object: T, context: ValidationContext): T;
  /** What is wrong with an object whose defaults are set. Paths start with `spec` or `metadata`. */
  validate?(object: T, context: ValidationContext): FieldError[];
  /** What is wrong with a change that `validate` finds nothing wrong with. */
  validateUpdate?(before: T, after: T, context: ValidationContext): FieldError[];
  /** The same object in the stored version, and back. Left out where the versions differ in nothing but their name. */
  convert?: Conversion<T, Stored>;
}

/** There and back is the identity. Neither throws, whatever the object holds. */
export interface Conversion<T extends KubeObject, Stored extends KubeObject> {
  toStored(object: T): Stored;
  fromStored(object: Stored): T;
}

/** Everything a CustomResourceDefinition and the webhook know about one kind. */
export interface KindDefinition {
  group: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  description: string;
  /** Label app.kubernetes.io/part-of of its CRD. */
  partOf: 'tekton-pipelines' | 'tekton-triggers' | 'tekton-dashboard';
  statusSubresource: boolean;
  /** Oldest first, as upstream lists them. */
  versions: readonly KindVersion[];
}

/** The version whose objects are stored. */
export function storedVersion(kind: KindDefinition): KindVersion {
  const stored = kind.versions.find((version) => version.storage);
  if (stored === undefined) throw new Error(`${kind.kind} has no stored version`);
  return stored;
}

/** Whether something has to convert between the versions; the API server alone only renames them. */
export function needsConversion(kind: KindDefinition): boolean {
  return kind.versions.some((version) => version.convert !== undefined);
}

/**
 * A row of the table, of whatever type its objects are: the table holds them side by side, and whoever calls a row's
 * functions has looked it up by the object's own apiVersion and kind.
 */
export function kindVersion<T extends KubeObject, Stored extends KubeObject = KubeObject>(
  version: KindVersion<T, Stored>,
): KindVersion {
  return version;
}
