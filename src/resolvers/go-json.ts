/** JSON as Go's encoding/json writes it: no spaces, HTML's characters escaped, keys of maps in the order of bytes. */
export function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(/[<>&\u2028\u2029]|\\[bf]/g, (match) =>
    match === '\\b' || match === '\\f' ? match : `\\u${match.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Go sorts the keys of a map by their bytes. */
export function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Any JSON value as Go writes what it read into an `any`. */
export function goJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return goString(value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([left], [right]) => byBytes(left, right));
    return `{${entries.map(([key, inner]) => `${goString(key)}:${goJson(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
