import { createHash } from 'node:crypto';

const longestName = 63;
const md5HexLength = 32;
const headLength = longestName - md5HexLength;

function md5Hex(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function trimToAlphanumericEnd(name: string): string {
  return name.replace(/[^a-zA-Z0-9]+$/, '');
}

/**
 * Name of an object that belongs to `parent`: `parent + suffix`, or at most 63 characters with an md5 in the middle
 * when that is too long. Deterministic, so that a restarted controller finds what it made before. The rule is knative's
 * kmeta.ChildName, which Tekton's clients rely on when they guess TaskRun and pod names.
 */
export function childName(parent: string, suffix: string): string {
  if (parent.length <= longestName - suffix.length) return parent + suffix;
  if (headLength - suffix.length <= 0) {
    const hashed = parent.slice(0, headLength) + md5Hex(parent + suffix);
    return trimToAlphanumericEnd(hashed + suffix.slice(0, Math.max(0, longestName - hashed.length)));
  }
  return parent.slice(0, headLength - suffix.length) + md5Hex(parent) + suffix;
}

/** First `length` hex digits of the sha256 of `text`: the short suffixes of PVC and affinity assistant names. */
export function shortHash(text: string, length = 10): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
