/**
 * What moves a terminal's cursor, changes its state or the order in which a line is read: control characters, marks of
 * direction, and characters without width. Not tab, line feed, or the joiners that scripts and emoji need.
 */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text that others wrote, with what the eye would not see made visible: `<U+202E>`. */
export function shown(text: string): string {
  return text.replaceAll(
    UNSEEN,
    (character) => `<U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

/** Text cut to so many characters, with how many are left out. */
export function shortened(text: string, most: number): { text: string; left: number } {
  return text.length <= most ? { text, left: 0 } : { text: text.slice(0, most), left: text.length - most };
}
