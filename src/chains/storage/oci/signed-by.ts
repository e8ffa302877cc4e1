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

/** Whether bytes and signature, found in a store, were made with the same key, or by the same identity, as ours. */
export function isSameSigner(
  ours: Signature,
  theirs: { certificate?: string | undefined; bytes: Uint8Array; signature: Uint8Array },
): boolean {
  try {
    if (ours.certificate || theirs.certificate)
      return (
        Boolean(ours.certificate && theirs.certificate) &&
        identityOf(ours.certificate ?? '') === identityOf(theirs.certificate ?? '')
      );
    return verifyBytes(
      createPublicKey(ours.publicKeyPem),
      { scheme: ours.scheme, hash: ours.hash } as SigningAlgorithm,
      theirs.bytes,
      theirs.signature,
    );
  } catch {
    return false; // a stranger's layer may hold anything; it is then not ours
  }
}
