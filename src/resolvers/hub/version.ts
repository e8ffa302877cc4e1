/** Versions and constraints as hashicorp/go-version reads them, which upstream's hub resolver uses. */
export interface Version {
  segments: readonly number[];
  prerelease: string;
  /** How it is written anew: three numbers at least. */
  text: string;
}

const form = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.~-]+))?(?:\+[0-9A-Za-z.~-]+)?$/;
const longest = 256;

export function parseVersion(text: string): Version | undefined {
  const match = text.length > longest ? null : form.exec(text.trim());
  if (match === null) return undefined;
  const segments = (match[1] ?? '').split('.').map(Number);
  if (!segments.every(Number.isSafeInteger)) return undefined;
  while (segments.length < 3) segments.push(0);
  const prerelease = match[2] ?? '';
  return { segments, prerelease, text: segments.join('.') + (prerelease === '' ? '' : `-${prerelease}`) };
}

export function compareVersions(left: Version, right: Version): number {
  for (let index = 0; index < Math.max(left.segments.length, right.segments.length); index += 1) {
    const difference = (left.segments[index] ?? 0) - (right.segments[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.prerelease === right.prerelease) return 0;
  if (left.prerelease === '') return 1;
  if (right.prerelease === '') return -1;
  return left.prerelease < right.prerelease ? -1 : 1;
}

export type Constraint = (version: Version) => boolean;

/** `>= 0.4, < 1`, `~> 0.6`, or a version, which then is the only one that fits. Undefined when it is none of these. */
export function parseConstraint(text: string): Constraint | undefined {
  const parts = text.split(',').map(parsePart);
  if (text.length > longest || parts.includes(undefined)) return undefined;
  return (version) => parts.every((part) => part?.(version));
}

function parsePart(text: string): Constraint | undefined {
  const match = /^\s*(>=|<=|~>|!=|=|>|<)?\s*(\S+)\s*$/.exec(text);
  const wanted = match && parseVersion(match[2] ?? '');
  if (!wanted) return undefined;
  const given = (match[2] ?? '').replace(/^v/, '').split(/[-+]/)[0]?.split('.').length ?? 1;
  return checkOf(match[1] ?? '=', wanted, given);
}

function checkOf(operator: string, wanted: Version, given: number): Constraint {
  const compare = (version: Version) => compareVersions(version, wanted);
  // A prerelease is meant only where one is named of the same version.
  const fits = (version: Version) =>
    version.prerelease === '' ||
    (wanted.prerelease !== '' && version.segments.every((segment, index) => segment === wanted.segments[index]));
  switch (operator) {
    case '!=':
      return (version) => compare(version) !== 0;
    case '>':
      return (version) => fits(version) && compare(version) > 0;
    case '<':
      return (version) => fits(version) && compare(version) < 0;
    case '>=':
      return (version) => fits(version) && compare(version) >= 0;
    case '<=':
      return (version) => fits(version) && compare(version) <= 0;
    case '~>': {
      const fixed = wanted.segments.slice(0, Math.max(given - 1, 1));
      return (version) =>
        fits(version) &&
        compare(version) >= 0 &&
        (given === 1 || fixed.every((segment, index) => version.segments[index] === segment));
    }
    default:
      return (version) => compare(version) === 0;
  }
}
