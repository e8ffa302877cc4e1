/**
 * Replicas share a reconciler's buckets evenly: one that has fewer asks for a lease by an annotation on it, and the
 * holder gives it up if that evens things out. knative leaves all buckets with whoever came first, so that replicas
 * added later do nothing; its controllers do not know the annotation and simply keep their leases.
 */
export const WANTED_BY = 'tektite.dev/wanted-by';

export interface Holding {
  lease: string;
  /** "" when nobody holds it. */
  holder: string;
  wantedBy?: string | undefined;
}

/** One lease moved must leave the two replicas nearer to each other. */
const WORTH_MOVING = 2;

function count(holdings: readonly Holding[], holder: string): number {
  return holdings.filter((holding) => holding.holder === holder).length;
}

/** The lease that `me` should ask for, if any: of the replica that has most, unless somebody else asked already. */
export function leaseToAskFor(holdings: readonly Holding[], me: string): string | undefined {
  const mine = count(holdings, me);
  // A free lease is taken, not asked for; a question still open is not asked twice.
  if (holdings.some((holding) => holding.holder === '' || holding.wantedBy === me)) return undefined;
  const open = holdings.filter((holding) => holding.holder !== me && !holding.wantedBy);
  const best = open.toSorted(
    (a, b) => count(holdings, b.holder) - count(holdings, a.holder) || (a.lease < b.lease ? 1 : -1),
  )[0];
  return best && count(holdings, best.holder) - mine >= WORTH_MOVING ? best.lease : undefined;
}

/** Whether `me` should give this lease to the replica that asks for it. */
export function shouldYield(holdings: readonly Holding[], me: string, lease: string): boolean {
  const asked = holdings.find((holding) => holding.lease === lease);
  if (!asked?.wantedBy || asked.holder !== me || asked.wantedBy === me) return false;
  return count(holdings, me) - count(holdings, asked.wantedBy) >= WORTH_MOVING;
}
