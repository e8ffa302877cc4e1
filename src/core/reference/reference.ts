import type { Param } from '../../api/pipeline/v1/params.ts';
import { references } from '../../api/variables/scan.ts';
import { sortedJson } from '../digest/canonical-json.ts';

/** Kinds that runs, pipelines and steps refer to. */
export type DefinitionKind = 'Task' | 'Pipeline' | 'StepAction';

/** Of a definition in the run's own namespace. */
export interface ClusterReference<K extends DefinitionKind = DefinitionKind> {
  kind: 'inCluster';
  ofKind: K;
  name: string;
}

/** Of a definition that a resolver fetches. */
export interface RemoteReference<K extends DefinitionKind = DefinitionKind> {
  kind: 'remote';
  ofKind: K;
  /** git, hub, bundles, cluster, http, or an operator's own. */
  resolver: string;
  params: readonly Param[];
  /** The concise syntax: a URL in the place of the name (`spec.url` of the ResolutionRequest). */
  url?: string;
}

export type Reference<K extends DefinitionKind = DefinitionKind> = ClusterReference<K> | RemoteReference<K>;

/** The fields that taskRef, pipelineRef and a step's ref have in common. */
export interface WrittenReference {
  name?: string | undefined;
  resolver?: string | undefined;
  params?: readonly Param[] | undefined;
}

/** What a written reference asks for; undefined when it names neither a definition nor a resolver. */
export function referenceOf<K extends DefinitionKind>(
  ofKind: K,
  { name, resolver, params = [] }: WrittenReference,
): Reference<K> | undefined {
  if (resolver) return { kind: 'remote', ofKind, resolver, params, ...(name ? { url: name } : {}) };
  return name ? { kind: 'inCluster', ofKind, name } : undefined;
}

/** Equal for references to the same definition, whatever the order of a resolver's params. */
export function keyOf(reference: Reference): string {
  if (reference.kind === 'inCluster') return sortedJson([reference.ofKind, reference.name]);
  const params = reference.params.map(({ name, value }) => [name, value] as const);
  const sorted = params.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sortedJson([reference.ofKind, reference.resolver, reference.url ?? null, sorted]);
}

/** Whether nothing in it is still to be replaced: a reference may hold the result of a task that has not run. */
export function isSettled(reference: Reference): boolean {
  const texts = reference.kind === 'inCluster' ? reference.name : [reference.params, reference.url];
  return references(JSON.stringify(texts)).length === 0;
}
