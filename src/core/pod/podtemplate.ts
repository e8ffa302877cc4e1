import type { PodTemplate } from '../../api/core/podtemplate.ts';
import type { PodSpec } from './types.ts';

/** What a run's pod template says of the pod as a whole; env, volumes and affinity are merged elsewhere. */
export function podWideSettings(template: PodTemplate | undefined): Partial<PodSpec> {
  const { env: _env, volumes: _volumes, affinity: _affinity, ...rest } = template ?? {};
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}
