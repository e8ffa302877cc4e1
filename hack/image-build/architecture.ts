/** Processors that our own images are for, by the names that OCI, Debian and Go share. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** `amd64,arm64` as a list without repetition. @throws naming what is none of them */
export function architecturesIn(text: string): Architecture[] {
  return [...new Set(text.split(','))].map((name) => {
    const found = ARCHITECTURES.find((each) => each === name.trim());
    if (found === undefined)
      throw new Error(`there is no image for ${JSON.stringify(name)}: give ${ARCHITECTURES.join(' or ')}, or both`);
    return found;
  });
}
