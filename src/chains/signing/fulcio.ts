import { generateKeyPair, X509Certificate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { publicKeyPem, signBytes } from './algorithm.ts';
import { jsonOf, joinUrl, observed, request, type Request, type Surroundings } from './service.ts';
import { SigningError } from './signer.ts';

/** A key that lives in memory only, and the certificate that says whose it is. */
export interface IssuedCertificate {
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** The leaf as PEM. */
  certificate: string;
  /** The certificates above it as PEM, in Fulcio's order (issuer first). */
  chain: string;
  notAfter: Date;
}

const chained = z.object({ chain: z.object({ certificates: z.array(z.string()).min(1) }) });
const answerSchema = z.union([
  z.object({ signedCertificateEmbeddedSct: chained }).transform((answer) => answer.signedCertificateEmbeddedSct),
  z.object({ signedCertificateDetachedSct: chained }).transform((answer) => answer.signedCertificateDetachedSct),
]);

const newKeyPair = promisify(generateKeyPair);
const algorithm = { scheme: 'ecdsa', hash: 'sha256' } as const;

/**
 * A fresh P-256 key and its certificate (Fulcio v2, POST /api/v2/signingCert). The proof of possession is a signature
 * over the token's subject: the verified e-mail address, else `sub`.
 * @throws SigningError naming Fulcio's address and the way out.
 */
export async function issueCertificate(
  address: string,
  token: string,
  signal: AbortSignal,
  around: Surroundings = {},
): Promise<IssuedCertificate> {
  const { privateKey, publicKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
  const proof = await signBytes(privateKey, algorithm, Buffer.from(subjectOf(token)));
  const wanted: Request = {
    service: 'Fulcio',
    url: joinUrl(address, 'api/v2/signingCert'),
    body: {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: publicKeyPem(publicKey) },
        proofOfPossession: proof.toString('base64'),
      },
    },
    wayOut:
      'check signers.x509.fulcio.address in chains-config, and that Fulcio trusts the issuer of the token with audience sigstore',
  };
  const answer = await observed(around, 'fulcio', signal, async () =>
    jsonOf(wanted, await request(wanted, signal, around.clock ?? systemClock)),
  );
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success)
    throw new SigningError(
      `Fulcio ${wanted.url}: the answer has no certificate chain; check that this address is a Fulcio of version 1 or newer`,
    );
  const [leaf = '', ...above] = parsed.data.chain.certificates.map((pem) => `${pem.trim()}\n`);
  return {
    privateKey,
    publicKey,
    certificate: leaf,
    chain: above.join(''),
    notAfter: expiryOf(leaf, privateKey, wanted.url),
  };
}

function expiryOf(pem: string, privateKey: KeyObject, url: string): Date {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new SigningError(`Fulcio ${url}: the certificate cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw new SigningError(`Fulcio ${url}: the certificate is for another key than the one asked for`);
  return new Date(certificate.validTo);
}

interface Claims {
  iss?: unknown;
  email?: unknown;
  email_verified?: unknown;
  sub?: unknown;
}

function claimsOf(token: string): Claims {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
  } catch (error) {
    throw new SigningError(
      'the identity token for Fulcio is not a JSON Web Token; check signers.x509.fulcio.provider',
      { cause: error, retryable: false },
    );
  }
}

/**
 * Refuses a token of another issuer than signers.x509.fulcio.issuer names, before it leaves this process: a verifier
 * that expects that issuer would refuse what is signed with it. "" accepts all.
 */
export function checkIssuer(token: string, wanted: string): void {
  if (wanted === '') return;
  const { iss } = claimsOf(token);
  if (iss === wanted) return;
  throw new SigningError(
    `the identity token for Fulcio is of issuer ${JSON.stringify(iss ?? '')}, and signers.x509.fulcio.issuer in chains-config is ${JSON.stringify(wanted)}; set it to the issuer of the token, or remove the key to accept any`,
    { retryable: false },
  );
}

/** The name that Fulcio will put in the certificate, as cosign reads it from the token. */
export function subjectOf(token: string): string {
  const claims = claimsOf(token);
  if (typeof claims.email === 'string' && claims.email !== '') {
    if (claims.email_verified === true || claims.email_verified === 'true') return claims.email;
    throw new SigningError(
      `the identity token for Fulcio names ${claims.email}, an address that its issuer has not verified; use an account with a verified address`,
      { retryable: false },
    );
  }
  if (typeof claims.sub === 'string' && claims.sub !== '') return claims.sub;
  throw new SigningError(
    'the identity token for Fulcio has neither email nor sub; check signers.x509.fulcio.provider',
    { retryable: false },
  );
}
