/**
 * What cosign wrote, without what differs from run to run: signatures, digests, times and addresses become names in
 * angle brackets.
 */
import { X509Certificate } from 'node:crypto';
import { fetchContent, tagsOf } from '../../hack/sigstore/local-registry.ts';

interface Image {
  readonly host: string;
  readonly repository: string;
  readonly digest: string;
}

interface Manifest {
  readonly mediaType: string;
  readonly manifests?: readonly { digest: string }[];
  readonly config?: { digest: string };
  readonly layers?: readonly { digest: string }[];
}

/**
 * Everything in the image's repository that refers to the image: by tag, and by the referrers API where the registry
 * has one.
 */
export async function writtenFor(image: Image): Promise<unknown> {
  const { host, repository, digest } = image;
  const written: Record<string, unknown> = {};
  for (const tag of await tagsOf(host, repository)) written[`tag ${tag}`] = await manifestAt(image, tag);
  const referrers = await fetchContent(host, repository, 'referrers', digest);
  if (referrers !== undefined)
    written['referrers API'] = {
      index: parse(referrers),
      manifests: await manifestsOf(image, parse(referrers) as Manifest),
    };
  return normalise(written, image);
}

async function manifestAt(image: Image, name: string): Promise<unknown> {
  const { host, repository } = image;
  const manifest = parse(await fetchContent(host, repository, 'manifests', name)) as Manifest;
  if (manifest.manifests !== undefined) return { index: manifest, manifests: await manifestsOf(image, manifest) };
  const blobs = [manifest.config, ...(manifest.layers ?? [])].filter((blob) => blob !== undefined);
  const contents = await Promise.all(
    blobs.map(async ({ digest }) => parse(await fetchContent(host, repository, 'blobs', digest))),
  );
  return { manifest, config: contents[0], layers: contents.slice(1) };
}

async function manifestsOf(image: Image, index: Manifest): Promise<unknown[]> {
  return Promise.all((index.manifests ?? []).map(({ digest }) => manifestAt(image, digest)));
}

function parse(bytes: Buffer | undefined): unknown {
  return JSON.parse(String(bytes));
}

/** Values that are different each time, by the name they stand under. */
const VARIABLE: Readonly<Record<string, string>> = {
  sig: '<base64 signature>',
  verifier: '<base64 PEM of the public key or certificate>',
  hint: "<base64 SHA-256 of the public key's DER>",
  size: '<bytes>',
  signedTimestamp: '<base64 RFC 3161 response>',
  SignedRFC3161Timestamp: '<base64 RFC 3161 response>',
  SignedEntryTimestamp: '<base64 signature of the log>',
  signedEntryTimestamp: '<base64 signature of the log>',
  integratedTime: '<seconds>',
  logIndex: '<index>',
  treeSize: '<entries>',
  logID: '<hex SHA-256 of the log key>',
  keyId: '<base64 SHA-256 of the log key>',
  rootHash: '<base64 hash>',
  envelope: '<signed note>',
  'org.opencontainers.image.created': '<time>',
};

/** Values that hold JSON, themselves in base64 or not. */
const BASE64_JSON = new Set(['payload', 'body', 'canonicalizedBody']);

/** Annotations whose text is JSON. */
const JSON_TEXT = new Set(['dev.sigstore.cosign/bundle', 'dev.sigstore.cosign/rfc3161timestamp']);

function normalise(value: unknown, image: Image, key = ''): unknown {
  if (Array.isArray(value)) {
    if (key === 'hashes') return ['<base64 hashes>'];
    const items = value.map((item) => normalise(item, image, key));
    // An index is in the order of digests, which are different each time.
    return key === 'manifests'
      ? items.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
      : items;
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, held]) => [normaliseText(name, image), normalise(held, image, name)]),
    );
  }
  const variable = VARIABLE[key];
  if (variable !== undefined) return typeof value === 'string' ? variable : `${variable} as a number`;
  if (typeof value !== 'string') return value;
  return normaliseString(value, image, key);
}

function normaliseString(value: string, image: Image, key: string): unknown {
  if (value === '') return value;
  if (BASE64_JSON.has(key)) return { base64: normalise(JSON.parse(Buffer.from(value, 'base64').toString()), image) };
  if (JSON_TEXT.has(key)) return { text: normalise(JSON.parse(value), image) };
  if (key === 'dev.cosignproject.cosign/signature' || key === 'content' || key === 'signature')
    return describeBase64(value);
  if (key === 'rawBytes')
    return `<base64 DER of ${describeCertificate(new X509Certificate(Buffer.from(value, 'base64')))}>`;
  if (value.startsWith('-----BEGIN CERTIFICATE')) return describePem(value);
  return normaliseText(value, image);
}

function describeBase64(value: string): string {
  const text = Buffer.from(value, 'base64').toString();
  const label = /^-----BEGIN ([A-Z ]+)-----/.exec(text)?.[1];
  return label === undefined ? '<base64 signature>' : `<base64 PEM: ${label}>`;
}

function describePem(text: string): string {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return `<PEM of ${certificates.map((pem) => describeCertificate(new X509Certificate(pem))).join(' and ')}>`;
}

function describeCertificate(certificate: X509Certificate): string {
  const name = /CN=(.*)$/m.exec(certificate.subject ?? '')?.[1];
  return name === undefined ? `a certificate for ${certificate.subjectAltName ?? ''}` : `"${name}"`;
}

function normaliseText(text: string, { host, digest }: Image): string {
  const hex = digest.replace('sha256:', '');
  return text
    .replaceAll(host, '<registry>')
    .replaceAll(hex, '<image hex>')
    .replace(/127\.0\.0\.1:\d+/g, '<address>')
    .replace(/app-\d+/g, '<repository>')
    .replace(/\b[0-9a-f]{64}\b/g, (found) => (found.startsWith('44136fa355b3678a') ? found : '<hex>'));
}
