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
  for (const thing of added) {
    const same = list.find(
      (known) =>
        known.name === thing.name &&
        Object.entries(thing.digest).some(([algorithm, hex]) => known.digest[algorithm] === hex),
    );
    if (same) Object.assign(same.digest, thing.digest);
    else list.push({ name: thing.name, digest: { ...thing.digest } });
  }
  return list;
}

/** A list of its own with repetitions merged. */
export function merged(...lists: readonly (readonly DigestedThing[])[]): DigestedThing[] {
  return lists.reduce<DigestedThing[]>((list, added) => mergeInto(list, added), []);
}
