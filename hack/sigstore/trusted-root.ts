/**
 * What a verifier is given to trust the services, and what a signer is given to find them: sigstore's own file formats
 * (sigstore/protobuf-specs).
 */
import type { X509Certificate } from 'node:crypto';
import type { Authority } from './authorities.ts';

/** A log as a trusted root names it. */
export interface TrustedLog {
  readonly url: string;
  readonly der: Buffer;
  /** RFC 6962 key id, or a signed note's key hash for a tile log. */
  readonly id: Buffer;
}

/** A service that issues, with the certificates that say so. */
export interface TrustedAuthority {
  readonly url: string;
  readonly authority: Authority;
}

export interface Trusted {
  readonly certificateAuthority?: TrustedAuthority;
  readonly certificateLog?: TrustedLog;
  readonly transparencyLogs: readonly TrustedLog[];
  readonly timestampAuthority?: TrustedAuthority;
}

/** The content of trusted_root.json, for `cosign verify --trusted-root`. `validFrom`: nothing is trusted before it. */
export function trustedRoot(trusted: Trusted, validFrom: Date): object {
  const validFor = { start: validFrom.toISOString() };
  const log = ({ url, der, id }: TrustedLog): object => ({
    baseUrl: url,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: der.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: id.toString('base64') },
  });
  const authority = ({ url, authority: { chain } }: TrustedAuthority): object => ({
    subject: { organization: 'tektite.test', commonName: commonName(chain[0]) },
    uri: url,
    certChain: { certificates: chain.map(({ raw }) => ({ rawBytes: raw.toString('base64') })) },
    validFor,
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: trusted.transparencyLogs.map(log),
    certificateAuthorities: trusted.certificateAuthority === undefined ? [] : [authority(trusted.certificateAuthority)],
    ctlogs: trusted.certificateLog === undefined ? [] : [log(trusted.certificateLog)],
    timestampAuthorities: trusted.timestampAuthority === undefined ? [] : [authority(trusted.timestampAuthority)],
  };
}

export interface ServiceUrls {
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  readonly rekorTilesUrl?: string;
  readonly tsaUrl?: string;
}

/**
 * The content of a signing config, for `cosign sign --signing-config`. One log only: the newer one where there are two.
 */
export function signingConfig(urls: ServiceUrls, validFrom: Date): object {
  const service = (url: string | undefined, majorApiVersion: number): object[] =>
    url === undefined
      ? []
      : [{ url, majorApiVersion, validFor: { start: validFrom.toISOString() }, operator: 'tektite.test' }];
  const logs = urls.rekorTilesUrl === undefined ? service(urls.rekorUrl, 1) : service(urls.rekorTilesUrl, 2);
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: service(urls.fulcioUrl, 1),
    rekorTlogUrls: logs,
    ...(logs.length > 0 && { rekorTlogConfig: { selector: 'ANY' } }),
    tsaUrls: service(urls.tsaUrl, 1),
    ...(urls.tsaUrl !== undefined && { tsaConfig: { selector: 'ANY' } }),
  };
}

function commonName(certificate: X509Certificate | undefined): string {
  return /^CN=(.*)$/m.exec(certificate?.subject ?? '')?.[1] ?? '';
}
