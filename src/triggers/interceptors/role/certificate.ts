import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Keys of Secret tekton-triggers-core-interceptors-certs, upstream's. */
export interface CertificateData {
  'server-cert.pem': string;
  'server-key.pem': string;
  'ca-cert.pem': string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60_000;
const lifetimeMs = 365 * dayMs;
/** Made anew this long before its end. */
const remainingMs = 60 * dayMs;

/** Whether what a Secret holds can be served with for some time yet. */
export function isUsable(data: Partial<CertificateData>, name: string, now: Date): data is CertificateData {
  const { 'server-cert.pem': cert, 'server-key.pem': key, 'ca-cert.pem': authority } = data;
  if (!cert || !key || !authority) return false;
  try {
    const certificate = new X509Certificate(cert);
    const names =
      certificate.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [];
    return certificate.notAfter.getTime() - now.getTime() > remainingMs && names.includes(name);
  } catch {
    // Whatever is there is no certificate.
    return false;
  }
}

/** A new authority, which signs this one certificate and is forgotten, and a server's certificate for the names. */
export async function issueCertificate(names: readonly string[], now: Date): Promise<CertificateData> {
  const validity = {
    notBefore: new Date(now.getTime() - 5 * 60_000),
    notAfter: new Date(now.getTime() + lifetimeMs),
    signingAlgorithm: algorithm,
  };
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=tekton-triggers-core-interceptors',
      ...validity,
      keys: authorityKeys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  );
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const server = await X509CertificateGenerator.create(
    {
      subject: `CN=${names[0]}`,
      issuer: authority.subject,
      ...validity,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      ],
    },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    'server-cert.pem': `${server.toString('pem')}\n`,
    'server-key.pem': `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    'ca-cert.pem': `${authority.toString('pem')}\n`,
  };
}
