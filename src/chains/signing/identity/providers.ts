import { access, readFile } from 'node:fs/promises';
import { systemClock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import type { X509Settings } from '../../config/settings.ts';
import { jsonOf, request, type Request, type Surroundings } from '../service.ts';
import { SigningError } from '../signer.ts';
import { googleIdToken, impersonatedIdToken, onGoogleCloud } from './google.ts';
import { fetchJwtSvid } from './spiffe.ts';

/** The audience that Fulcio wants in every token. */
const audience = 'sigstore';
/** Where Chains mounts the projected token of its ServiceAccount. */
const defaultTokenFile = '/var/run/sigstore/cosign/oidc-token';
const defaultSpiffeSocket = '/tmp/spire-agent/public/api.sock';

interface Provider {
  /** Whether its conditions are met here; only asked when no provider is chosen by name. */
  enabled(signal: AbortSignal): Promise<boolean> | boolean;
  token(signal: AbortSignal): Promise<string>;
}

export const providerNames = [
  'filesystem-custom-path',
  'filesystem',
  'envvar',
  'github-actions',
  'buildkite-agent',
  'spiffe',
  'google-impersonate',
  'google-workload-identity',
] as const;
export type ProviderName = (typeof providerNames)[number];

/** Names that upstream's documentation gives, but its code does not know. */
const SHORT_NAMES: Readonly<Record<string, ProviderName>> = {
  github: 'github-actions',
  buildkite: 'buildkite-agent',
  google: 'google-workload-identity',
  file: 'filesystem',
  env: 'envvar',
  spire: 'spiffe',
};

export interface IdentityOptions extends Surroundings {
  /** For tests: instead of /var/run/sigstore/cosign/oidc-token. */
  tokenFile?: string;
}

/**
 * The OIDC token that proves to Fulcio who signs. `signers.x509.fulcio.provider` chooses where it comes from; without
 * it all places are tried in the order of `providerNames`, and the first that has a token wins.
 * @throws SigningError naming the provider and what it needs.
 */
export async function identityToken(
  settings: X509Settings,
  signal: AbortSignal,
  options: IdentityOptions = {},
): Promise<string> {
  const providers = providersOf(settings, options);
  const wanted = providerName(settings);
  if (wanted !== undefined) return checked(wanted, await providers[wanted].token(signal));
  const failures: string[] = [];
  for (const name of providerNames) {
    if (!(await providers[name].enabled(signal))) continue;
    try {
      return checked(name, await providers[name].token(signal));
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new SigningError(
    `no identity token for Fulcio (${failures.length === 0 ? 'no provider is set up here' : failures.join('; ')}); mount a projected ServiceAccount token with audience sigstore at ${defaultTokenFile}, or set signers.x509.fulcio.provider`,
  );
}

/** The provider that is set, by its full name; undefined: try all. A token file of its own means the file provider. */
export function providerName(settings: X509Settings): ProviderName | undefined {
  const given = settings.fulcio.provider;
  const name = (providerNames as readonly string[]).includes(given) ? (given as ProviderName) : SHORT_NAMES[given];
  if (name === undefined && given !== '') {
    throw new SigningError(
      `signers.x509.fulcio.provider in chains-config is ${JSON.stringify(given)}, which is no provider; use one of ${providerNames.join(', ')}, or remove the key to try all`,
      { retryable: false },
    );
  }
  return settings.identityTokenFile !== '' && (name === undefined || name === 'filesystem')
    ? 'filesystem-custom-path'
    : name;
}

function providersOf(settings: X509Settings, options: IdentityOptions): Record<ProviderName, Provider> {
  const env = options.env ?? process.env;
  const clock = options.clock ?? systemClock;
  const tokenFile = options.tokenFile ?? defaultTokenFile;
  const socket = env.SPIFFE_ENDPOINT_SOCKET || defaultSpiffeSocket;
  const need = (name: string): string => {
    const value = env[name];
    if (value) return value;
    throw new SigningError(`the environment variable ${name} is not set`, { retryable: false });
  };
  const post = async (wanted: Request, signal: AbortSignal) =>
    jsonOf(wanted, await request(wanted, signal, clock)) as { value?: string; token?: string };

  return {
    'filesystem-custom-path': {
      enabled: () => settings.identityTokenFile !== '',
      token: async () => {
        if (settings.identityTokenFile === '')
          throw new SigningError(
            'signers.x509.fulcio.provider is filesystem-custom-path, but signers.x509.identity.token.file is not set',
            { retryable: false },
          );
        return fromFile(settings.identityTokenFile, 'signers.x509.identity.token.file');
      },
    },
    filesystem: { enabled: () => exists(tokenFile), token: () => fromFile(tokenFile, 'the projected token') },
    envvar: {
      enabled: () => env.SIGSTORE_ID_TOKEN !== undefined,
      token: () => Promise.resolve(need('SIGSTORE_ID_TOKEN')),
    },
    'github-actions': {
      enabled: () => Boolean(env.ACTIONS_ID_TOKEN_REQUEST_TOKEN && env.ACTIONS_ID_TOKEN_REQUEST_URL),
      token: async (signal) => {
        const url = new URL(need('ACTIONS_ID_TOKEN_REQUEST_URL'));
        url.searchParams.append('audience', audience);
        const answer = await post(
          {
            service: 'GitHub Actions',
            url: url.href,
            headers: { authorization: `bearer ${need('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}` },
            wayOut: 'give the workflow the permission id-token: write',
          },
          signal,
        );
        return answer.value ?? '';
      },
    },
    'buildkite-agent': {
      enabled: () => Boolean(env.BUILDKITE_AGENT_ACCESS_TOKEN),
      token: async (signal) => {
        const base = (env.BUILDKITE_AGENT_ENDPOINT || 'https://agent.buildkite.com/v3').replace(/\/+$/, '');
        const url = `${base}/jobs/${encodeURIComponent(need('BUILDKITE_JOB_ID'))}/oidc/tokens`;
        const answer = await post(
          {
            service: 'Buildkite',
            url,
            body: { audience },
            headers: { authorization: `Token ${need('BUILDKITE_AGENT_ACCESS_TOKEN')}` },
            wayOut: 'check BUILDKITE_AGENT_ACCESS_TOKEN and BUILDKITE_JOB_ID',
          },
          signal,
        );
        return answer.token ?? '';
      },
    },
    spiffe: {
      enabled: () => exists(socket.replace(/^unix:(\/\/)?/, '')),
      token: (signal) => fetchJwtSvid(socket, audience, signal),
    },
    'google-impersonate': {
      enabled: () => Boolean(env.GOOGLE_SERVICE_ACCOUNT_NAME),
      token: async (signal) => impersonatedIdToken(need('GOOGLE_SERVICE_ACCOUNT_NAME'), audience, signal, options),
    },
    'google-workload-identity': { enabled: onGoogleCloud, token: () => googleIdToken(audience) },
  };
}

function checked(name: ProviderName, token: string): string {
  if (token.split('.').length === 3) return token;
  throw new SigningError(
    `provider ${name} gave ${token === '' ? 'an empty token' : 'what is not a JSON Web Token'}; check that it issues OIDC tokens`,
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function fromFile(file: string, what: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new SigningError(
      `${what} ${file} cannot be read: ${messageOf(error)}; mount a projected ServiceAccount token with audience sigstore there`,
      { cause: error },
    );
  }
}
