import type { PodTemplate } from '../../api/core/podtemplate.ts';
import type { PodSpec } from './types.ts';

/** What a run's pod template says of the pod as a whole; env, volumes and affinity are merged elsewhere. */
export function podWideSettings(template: PodTemplate | undefined): Partial<PodSpec> {
  const { env: _env, volumes: _volumes, affinity: _affinity, ...rest } = template ?? {};
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Partial<PodSpec>;
}

/**
 * The operator's default pod template beneath the run's own: what the run sets wins, env and volumes are merged by
 * name.
 */
export function mergePodTemplates(
  run: PodTemplate | undefined,
  operator: PodTemplate | undefined,
): PodTemplate | undefined {
  if (operator === undefined || run === undefined) return run ?? operator;
  const merged: PodTemplate = { ...operator, ...run };
  const env = byName(operator.env, run.env);
  const volumes = byName(operator.volumes, run.volumes);
  if (env) merged.env = env;
  if (volumes) merged.volumes = volumes;
  return merged;
}

function byName<T extends { name: string }>(below: T[] | undefined, above: T[] | undefined): T[] | undefined {
  if (!below || !above) return above ?? below;
  const names = new Set(above.map((item) => item.name));
  return [...below.filter((item) => !names.has(item.name)), ...above];
}
