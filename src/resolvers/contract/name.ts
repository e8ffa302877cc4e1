import type { Param } from '../../api/pipeline/v1/params.ts';
import { byBytes, goJson } from '../go-json.ts';
import { fnv128a } from './fnv128.ts';

/** Labels of Kubernetes. */
const longestName = 63;

export interface RequestIdentity {
  resolver: string;
  /** The run that asks. */
  namespace: string;
  name: string;
  params: readonly Param[];
  /** Concise syntax: the reference's name. */
  url?: string | undefined;
}

/**
 * The name of the ResolutionRequest for a reference of a run: the same run asks for the same thing under the same name,
 * so that it is asked once.
 */
export function requestName({ resolver, namespace, name, params, url = '' }: RequestIdentity): string {
  return hashedName(resolver, `${namespace}/${name}`, params, url);
}

/** Upstream's GenerateDeterministicNameFromSpec, byte for byte. */
export function hashedName(prefix: string, base: string, params: readonly Param[], url = ''): string {
  const sorted = params.toSorted((left, right) => byBytes(left.name, right.name));
  const said = sorted.map(({ name, value }) => name + (typeof value === 'string' ? value : goJson(value)));
  const hash = fnv128a(base + said.join('') + url);
  return `${prefix.slice(0, longestName - hash.length - 1)}-${hash}`;
}
