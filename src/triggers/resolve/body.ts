import { messageOf } from '../../errors.ts';

export type Parsed = { ok: true; value: unknown } | { ok: false; problem: string };

/** Deeper JSON is no event: what reads it calls itself for what is nested. */
const deepest = 200;

/**
 * Reads an event's JSON. Its depth is counted before anything is built. The problem is for the sender: it names what is
 * wrong, and never repeats the body.
 */
export function parseJson(text: string): Parsed {
  if (text.trim() === '') return { ok: false, problem: 'unexpected end of JSON input' };
  if (depthOf(text) > deepest) return { ok: false, problem: `it is nested deeper than ${deepest}` };
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    // V8 quotes the text around the place.
    return { ok: false, problem: messageOf(error).replace(/,? ?\.{0,3}".*"(?:\.{3})? is not valid JSON$/s, '') };
  }
}

/** How deep brackets are nested, at most. Text is skipped; what is no JSON gives any number. */
export function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) index = endOfText(text, index);
    else if (code === 0x7b || code === 0x5b) most = Math.max(most, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return most;
}

/** Where the quote stands that closes the one at `from`; the text's end without one. Most of an event is text. */
function endOfText(text: string, from: number): number {
  for (let end = from; ;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let first = end;
    while (text.charCodeAt(first - 1) === 0x5c) first--;
    if ((end - first) % 2 === 0) return end;
  }
}
