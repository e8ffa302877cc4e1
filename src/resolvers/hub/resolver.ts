import { createHash } from 'node:crypto';
import { formatDuration } from '../../duration.ts';
import { withDeadline } from '../../http/deadline.ts';
import { RequestParams, cacheKeyOf, defaultTimeoutMs, durationSetting } from '../params.ts';
import type { RemoteFetch } from '../remote.ts';
import {
  ResolutionError,
  largestDefinition,
  type ConfigData,
  type ResolvedDefinition,
  type Resolver,
} from '../resolver.ts';
import { configName, wantedEntry, type HubAddresses, type WantedEntry } from './settings.ts';
import { compareVersions, parseConstraint, parseVersion, type Constraint, type Version } from './version.ts';

/** A listing has the versions of one entry, and its description. */
const listingLimit = 4 * largestDefinition;

/** Definitions in Artifact Hub and Tekton Hub. */
export function hubResolver(remote: RemoteFetch, addresses: HubAddresses): Resolver {
  const timeoutMs = (config: ConfigData) => durationSetting(configName, config, 'fetch-timeout', defaultTimeoutMs);
  return {
    type: 'hub',
    title: 'Hub',
    configName,
    timeoutMs: (_params, config) => timeoutMs(config),
    prepare({ params }, config) {
      const wanted = wantedEntry(new RequestParams(params), config, addresses);
      const { type, kind, catalog, name, version, hubs } = wanted;
      return {
        // A hub may replace what a version is.
        immutable: false,
        cacheKey: cacheKeyOf('hub', type, kind, catalog, name, version, ...hubs),
        unlock: () =>
          Promise.resolve({
            credentials: [],
            fetch: (signal) => {
              // What is left is for the last one.
              const eachMs = Math.floor(timeoutMs(config) / (hubs.length + 1));
              return fetchEntry(wanted, { client: new HubClient(remote, config), eachMs }, signal);
            },
          }),
      };
    },
  };
}

/** A hub says that none of its versions fits: other hubs are not asked, as they may mean something else by the name. */
class NoVersion extends ResolutionError {}

/**
 * The first hub that has it. One that does not answer has its share of the time, and leaves theirs to those after it.
 * @throws ResolutionError with what each of them answered.
 */
async function fetchEntry(
  wanted: WantedEntry,
  { client, eachMs }: { client: HubClient; eachMs: number },
  signal: AbortSignal,
): Promise<ResolvedDefinition> {
  const failures: ResolutionError[] = [];
  for (const [index, hub] of wanted.hubs.entries()) {
    const isLast = index === wanted.hubs.length - 1;
    try {
      if (isLast) return await client.entry(hub, wanted, signal);
      const late = () =>
        new ResolutionError(`${failing(wanted)}: ${hub} did not answer within ${formatDuration(eachMs)}`, {
          retryable: true,
        });
      return await withDeadline({ ms: eachMs, signal, late }, (bounded) => client.entry(hub, wanted, bounded));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ResolutionError) || error instanceof NoVersion) throw error;
      failures.push(error);
    }
  }
  const [only] = failures;
  if (only !== undefined && failures.length === 1) throw only;
  throw new ResolutionError(
    `failed to fetch resource from any configured hub URL: ${failures.map(({ message }) => message).join('; ')}`,
    { retryable: failures.some(({ retryable }) => retryable) },
  );
}

type Json = Readonly<Record<string, unknown>>;

class HubClient {
  readonly #remote: RemoteFetch;
  readonly #config: ConfigData;

  constructor(remote: RemoteFetch, config: ConfigData) {
    this.#remote = remote;
    this.#config = config;
  }

  async entry(hub: string, wanted: WantedEntry, signal: AbortSignal): Promise<ResolvedDefinition> {
    const constraint = parseConstraint(wanted.version);
    const version = constraint ? await this.#version(hub, wanted, constraint, signal) : wanted.version;
    const url = new URL(entryUrl(hub, wanted, hubVersion(version, wanted)));
    const { data } = await this.#json(url, wanted, largestDefinition * 2, signal);
    const yaml = (data as Json | undefined)?.[wanted.type === 'artifact' ? 'manifestRaw' : 'yaml'];
    if (typeof yaml !== 'string' || yaml === '')
      throw new ResolutionError(`${failing(wanted)}: ${url.host} answered without a definition at ${url.pathname}`);
    const sha256 = createHash('sha256').update(yaml).digest('hex');
    return { data: Buffer.from(yaml), annotations: {}, refSource: { uri: url.href, digest: { sha256 } } };
  }

  /** The newest version that fits. */
  async #version(hub: string, wanted: WantedEntry, constraint: Constraint, signal: AbortSignal): Promise<string> {
    const url = new URL(listingUrl(hub, wanted));
    const listing = await this.#json(url, wanted, listingLimit, signal);
    const fitting = versionsOf(listing, wanted).filter(constraint).sort(compareVersions);
    const newest = fitting.at(-1);
    if (newest === undefined)
      throw new NoVersion(
        `no version found for constraint ${wanted.version}: ${url.host} has other versions of ${wanted.kind} ${wanted.name} in catalog ${wanted.catalog}`,
      );
    return newest.text;
  }

  async #json(url: URL, wanted: WantedEntry, limit: number, signal: AbortSignal): Promise<Json> {
    const asked = { url, config: this.#config, configName, operation: 'hub', limit };
    const answer = await this.#remote.send(asked, signal).catch((error: unknown) => {
      if (!(error instanceof ResolutionError)) throw error;
      throw new ResolutionError(`${failing(wanted)}: requesting resource from Hub: ${error.message}`, {
        retryable: error.retryable,
        cause: error,
      });
    });
    if (answer.status !== 200)
      throw new ResolutionError(
        `${failing(wanted)}: requested resource '${url.href}' not found on hub: ${url.host} answered ${answer.status}; check name, version, kind and catalog`,
        { retryable: answer.status >= 500 || answer.status === 429 },
      );
    try {
      const json: unknown = JSON.parse(answer.body.toString('utf8'));
      if (typeof json === 'object' && json !== null) return json as Json;
    } catch {
      // told below
    }
    throw new ResolutionError(
      `${failing(wanted)}: error unmarshalling json response: ${url.host} is no hub of this type`,
    );
  }
}

function failing({ type }: WantedEntry): string {
  return `fail to fetch ${type === 'artifact' ? 'Artifact' : 'Tekton'} Hub resource`;
}

function listingUrl(hub: string, { type, kind, catalog, name }: WantedEntry): string {
  const [aKind, aCatalog, aName] = [kind, catalog, name].map(encodeURIComponent);
  return type === 'artifact'
    ? `${hub}/api/v1/packages/tekton-${aKind}/${aCatalog}/${aName}`
    : `${hub}/v1/resource/${aCatalog}/${aKind}/${aName}`;
}

function entryUrl(hub: string, wanted: WantedEntry, version: string): string {
  const url = `${listingUrl(hub, wanted)}/${encodeURIComponent(version)}`;
  return wanted.type === 'artifact' ? url : `${url}/yaml`;
}

/** Artifact Hub knows versions of three numbers, Tekton Hub of two. */
function hubVersion(version: string, { type }: WantedEntry): string {
  const parts = version.split('.');
  if (type === 'artifact') return parts.length === 2 ? `${version}.0` : version;
  return parts.slice(0, 2).join('.');
}

function versionsOf(listing: Json, { type }: WantedEntry): Version[] {
  const list =
    type === 'artifact' ? listing['available_versions'] : (listing['data'] as Json | undefined)?.['versions'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const { version, prerelease } = (each ?? {}) as { version?: unknown; prerelease?: unknown };
    const parsed = typeof version === 'string' && prerelease !== true ? parseVersion(version) : undefined;
    return parsed ? [parsed] : [];
  });
}
