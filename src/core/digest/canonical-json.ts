/** JSON that is the same for the same content: object keys in order, undefined left out, no white space. */
export function sortedJson(value: unknown): string {
  return write(value, JSON.stringify, 0);
}

/**
 * The same, with the escapes of Go's encoding/json (`<`, `>`, `&`, U+2028, U+2029), for JSON that is carried as base64
 * and that somebody may compare byte by byte.
 */
export function goJson(value: unknown): string {
  return write(
    value,
    (text) =>
      JSON.stringify(text).replace(
        /[<>&\u2028\u2029]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    0,
  );
}

/** The `content` of a ResourceDescriptor that holds JSON. */
export function base64Json(value: unknown): string {
  return Buffer.from(goJson(value), 'utf8').toString('base64');
}

/** No spec that is run is nested so deep; what lies below is written as it is, for recursion has an end too. */
const deepest = 500;

function write(value: unknown, quote: (text: string) => string, depth: number): string {
  if (depth > deepest) return JSON.stringify(value) ?? 'null';
  if (typeof value === 'string') return quote(value.toWellFormed());
  if (Array.isArray(value)) return writeItems(value, quote, depth);
  return isObject(value) ? writeFields(value, quote, depth) : (JSON.stringify(value) ?? 'null');
}

// Loops and no lists of pieces: each spec and each pod is written so at least once.

function writeItems(items: readonly unknown[], quote: (text: string) => string, depth: number): string {
  let text = '[';
  for (const item of items) text += `${text.length > 1 ? ',' : ''}${write(item ?? null, quote, depth + 1)}`;
  return `${text}]`;
}

function writeFields(fields: Record<string, unknown>, quote: (text: string) => string, depth: number): string {
  let text = '{';
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${quote(name.toWellFormed())}:${write(fields[name], quote, depth + 1)}`;
  }
  return `${text}}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
