import { messageOf } from '../../errors.ts';
import type { KubeObject } from '../../resource.ts';
import { command, CommandError, type Command, type Context } from '../command.ts';
import { confirm, deleteAll } from '../delete.ts';
import { quotedList } from '../deletion.ts';
import { toggle } from '../flags.ts';
import { placeOf, type TriggersKind } from './kind.ts';

/** `eventlistener delete` and the others. */
export function deleteTriggersCommand<T extends KubeObject>(kind: TriggersKind<T>): Command {
  const { resource, title } = kind;
  const place = resource.namespaced ? ' in a namespace' : '';
  return command({
    names: ['delete', 'rm'],
    summary: `Delete ${title}s${place}`,
    usage: '[NAME...]',
    examples: `Delete ${title}s with names 'foo' and 'bar':\n\n    tektite ${title.toLowerCase()} delete foo bar`,
    flags: {
      force: toggle('Whether to force deletion (default: false)', { short: 'f' }),
      all: toggle(`Delete all ${title}s${place} (default: false)`),
    },
    async run(context, { force, all }, names) {
      const { present, missing } = await lookedUp(context, kind, names);
      if (names.length > 0 && present.length === 0) throw new CommandError(missing.join('; '));
      checkRequest(kind, present, all);
      const answers = context.terminal.lines(context.signal)[Symbol.asyncIterator]();
      const word = title.toLowerCase();
      await confirm(
        context,
        answers,
        force,
        question(context, kind, present, all),
        `canceled deleting ${word}(s) ${quotedList(present)}`,
      );
      const doomed = all ? await allNames(context, kind) : present;
      const failures = await deleteAll(context, kind, doomed, { goneIsFailure: !all });
      if (failures.length > 0) throw new CommandError([...failures, ...missing].join('; '));
      context.terminal.out(report(context, kind, doomed, all));
      if (missing.length > 0) throw new CommandError(missing.join('; '));
      return 0;
    },
  });
}

async function lookedUp<T extends KubeObject>(
  context: Context,
  { resource, title }: TriggersKind<T>,
  names: readonly string[],
): Promise<{ present: string[]; missing: string[] }> {
  const { cluster, namespace, signal } = context;
  const found = await Promise.allSettled(names.map((name) => cluster.get(resource, namespace, name, { signal })));
  signal.throwIfAborted();
  const present = names.filter((_name, index) => found[index]?.status === 'fulfilled');
  const missing = found.flatMap((result, index) =>
    result.status === 'rejected' ? [`failed to get ${title} ${names[index]}: ${messageOf(result.reason)}`] : [],
  );
  return { present, missing };
}

function checkRequest({ title }: { title: string }, names: readonly string[], all: boolean): void {
  if (names.length > 0 && all)
    throw new CommandError('--all flag should not have any arguments or flags specified with it');
  if (names.length === 0 && !all)
    throw new CommandError(`must provide ${title.toLowerCase()} name(s) or use --all flag with delete`);
}

function question(
  { namespace }: Context,
  { title, resource }: { title: string; resource: { namespaced: boolean } },
  names: readonly string[],
  all: boolean,
): string {
  const word = title.toLowerCase();
  const place = resource.namespaced ? ` in namespace "${namespace}"` : '';
  return all
    ? `Are you sure you want to delete all ${word}s${place} (y/n): `
    : `Are you sure you want to delete ${word}(s) ${quotedList(names)} (y/n): `;
}

function report(
  { namespace }: Context,
  { title, resource }: { title: string; resource: { namespaced: boolean } },
  names: readonly string[],
  all: boolean,
): string {
  if (!all) return `${title}s deleted: ${quotedList(names)}\n`;
  return `All ${title}s deleted${resource.namespaced ? ` in namespace "${namespace}"` : ''}\n`;
}

async function allNames<T extends KubeObject>(context: Context, { resource }: TriggersKind<T>): Promise<string[]> {
  const found = await context.cluster.list(resource, { namespace: placeOf(context, resource), signal: context.signal });
  return found.items.map(({ metadata }) => metadata.name ?? '');
}
