/** A header's name as Go writes it (net/textproto): `x-github-event` is `X-Github-Event`. Odd names stay. */
export function canonicalName(name: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
