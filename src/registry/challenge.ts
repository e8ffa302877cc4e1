/** One scheme of a WWW-Authenticate header. */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  scheme: string;
  parameters: Record<string, string>;
}

/** Takes a WWW-Authenticate header apart; it may hold several challenges. */
export function parseChallenges(header: string): Challenge[] {
  const found: Challenge[] = [];
  // Either a scheme (a word before white space or the end) or one parameter.
  for (const match of header.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))|([\w-]+)(?=\s|,|$)/g)) {
    const [, name, quoted, bare, scheme] = match;
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else if (name !== undefined)
      Object.assign(found.at(-1)?.parameters ?? {}, {
        [name.toLowerCase()]: quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
      });
  }
  return found;
}

/** The challenge to answer: a token rather than a password, if there is the choice. */
export function parseChallenge(header: string): Challenge {
  const challenges = parseChallenges(header);
  return (
    challenges.find((one) => one.scheme === 'bearer') ??
    challenges.find((one) => one.scheme === 'basic') ??
    challenges[0] ?? { scheme: '', parameters: {} }
  );
}
