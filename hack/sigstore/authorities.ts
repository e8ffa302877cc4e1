/**
 * Keys and certificates of one local Sigstore: made with the openssl command before anything starts, so that what
 * trusts them can be written at once.
 */
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { command } from '../command.ts';

/** A log's signing key. */
export interface LogKey {
  /** PKCS#8, PEM. */
  readonly privateKeyPath: string;
  /** PKCS#8, DER. */
  readonly privateDer: Buffer;
  readonly publicKeyPath: string;
  /** Subject public key info, DER. */
  readonly der: Buffer;
  /** SHA-256 of it: the log's id in RFC 6962 and in Rekor. */
  readonly id: Buffer;
}

/** A certificate authority as files, and its chain as the trusted root wants it. */
export interface Authority {
  readonly keyPath: string;
  /** The certificate of the key first, the root last; PEM. */
  readonly chainPath: string;
  readonly chain: readonly X509Certificate[];
}

/** Fulcio's key file must be encrypted; the word protects nothing here. */
export const CA_PASSWORD = 'not-a-secret';

/** A P-256 key for a log. */
export async function makeLogKey(folder: string, name: string): Promise<LogKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKeyPath = path.join(folder, `${name}.key`);
  const publicKeyPath = path.join(folder, `${name}.pub`);
  await writeFile(privateKeyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(publicKeyPath, publicKey.export({ type: 'spki', format: 'pem' }));
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const privateDer = privateKey.export({ type: 'pkcs8', format: 'der' });
  return { privateKeyPath, privateDer, publicKeyPath, der, id: createHash('sha256').update(der).digest() };
}

/** A root and an intermediate for code signing, as the public Fulcio has: chains of one certificate hide mistakes. */
export async function makeFulcioAuthority(folder: string): Promise<Authority> {
  const root = await makeCertificate(folder, {
    name: 'fulcio-root',
    commonName: 'Sigstore test root',
    extensions: ROOT,
  });
  const intermediate = await makeCertificate(folder, {
    name: 'fulcio-ca',
    commonName: 'Sigstore test intermediate',
    extensions: [...CA, 'extendedKeyUsage = codeSigning'],
    issuer: root,
  });
  const encrypted = path.join(folder, 'fulcio-ca.encrypted.key');
  await command([
    'openssl',
    'pkcs8',
    '-topk8',
    '-v2',
    'aes-256-cbc',
    '-in',
    intermediate.keyPath,
    '-out',
    encrypted,
    '-passout',
    `pass:${CA_PASSWORD}`,
  ]);
  return authority(encrypted, path.join(folder, 'fulcio-chain.pem'), [intermediate, root]);
}

/** A root and the timestamping certificate itself, whose extended key usage RFC 3161 wants critical and alone. */
export async function makeTimestampAuthority(folder: string): Promise<Authority> {
  const root = await makeCertificate(folder, { name: 'tsa-root', commonName: 'Timestamp test root', extensions: ROOT });
  const leaf = await makeCertificate(folder, {
    name: 'tsa',
    commonName: 'Timestamp test authority',
    extensions: [...LEAF, 'extendedKeyUsage = critical,timeStamping'],
    issuer: root,
  });
  return authority(leaf.keyPath, path.join(folder, 'tsa-chain.pem'), [leaf, root]);
}

/**
 * The certificate of an HTTPS server that answers for these hosts; the chain's last certificate is what clients must
 * trust.
 */
export async function makeServerCertificate(folder: string, hosts: readonly string[]): Promise<Authority> {
  const root = await makeCertificate(folder, { name: 'https-root', commonName: 'HTTPS test root', extensions: ROOT });
  const leaf = await makeCertificate(folder, {
    name: 'https',
    commonName: hosts[0] ?? 'issuers',
    extensions: [
      ...LEAF,
      'extendedKeyUsage = serverAuth',
      `subjectAltName = ${hosts.map((host) => `DNS:${host}`).join(',')}`,
    ],
    issuer: root,
  });
  return authority(leaf.keyPath, path.join(folder, 'https-chain.pem'), [leaf, root]);
}

const CA = [
  'basicConstraints = critical,CA:TRUE,pathlen:0',
  'keyUsage = critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier = hash',
  'authorityKeyIdentifier = keyid',
];
const ROOT = [
  'basicConstraints = critical,CA:TRUE,pathlen:1',
  'keyUsage = critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier = hash',
];
const LEAF = [
  'basicConstraints = critical,CA:FALSE',
  'keyUsage = critical,digitalSignature',
  'subjectKeyIdentifier = hash',
  'authorityKeyIdentifier = keyid',
];

interface Made {
  readonly keyPath: string;
  readonly certificatePath: string;
}

interface Wanted {
  /** Of its files. */
  name: string;
  commonName: string;
  extensions: readonly string[];
  /** Without one it signs itself. */
  issuer?: Made;
}

async function makeCertificate(folder: string, { name, commonName, extensions, issuer }: Wanted): Promise<Made> {
  const made: Made = { keyPath: path.join(folder, `${name}.key`), certificatePath: path.join(folder, `${name}.crt`) };
  const config = path.join(folder, `${name}.cnf`);
  const lines = [
    '[req]',
    'prompt = no',
    'distinguished_name = subject',
    'x509_extensions = extensions',
    '[subject]',
    'O = tektite.test',
    `CN = ${commonName}`,
    '[extensions]',
    ...extensions,
    '',
  ];
  await writeFile(config, lines.join('\n'));
  const signer = issuer === undefined ? [] : ['-CA', issuer.certificatePath, '-CAkey', issuer.keyPath];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
  await command([
    'openssl',
    'req',
    '-x509',
    '-config',
    config,
    ...key,
    ...signer,
    '-keyout',
    made.keyPath,
    '-out',
    made.certificatePath,
  ]);
  return made;
}

async function authority(keyPath: string, chainPath: string, made: readonly Made[]): Promise<Authority> {
  const certificates = await Promise.all(made.map(({ certificatePath }) => readFile(certificatePath, 'utf8')));
  await writeFile(chainPath, certificates.join(''));
  return { keyPath, chainPath, chain: certificates.map((pem) => new X509Certificate(pem)) };
}
