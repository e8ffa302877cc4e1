import { AsyncLocalStorage } from 'node:async_hooks';
import { createPublicKey } from 'node:crypto';
import type { KeyManagementServiceClient } from '@google-cloud/kms';
import type { AuthClient } from 'google-auth-library';
import { EnvHttpProxyAgent, fetch, type RequestInfo, type RequestInit } from 'undici';
import { messageOf } from '../../../errors.ts';
import type { HashName, SigningAlgorithm } from '../algorithm.ts';
import { ServiceError, type Surroundings } from '../service.ts';
import { SigningError } from '../signer.ts';
import { checkAnswer, checksumOf } from './gcp-integrity.ts';
import type { KmsClient } from './kms.ts';

export interface GcpOptions extends Surroundings {
  /** Default: the environment's CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS, then https://cloudkms.googleapis.com/. */
  endpoint?: string;
  /** Default: the application default credentials. */
  authClient?: AuthClient;
  /** Of one operation, its retries included. Default 10 s. */
  timeoutMs?: number;
}

interface KeyVersion {
  name: string;
  algorithm: string;
}

type LibraryOptions = NonNullable<ConstructorParameters<typeof KeyManagementServiceClient>[0]>;

/** What a call of the library gives: the answer first. */
type Called<T> = Promise<readonly [T, ...unknown[]]>;

const wayOut =
  'check signers.kms.kmsref, and that the credentials have roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key';

const credentialsWayOut = 'use Workload Identity, or mount a key file and set GOOGLE_APPLICATION_CREDENTIALS';

/** The library's REST transport has neither a deadline nor a way to pass a signal: its requests find theirs here. */
const currentSignal = new AsyncLocalStorage<AbortSignal>();

/**
 * Cloud KMS with Google's library over REST (cloud.google.com/kms/docs/reference/rest), with checksums both ways
 * (cloud.google.com/kms/docs/data-integrity-guidelines).
 * @throws SigningError for an endpoint that is no address.
 */
export function gcpClient(reference: GcpReference, options: GcpOptions = {}): KmsClient {
  const call = callerOf(options);
  return {
    description: `gcpkms://${reference.key}`,
    async fetchKey(signal) {
      const version = await newestVersion(reference, call, signal);
      const algorithm = algorithmOf(version);
      const answer = await call(signal, (client) => client.getPublicKey({ name: version.name }));
      const pem = answer.pem ?? '';
      checkAnswer(version.name, [
        [answer.name === version.name, 'name'],
        [answer.pemCrc32c?.value === checksumOf(Buffer.from(pem)), 'pemCrc32c'],
      ]);
      return { publicKey: createPublicKey(pem), algorithm, version: version.name };
    },
    async sign(key, input, signal) {
      const { hash } = key.algorithm;
      const checksum = { value: checksumOf(input) };
      const request =
        hash === undefined
          ? { data: input, dataCrc32c: checksum }
          : { digest: { [hash]: input }, digestCrc32c: checksum };
      const answer = await call(signal, (client) => client.asymmetricSign({ name: key.version, ...request }));
      const signature = Buffer.from(answer.signature as Uint8Array);
      checkAnswer(key.version, [
        [answer.name === key.version, 'name'],
        hash === undefined
          ? [answer.verifiedDataCrc32c === true, 'verifiedDataCrc32c']
          : [answer.verifiedDigestCrc32c === true, 'verifiedDigestCrc32c'],
        [answer.signatureCrc32c?.value === checksumOf(signature), 'signatureCrc32c'],
      ]);
      return signature;
    },
  };
}

interface GcpReference {
  key: string;
  version?: string;
}

/** One call of the library, within the deadline; its failures are SigningErrors. */
type Call = <T>(signal: AbortSignal, work: (client: KeyManagementServiceClient) => Called<T>) => Promise<T>;

/** Calls through one client, which is connected at the first call and again after that failed. */
function callerOf({ endpoint: given, authClient, timeoutMs = 10_000, env = process.env }: GcpOptions): Call {
  const endpoint = endpointOf(
    given ?? env.CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS ?? 'https://cloudkms.googleapis.com/',
  );
  let loaded: Promise<KeyManagementServiceClient> | undefined;
  const load = () =>
    (loaded ??= connect(endpoint, authClient).catch((error: unknown) => {
      loaded = undefined;
      throw error;
    }));
  return async (signal, work) => {
    signal.throwIfAborted();
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const [answer] = await unlessAborted(
        either,
        currentSignal.run(either, async () => work(await load())),
      );
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted)
        throw new ServiceError(
          0,
          `Cloud KMS ${endpoint.origin} cannot be reached: no answer within ${timeoutMs / 1000} s; ${wayOut}`,
          { cause: error },
        );
      throw signingError(error, endpoint);
    }
  };
}

async function newestVersion({ key, version }: GcpReference, call: Call, signal: AbortSignal): Promise<KeyVersion> {
  if (version !== undefined)
    return call(signal, (client) => client.getCryptoKeyVersion({ name: `${key}/cryptoKeyVersions/${version}` })).then(
      versionOf,
    );
  const found = await call(signal, (client) => client.listCryptoKeyVersions({ parent: key, filter: 'state=ENABLED' }));
  // Names sort 9 after 10: the greatest number is what is meant.
  const newest = found.map(versionOf).sort((a, b) => numberOf(b) - numberOf(a))[0];
  if (newest === undefined)
    throw new SigningError(`Cloud KMS ${key} has no enabled version; create or enable one`, { retryable: false });
  return newest;
}

function endpointOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url;
  throw new SigningError(
    `the Cloud KMS endpoint ${JSON.stringify(address)} is not http(s)://host[:port]/; correct CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS`,
    { retryable: false },
  );
}

async function connect(endpoint: URL, given: AuthClient | undefined): Promise<KeyManagementServiceClient> {
  const authClient = given ?? (await defaultCredentials());
  // For Cloud KMS only: what fetches tokens keeps its own ways.
  authClient.transporter.interceptors.request.add({
    resolved: (config) => {
      if (config.url.host !== endpoint.host) return Promise.resolve(config);
      const signal = currentSignal.getStore();
      const changed = Object.assign(config, {
        fetchImplementation: fetchThroughProxy,
        retry: true,
        retryConfig: { ...retries },
        ...(signal === undefined ? {} : { signal }),
      });
      return Promise.resolve(changed);
    },
  });
  const { KeyManagementServiceClient } = await import('@google-cloud/kms');
  const protocol = endpoint.protocol.slice(0, -1);
  const port = Number(endpoint.port) || (protocol === 'https' ? 443 : 80);
  // Its types are of its own copy of google-auth-library.
  const credentials = authClient as unknown as LibraryOptions['authClient'];
  const client = new KeyManagementServiceClient({
    fallback: true,
    authClient: credentials,
    apiEndpoint: endpoint.hostname,
    port,
    protocol,
  });
  // Its methods would leave a failure of this as an unhandled rejection.
  await client.initialize();
  return client;
}

async function defaultCredentials(): Promise<AuthClient> {
  try {
    const { GoogleAuth } = await import('google-auth-library');
    return await new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' }).getClient();
  } catch (error) {
    throw new SigningError(`Google credentials: ${messageOf(error)}; ${credentialsWayOut}`, { cause: error });
  }
}

/** As service.ts; the library's own retries know gRPC's codes only, which REST failures do not have here. */
const retries = {
  retry: 2,
  noResponseRetries: 2,
  httpMethodsToRetry: ['GET', 'POST'],
  statusCodesToRetry: [
    [408, 408],
    [429, 429],
    [500, 599],
  ],
};

const dispatcher = new EnvHttpProxyAgent({ keepAliveTimeout: 30_000, connect: { timeout: 5_000 } });

/** The library sets an agent of its own, which ignores HTTPS_PROXY. */
const fetchThroughProxy = ((input: RequestInfo, init: RequestInit) =>
  fetch(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch;

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

/** A refusal keeps its HTTP status, which decides whether it may pass. */
function signingError(error: unknown, endpoint: URL): SigningError | ServiceError {
  if (error instanceof SigningError || error instanceof ServiceError) return error;
  const { config, status, response } = error as {
    config?: { url?: URL };
    status?: number;
    response?: { statusText?: string };
  };
  const said = wordsOf(error);
  const url = config?.url ?? endpoint;
  if (url.host !== endpoint.host)
    return new SigningError(`Google credentials: ${url.href}: ${said}; ${credentialsWayOut}`, { cause: error });
  const where = `Cloud KMS ${url.origin}${url.pathname}`;
  if (status !== undefined)
    return new ServiceError(status, `${where}: ${status} ${response?.statusText ?? ''}: ${said}; ${wayOut}`, {
      cause: error,
    });
  if (config === undefined) return new SigningError(`${where}: ${said}; ${wayOut}`, { cause: error });
  return new ServiceError(0, `${where} cannot be reached: ${messageOf(error)}; ${wayOut}`, { cause: error });
}

/** The service's own words: the library leaves the body as it is in the message. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  try {
    const { message } = (JSON.parse(text) as { error: { message: unknown } }).error;
    if (typeof message === 'string') return message;
  } catch {
    // Not JSON, or not as Google's errors are.
  }
  return text.slice(0, 300);
}

function versionOf(answer: { name?: string | null; algorithm?: unknown }): KeyVersion {
  return { name: answer.name ?? '', algorithm: String(answer.algorithm) };
}

function numberOf(version: KeyVersion): number {
  return Number(version.name.split('/').at(-1));
}

/** EC_SIGN_P256_SHA256, RSA_SIGN_PKCS1_3072_SHA256, RSA_SIGN_PSS_4096_SHA512, EC_SIGN_ED25519. */
function algorithmOf(version: KeyVersion): SigningAlgorithm {
  const [, family, hash] =
    /^(EC_SIGN_P\d+|RSA_SIGN_PKCS1|RSA_SIGN_PSS)_(?:\d+_)?SHA(256|384|512)$/.exec(version.algorithm) ?? [];
  if (family !== undefined) {
    const scheme = family.startsWith('EC') ? 'ecdsa' : family === 'RSA_SIGN_PSS' ? 'rsa-pss' : 'rsa-pkcs1v15';
    return { scheme, hash: `sha${hash}` as HashName };
  }
  if (version.algorithm === 'EC_SIGN_ED25519') return { scheme: 'ed25519' };
  throw new SigningError(
    `Cloud KMS ${version.name} has the algorithm ${version.algorithm}, with which cosign cannot verify; make a key with EC_SIGN_P256_SHA256`,
    { retryable: false },
  );
}
