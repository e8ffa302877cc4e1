import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { labels } from '../../core/labels.ts';
import { messageOf } from '../../errors.ts';
import { isNotFound } from '../../kube/api-error.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { CommandError } from '../command.ts';
import type { Context } from '../command.ts';
import { byCreation, pipelineRunKind } from '../kinds.ts';
import type { Run, RunKind } from '../kinds.ts';
import type { Definition, DefinitionKind } from './definition.ts';
import { recordedSpecs } from './definition.ts';

export const RESOLVER_TYPES = ['hub', 'git', 'http', 'cluster', 'bundle', 'remote'] as const;

/** The definition of this name. @throws CommandError when there is none. */
export async function getDefinition<K extends DefinitionKind>(
  { cluster, namespace, signal }: Context,
  resource: Resource<KubeObject & { spec: (Definition & { kind: K })['spec'] }>,
  kind: K,
  name: string,
): Promise<Definition & { kind: K }> {
  try {
    const { spec } = await cluster.get(resource, namespace, name, { signal });
    return { kind, name, spec } as Definition & { kind: K };
  } catch (error) {
    signal.throwIfAborted();
    throw new CommandError(
      isNotFound(error) ? `${kind} name ${name} does not exist in namespace ${namespace}` : messageOf(error),
    );
  }
}

/** The run that `--last` or `--use-…run` means; undefined when neither is given. @throws CommandError */
export async function earlierRun<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  definition: string,
  choice: { last: boolean; earlierName: string },
): Promise<T | undefined> {
  const { cluster, namespace, signal } = context;
  if (choice.earlierName) return cluster.get(kind.resource, namespace, choice.earlierName, { signal });
  return choice.last ? lastRun(context, kind, definition) : undefined;
}

/** The newest run of a definition. @throws CommandError when there is none. */
export async function lastRun<T extends Run>(context: Context, kind: RunKind<T>, name: string): Promise<T> {
  const { cluster, namespace, signal } = context;
  const labelSelector = `${kind.parent.label}=${name}`;
  const { items } = await cluster.list(kind.resource, { namespace, labelSelector, signal });
  const newest = items.filter(kind.isOfParent).sort(byCreation).at(-1);
  if (newest) return newest;
  const what = `${kind.title.toLowerCase()}s related to ${kind.parent.title.toLowerCase()} ${name}`;
  throw new CommandError(`no ${what} found in namespace ${namespace}`);
}

/**
 * The newest run that a resolver's Pipeline had, for `--resolvertype` with `--last` or of type "remote"; undefined when
 * neither is asked for. @throws CommandError when there is none.
 */
export async function lastResolved(
  context: Context,
  choice: { name: string | undefined; last: boolean; resolvertype: string },
): Promise<{ definition: Definition & { kind: 'Pipeline' }; earlier: PipelineRun } | undefined> {
  const { name, resolvertype } = choice;
  if (!RESOLVER_TYPES.some((type) => type === resolvertype))
    throw new CommandError(`invalid resolvertype '${resolvertype}'. Valid values are: ${RESOLVER_TYPES.join(', ')}`);
  if (resolvertype !== 'remote' && !choice.last) return undefined;
  const wanted = resolvertype === 'bundle' ? 'bundles' : resolvertype;
  const { cluster, namespace, signal } = context;
  const labelSelector = name ? `${labels.pipeline}=${name}` : undefined;
  const { items } = await cluster.list(pipelineRunKind.resource, { namespace, labelSelector, signal });
  const earlier = items
    .filter(({ spec: { pipelineRef } }) =>
      resolvertype === 'remote' ? pipelineRef?.resolver : pipelineRef?.resolver === wanted,
    )
    .sort(byCreation)
    .at(-1);
  if (!earlier) {
    const which = resolvertype === 'remote' ? 'resolvers' : `resolver type '${resolvertype}'`;
    const of = name ? ` for pipeline ${name}` : '';
    throw new CommandError(`no pipelineruns with ${which} found${of} in namespace ${namespace}`);
  }
  const params = recordedSpecs(earlier);
  return { definition: { kind: 'Pipeline', name: name ?? 'pipeline', spec: { params } }, earlier };
}
