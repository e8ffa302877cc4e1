import type { ApiObject } from '../meta.ts';
import { preservedObject } from '../schema.ts';

interface ExtensionSpec {
  /** Group and version of the kind, such as example.dev/v1. */
  apiVersion?: string;
  /** The plural of the kind, as in its address. */
  name?: string;
  /** What the navigation calls it. */
  displayname?: string;
  [field: string]: unknown;
}

/** The CRD lets everything through, as upstream's: what else a dashboard reads is its own. */
export const extensionSpec = preservedObject<ExtensionSpec>('A kind of another group: apiVersion, name (its plural).');

/** A kind that the dashboard lists too. */
export type Extension = ApiObject<ExtensionSpec, undefined>;
