import { createHmac, timingSafeEqual } from 'node:crypto';

const hashes = ['sha1', 'sha256', 'sha512'];

/**
 * What is wrong with a signature `sha256=HEX` over `body`, in the words of upstream's library; undefined when it is
 * right. The comparison takes the same time whatever differs.
 */
export function signatureProblem(signature: string, body: Uint8Array, secret: Uint8Array): string | undefined {
  const [, hash = '', hex = ''] = /^([^=]*)=(.*)$/s.exec(signature) ?? [];
  if (hash === '') return `error parsing signature ${JSON.stringify(signature.slice(0, 20))}`;
  if (!hashes.includes(hash)) return `unknown hash type prefix: ${JSON.stringify(hash.slice(0, 20))}`;
  const given = /^(?:[0-9a-fA-F]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  const wanted = createHmac(hash, secret).update(body).digest();
  return equalBytes(given, wanted) ? undefined : 'payload signature check failed';
}

/** Whether two secrets are the same, in a time that does not depend on where they differ. */
export function equalBytes(given: Uint8Array, wanted: Uint8Array): boolean {
  if (given.length === wanted.length) return timingSafeEqual(given, wanted);
  // The same work for a wrong length.
  timingSafeEqual(wanted, wanted);
  return false;
}
