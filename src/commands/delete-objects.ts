import { messageOf } from '../errors.ts';
import type { KubeObject, Resource } from '../resource.ts';
import { command, CommandError, repeated, type Command, type Context } from './command.ts';
import { confirm, deleteAll } from './delete.ts';
import { quoted, quotedList } from './deletion.ts';
import { toggle } from './flags.ts';
import type { RunKind } from './kinds.ts';

/** A kind whose objects are deleted by name or all at once. */
export interface DeletableKind {
  resource: Resource;
  /** "Pipeline", as reports call it. */
  title: string;
  /** As questions and complaints call it: tkn writes some kinds small there. */
  word: string;
  /** What the API server's complaint about a name that is not there follows. */
  missing?: (name: string) => string;
  /** Its runs, which the flag has deleted too. */
  runs?: { flag: string; kind: RunKind };
}

interface Request {
  names: readonly string[];
  all: boolean;
  withRuns: boolean;
}

/** `pipeline delete`, `eventlistener delete` and the others. */
export function deleteObjectsCommand(kind: DeletableKind): Command {
  const { resource, title, runs } = kind;
  const place = resource.namespaced ? ' in a namespace' : '';
  return command({
    names: ['delete', 'rm'],
    summary: `Delete ${title}s${place}`,
    usage: '[NAME...]',
    examples: `Delete ${title}s with names 'foo' and 'bar':\n\n    tektite ${title.toLowerCase()} delete foo bar`,
    offers: repeated({ objects: resource }),
    flags: {
      force: toggle('Whether to force deletion (default: false)', { short: 'f' }),
      all: toggle(`Delete all ${title}s${place} (default: false)`),
      ...(runs
        ? {
            [runs.flag]: toggle(
              `Whether to delete ${title}(s) and related resources (${runs.kind.title}s) (default: false)`,
            ),
          }
        : {}),
    },
    async run(context, flags, names) {
      const values: Record<string, unknown> = flags;
      const { present, missing } = await lookedUp(context, kind, names);
      if (names.length > 0 && present.length === 0) throw new CommandError(missing.join('; '));
      const request = { names: present, all: flags.all, withRuns: runs !== undefined && values[runs.flag] === true };
      checkRequest(kind, request);
      const answers = context.terminal.lines(context.signal)[Symbol.asyncIterator]();
      await confirm(context, answers, {
        force: flags.force,
        question: question(context, kind, request),
        refusal: `canceled deleting ${kind.word}(s) ${quotedList(present)}`,
      });
      const failures = [...(await deleteRequested(context, kind, request)), ...missing];
      if (failures.length > 0) throw new CommandError(failures.join('; '));
      return 0;
    },
  });
}

async function lookedUp(
  context: Context,
  { resource, missing: said }: DeletableKind,
  names: readonly string[],
): Promise<{ present: string[]; missing: string[] }> {
  const { cluster, namespace, signal } = context;
  const found = await Promise.allSettled(names.map((name) => cluster.get(resource, namespace, name, { signal })));
  signal.throwIfAborted();
  const present = names.filter((_name, index) => found[index]?.status === 'fulfilled');
  const missing = found.flatMap((result, index) =>
    result.status === 'rejected' ? [`${said?.(names[index] ?? '') ?? ''}${messageOf(result.reason)}`] : [],
  );
  return { present, missing };
}

function checkRequest({ word }: DeletableKind, { names, all, withRuns }: Request): void {
  if (all && (names.length > 0 || withRuns))
    throw new CommandError('--all flag should not have any arguments or flags specified with it');
  if (names.length === 0 && !all) throw new CommandError(`must provide ${word} name(s) or use --all flag with delete`);
}

function question(
  { namespace }: Context,
  { word, resource }: DeletableKind,
  { names, all, withRuns }: Request,
): string {
  const place = resource.namespaced ? ` in namespace ${quoted(namespace)}` : '';
  const what = all
    ? `all ${word}s${place}`
    : `${word}(s) ${quotedList(names)}${withRuns ? ' and related resources' : ''}`;
  return `Are you sure you want to delete ${what} (y/n): `;
}

/** Deletes, says what it deleted, and gives what went wrong. */
async function deleteRequested(context: Context, kind: DeletableKind, request: Request): Promise<string[]> {
  const { terminal, namespace } = context;
  const { resource, title, runs } = kind;
  const names = request.all ? await allNames(context, resource) : request.names;
  const deleted: string[] = [];
  const failures = await deleteAll(context, kind, names, {
    goneIsFailure: !request.all,
    onDeleted: (name) => deleted.push(name),
  });
  if (request.withRuns && runs) failures.push(...(await deleteRuns(context, kind, runs.kind, inOrder(deleted, names))));
  if (request.all) {
    const place = resource.namespaced ? ` in namespace ${quoted(namespace)}` : '';
    if (failures.length === 0) terminal.out(`All ${title}s deleted${place}\n`);
  } else if (deleted.length > 0) terminal.out(`${title}s deleted: ${quotedList(inOrder(deleted, names))}\n`);
  return failures;
}

/** The runs of what was deleted. To find none is a failure, as it is to tkn. */
async function deleteRuns(
  context: Context,
  { title }: DeletableKind,
  runs: RunKind,
  parents: readonly string[],
): Promise<string[]> {
  const { cluster, namespace, signal, terminal } = context;
  const failures: string[] = [];
  const names: string[] = [];
  for (const parent of parents) {
    try {
      const labelSelector = `${runs.parent.label}=${parent}`;
      const { items } = await cluster.list(runs.resource, { namespace, labelSelector, signal });
      const found = items.filter(runs.isOfParent);
      if (found.length === 0) failures.push(`no ${runs.title}s associated with ${title} ${quoted(parent)}`);
      names.push(...found.map(({ metadata }) => metadata.name ?? ''));
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`failed to list ${runs.title.toLowerCase()}s: ${messageOf(error)}`);
    }
  }
  const deleted: string[] = [];
  const onDeleted = (name: string) => deleted.push(name);
  failures.push(...(await deleteAll(context, runs, names, { goneIsFailure: false, onDeleted })));
  if (deleted.length > 0) terminal.out(`${runs.title}s deleted: ${quotedList(inOrder(deleted, names))}\n`);
  return failures;
}

/** Several requests are under way at once: what comes back first says nothing. */
function inOrder(deleted: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => deleted.includes(name));
}

async function allNames({ cluster, namespace, signal }: Context, resource: Resource): Promise<string[]> {
  const found = await cluster.list<KubeObject>(resource, {
    namespace: resource.namespaced ? namespace : undefined,
    signal,
  });
  return found.items.map(({ metadata }) => metadata.name ?? '');
}
