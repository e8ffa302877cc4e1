/** Of this many keys in a row of one tenant, at least one comes from behind when both ranks have any. */
const BEHIND_SHARE = 10;

/** The keys of one tenant: what is further on, and what has not begun. */
interface TenantLine {
  ahead: Set<string>;
  behind: Set<string>;
  aheadInARow: number;
}

/** The namespace of a key "namespace/name"; of a key without a slash, the empty one. */
export function namespaceOfKey(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

/**
 * Keys in line, each at most once. Tenants (namespaces) take turns, whatever the length of their lines; within a
 * tenant, keys that are ahead go first but do not starve the others. Every operation costs the same for any length.
 */
export class FairLine {
  /** In the order of turns. */
  readonly #tenants = new Map<string, TenantLine>();
  readonly #tenantOf: (key: string) => string;
  #size = 0;

  constructor(tenantOf: (key: string) => string = namespaceOfKey) {
    this.#tenantOf = tenantOf;
  }

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    const line = this.#tenants.get(this.#tenantOf(key));
    return line !== undefined && (line.ahead.has(key) || line.behind.has(key));
  }

  /** Puts a key at the end of its tenant's line; one that is in line already keeps its place. */
  add(key: string, rank: 'ahead' | 'behind' = 'behind'): void {
    if (this.has(key)) return;
    const tenant = this.#tenantOf(key);
    let line = this.#tenants.get(tenant);
    if (!line) this.#tenants.set(tenant, (line = { ahead: new Set(), behind: new Set(), aheadInARow: 0 }));
    line[rank].add(key);
    this.#size += 1;
  }

  /** Whether the key was in line. */
  delete(key: string): boolean {
    const tenant = this.#tenantOf(key);
    const line = this.#tenants.get(tenant);
    if (!line || !(line.ahead.delete(key) || line.behind.delete(key))) return false;
    this.#size -= 1;
    if (lengthOf(line) === 0) this.#tenants.delete(tenant);
    return true;
  }

  /** Takes the first key of the tenant whose turn it is. Tenants that may not be served now keep their turn. */
  take(mayServe: (tenant: string) => boolean = () => true): string | undefined {
    for (const [tenant, line] of this.#tenants) {
      if (!mayServe(tenant)) continue;
      const key = takeFrom(line);
      this.#size -= 1;
      this.#tenants.delete(tenant);
      if (lengthOf(line) > 0) this.#tenants.set(tenant, line);
      return key;
    }
    return undefined;
  }

  /** Takes the oldest key of the longest line: what has to go when there are too many. Looks at every tenant. */
  takeFromLongest(): string | undefined {
    let longest: TenantLine | undefined;
    for (const line of this.#tenants.values()) if (lengthOf(line) > (longest ? lengthOf(longest) : 0)) longest = line;
    const { value: key } = (longest?.behind.size ? longest.behind : longest?.ahead)?.values().next() ?? {};
    if (key !== undefined) this.delete(key);
    return key;
  }
}

function lengthOf(line: TenantLine): number {
  return line.ahead.size + line.behind.size;
}

function takeFrom(line: TenantLine): string | undefined {
  const fromBehind = line.behind.size > 0 && (line.ahead.size === 0 || line.aheadInARow >= BEHIND_SHARE - 1);
  const from = fromBehind ? line.behind : line.ahead;
  const { value: key } = from.values().next();
  if (key !== undefined) from.delete(key);
  line.aheadInARow = fromBehind ? 0 : line.aheadInARow + 1;
  return key;
}
