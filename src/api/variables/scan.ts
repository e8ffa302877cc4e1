/**
 * Where `$(…)` is in texts. There are no parentheses inside: of `$($(params.x))` only the inner one is a reference, and
 * shells keep theirs. What it means is reference.ts's.
 */
export function eachReference(text: string, found: (inner: string, start: number, end: number) => void): void {
  for (let from = text.indexOf('$('); from >= 0;) {
    const close = text.indexOf(')', from);
    if (close < 0) return;
    const open = text.lastIndexOf('$(', close);
    const inner = text.slice(open + 2, close);
    if (!inner.includes('(')) found(inner, open, close + 1);
    from = text.indexOf('$(', close + 1);
  }
}

/** The inner texts of all `$(…)` in a text, in order, repetitions included. */
export function references(text: string): string[] {
  const found: string[] = [];
  eachReference(text, (inner) => found.push(inner));
  return found;
}

/** The inner texts of all `$(…)` in every string of a JSON tree (values, not keys). */
export function referencesIn(tree: unknown): string[] {
  const found: string[] = [];
  eachText(tree, (text) => eachReference(text, (inner) => found.push(inner)));
  return found;
}

/** The inner text of the reference that a value consists of, `params.a[*]`; undefined when there is more or less. */
export function isolatedReference(value: unknown): string | undefined {
  if (typeof value !== 'string' || !value.startsWith('$(') || !value.endsWith(')')) return undefined;
  const inner = value.slice(2, -1);
  return inner.includes('(') || inner.includes(')') ? undefined : inner;
}

/** All strings of a JSON tree. */
export function textsIn(tree: unknown): string[] {
  const found: string[] = [];
  eachText(tree, (text) => found.push(text));
  return found;
}

function eachText(tree: unknown, found: (text: string) => void): void {
  if (typeof tree === 'string') found(tree);
  else if (Array.isArray(tree)) for (const item of tree) eachText(item, found);
  else if (tree !== null && typeof tree === 'object') for (const item of Object.values(tree)) eachText(item, found);
}
