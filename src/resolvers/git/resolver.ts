import { ByteBudget } from '../../http/byte-budget.ts';
import { RequestParams, cacheKeyOf, defaultTimeoutMs, durationSetting } from '../params.ts';
import type { RemoteFetch } from '../remote.ts';
import { ResolutionError, type ResolvedDefinition, type Resolver, type UnlockedRequest } from '../resolver.ts';
import type { SecretReference, SecretValues } from '../secrets.ts';
import { configName, scmConfig } from './config.ts';
import { checkForge, readForgeFile } from './forges.ts';
import { readFile } from './repository.ts';
import { GitServer, readingLimit } from './server.ts';
import { isCommit, wantedFile, type ApiSource, type CloneSource, type WantedFile } from './wanted.ts';

export interface GitResolverOptions {
  remote: RemoteFetch;
  secrets: SecretValues;
  /** Where the operator's own token is when the ConfigMap does not say. */
  systemNamespace: string;
}

/** Packs and their objects that are held in memory at a time. */
const heldBytes = 384 * 1024 * 1024;

/** Definitions in git repositories: over git's own protocol (param url), or through a forge's API (param repo). */
export function gitResolver({ remote, secrets, systemNamespace }: GitResolverOptions): Resolver {
  const around = { remote, secrets, systemNamespace, budget: new ByteBudget(heldBytes) };
  return {
    type: 'git',
    title: 'Git',
    configName,
    timeoutMs: (params, config) =>
      durationSetting(configName, scmConfig(config, new RequestParams(params)), 'fetch-timeout', defaultTimeoutMs),
    prepare({ namespace, params }, allConfig) {
      const wanted = wantedFile(new RequestParams(params), allConfig);
      const { source, revision, path } = wanted;
      if (source.kind === 'api') checkForge(source.forge, source.serverUrl);
      return {
        immutable: isCommit(revision),
        cacheKey: cacheKeyOf('git', ...sourceKey(source), revision, path),
        unlock: (signal) =>
          source.kind === 'clone'
            ? unlockClone(wanted, source, { ...around, namespace }, signal)
            : unlockApi(wanted, source, { ...around, namespace }, signal),
      };
    },
  };
}

function sourceKey(source: CloneSource | ApiSource): string[] {
  return source.kind === 'clone'
    ? [source.url]
    : [source.forge, source.serverUrl, source.organization, source.repository];
}

interface Around extends GitResolverOptions {
  budget: ByteBudget;
  namespace: string;
}

async function unlockClone(
  { revision, path, config }: WantedFile,
  { url, userinfo, secret }: CloneSource,
  { remote, secrets, budget, namespace }: Around,
  signal: AbortSignal,
): Promise<UnlockedRequest> {
  const login = secret ? `git:${(await secrets.value({ namespace, ...secret }, signal)).trim()}` : userinfo;
  const authorization = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  return {
    credentials: authorization === undefined ? [] : [authorization],
    async fetch(inner) {
      const reading = new ByteBudget(readingLimit, budget);
      try {
        const server = new GitServer(new URL(url), authorization, { remote, budget: reading, config, configName });
        const { commit, content } = await readFile(server, revision, path, inner);
        // A copy: an object may be a part of something larger.
        return found({ url, path, commit, content: Buffer.from(content) });
      } finally {
        reading.release();
      }
    },
  };
}

async function unlockApi(
  { revision, path, config }: WantedFile,
  source: ApiSource,
  around: Around,
  signal: AbortSignal,
): Promise<UnlockedRequest> {
  const { organization, repository, forge, serverUrl } = source;
  const token = (await around.secrets.value(tokenSecret(source, config, around), signal)).trim();
  return {
    credentials: [token],
    async fetch(inner) {
      const file = { organization, repository, revision, path };
      const access = { remote: around.remote, config, token, serverUrl };
      const { commit, content, cloneUrl } = await readForgeFile(forge, file, access, inner);
      return found({ url: cloneUrl, path, commit, content, organization, repository });
    },
  };
}

/** The run's own secret, or the operator's. */
function tokenSecret(
  { secret }: ApiSource,
  config: WantedFile['config'],
  { namespace, systemNamespace }: Around,
): SecretReference {
  if (secret) return { namespace, ...secret };
  const [name, key] = [config['api-token-secret-name'], config['api-token-secret-key']];
  const missing = (what: string) =>
    new ResolutionError(
      `cannot get API token, required when specifying 'repo' param, '${what}' not specified in config; name a secret in param token, or ask the operator to set ${what} in ConfigMap ${configName}`,
    );
  if (!name) throw missing('api-token-secret-name');
  if (!key) throw missing('api-token-secret-key');
  return { namespace: config['api-token-secret-namespace'] || systemNamespace, name, key };
}

interface FoundParts {
  url: string;
  path: string;
  commit: string;
  content: Buffer;
  organization?: string;
  repository?: string;
}

function found({ url, path, commit, content, organization, repository }: FoundParts): ResolvedDefinition {
  const prefix = 'resolution.tekton.dev/';
  return {
    data: content,
    annotations: {
      [`${prefix}revision`]: commit,
      [`${prefix}path`]: path,
      [`${prefix}url`]: url,
      [`${prefix}content-type`]: 'application/x-yaml',
      ...(organization ? { [`${prefix}org`]: organization } : {}),
      ...(repository ? { [`${prefix}repo`]: repository } : {}),
    },
    refSource: { uri: `git+${url}`, digest: { [commit.length === 40 ? 'sha1' : 'sha256']: commit }, entryPoint: path },
  };
}
