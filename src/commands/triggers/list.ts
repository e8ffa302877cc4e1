import type { EventListener } from '../../api/triggers/objects.ts';
import { messageOf } from '../../errors.ts';
import type { KubeObject } from '../../resource.ts';
import { command, CommandError, type Command, type Context } from '../command.ts';
import { toggle } from '../flags.ts';
import { listObject, outputFlags, printerOf } from '../output.ts';
import { age, nothing } from '../text/age.ts';
import { alignColumns } from '../text/columns.ts';
import { placeOf, type TriggersKind } from './kind.ts';

interface Columns<T extends KubeObject> {
  /** Behind NAME and AGE. */
  heads: readonly string[];
  cells: (object: T) => string[];
}

export const ageAlone: Columns<KubeObject> = { heads: [], cells: () => [] };

export const listenerColumns: Columns<EventListener> = {
  heads: ['URL', 'AVAILABLE'],
  // tkn reads the first condition.
  cells: ({ status }) => [status?.address?.url || nothing, status?.conditions?.[0]?.status ?? nothing],
};

/** `eventlistener list` and the others. */
export function listTriggersCommand<T extends KubeObject>(kind: TriggersKind<T>, columns: Columns<T>): Command {
  const { resource, title } = kind;
  const plural = `${title}s`;
  return command({
    names: ['list', 'ls'],
    summary: `Lists ${plural}${resource.namespaced ? ' in a namespace' : ''}`,
    usage: '',
    examples: '',
    flags: {
      ...outputFlags,
      ...(resource.namespaced
        ? { 'all-namespaces': toggle(`list ${plural} from all namespaces`, { short: 'A' }) }
        : {}),
      'no-headers': toggle('do not print column headers with output (default print column headers with output)'),
    },
    async run(context, flags) {
      const printer = printerOf(flags, resource);
      const everywhere = (flags as Record<string, unknown>)['all-namespaces'] === true;
      const found = await find(context, kind, everywhere);
      if (printer) context.terminal.out(await printer(listObject(resource, found)));
      else if (found.items.length === 0) context.terminal.err(`No ${plural} found\n`);
      else context.terminal.out(tableOf(context, found.items, columns, { everywhere, hasHeads: !flags['no-headers'] }));
      return 0;
    },
  });
}

async function find<T extends KubeObject>(
  context: Context,
  { resource, title }: TriggersKind<T>,
  everywhere: boolean,
): Promise<{ items: T[]; resourceVersion: string }> {
  const namespace = everywhere ? undefined : placeOf(context, resource);
  try {
    return await context.cluster.list(resource, { namespace, signal: context.signal });
  } catch (error) {
    context.signal.throwIfAborted();
    const place = everywhere ? ' from all namespaces' : resource.namespaced ? ` from ${namespace} namespace` : '';
    throw new CommandError(`failed to list ${title}s${place}: ${messageOf(error)}`);
  }
}

function tableOf<T extends KubeObject>(
  { environment }: Context,
  items: readonly T[],
  { heads, cells }: Columns<T>,
  { everywhere, hasHeads }: { everywhere: boolean; hasHeads: boolean },
): string {
  const now = environment.clock.now();
  const head = [...(everywhere ? ['NAMESPACE'] : []), 'NAME', 'AGE', ...heads];
  const rows = items.map((object) => [
    ...(everywhere ? [object.metadata.namespace ?? ''] : []),
    object.metadata.name ?? '',
    age(object.metadata.creationTimestamp, now),
    ...cells(object),
  ]);
  return alignColumns([...(hasHeads ? [head] : []), ...rows].map((row) => `${row.join('\t')}\n`).join(''));
}
