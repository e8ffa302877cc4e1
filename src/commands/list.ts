import { messageOf } from '../errors.ts';
import { command, CommandError, namesInTurn } from './command.ts';
import type { Command, Context } from './command.ts';
import { text, toggle, whole } from './flags.ts';
import { byNamespace, byStartTime } from './kinds.ts';
import type { Run, RunKind, RunObject } from './kinds.ts';
import { listObject, outputFlags, printerOf } from './output.ts';
import { age, duration } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { statusText } from './text/values.ts';

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
    },
    async run(context, flags, [parentName = '']) {
      if (flags.limit < 0) throw new CommandError(`limit was ${flags.limit} but must be a positive number`);
      if (parentName && flags.label)
        throw listError(context, kind, `specifying a ${parent.title} and labels are not compatible`);
      const printer = printerOf(flags, kind.resource);
      const { items, resourceVersion } = await findRuns(context, kind, {
        parentName,
        label: flags.label,
        everywhere: flags['all-namespaces'],
      });
      const sorted = items.sort(flags['all-namespaces'] ? byNamespace : byStartTime);
      const limited = flags.limit > 0 ? sorted.slice(0, flags.limit) : sorted;
      const runs = flags.reverse ? limited.reverse() : limited;
      const now = context.environment.clock.now();
      const options = { everywhere: flags['all-namespaces'], headers: !flags['no-headers'] };
      context.terminal.out(
        printer
          ? await printer(listObject(kind.resource, { items: runs, resourceVersion }))
          : listText(kind, runs, now, context.style, options),
      );
      return 0;
    },
  });
}

async function findRuns<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  choice: { parentName: string; label: string; everywhere: boolean },
): Promise<{ items: T[]; resourceVersion: string }> {
  const labelSelector = choice.parentName ? `${kind.parent.label}=${choice.parentName}` : choice.label || undefined;
  try {
    const { items, resourceVersion } = await context.cluster.list(kind.resource, {
      namespace: choice.everywhere ? undefined : context.namespace,
      labelSelector,
      signal: context.signal,
    });
    return { items: choice.parentName ? items.filter(kind.isOfParent) : items, resourceVersion };
  } catch (error) {
    context.signal.throwIfAborted();
    throw listError(context, kind, messageOf(error));
  }
}

function listError(context: Context, kind: { title: string }, message: string): CommandError {
  return new CommandError(`failed to list ${kind.title}s from namespace ${context.namespace}: ${message}`);
}

/** tkn's table of runs. */
export function listText(
  kind: { title: string },
  runs: readonly RunObject[],
  now: Date,
  style: Style,
  options: { everywhere: boolean; headers: boolean },
): string {
  if (runs.length === 0) return `No ${kind.title}s found\n`;
  const header = [...(options.everywhere ? ['NAMESPACE'] : []), 'NAME', 'STARTED', 'DURATION', 'STATUS'];
  const rows = runs.map(({ metadata, status }) => [
    ...(options.everywhere ? [metadata.namespace ?? ''] : []),
    metadata.name ?? '',
    age(status?.startTime, now),
    duration(status?.startTime, status?.completionTime),
    statusText(status?.conditions, style),
  ]);
  return alignColumns([...(options.headers ? [header] : []), ...rows].map((cells) => `${cells.join('\t')}\n`).join(''));
}
