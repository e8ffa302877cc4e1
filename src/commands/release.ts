import { eachOf } from '../concurrency.ts';
import { isChainsFinalizer } from '../core/chains-finalizers.ts';
import { messageOf } from '../errors.ts';
import { found, isNotFound, isOutdated } from '../kube/api-error.ts';
import { command, CommandError } from './command.ts';
import type { Command, Context } from './command.ts';
import { toggle } from './flags.ts';
import { pipelineRunKind, taskRunKind } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';

/** Requests under way at once; the client's own rate limit holds as well. */
const AT_ONCE = 8;
const TRIES = 5;

/** Once Chains is gone nobody takes its finalizers away: runs that carry one cannot be deleted, nor their namespace. */
export const releaseRuns: Command = command({
  names: ['release'],
  summary: 'Take the finalizers of Chains from runs, once Chains is not running any more',
  usage: '',
  examples:
    "Let the runs of namespace 'bar' be deleted:\n\n    tektite chains release -n bar\n\nLet all runs be deleted:\n\n    tektite chains release --all-namespaces",
  arguments: { least: 0, most: 0 },
  flags: { 'all-namespaces': toggle('release the runs of all namespaces', { short: 'A' }) },
  async run(context, flags) {
    const namespace = flags['all-namespaces'] ? undefined : context.namespace;
    const failures: string[] = [];
    for (const kind of [pipelineRunKind, taskRunKind]) failures.push(...(await releaseKind(context, kind, namespace)));
    if (failures.length > 0) throw new CommandError(failures.join('\n'));
    return 0;
  },
});

async function releaseKind<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  namespace: string | undefined,
): Promise<string[]> {
  const { cluster, signal, terminal } = context;
  const { items } = await cluster.list(kind.resource, { namespace, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(`failed to list ${kind.title}s: ${messageOf(error)}`);
  });
  const held = items.filter((run) => (run.metadata.finalizers ?? []).some(isChainsFinalizer));
  const failures = await eachOf(held, AT_ONCE, async (run) => {
    const name = `${run.metadata.namespace}/${run.metadata.name}`;
    try {
      await release(context, kind, run);
      terminal.out(`${kind.title} released: ${name}\n`);
      return [];
    } catch (error) {
      signal.throwIfAborted();
      return [`failed to release ${kind.title} ${name}: ${messageOf(error)}`];
    }
  });
  terminal.out(`${held.length - failures.flat().length} of ${items.length} ${kind.title}s released\n`);
  return failures.flat();
}

/** Finalizers that others add or take at the same time stay as they are. */
async function release<T extends Run>({ cluster, signal }: Context, kind: RunKind<T>, run: T): Promise<void> {
  const { namespace = '', name = '', uid } = run.metadata;
  let known = run;
  for (let tries = 1; ; tries += 1) {
    const body = releasePatch(known, uid);
    if (body === undefined) return;
    try {
      await cluster.patch(kind.resource, namespace, name, { type: 'json', body, signal });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isOutdated(error) || tries >= TRIES) throw error;
    }
    const fresh = await found(cluster.get(kind.resource, namespace, name, { signal }));
    if (fresh === undefined) return;
    known = fresh;
  }
}

/** Undefined when there is nothing to take away, or another run has the name by now. */
function releasePatch({ metadata }: Run, uid: string | undefined): object[] | undefined {
  const present = metadata.finalizers ?? [];
  const kept = present.filter((finalizer) => !isChainsFinalizer(finalizer));
  if (metadata.uid !== uid || kept.length === present.length) return undefined;
  const path = '/metadata/finalizers';
  return [
    { op: 'test', path, value: present },
    { op: 'replace', path, value: kept },
  ];
}
