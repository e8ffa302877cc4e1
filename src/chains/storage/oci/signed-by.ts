import { createPublicKey, X509Certificate } from 'node:crypto';
import { verifyBytes, type SigningAlgorithm } from '../../signing/algorithm.ts';
import type { Signature } from '../../signing/signer.ts';

/**
 * Who signed, as far as it matters for "is this payload already there": the key, or for keyless signatures, whose key
 * is new each time, the identity in the certificate.
 */
export function signerName(signature: Pick<Signature, 'certificate' | 'keyId'>): string {
  return signature.certificate ? `certificate ${identityOf(signature.certificate)}` : signature.keyId;
}

/** The name in a certificate (PEM), e.g. `email:a@b.c` or `URI:https://…`; the fingerprint if it has none. */
export function identityOf(certificate: string): string {
  const parsed = new X509Certificate(certificate);
  return parsed.subjectAltName ?? parsed.fingerprint256;
}

/**
 * Whether bytes and signature, found in a store, were made with the same key as ours, or with a certificate of the same
 * identity from the same authority. Who may write to the store may have put anything there.
 */
export function isSameSigner(
  ours: Signature,
  theirs: { certificate?: string | undefined; bytes: Uint8Array; signature: Uint8Array },
): boolean {
  try {
    if (Boolean(ours.certificate) !== Boolean(theirs.certificate)) return false;
    if (ours.certificate && theirs.certificate && !isSameIdentity(ours, theirs.certificate)) return false;
    return verifyBytes(
      theirs.certificate ? new X509Certificate(theirs.certificate).publicKey : createPublicKey(ours.publicKeyPem),
      { scheme: ours.scheme, hash: ours.hash } as SigningAlgorithm,
      theirs.bytes,
      theirs.signature,
    );
  } catch {
    return false; // a stranger's layer may hold anything; it is then not ours
  }
}

/** The same name, certified by the authority that certified ours. Everybody can write himself a certificate. */
function isSameIdentity({ certificate = '', chain = '' }: Signature, theirs: string): boolean {
  const authority = new X509Certificate(chain);
  const isIssued = (pem: string) => new X509Certificate(pem).verify(authority.publicKey);
  return identityOf(certificate) === identityOf(theirs) && isIssued(certificate) && isIssued(theirs);
}
