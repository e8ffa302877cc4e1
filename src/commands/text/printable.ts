/** Colours as text/colour.ts writes them; they move nothing. */
const COLOUR = /(\u001b\[(?:\d{1,3}(?:;\d{1,3})*)?m)/;
/** What moves a terminal's cursor, changes its state or the order in which a line is read; not tab and line feed. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that others wrote (names, params, messages) made harmless for a terminal: control characters are shown as
 * "\u001b". Colours stay.
 */
export function printable(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(CONTROL, shown)))
    .join('');
}

function shown(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
