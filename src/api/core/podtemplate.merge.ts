import type { PodTemplate } from './podtemplate.ts';

/**
 * A pod template over a more general one: a field that `own` sets wins; env and volumes are joined by name, the general
 * ones first. The same as upstream's merge of spec, taskRunTemplate and default-pod-template (docs/podtemplates.md).
 */
export function mergePodTemplates(
  own: PodTemplate | undefined,
  general: PodTemplate | undefined,
): PodTemplate | undefined {
  if (own === undefined || general === undefined) return own ?? general;
  const set = Object.fromEntries(
    Object.entries(own).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
  const hostNetwork = own.hostNetwork || general.hostNetwork;
  const env = joinByName(general.env, own.env);
  const volumes = joinByName(general.volumes, own.volumes);
  return {
    ...general,
    ...set,
    ...(hostNetwork ? { hostNetwork } : {}),
    ...(env ? { env } : {}),
    ...(volumes ? { volumes } : {}),
  };
}

function joinByName<T extends { name: string }>(general: T[] | undefined, own: T[] | undefined): T[] | undefined {
  if (general === undefined || own === undefined) return own ?? general;
  const names = new Set(own.map((item) => item.name));
  return [...general.filter((item) => !names.has(item.name)), ...own];
}
