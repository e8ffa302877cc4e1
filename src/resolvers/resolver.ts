import type { RefSource } from '../api/meta.ts';
import type { Param } from '../api/pipeline/v1/params.ts';

export const resolverTypes = ['bundles', 'cluster', 'git', 'http', 'hub'] as const;
export type ResolverType = (typeof resolverTypes)[number];

/** What a resolver found. */
export interface ResolvedDefinition {
  data: Buffer;
  annotations: Readonly<Record<string, string>>;
  refSource: RefSource;
}

/** A ConfigMap's data; none counts as empty. */
export type ConfigData = Readonly<Record<string, string>>;

/** Who asks, for what. */
export interface Request {
  /** Of the run: whose secrets may be used. */
  namespace: string;
  params: readonly Param[];
}

/**
 * A request that can be answered: its params are right. `unlock` finds the credentials that it is to be fetched with;
 * what they open is served from the cache only to who has the same ones.
 */
export interface PreparedRequest {
  /** The same answer for ever: a commit, a digest. */
  immutable: boolean;
  /** What is kept apart in the cache: everything that decides the answer but the credentials. */
  cacheKey: string;
  unlock(signal: AbortSignal): Promise<UnlockedRequest>;
}

export interface UnlockedRequest {
  /** Secret values that the request is made with; empty: what anybody gets. */
  credentials: readonly string[];
  /** @throws ResolutionError */
  fetch(signal: AbortSignal): Promise<ResolvedDefinition>;
}

export interface Resolver {
  type: ResolverType;
  /** As upstream calls it in errors. */
  title: string;
  configName: string;
  /** Milliseconds that a resolution may take. @throws InvalidRequest */
  timeoutMs(params: readonly Param[], config: ConfigData): number;
  /** @throws InvalidRequest for params that it cannot work with. */
  prepare(request: Request, config: ConfigData): PreparedRequest;
}

/** Params that no resolver can work with: who wrote them has to act. */
export class InvalidRequest extends Error {
  override name = 'InvalidRequest';
}

/** A definition that could not be had. The message says who was asked, what the answer was and what to do. */
export class ResolutionError extends Error {
  override name = 'ResolutionError';
  /** Asking again may bring another answer. */
  readonly retryable: boolean;
  constructor(message: string, options: ErrorOptions & { retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? false;
  }
}

/** Bytes of a definition: in base64, with all around it, it must fit into an object of the API server. */
export const largestDefinition = 1024 * 1024;
