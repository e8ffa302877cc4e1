import { createHash } from 'node:crypto';
import { configNames } from '../defaults.ts';
import { RequestParams, cacheKeyOf, defaultTimeoutMs, durationSetting } from '../params.ts';
import {
  InvalidRequest,
  ResolutionError,
  type ConfigData,
  type PreparedRequest,
  type ResolvedDefinition,
  type Resolver,
} from '../resolver.ts';
import type { RemoteFetch } from '../remote.ts';
import type { SecretValues } from '../secrets.ts';

const configName = configNames.http;

interface Wanted {
  url: URL;
  digest: { algorithm: 'sha256' | 'sha512'; hex: string } | undefined;
  login: { username: string; secret: string; key: string } | undefined;
}

/** Definitions at plain http(s) addresses. */
export function httpResolver(remote: RemoteFetch, secrets: SecretValues): Resolver {
  return {
    type: 'http',
    title: 'Http',
    configName,
    timeoutMs: (_params, config) => durationSetting(configName, config, 'fetch-timeout', defaultTimeoutMs),
    prepare({ namespace, params }, config) {
      const wanted = wantedOf(new RequestParams(params));
      return prepared(wanted, { namespace, config, remote, secrets });
    },
  };
}

interface Around {
  namespace: string;
  config: ConfigData;
  remote: RemoteFetch;
  secrets: SecretValues;
}

function prepared(wanted: Wanted, { namespace, config, remote, secrets }: Around): PreparedRequest {
  const { url, digest, login } = wanted;
  return {
    immutable: digest !== undefined,
    cacheKey: cacheKeyOf('http', url.href, digest && `${digest.algorithm}:${digest.hex}`),
    async unlock(signal) {
      const authorization = login && (await basicAuthorization(login, namespace, secrets, signal));
      return {
        credentials: authorization === undefined ? [] : [authorization],
        async fetch(inner) {
          const body = await remote.get({ url, config, configName, authorization, operation: 'http' }, inner);
          return resolved(url, body, digest);
        },
      };
    },
  };
}

function resolved(url: URL, body: Buffer, digest: Wanted['digest']): ResolvedDefinition {
  if (digest !== undefined) {
    const actual = createHash(digest.algorithm).update(body).digest('hex');
    if (actual !== digest.hex)
      throw new ResolutionError(
        `error validating digest: SHA mismatch, expected ${digest.hex}, got ${actual}; what ${url.host} serves is not what the reference names: compare the two, then change param digest`,
      );
  }
  const sha256 = createHash('sha256').update(body).digest('hex');
  return { data: body, annotations: {}, refSource: { uri: url.href, digest: { sha256 } } };
}

function wantedOf(params: RequestParams): Wanted {
  const url = params.has('url') ? addressOf(params.text('url')) : undefined;
  const login = loginOf(params);
  if (url === undefined) throw new InvalidRequest('missing required http resolver params: url');
  return { url, login, digest: params.has('digest') ? digestOf(params.text('digest')) : undefined };
}

function addressOf(text: string): URL {
  if (!URL.canParse(text))
    throw new InvalidRequest(`cannot parse url ${text}: write a whole one, such as https://example.com/task.yaml`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new InvalidRequest(`url ${text} is not a valid http(s) url`);
  if (url.username !== '' || url.password !== '')
    throw new InvalidRequest(
      `url ${url.origin} holds credentials, which everybody who sees the run would see; use params http-username and http-password-secret`,
    );
  return url;
}

function loginOf(params: RequestParams): Wanted['login'] {
  const [user, secret] = ['http-username', 'http-password-secret'];
  if (!params.has(user) && !params.has(secret)) return undefined;
  if (!params.has(secret)) throw new InvalidRequest(`missing required param ${secret} when using ${user}`);
  if (!params.has(user)) throw new InvalidRequest(`missing required param ${user} when using ${secret}`);
  for (const name of [user, secret])
    if (params.text(name) === '') throw new InvalidRequest(`value ${name} cannot be empty`);
  const key = params.text('http-password-secret-key') || 'password';
  return { username: params.text(user), secret: params.text(secret), key };
}

function digestOf(text: string): Wanted['digest'] {
  const [algorithm = '', hex, ...rest] = text.split(':');
  if (hex === undefined || rest.length > 0) throw new InvalidRequest(`invalid digest format: ${text}`);
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    throw new InvalidRequest(`invalid digest algorithm: ${algorithm}`);
  const length = algorithm === 'sha256' ? 64 : 128;
  if (hex.length !== length)
    throw new InvalidRequest(`invalid ${algorithm} digest value, expected length: ${length}, got: ${hex.length}`);
  if (!/^[0-9a-f]+$/i.test(hex))
    throw new InvalidRequest(`error decoding expected SHA string: ${hex} is not hexadecimal`);
  return { algorithm, hex: hex.toLowerCase() };
}

async function basicAuthorization(
  { username, secret, key }: NonNullable<Wanted['login']>,
  namespace: string,
  secrets: SecretValues,
  signal: AbortSignal,
): Promise<string> {
  const password = await secrets.value({ namespace, name: secret, key }, signal);
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
