/** One scheme of a WWW-Authenticate header. */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  scheme: string;
  parameters: Record<string, string>;
}

/** Longer headers are no registry's: what is behind this is not read. */
const longestHeader = 8_192;

/**
 * A word, with `=` and a value behind it or not: `"` with escapes, or anything up to the next comma or white space.
 * Every match begins where the last one ended, so nothing is read again and again.
 */
const PART = /([\w-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?|[^\w-]+/gsy;

/** Takes a WWW-Authenticate header apart; it may hold several challenges. */
export function parseChallenges(header: string): Challenge[] {
  const found: Challenge[] = [];
  const read = header.slice(0, longestHeader);
  for (const match of read.matchAll(PART)) {
    const [whole, name, quoted, bare] = match;
    if (name === undefined) continue;
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? bare;
    const behind = read[match.index + whole.length] ?? ' ';
    const last = found.at(-1);
    if (value === undefined) {
      if (/[\s,]/.test(behind)) found.push({ scheme: name.toLowerCase(), parameters: noParameters() });
    } else if (last) last.parameters[name.toLowerCase()] = value;
  }
  return found;
}

/** Names come from the server, `__proto__` among them. */
function noParameters(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

/** The challenge to answer: a token rather than a password, if there is the choice. */
export function parseChallenge(header: string): Challenge {
  const challenges = parseChallenges(header);
  return (
    challenges.find((one) => one.scheme === 'bearer') ??
    challenges.find((one) => one.scheme === 'basic') ??
    challenges[0] ?? { scheme: '', parameters: noParameters() }
  );
}
