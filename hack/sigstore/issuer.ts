/**
 * Issuers of identity tokens that Fulcio accepts: a cluster's ServiceAccount issuer, or one of the tests' own that
 * makes the same tokens. The issuer's URL need not be reachable: discovery.ts answers for it.
 */
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { tool } from '../one-node/binaries.ts';
import { command } from '../command.ts';

/** What Fulcio has to know of an issuer. */
export interface Issuer {
  /** The `iss` of its tokens, an https URL. */
  readonly url: string;
  /** Fulcio's issuer type: how a token becomes the name in the certificate. */
  readonly type: 'kubernetes' | 'email' | 'uri' | 'spiffe';
  /** The JSON Web Key Set that its tokens are checked with. */
  readonly keys: { readonly keys: readonly object[] };
  readonly spiffeTrustDomain?: string;
}

/** Audience of the tokens that Sigstore's clients use. */
export const AUDIENCE = 'sigstore';

/** The name that Fulcio puts into the certificate of a ServiceAccount, for `--certificate-identity`. */
export function serviceAccountIdentity(namespace: string, serviceAccount: string): string {
  return `https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${serviceAccount}`;
}

/** The issuer of a running cluster's ServiceAccount tokens, with its keys as the API server publishes them. */
export async function clusterIssuer(kubeconfig: string, signal?: AbortSignal): Promise<Issuer> {
  const kubectl = await tool('kubectl');
  const get = (path: string): Promise<string> =>
    command([kubectl, '--kubeconfig', kubeconfig, 'get', '--raw', path], signal === undefined ? {} : { signal });
  const { issuer } = JSON.parse(await get('/.well-known/openid-configuration')) as { issuer: string };
  return { url: issuer, type: 'kubernetes', keys: JSON.parse(await get('/openid/v1/jwks')) as Issuer['keys'] };
}

interface TokenOptions {
  now?: Date;
  seconds?: number;
  audience?: string;
}

export interface TestIssuer extends Issuer {
  /** A token as the API server makes for a ServiceAccount, good for `seconds` from `now`. */
  readonly serviceAccountToken: (namespace: string, serviceAccount: string, options?: TokenOptions) => string;
}

/** An issuer with a key of its own whose tokens look like a cluster's. */
export function createTestIssuer(url = 'https://kubernetes.default.svc.cluster.local'): TestIssuer {
  const { keys, token } = createKey(url);
  return {
    url,
    type: 'kubernetes',
    keys,
    serviceAccountToken: (namespace, serviceAccount, options) =>
      token(`system:serviceaccount:${namespace}:${serviceAccount}`, options, {
        'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount, uid: randomUUID() } },
      }),
  };
}

export interface SpiffeIssuer extends Issuer {
  /** A JWT-SVID as SPIRE makes for a workload: `id` is `spiffe://TRUST-DOMAIN/...`. */
  readonly svid: (id: string, options?: TokenOptions) => string;
}

/** What the JWT-SVIDs of a SPIRE server are issued by. */
export function createSpiffeIssuer(url: string, spiffeTrustDomain: string): SpiffeIssuer {
  const { keys, token } = createKey(url);
  return { url, type: 'spiffe', keys, spiffeTrustDomain, svid: (id, options) => token(id, options, {}) };
}

function createKey(url: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return {
    keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
    token: (sub: string, { now = new Date(), seconds = 600, audience = AUDIENCE }: TokenOptions = {}, more: object) => {
      const iat = Math.floor(now.getTime() / 1000);
      const times = { exp: iat + seconds, iat, nbf: iat };
      return jsonWebToken({ aud: [audience], ...times, iss: url, jti: randomUUID(), ...more, sub }, kid, privateKey);
    },
  };
}

function jsonWebToken(claims: object, kid: string, key: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
