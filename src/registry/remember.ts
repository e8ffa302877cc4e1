/**
 * Fetches a value once for all who want it at the same time, and again when what is remembered is no longer good. One
 * caller's failure (its abort, say) is not the others': they fetch themselves.
 */
export async function remember<T>(
  known: Map<string, Promise<T>>,
  key: string,
  isGood: (value: T) => boolean,
  fetch: () => Promise<T>,
): Promise<T> {
  for (let pending = known.get(key); pending !== undefined; pending = known.get(key)) {
    const value = await pending.then(
      (found) => ({ found }),
      () => undefined,
    );
    if (value && isGood(value.found)) return value.found;
    if (known.get(key) === pending) known.delete(key);
  }
  const fetching = fetch();
  known.set(key, fetching);
  return fetching;
}
