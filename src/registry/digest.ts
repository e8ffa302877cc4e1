import { createHash } from 'node:crypto';

/** `sha256:` and the hex digest of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Whether bytes are what a digest names. Digests of algorithms that Node does not know are not believed. */
export function matchesDigest(bytes: Uint8Array, digest: string): boolean {
  const [algorithm = '', hex] = digest.split(':');
  if (algorithm !== 'sha256' && algorithm !== 'sha512' && algorithm !== 'sha384') return false;
  return createHash(algorithm).update(bytes).digest('hex') === hex;
}
