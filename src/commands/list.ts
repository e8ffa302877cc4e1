import { messageOf } from '../errors.ts';
import type { Selection } from './cluster.ts';
import { command, CommandError, namesInTurn } from './command.ts';
import type { Command, Context } from './command.ts';
import { text, toggle, whole } from './flags.ts';
import { byNamespace, byStartTime } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';
import { watchRuns } from './list-watch.ts';
import { listObject, outputFlags, printerOf } from './output.ts';
import { listText } from './table.ts';

/** `pipelinerun list` and `taskrun list`. */
export function listCommand<T extends Run>(kind: RunKind<T>): Command {
  const { title, parent } = kind;
  return command({
    names: ['list', 'ls'],
    summary: `Lists ${title}s in a namespace`,
    usage: `[${parent.title}]`,
    examples: [
      `List all ${title}s of ${parent.title} 'foo':`,
      '',
      `    tektite ${title.toLowerCase()} list foo -n bar`,
      '',
      `List all ${title}s in a namespace 'foo':`,
      '',
      `    tektite ${title.toLowerCase()} list -n foo`,
    ].join('\n'),
    offers: namesInTurn(parent.resource),
    flags: {
      ...outputFlags,
      limit: whole(`Limits the number of ${title}s. If the limit value is 0 returns all`),
      label: text("A selector (label query) to filter on, supports '=', '==', and '!='", { short: 'l' }),
      reverse: toggle(`list ${title}s in reverse order`),
      'all-namespaces': toggle(`list ${title}s from all namespaces`, { short: 'A' }),
      'no-headers': toggle('do not print column headers with output (default print column headers with output)'),
      watch: toggle(`after the list, print each ${title} that changes, until interrupted`, { short: 'w' }),
    },
    async run(context, flags, [parentName = '']) {
      if (flags.limit < 0) throw new CommandError(`limit was ${flags.limit} but must be a positive number`);
      if (parentName && flags.label)
        throw listError(context, kind, `specifying a ${parent.title} and labels are not compatible`);
      const printer = printerOf(flags, kind.resource);
      const everywhere = flags['all-namespaces'];
      const choice = { parentName, label: flags.label, everywhere };
      const options = { everywhere, headers: !flags['no-headers'] };
      const ordered = (items: T[]) => {
        const sorted = items.sort(everywhere ? byNamespace : byStartTime);
        const limited = flags.limit > 0 ? sorted.slice(0, flags.limit) : sorted;
        return flags.reverse ? limited.reverse() : limited;
      };
      if (flags.watch) {
        const separator = flags.output.toLowerCase() === 'yaml' ? '---\n' : '';
        return await watchRuns(context, kind, {
          selection: selectionOf(context, kind, choice),
          accepts: (run) => parentName === '' || kind.isOfParent(run),
          ordered,
          options,
          print: printer && (async (run) => `${separator}${await printer(run)}`),
        });
      }
      const { items, resourceVersion } = await findRuns(context, kind, choice);
      const runs = ordered(items);
      const now = context.environment.clock.now();
      context.terminal.out(
        printer
          ? await printer(listObject(kind.resource, { items: runs, resourceVersion }))
          : listText({ title: kind.title, runs }, now, context.style, options),
      );
      return 0;
    },
  });
}

/** Which runs are wanted. */
interface Choice {
  parentName: string;
  label: string;
  everywhere: boolean;
}

function selectionOf(
  { namespace, signal }: Context,
  { parent }: Pick<RunKind, 'parent'>,
  { parentName, label, everywhere }: Choice,
): Selection & { signal: AbortSignal } {
  const labelSelector = parentName ? `${parent.label}=${parentName}` : label || undefined;
  return { namespace: everywhere ? undefined : namespace, labelSelector, signal };
}

async function findRuns<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  choice: Choice,
): Promise<{ items: T[]; resourceVersion: string }> {
  try {
    const { items, resourceVersion } = await context.cluster.list(kind.resource, selectionOf(context, kind, choice));
    return { items: choice.parentName ? items.filter(kind.isOfParent) : items, resourceVersion };
  } catch (error) {
    context.signal.throwIfAborted();
    throw listError(context, kind, messageOf(error));
  }
}

function listError(context: Context, kind: { title: string }, message: string): CommandError {
  return new CommandError(`failed to list ${kind.title}s from namespace ${context.namespace}: ${message}`);
}
