import { X509Certificate } from 'node:crypto';
import { certificatesIn } from '../../pem.ts';
import { issueAuthority, issueServer, validityOf, type Validity } from './issue.ts';

/** Keys of Secret webhook-certs; the first three are upstream's. */
export interface CertificateData {
  'server-cert.pem': string;
  'server-key.pem': string;
  /** What callers trust: the newest authority first, older ones as long as something may be signed by them. */
  'ca-cert.pem': string;
  /** Of the newest authority. */
  'ca-key.pem': string;
}

const DAY_MS = 24 * 60 * 60_000;
export const lifetimes = { authorityMs: 3 * 365 * DAY_MS, serverMs: 90 * DAY_MS } as const;

/**
 * How long a new authority is known before something is signed by it: until then every API server has the bundle that
 * has it.
 */
export const SETTLE_MS = 60 * 60_000;

/**
 * The certificates as they should be now; `found` itself when nothing is to be done. Servers are renewed when a third
 * of their time is left, by the same authority, so that nobody has to be told. An authority is joined by the next one
 * when a third of its time is left: both are trusted, and what is signed an hour later is the new one's.
 */
export async function nextCertificates(
  found: Partial<CertificateData>,
  names: readonly string[],
  now: Date,
): Promise<CertificateData> {
  if (!isWhole(found) || !authorities(found, now)[0]) return fresh(names, now);
  const joined = await withAuthority(found, now);
  return withServer(joined, names, now);
}

async function fresh(names: readonly string[], now: Date): Promise<CertificateData> {
  const authority = await issueAuthority('tekton-pipelines-webhook', now, lifetimes.authorityMs);
  const server = await issueServer(authority, names, now, lifetimes.serverMs);
  return {
    'server-cert.pem': server.cert,
    'server-key.pem': server.key,
    'ca-cert.pem': authority.cert,
    'ca-key.pem': authority.key,
  };
}

async function withAuthority(data: CertificateData, now: Date): Promise<CertificateData> {
  const [newest, ...older] = authorities(data, now);
  if (newest && !isOld(newest.validity, now)) return data;
  const authority = await issueAuthority('tekton-pipelines-webhook', now, lifetimes.authorityMs);
  const trusted = [newest, ...older].flatMap((each) => (each ? [each.pem] : []));
  return { ...data, 'ca-cert.pem': [authority.cert, ...trusted].join(''), 'ca-key.pem': authority.key };
}

async function withServer(data: CertificateData, names: readonly string[], now: Date): Promise<CertificateData> {
  const [newest] = authorities(data, now);
  const current = validityOf(data['server-cert.pem']);
  const good = current && current.notAfter > now && isFor(data, names);
  if (good && !isOld(current, now)) return data;
  const settled = newest !== undefined && now.getTime() - newest.validity.notBefore.getTime() > SETTLE_MS;
  if (good && !settled) return data;
  const server = await issueServer(
    { cert: newest?.pem ?? '', key: data['ca-key.pem'] },
    names,
    now,
    lifetimes.serverMs,
  );
  return { ...data, 'server-cert.pem': server.cert, 'server-key.pem': server.key };
}

function isWhole(data: Partial<CertificateData>): data is CertificateData {
  return (['server-cert.pem', 'server-key.pem', 'ca-cert.pem', 'ca-key.pem'] as const).every((key) => data[key]);
}

/** The authorities of a bundle that are still valid, newest first, as they are kept. */
function authorities(data: CertificateData, now: Date): { pem: string; validity: Validity }[] {
  return certificatesIn(data['ca-cert.pem']).flatMap((found) => {
    const pem = `${found}\n`;
    const validity = validityOf(pem);
    return validity && validity.notAfter > now ? [{ pem, validity }] : [];
  });
}

function isOld({ notBefore, notAfter }: Validity, now: Date): boolean {
  return notAfter.getTime() - now.getTime() < (notAfter.getTime() - notBefore.getTime()) / 3;
}

/** Whether the server's certificate fits its key and names. */
function isFor(data: CertificateData, names: readonly string[]): boolean {
  const certificate = new X509Certificate(data['server-cert.pem']);
  return names.every((name) => certificate.checkHost(name) !== undefined);
}
