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
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, quote, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const fields = entries.map(([key, item]) => `${quote(key.toWellFormed())}:${write(item, quote, depth + 1)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
