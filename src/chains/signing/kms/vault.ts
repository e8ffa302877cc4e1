import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { HttpClient } from '../../../http/client.ts';
import { systemClock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import type { KmsSettings } from '../../config/settings.ts';
import type { SigningAlgorithm } from '../algorithm.ts';
import { fetchJwtSvid } from '../identity/spiffe.ts';
import {
  jsonOf,
  joinUrl,
  request,
  ServiceError,
  trustingClient,
  type Environment,
  type Request,
  type Surroundings,
} from '../service.ts';
import { SigningError } from '../signer.ts';
import type { KmsClient } from './kms.ts';

/** Where the kubelet puts the token of the Pod's ServiceAccount. */
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

interface TransitKey {
  latest_version: number;
  keys: Record<string, { public_key?: string; name?: string }>;
}

/**
 * A key of the transit engine of HashiCorp Vault or OpenBao (developer.hashicorp.com/vault/api-docs/secret/transit).
 * Environment as Sigstore's client: VAULT_ADDR, VAULT_TOKEN (or BAO_ADDR, BAO_TOKEN), VAULT_NAMESPACE, VAULT_CACERT,
 * VAULT_SKIP_VERIFY, TRANSIT_SECRET_ENGINE_PATH.
 */
export function vaultClient(key: string, auth: KmsSettings['auth'], around: Surroundings = {}): KmsClient {
  const server = vaultServer(key, auth, around);
  const { base, transit } = server;
  const call = callerOf(server, auth, around);
  return {
    description: `hashivault://${key}`,
    async fetchKey(signal) {
      const { data } = await call<{ data: TransitKey }>(`${transit}/keys/${key}`, signal);
      const found = data.keys[String(data.latest_version)];
      if (found?.public_key === undefined)
        throw new SigningError(
          `Vault ${base}: ${transit}/keys/${key} is not an asymmetric key; make one with "vault write -f ${transit}/keys/${key} type=ecdsa-p256"`,
          { retryable: false },
        );
      const publicKey = publicKeyOf(found.name, found.public_key);
      return { publicKey, algorithm: algorithmOf(publicKey), version: String(data.latest_version) };
    },
    async sign({ algorithm }, input, signal) {
      const hash = algorithm.hash === undefined ? '' : `/sha2-${algorithm.hash.slice(3)}`;
      const { data } = await call<{ data: { signature: string } }>(`${transit}/sign/${key}${hash}`, signal, {
        input: Buffer.from(input).toString('base64'),
        prehashed: algorithm.hash !== undefined,
        signature_algorithm: 'pkcs1v15',
      });
      return Buffer.from(data.signature.replace(/^vault:v\d+:/, ''), 'base64');
    },
  };
}

interface Sending {
  signal: AbortSignal;
  body?: unknown;
  /** Absent for a login. */
  token?: string;
}

/** Where Vault is, and one request to it. */
interface VaultServer {
  base: string;
  /** The path of the engine. */
  transit: string;
  send: (target: string, sending: Sending) => Promise<unknown>;
}

function vaultServer(key: string, auth: KmsSettings['auth'], around: Surroundings): VaultServer {
  const env = around.env ?? process.env;
  const base = vaultAddress(auth.address || env.VAULT_ADDR || env.BAO_ADDR || '');
  const transit = env.TRANSIT_SECRET_ENGINE_PATH || 'transit';
  const client = trustOf(env);
  const clock = around.clock ?? systemClock;
  const keyWayOut = `check the key ${key}, the engine path ${transit} (TRANSIT_SECRET_ENGINE_PATH), and that the token's policy allows read on ${transit}/keys/${key} and update on ${transit}/sign/${key}/*`;
  const loginWayOut = `check signers.kms.auth.oidc.path (${auth.oidc.path || 'jwt'}) and .role (${auth.oidc.role}) in chains-config, and that this role accepts the token's issuer, audience and subject`;
  return {
    base,
    transit,
    async send(target, { signal, body, token }) {
      const wanted: Request = {
        service: 'Vault',
        url: joinUrl(base, `v1/${target}`),
        ...(body === undefined ? {} : { body }),
        ...(client === undefined ? {} : { client }),
        headers: {
          'x-vault-request': 'true',
          ...(token === undefined ? {} : { 'x-vault-token': token }),
          ...(env.VAULT_NAMESPACE ? { 'x-vault-namespace': env.VAULT_NAMESPACE } : {}),
        },
        wayOut: token === undefined ? loginWayOut : keyWayOut,
      };
      return jsonOf(wanted, await request(wanted, signal, clock));
    },
  };
}

type Call = <T>(target: string, signal: AbortSignal, body?: unknown) => Promise<T>;

/** A token that a login gave. */
interface Session {
  token: string;
  until: number;
}

/** Calls with a token; one from a login is kept while it lives. */
function callerOf(server: VaultServer, auth: KmsSettings['auth'], around: Surroundings): Call {
  const clock = around.clock ?? systemClock;
  let session: Session | undefined;

  async function currentToken(signal: AbortSignal): Promise<string> {
    if (session !== undefined && session.until > clock.now().getTime()) return session.token;
    const jwt = await loginToken(auth, signal);
    if (jwt === undefined) return givenToken(auth, around.env ?? process.env);
    session = await login(server, auth, { jwt, signal, now: clock.now() });
    return session.token;
  }

  return async <T>(target: string, signal: AbortSignal, body?: unknown) => {
    const token = await currentToken(signal);
    try {
      return (await server.send(target, { signal, body, token })) as T;
    } catch (error) {
      // A token from a login may have been revoked before its time: one new login.
      if (!(error instanceof ServiceError) || error.status !== 403 || session === undefined) throw error;
      session = undefined;
      return (await server.send(target, { signal, body, token: await currentToken(signal) })) as T;
    }
  };
}

/**
 * What is logged in with. Upstream's order: SPIRE, then a token (file before value), then a JWT of the ServiceAccount,
 * then the environment.
 */
async function loginToken({ spire, tokenPath, token, oidc }: KmsSettings['auth'], signal: AbortSignal) {
  if (spire.sock !== '') return fetchJwtSvid(spire.sock, spire.audience, signal);
  if (tokenPath !== '' || token !== '' || (oidc.role === '' && oidc.path === '')) return undefined;
  return tokenFile(oidc.tokenPath || serviceAccountToken, 'signers.kms.auth.oidc.token-path');
}

async function givenToken({ tokenPath, token }: KmsSettings['auth'], env: Environment): Promise<string> {
  if (tokenPath !== '') return tokenFile(tokenPath, 'signers.kms.auth.token-path');
  const given = token || env.VAULT_TOKEN || env.BAO_TOKEN;
  if (given) return given;
  return tokenFile(
    path.join(env.HOME ?? homedir(), '.vault-token'),
    'no token is set in signers.kms.auth.token, .token-path, .oidc.role or VAULT_TOKEN; ~/.vault-token',
  );
}

async function login(
  { base, send }: VaultServer,
  { oidc }: KmsSettings['auth'],
  { jwt, signal, now }: { jwt: string; signal: AbortSignal; now: Date },
): Promise<Session> {
  const body = { role: oidc.role, jwt };
  const { auth } = (await send(`auth/${oidc.path || 'jwt'}/login`, { signal, body })) as {
    auth?: { client_token?: string; lease_duration?: number };
  };
  if (auth?.client_token === undefined)
    throw new SigningError(
      `Vault ${base}: the login with role ${JSON.stringify(oidc.role)} gives no token; check signers.kms.auth.oidc.role and .path`,
      { retryable: false },
    );
  const lease = auth.lease_duration ?? 0;
  return { token: auth.client_token, until: now.getTime() + (lease === 0 ? 3600 : lease * 0.9) * 1000 };
}

/** With a scheme; "vault:8200" means plain HTTP as upstream takes it. */
function vaultAddress(address: string): string {
  if (address === '')
    throw new SigningError(
      'the address of Vault is not known; set signers.kms.auth.address in chains-config (https://vault.example.com:8200) or VAULT_ADDR',
      { retryable: false },
    );
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(url))
    throw new SigningError(
      `signers.kms.auth.address in chains-config is ${JSON.stringify(address)}, which is no address; write https://vault.example.com:8200`,
      { retryable: false },
    );
  return url;
}

function trustOf(env: Environment): HttpClient | undefined {
  const ca = env.VAULT_CACERT ? readFileSync(env.VAULT_CACERT, 'utf8') : undefined;
  const blind = env.VAULT_SKIP_VERIFY === 'true' || env.VAULT_SKIP_VERIFY === '1';
  return ca === undefined && !blind
    ? undefined
    : trustingClient({ ...(ca === undefined ? {} : { ca }), insecure: blind });
}

async function tokenFile(file: string, key: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new SigningError(`${key} ${file} cannot be read: ${messageOf(error)}; mount the token there`, {
      cause: error,
    });
  }
}

/** Ed25519 keys come as bare bytes in base64, the others as PEM. */
function publicKeyOf(name: string | undefined, text: string): KeyObject {
  if (name === 'ed25519')
    return createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(text, 'base64').toString('base64url') },
      format: 'jwk',
    });
  return createPublicKey(text);
}

/** Transit signs any curve with any hash: SHA-256 is what cosign checks. */
function algorithmOf(key: KeyObject): SigningAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { scheme: 'ed25519' };
    case 'rsa':
      return { scheme: 'rsa-pkcs1v15', hash: 'sha256' };
    default:
      return { scheme: 'ecdsa', hash: 'sha256' };
  }
}
