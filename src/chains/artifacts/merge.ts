import type { DigestSet } from './digest.ts';

/** A thing with a name (a subject's name, a material's uri) and its digests. */
export interface DigestedThing {
  name: string;
  digest: DigestSet;
}

/**
 * Adds things to a list. One that is there already (same name, at least one equal digest) gives the entry its further
 * digests in place of a second entry; the first one's place is kept.
 */
export function mergeInto(list: DigestedThing[], added: readonly DigestedThing[]): DigestedThing[] {
  const known = new Map<string, DigestedThing>();
  for (const thing of list) remember(known, thing);
  for (const thing of added) {
    const same = keysOf(thing)
      .map((key) => known.get(key))
      .find((found) => found !== undefined);
    if (same) for (const key of keysOf(same)) known.delete(key);
    const entry = same ?? { name: thing.name, digest: {} };
    Object.assign(entry.digest, thing.digest);
    if (!same) list.push(entry);
    remember(known, entry);
  }
  return list;
}

/** One for each digest: a build may have thousands of things, which are not to be compared each with each. */
function keysOf({ name, digest }: DigestedThing): string[] {
  return Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex} ${name}`);
}

function remember(known: Map<string, DigestedThing>, thing: DigestedThing): void {
  for (const key of keysOf(thing)) if (!known.has(key)) known.set(key, thing);
}

/** A list of its own with repetitions merged. */
export function merged(...lists: readonly (readonly DigestedThing[])[]): DigestedThing[] {
  return mergeInto([], lists.flat());
}
