import { messageOf } from '../errors.ts';
import type { Cluster, Connection } from './cluster.ts';
import { CommandError, commonFlags } from './command.ts';
import type { Command, CommandGroup } from './command.ts';
import type { CommandEnvironment } from './environment.ts';
import { FlagError, parseFlags } from './flags.ts';
import type { FlagTable, FlagValues } from './flags.ts';
import { commandHelp, groupHelp, rootHelp } from './help.ts';
import { printable } from './text/printable.ts';
import { styleOf } from './text/colour.ts';
import { tree } from './tree.ts';

const PROGRAM = 'tektite';
/** As a shell reports a process that was interrupted. */
const INTERRUPTED = 130;
const { groups, single } = tree;

/** Words that `runCommand` understands, for whoever decides between it and the server roles. */
export const commandNames: readonly string[] = [...groups, ...single].flatMap((entry) => entry.names);
const shownNames = [...groups, ...single.filter(({ hidden }) => !hidden)].flatMap((entry) => entry.names);

/**
 * Runs one command line (without node and the script) and gives the exit status: 0, 1 after an error that was printed,
 * 130 when interrupted, or what the command defines.
 */
export async function runCommand(
  argv: readonly string[],
  environment: CommandEnvironment,
  signal: AbortSignal,
): Promise<number> {
  let path = '';
  // What a command leaves open, a reader of the terminal above all, ends with it: else a process never would.
  const over = new AbortController();
  const untilOver = AbortSignal.any([signal, over.signal]);
  try {
    const { values, rest: words } = parseFlags(commonFlags, argv, { untilArgument: true });
    const [word, ...after] = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
    if (word === undefined || word.startsWith('-')) return print(environment, rootHelp(PROGRAM, groups, single));
    const alone = single.find((entry) => entry.names.includes(word));
    if (alone)
      return await runLeaf(
        { command: alone, path: alone.names[0], argv: after, given: values },
        environment,
        untilOver,
      );
    const group = groups.find((entry) => entry.names.includes(word));
    if (!group) throw unknownWord(word, '', shownNames);
    path = ` ${group.names[0]}`;
    const line = readGroup(group, after, values);
    if (!line) return print(environment, groupHelp(PROGRAM, group));
    path = ` ${line.path}`;
    return await runLeaf(line, environment, untilOver);
  } catch (error) {
    return signal.aborted ? INTERRUPTED : tellFailure(environment, path, error);
  } finally {
    over.abort();
  }
}

/** @returns the exit status. */
function tellFailure({ terminal }: CommandEnvironment, path: string, error: unknown): number {
  terminal.err(`Error: ${printable(messageOf(error))}\n`);
  if (error instanceof FlagError || error instanceof UsageError)
    terminal.err(`Run '${PROGRAM}${path} --help' for usage.\n`);
  return error instanceof CommandError ? error.status : 1;
}

/** A command line that cannot be understood; the user is pointed to the help. */
class UsageError extends Error {
  override name = 'UsageError';
}

/** A command and what was written around its name. */
interface CommandLine {
  command: Command;
  path: string;
  argv: readonly string[];
  given: Record<string, unknown>;
}

/** Undefined when only the group is named. */
function readGroup(
  group: CommandGroup,
  argv: readonly string[],
  given: FlagValues<typeof commonFlags>,
): CommandLine | undefined {
  const { values, rest } = parseFlags(commonFlags, argv, { untilArgument: true, given });
  const [word, ...after] = rest;
  if (word === undefined) return undefined;
  const found = group.commands.find((entry) => entry.names.includes(word));
  if (!found)
    throw unknownWord(
      word,
      ` ${group.names[0]}`,
      group.commands.flatMap((entry) => entry.names),
    );
  return { command: found, path: `${group.names[0]} ${found.names[0]}`, argv: after, given: values };
}

async function runLeaf(
  { command: leaf, path, argv, given }: CommandLine,
  environment: CommandEnvironment,
  signal: AbortSignal,
): Promise<number> {
  const table: FlagTable = { ...commonFlags, ...leaf.flags };
  const { values, rest } = parseFlags(table, argv, { given });
  if (values['help'] === true) return print(environment, commandHelp(PROGRAM, path, leaf));
  checkArguments(leaf, rest);
  const choice = { kubeconfig: String(values['kubeconfig']), context: String(values['context']) };
  const connection = leaf.needsCluster ? await environment.connect(choice) : unconnected;
  const { terminal } = environment;
  const context = {
    environment,
    terminal,
    style: styleOf(terminal.colour && values['no-color'] !== true && values['nocolour'] !== true),
    signal,
    cluster: connection.cluster,
    namespace: String(values['namespace']) || connection.namespace,
    contextName: choice.context,
  };
  try {
    return await leaf.run(context, values, rest);
  } finally {
    await connection.close();
  }
}

/** For commands that need no cluster: using it all the same is a defect of the command. */
const unconnected: Connection = {
  cluster: new Proxy({} as Cluster, {
    get: (_target, member) => {
      throw new Error(`a command without needsCluster used cluster.${String(member)}`);
    },
  }),
  namespace: '',
  close: () => Promise.resolve(),
};

function checkArguments(leaf: Command, given: readonly string[]): void {
  const { least, most } = leaf.arguments;
  if (given.length >= least && given.length <= most) return;
  const wanted =
    least === most
      ? `accepts ${most} arg(s)`
      : given.length < least
        ? `requires at least ${least} arg(s)`
        : `accepts at most ${most} arg(s)`;
  throw new UsageError(`${wanted}, received ${given.length}`);
}

function print(environment: CommandEnvironment, text: string): number {
  environment.terminal.out(text);
  return 0;
}

function unknownWord(word: string, path: string, known: readonly string[]): UsageError {
  const near = known.filter(
    (candidate) => candidate.startsWith(word) || word.startsWith(candidate) || distance(word, candidate) <= 2,
  );
  const hint = near.length > 0 ? `\n\nDid you mean this?\n${near.map((candidate) => `\t${candidate}\n`).join('')}` : '';
  return new UsageError(`unknown command ${JSON.stringify(word)} for "${PROGRAM}${path}"${hint}`);
}

/** Levenshtein's: how many letters must change to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_unused, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (left === right ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
