import { canonicalName } from '../../api/triggers/header-name.ts';

export { canonicalName };

/** Values by canonical name: what Go calls http.Header, and how interceptors get it. */
export type Header = Readonly<Record<string, readonly string[]>>;

/** The same header with canonical names; values of names that only differ in case follow each other. */
export function canonicalHeader(header: Readonly<Record<string, string | readonly string[] | undefined>>): Header {
  const canonical = new Map<string, string[]>();
  for (const [name, value] of Object.entries(header)) {
    if (value === undefined) continue;
    const key = canonicalName(name);
    canonical.set(key, [...(canonical.get(key) ?? []), ...(typeof value === 'string' ? [value] : value)]);
  }
  return Object.fromEntries(canonical);
}

/** The first value of a header, "" when there is none. The name is taken in any case. */
export function headerValue(header: Header, name: string): string {
  const key = canonicalName(name);
  return (Object.hasOwn(header, key) ? header[key]?.[0] : undefined) ?? '';
}
