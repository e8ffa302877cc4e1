import type { Param } from '../../api/pipeline/v1/params.ts';
import { goJson } from '../go-json.ts';
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
 * so that it is asked once (upstream's GenerateDeterministicNameFromSpec, byte for byte).
 */
export function requestName({ resolver, namespace, name, params, url = '' }: RequestIdentity): string {
  const sorted = params.toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  const said = sorted.map(({ name: key, value }) => key + (typeof value === 'string' ? value : goJson(value)));
  const hash = fnv128a(`${namespace}/${name}${said.join('')}${url}`);
  // Go prints the sum as hex bytes, leading zeros included.
  return `${resolver.slice(0, longestName - hash.length - 1)}-${hash}`;
}
