/** Characters of an error in the summary: enough for its first line. */
const MAX_ERROR_LENGTH = 300;

/**
 * A line of the summary: what failed, and the first line of the error of each try. Tries that failed of the same are
 * told once: that a second try failed of something else often says that the first one left something behind.
 */
export function failure(what: string, errors: readonly string[]): string {
  const firstLines = errors.map((error) => (error.split('\n', 1)[0] ?? '').slice(0, MAX_ERROR_LENGTH));
  return `${what}: ${[...new Set(firstLines)].join('; then ')}`;
}
