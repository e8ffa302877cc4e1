import type { Json } from './json.ts';

/** Which API a hub has. */
export const hubTypes = ['artifact', 'tekton'] as const;
export type HubType = (typeof hubTypes)[number];

export const hubKinds = ['task', 'pipeline'] as const;
export type HubKind = (typeof hubKinds)[number];

/** Where in a hub a definition is. */
export interface Place {
  kind: HubKind;
  catalog: string;
  name: string;
}

/** What a hub says of a definition. */
export interface Entry extends Place {
  version: string;
  displayName: string;
  description: string;
  tags: readonly string[];
  categories: readonly string[];
  platforms: readonly string[];
}

/** One version of a definition, whole. */
export interface Package extends Entry {
  /** Whose catalog it is; empty where the hub does not say. */
  organization: string;
  /** Empty where the hub does not say. */
  minPipelinesVersion: string;
  deprecated: boolean;
  /** How much it is liked, in the hub's own words. */
  rating: string;
  yaml: string;
}

export interface SearchQuery {
  name: string;
  kinds: readonly HubKind[];
  tags: readonly string[];
  categories: readonly string[];
  platforms: readonly string[];
  exact: boolean;
  /** 0: all. */
  limit: number;
}

/** The JSON that a hub has at a path. @throws NotInHub, CommandError */
export type HubRequest = (path: string, signal: AbortSignal) => Promise<Json>;

/** A hub's API. All reject with CommandError for what the user must know. */
export interface Hub {
  readonly type: HubType;
  /** Of the catalog that is meant when none is named. */
  defaultCatalog(kind: HubKind): string;
  /** `answer` is what the hub said, for --output json. */
  search(query: SearchQuery, signal: AbortSignal): Promise<{ answer: unknown; found: Entry[] }>;
  /** As the hub writes them, the oldest first. */
  versions(place: Place, signal: AbortSignal): Promise<string[]>;
  package(place: Place, version: string, signal: AbortSignal): Promise<Package>;
}
