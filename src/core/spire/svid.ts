import { verify, X509Certificate } from 'node:crypto';

export interface SpiffeId {
  trustDomain: string;
  /** With its leading slash. */
  path: string;
}

/** The authorities whose certificates count. */
export interface TrustBundle {
  /** Roots, and intermediates where they issue the SVIDs: the entrypoint stores a leaf without its chain. */
  authorities: X509Certificate[];
  /** "" or absent: the trust domain in the authority's own SPIFFE ID. */
  trustDomain?: string | undefined;
}

/** An X.509 certificate with one SPIFFE ID. */
export interface Svid {
  certificate: X509Certificate;
  id: SpiffeId;
}

/**
 * An SVID from its PEM text.
 * @throws when it is none (X509-SVID specification, 2 and 4.1), saying what is wrong.
 */
export function parseSvid(pem: string): Svid {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new Error('it is no certificate in PEM form');
  }
  if (certificate.ca)
    throw new Error('it is the certificate of an authority, which must not sign anything but certificates');
  const uris = urisOf(certificate);
  const id = uris[0] === undefined ? undefined : parseSpiffeId(uris[0]);
  if (uris.length !== 1 || id === undefined)
    throw new Error(`it must name one SPIFFE ID and no other URI, not ${uris.length === 0 ? 'none' : uris.join(', ')}`);
  return { certificate, id };
}

function parseSpiffeId(uri: string): SpiffeId | undefined {
  const match = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/.exec(uri);
  return match?.[1] === undefined ? undefined : { trustDomain: match[1], path: match[2] ?? '' };
}

/** Node separates names by ", " and puts what could be taken for two names in quotes. */
function urisOf(certificate: X509Certificate): string[] {
  const names = certificate.subjectAltName?.matchAll(/([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g) ?? [];
  return [...names].flatMap(([, type, name = '']) =>
    type === 'URI' ? [name.startsWith('"') ? String(JSON.parse(name)) : name] : [],
  );
}

export function spiffeUri({ trustDomain, path }: SpiffeId): string {
  return `spiffe://${trustDomain}${path}`;
}

/**
 * Whether the bundle vouches for the SVID at some moment from `earliest` to `latest`. `problem`: it does not.
 * `unknown`: its trust domain could be compared with nothing.
 */
export function checkIssuer(
  svid: Svid,
  { authorities, trustDomain }: TrustBundle,
  earliest: Date,
  latest: Date,
): { problem?: string; unknown?: string } {
  const issuers = authorities.filter(
    (authority) =>
      authority.ca && svid.certificate.checkIssued(authority) && svid.certificate.verify(authority.publicKey),
  );
  if (issuers.length === 0)
    return { problem: `the certificate of ${spiffeUri(svid.id)} is not issued by any authority of the trust bundle` };
  const current = issuers.filter((issuer) => isValid(issuer, earliest, latest));
  if (current.length === 0)
    return { problem: `the authority that issued the certificate of ${spiffeUri(svid.id)} was not valid then` };
  const domains = trustDomain ? [trustDomain] : current.map(domainOf).filter((domain) => domain !== undefined);
  if (domains.length === 0)
    return {
      unknown: `the authority names no trust domain to compare ${svid.id.trustDomain} with; set artifacts.taskrun.spire.trust-domain in chains-config`,
    };
  if (!domains.includes(svid.id.trustDomain))
    return { problem: `${spiffeUri(svid.id)} is not in trust domain ${domains.join(', ')}` };
  return {};
}

function domainOf(authority: X509Certificate): string | undefined {
  const [uri, ...others] = urisOf(authority);
  return uri !== undefined && others.length === 0 ? parseSpiffeId(uri)?.trustDomain : undefined;
}

export function isValid({ validFromDate, validToDate }: X509Certificate, earliest: Date, latest: Date): boolean {
  return validFromDate <= latest && validToDate >= earliest;
}

/** Whether base64 `signature` is over the SHA-256 of the text (Ed25519: over the text) by the SVID's key. */
export function isSignedBy({ certificate }: Svid, signature: string, text: string): boolean {
  const key = certificate.publicKey;
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  try {
    return verify(algorithm, Buffer.from(text), key, Buffer.from(signature, 'base64'));
  } catch {
    // A key of a kind that signs in no such way.
    return false;
  }
}
