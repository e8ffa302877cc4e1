/** A change of one leaf of a JSON value, for tests that show that any is found. */
export interface Tampering {
  path: string;
  value: unknown;
}

/** Every value that differs from the given one in one leaf: changed, taken away, or one field more beside it. */
export function tamperings(value: unknown, path = ''): Tampering[] {
  if (Array.isArray(value))
    return [
      ...value.flatMap((item, index) =>
        tamperings(item, `${path}[${index}]`).map((one) => ({ path: one.path, value: value.with(index, one.value) })),
      ),
      { path: `${path}[+]`, value: [...(value as unknown[]), 'added'] },
    ];
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return [
      ...entries.flatMap(([name, field]) =>
        tamperings(field, `${path}.${name}`).map((one) => ({ path: one.path, value: { ...value, [name]: one.value } })),
      ),
      ...entries.map(([name]) => ({
        path: `${path}.${name} gone`,
        value: Object.fromEntries(entries.filter(([other]) => other !== name)),
      })),
      { path: `${path}.added`, value: { ...value, added: 'added' } },
    ];
  }
  return [{ path, value: typeof value === 'number' ? (value === 0 ? 1 : -value) : `${String(value)}-changed` }];
}
