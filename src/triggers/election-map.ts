/**
 * The ConfigMap that says how replicas elect. Upstream ships the first name, and its controller reads the second: who
 * found that out made a map of it, which counts.
 */
export function electionMap<T>(find: (name: string) => T | undefined): T | undefined {
  const shipped = 'config-leader-election-triggers-controller';
  return find(`${shipped}s`) ?? find(shipped);
}
