/** One digest as in-toto's DigestSet holds it: `{ [algorithm]: hex }`. */
export interface Digest {
  algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  hex: string;
}

/** in-toto DigestSet: hex digits (or, for CHAINS-GIT_COMMIT, whatever the run said) by algorithm. */
export type DigestSet = Record<string, string>;

const lengths: Readonly<Record<Digest['algorithm'], number>> = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 };

/**
 * `<algorithm>:<hex>` with white space around both ignored; the algorithm in any case, the hex digits in lower case.
 * Anything else gives undefined.
 */
export function parseDigest(text: string): Digest | undefined {
  const parts = text.split(':');
  if (parts.length !== 2) return undefined;
  const algorithm = (parts[0] ?? '').trim().toLowerCase();
  const hex = (parts[1] ?? '').trim();
  if (!isAlgorithm(algorithm)) return undefined;
  return hex.length === lengths[algorithm] && /^[0-9a-f]+$/.test(hex) ? { algorithm, hex } : undefined;
}

function isAlgorithm(text: string): text is Digest['algorithm'] {
  return Object.hasOwn(lengths, text);
}
