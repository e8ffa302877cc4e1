const shipped = 'config-leader-election-triggers-controller';

export const electionMapNames = [`${shipped}s`, shipped] as const;

/**
 * The ConfigMap that says how replicas elect. Upstream ships one name, and its controller reads that and an s: whoever
 * found that out made a map of it, which counts.
 */
export function electionMap<T>(find: (name: string) => T | undefined): T | undefined {
  const [first, second] = electionMapNames;
  return find(first) ?? find(second);
}
