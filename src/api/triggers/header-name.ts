const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Events have the same few names: finding out takes longer than all else that is done with them. */
const known = new Map<string, string>();
const mostKnown = 500;
const longestKnown = 64;

/** A header's name as Go writes it (net/textproto): `x-github-event` is `X-Github-Event`. Odd names stay. */
export function canonicalName(name: string): string {
  const before = known.get(name);
  if (before !== undefined) return before;
  const canonical = token.test(name)
    ? name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
    : name;
  if (known.size >= mostKnown) known.clear();
  if (name.length <= longestKnown) known.set(name, canonical);
  return canonical;
}
