/**
 * The ConfigMap that says how replicas elect. Upstream ships one name, and its controller reads that and an s: whoever
 * found that out made a map of it, which counts.
 */
export function electionMap<T>(find: (name: string) => T | undefined): T | undefined {
  const shipped = 'config-leader-election-triggers-controller';
  return find(`${shipped}s`) ?? find(shipped);
}
