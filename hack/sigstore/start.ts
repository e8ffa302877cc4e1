/**
 * A local Sigstore from packages: Rekor v1 and v2, Fulcio with a certificate log, a timestamp authority, and the files
 * that make cosign trust and use them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureSigstorePackages } from '../one-node/debian.ts';
import { makeFulcioAuthority, makeTimestampAuthority, type Authority } from './authorities.ts';
import { startFulcio, startTimestampAuthority, type FulcioOptions } from './authority-services.ts';
import type { Issuer } from './issuer.ts';
import { stopServices, type Supervision } from './services.ts';
import { startCertificateLog, startRekor, startRekorTiles, startTrillian } from './transparency.ts';
import {
  signingConfig,
  trustedRoot,
  type ServiceUrls,
  type Trusted,
  type TrustedAuthority,
  type TrustedLog,
} from './trusted-root.ts';

export interface SigstoreOptions {
  readonly rekor?: boolean;
  /** Rekor v2. */
  readonly rekorTiles?: boolean;
  /** Needs `issuer`. */
  readonly fulcio?: boolean;
  /** Whether Fulcio's certificates prove that they are in a certificate log, as the public ones do. Default true. */
  readonly certificateLog?: boolean;
  readonly timestampAuthority?: boolean;
  readonly issuer?: Issuer;
  /** Whose tokens Fulcio accepts as well. */
  readonly moreIssuers?: readonly Issuer[];
  /**
   * Where the services listen; what pods must reach listens on the host's end of the cluster's veth pair. Default
   * loopback.
   */
  readonly address?: string;
  /** For state and logs. Default: a temporary folder, which stop() removes. */
  readonly folder?: string;
  /** Whether the services go on after this process. Default false. */
  readonly outlive?: boolean;
  readonly signal?: AbortSignal;
}

export interface Sigstore extends ServiceUrls {
  readonly folder: string;
  /** For `cosign verify --trusted-root`. */
  readonly trustedRootPath: string;
  /** For `cosign sign --signing-config` of v3. */
  readonly signingConfigPath: string;
  /**
   * For a cosign that is given no --trusted-root: the same trust by environment variables, and a TUF cache of its own.
   */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * Starts what is asked for and waits until it answers. Throws, with everything stopped again, when a service does not
 * start.
 */
export async function startSigstore(options: SigstoreOptions): Promise<Sigstore> {
  await ensureSigstorePackages();
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'sigstore-')));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await stopServices(folder);
  const stop = async (): Promise<void> => {
    await stopServices(folder);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    const started = await startServices(options, {
      folder,
      outlive: options.outlive ?? false,
      signal: options.signal ?? new AbortController().signal,
    });
    return { folder, ...(await writeTrust(started, folder)), ...started.urls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  readonly urls: ServiceUrls;
  readonly trusted: Trusted;
  readonly env: Readonly<Record<string, string>>;
}

async function startServices(options: SigstoreOptions, supervision: Supervision): Promise<Started> {
  const { folder } = supervision;
  const address = options.address ?? '127.0.0.1';
  const logs = await startLogs(options, address, supervision);
  const fulcio =
    logs.authority &&
    (await startFulcioFor(
      options,
      { authority: logs.authority, certificateLogUrl: logs.certificateLog?.url, address },
      supervision,
    ));
  const timestamps = options.timestampAuthority ? await startTimestamps(folder, address, supervision) : undefined;
  return {
    urls: {
      fulcioUrl: fulcio?.url,
      rekorUrl: logs.rekor?.url,
      rekorTilesUrl: logs.rekorTiles?.url,
      tsaUrl: timestamps?.url,
    },
    trusted: {
      certificateAuthority: fulcio,
      certificateLog: logs.certificateLog,
      transparencyLogs: [logs.rekor, logs.rekorTiles].filter((log) => log !== undefined),
      timestampAuthority: timestamps,
    },
    env: environmentOf(folder, { ...logs, fulcio, timestamps }),
  };
}

interface Services extends Logs {
  readonly fulcio: TrustedAuthority | undefined;
  readonly timestamps: TrustedAuthority | undefined;
}

/** Where cosign and its like find what to trust. */
function environmentOf(folder: string, { fulcio, certificateLog, rekor, timestamps }: Services): Started['env'] {
  return environment({
    TUF_ROOT: path.join(folder, 'tuf'),
    SIGSTORE_ROOT_FILE: fulcio?.authority.chainPath,
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: certificateLog?.publicKeyPath,
    SIGSTORE_REKOR_PUBLIC_KEY: rekor && path.join(folder, 'rekor.pub'),
    SIGSTORE_TSA_CERTIFICATE_FILE: timestamps?.authority.chainPath,
  });
}

interface Logs {
  readonly rekor?: TrustedLog;
  readonly rekorTiles?: TrustedLog;
  readonly certificateLog?: TrustedLog & { readonly publicKeyPath: string };
  /** Fulcio's, which the certificate log must know before Fulcio starts. */
  readonly authority?: Authority;
}

async function startLogs(options: SigstoreOptions, address: string, supervision: Supervision): Promise<Logs> {
  const authority = options.fulcio ? await makeFulcioAuthority(supervision.folder) : undefined;
  const certificates = options.certificateLog === false ? undefined : authority;
  const trillian = options.rekor || certificates ? await startTrillian(supervision) : undefined;
  const rekorTiles = options.rekorTiles ? await startRekorTiles(address, supervision) : undefined;
  if (trillian === undefined) return { authority, rekorTiles };
  const certificateLog = certificates && (await startCertificateLog(trillian, certificates, supervision));
  const rekor = options.rekor ? await startRekor(trillian, address, supervision) : undefined;
  return { authority, rekorTiles, certificateLog, rekor };
}

async function startFulcioFor(
  { issuer, moreIssuers = [] }: SigstoreOptions,
  place: Omit<FulcioOptions, 'issuers'>,
  supervision: Supervision,
): Promise<TrustedAuthority> {
  if (issuer === undefined)
    throw new Error('startSigstore: fulcio needs an issuer whose tokens it accepts (see issuer.ts)');
  const url = await startFulcio({ ...place, issuers: [issuer, ...moreIssuers] }, supervision);
  return { url, authority: place.authority };
}

async function startTimestamps(folder: string, address: string, supervision: Supervision): Promise<TrustedAuthority> {
  const authority = await makeTimestampAuthority(folder);
  return { url: await startTimestampAuthority(authority, address, supervision), authority };
}

/** Without what is not set. */
function environment(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function writeTrust(
  { trusted, urls, env }: Started,
  folder: string,
): Promise<Pick<Sigstore, 'trustedRootPath' | 'signingConfigPath' | 'env'>> {
  const validFrom = new Date(Date.now() - 3_600_000);
  const trustedRootPath = path.join(folder, 'trusted_root.json');
  const signingConfigPath = path.join(folder, 'signing_config.json');
  await writeFile(trustedRootPath, JSON.stringify(trustedRoot(trusted, validFrom), null, 2));
  await writeFile(signingConfigPath, JSON.stringify(signingConfig(urls, validFrom), null, 2));
  return { trustedRootPath, signingConfigPath, env };
}
