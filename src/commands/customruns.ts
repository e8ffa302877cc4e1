import type { CustomRun } from '../api/pipeline/v1beta1/customrun.ts';
import { customRuns } from '../api/resources.ts';
import { messageOf } from '../errors.ts';
import { isNotFound } from '../kube/api-error.ts';
import { checkLimit, chooseRun } from './choose.ts';
import { command, CommandError, namesInTurn, repeated } from './command.ts';
import type { Command, CommandGroup, Context } from './command.ts';
import { exportCommand } from './export.ts';
import { text, toggle, whole } from './flags.ts';
import { byNamespace, byStartTime } from './kinds.ts';
import { listText } from './table.ts';
import { listObject, outputFlags, printerOf } from './output.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { header, section, started, timeoutText, valueTable, workspaceSection } from './text/sections.ts';
import { printable } from './text/printable.ts';
import { paramText } from './text/values.ts';

const title = 'CustomRun';

const listCustomRuns: Command = command({
  names: ['list', 'ls'],
  summary: 'Lists CustomRuns in a namespace',
  usage: '',
  examples: "List all CustomRuns in namespace 'bar':\n\n    tektite customrun list -n bar",
  flags: {
    ...outputFlags,
    limit: whole('Limits the number of CustomRuns. If the limit value is 0 returns all'),
    label: text("A selector (label query) to filter on, supports '=', '==', and '!='", { short: 'l' }),
    reverse: toggle('list CustomRuns in reverse order'),
    'all-namespaces': toggle('list CustomRuns from all namespaces', { short: 'A' }),
    'no-headers': toggle('do not print column headers with output (default print column headers with output)'),
  },
  async run(context, flags) {
    if (flags.limit < 0) throw new CommandError(`limit was ${flags.limit} but must be a positive number`);
    const printer = printerOf(flags, customRuns);
    const everywhere = flags['all-namespaces'];
    const { cluster, namespace, signal, terminal, style } = context;
    const { items, resourceVersion } = await cluster
      .list(customRuns, {
        namespace: everywhere ? undefined : namespace,
        labelSelector: flags.label || undefined,
        signal,
      })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw new CommandError(`failed to list CustomRuns from namespace ${namespace}: ${messageOf(error)}`);
      });
    const sorted = items.sort(everywhere ? byNamespace : byStartTime);
    const limited = flags.limit > 0 ? sorted.slice(0, flags.limit) : sorted;
    const runs = flags.reverse ? limited.reverse() : limited;
    terminal.out(
      printer
        ? await printer(listObject(customRuns, { items: runs, resourceVersion }))
        : listText({ title, runs }, context.environment.clock.now(), style, {
            everywhere,
            headers: !flags['no-headers'],
          }),
    );
    return 0;
  },
});

const describeCustomRun: Command = command({
  names: ['describe', 'desc'],
  summary: 'Describe a CustomRun in a namespace',
  usage: '[NAME]',
  examples: "Describe a CustomRun of name 'foo' in namespace 'bar':\n\n    tektite customrun describe foo -n bar",
  offers: namesInTurn(customRuns),
  flags: {
    ...outputFlags,
    last: toggle('show description for last CustomRun', { short: 'L' }),
    limit: whole('lists number of CustomRuns when selecting a CustomRun to describe', { initial: 5 }),
  },
  async run(context, flags, [given]) {
    if (given === undefined && !flags.last) checkLimit(flags.limit);
    const printer = printerOf(flags, customRuns);
    const { cluster, namespace, signal, terminal, style } = context;
    const name = given ?? (await chooseRun(context, { title, resource: customRuns }, flags));
    if (name === undefined) {
      if (!flags.last) throw new CommandError('no CustomRuns found');
      terminal.out(`No CustomRuns present in namespace ${namespace}\n`);
      return 0;
    }
    const run = await cluster.get(customRuns, namespace, name, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(`${printer ? '' : `failed to get CustomRun ${name}: `}${messageOf(error)}`);
    });
    terminal.out(printer ? await printer(run) : customRunText(run, context.environment.clock.now(), style));
    return 0;
  },
});

/** tkn's description of a CustomRun: sections in this order, empty ones left out. */
function customRunText({ metadata, spec, status }: CustomRun, now: Date, style: Style): string {
  const timeout = spec.timeout === undefined ? '' : timeoutText(spec.timeout);
  const condition = status?.conditions?.[0];
  return alignColumns(
    [
      ...header(
        metadata,
        [
          ['Custom Ref', referenceText(spec)],
          ['Service Account', spec.serviceAccountName],
          ['Timeout', timeout === '0s' ? '' : timeout],
        ],
        style,
      ),
      ...section('status', 'Status', ['STARTED\tDURATION\tSTATUS', started(status, now, style)], style),
      ...section('plain', 'Message', condition?.status === 'False' ? [condition.message ?? ''] : [], style),
      ...valueTable('params', spec.params, paramText, style),
      ...valueTable('results', status?.results, String, style),
      ...workspaceSection(spec.workspaces, style),
      '',
    ].join('\n'),
  );
}

/** The name of what it refers to, else the kind of what is written in place. */
function referenceText({ customRef, customSpec }: CustomRun['spec']): string {
  return customRef?.name || (customSpec ? `${customSpec.apiVersion ?? ''}/${customSpec.kind ?? ''}` : '');
}

/** As tkn's it asks nothing; unlike tkn's it fails when one was not there. */
const deleteCustomRuns: Command = command({
  names: ['delete', 'rm'],
  summary: 'Delete CustomRuns in a namespace, without asking',
  usage: 'NAME...',
  examples: "Delete the CustomRun of name 'foo' in namespace 'bar':\n\n    tektite customrun delete foo -n bar",
  arguments: { least: 1, most: Infinity },
  offers: repeated({ objects: customRuns }),
  flags: {},
  async run(context, _flags, names) {
    const outcomes: number[] = [];
    for (const name of names) outcomes.push(await deleteOne(context, name));
    return Math.max(...outcomes);
  },
});

async function deleteOne({ cluster, namespace, signal, terminal }: Context, name: string): Promise<number> {
  try {
    await cluster.delete(customRuns, namespace, name, { signal });
    terminal.out(printable(`CustomRun '${name}' deleted successfully from namespace '${namespace}'\n`));
    return 0;
  } catch (error) {
    signal.throwIfAborted();
    const said = isNotFound(error)
      ? `CustomRun ${name} not found in namespace ${namespace}`
      : `failed to delete CustomRun ${name}: ${messageOf(error)}`;
    terminal.err(printable(`${said}\n`));
    return 1;
  }
}

export const customRunGroup: CommandGroup = {
  names: ['customrun', 'cr', 'customruns'],
  summary: 'Manage CustomRuns',
  commands: [deleteCustomRuns, describeCustomRun, exportCommand(customRuns), listCustomRuns],
};
