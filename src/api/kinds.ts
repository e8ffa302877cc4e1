import { dashboardKinds } from './dashboard/kinds.ts';
import type { KindDefinition, KindVersion } from './kind.ts';
import { pipelineKinds } from './pipeline/kinds.ts';
import { resolutionKinds } from './resolution/kinds.ts';
import { triggersKinds } from './triggers/kinds.ts';

/** Every kind of the suite: CRDs, admission, conversion and `tektite validate` are made from this table alone. */
export const kinds: readonly KindDefinition[] = [
  ...pipelineKinds,
  ...resolutionKinds,
  ...triggersKinds,
  ...dashboardKinds,
];

/** A kind and one of its versions. */
export interface FoundKind {
  kind: KindDefinition;
  version: KindVersion;
}

/** The row of an object, by what it says of itself; undefined for what is not ours, or a version that never was. */
export function findKind(apiVersion: string | undefined, kindName: string | undefined): FoundKind | undefined {
  const slash = apiVersion?.indexOf('/') ?? -1;
  const group = apiVersion?.slice(0, Math.max(slash, 0));
  const name = apiVersion?.slice(slash + 1);
  const kind = kinds.find((each) => each.group === group && each.kind === kindName);
  const version = kind?.versions.find((each) => each.name === name);
  return kind && version ? { kind, version } : undefined;
}
