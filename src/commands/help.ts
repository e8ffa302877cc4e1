import { formatDuration } from '../duration.ts';
import { commonFlags } from './command.ts';
import type { Command, CommandGroup } from './command.ts';
import type { Flag, FlagTable } from './flags.ts';
import { alignColumns } from './text/columns.ts';

/** `tektite help`: the groups and the single commands. */
export function rootHelp(program: string, groups: readonly CommandGroup[], single: readonly Command[]): string {
  const shown = [...groups, ...single.filter(({ hidden }) => !hidden)];
  const rows = shown.map((entry) => `  ${entry.names.join('|')}\t${entry.summary}`);
  return alignColumns(
    [
      `Inspect and control runs on the cluster.`,
      '',
      'Usage:',
      `  ${program} COMMAND [flags]`,
      '',
      'Commands:',
      ...rows,
      '',
      ...flagLines('Flags', commonFlags),
      '',
      `Use "${program} COMMAND --help" for more information about a command.`,
      '',
    ].join('\n'),
  );
}

export function groupHelp(program: string, group: CommandGroup): string {
  const [name, ...aliases] = group.names;
  const rows = group.commands.map((entry) => `  ${entry.names.join('|')}\t${entry.summary}`);
  return alignColumns(
    [
      group.summary,
      '',
      'Usage:',
      `  ${program} ${name} COMMAND [flags]`,
      '',
      ...(aliases.length > 0 ? ['Aliases:', `  ${group.names.join(', ')}`, ''] : []),
      'Commands:',
      ...rows,
      '',
      ...flagLines('Flags', commonFlags),
      '',
      `Use "${program} ${name} COMMAND --help" for more information about a command.`,
      '',
    ].join('\n'),
  );
}

export function commandHelp(program: string, path: string, entry: Command): string {
  const examples = entry.examples.trim();
  return alignColumns(
    [
      entry.summary,
      '',
      'Usage:',
      `  ${program} ${path}${entry.usage ? ` ${entry.usage}` : ''} [flags]`,
      '',
      ...(entry.names.length > 1 ? ['Aliases:', `  ${entry.names.join(', ')}`, ''] : []),
      ...(examples ? ['Examples:', '', examples, ''] : []),
      ...(Object.keys(entry.flags).length > 0 ? [...flagLines('Flags', entry.flags), ''] : []),
      ...flagLines('Global Flags', commonFlags),
      '',
    ].join('\n'),
  );
}

function flagLines(title: string, flags: FlagTable): string[] {
  return [
    `${title}:`,
    ...Object.keys(flags)
      .sort()
      .filter((name) => !flags[name]?.hidden)
      .map((name) => flagLine(name, flags[name] as Flag<unknown>)),
  ];
}

function flagLine(name: string, flag: Flag<unknown>): string {
  const short = flag.short ? `-${flag.short}, ` : '    ';
  return `  ${short}--${name}${flag.kind ? ` ${flag.kind}` : ''}\t${flag.help}${initialText(flag)}`;
}

function initialText(flag: Flag<unknown>): string {
  const { initial } = flag;
  if (flag.help.includes('(default') || initial === '' || initial === 0 || initial === false || Array.isArray(initial))
    return '';
  return ` (default ${flag.kind === 'duration' ? formatDuration(initial as number) : String(initial)})`;
}
