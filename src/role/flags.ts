/** A command line that cannot be used. The message names the flag, its value and what it takes. */
export class FlagError extends Error {
  override name = 'FlagError';
}

/** The number that a flag or variable holds. @throws FlagError when it is none, or below `least`. */
export function numberFlag(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least) {
    throw new FlagError(`--${name} is ${JSON.stringify(text)}; give a number of ${least} or more`);
  }
  return value;
}

/** A host's name or address, as URLs hold it. @throws FlagError when it is more than that (a URL, a port), or less. */
export function hostFlag(text: string): string {
  const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : undefined;
  if (url === undefined || url.host !== text.toLowerCase() || url.port !== '')
    throw new FlagError(
      `--registry-trusted-host is ${JSON.stringify(text)}; write a host without scheme and port, such as auth.example.com`,
    );
  return url.hostname;
}
