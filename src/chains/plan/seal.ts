import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a sealed text is for: one kind of note is never taken for another. */
export type SealPurpose = 'mark' | 'pending';

/**
 * By this Chains knows its own notes: everybody who may edit a run may write its annotations, only Chains has the key.
 * A seal holds for one run (its uid) and one purpose.
 */
export interface Seal {
  /** When the key was made. Runs that ended before it may carry marks that nobody could seal. */
  readonly since: Date;
  /** The text with its seal in front, as it is written down. */
  stamp(purpose: SealPurpose, uid: string, text: string): string;
  /** The text of something that `stamp` returned for this run; `undefined` for anything else. */
  open(purpose: SealPurpose, uid: string, sealed: string | undefined): string | undefined;
}

/** Characters of HMAC-SHA256 in base64url. */
const MAC_LENGTH = 43;
const SHORTEST_KEY = 32;

/** @throws RangeError for a key of less than 32 bytes. */
export function createSeal(key: Uint8Array, since: Date): Seal {
  if (key.length < SHORTEST_KEY) throw new RangeError(`a key of ${key.length} bytes; it must have ${SHORTEST_KEY}`);
  const macOf = (purpose: SealPurpose, uid: string, text: string) =>
    createHmac('sha256', key).update(`tektite chains ${purpose} ${uid.length}:${uid} `).update(text).digest();
  return {
    since,
    stamp: (purpose, uid, text) => `${macOf(purpose, uid, text).toString('base64url')}.${text}`,
    open(purpose, uid, sealed) {
      // Without a uid a seal would hold for every run that has none.
      if (uid === '' || sealed?.[MAC_LENGTH] !== '.') return undefined;
      const text = sealed.slice(MAC_LENGTH + 1);
      const mac = macOf(purpose, uid, text);
      const given = Buffer.from(sealed.slice(0, MAC_LENGTH), 'base64url');
      return given.length === mac.length && timingSafeEqual(given, mac) ? text : undefined;
    },
  };
}
