import type { Resource } from '../../resource.ts';
import { commonFlags } from '../command.ts';
import type { Command, CommandGroup, CommandTree } from '../command.ts';
import type { Flag, FlagTable, Offer } from '../flags.ts';

export interface Candidate {
  word: string;
  /** Shown beside the word by shells that can; our own text, never the cluster's. */
  about: string;
}

/**
 * What can stand in place of a command line's last word: words that we know, objects that the cluster knows, or files.
 * `prefix` is what of that word stays ("--output=").
 */
export type Completion =
  | { kind: 'words'; candidates: Candidate[] }
  | { kind: 'objects'; resource: Resource; prefix: string; begin: string; taken: readonly string[]; where: Where }
  | { kind: 'files'; prefix: string };

/** Which cluster and namespace the line speaks of; empty for what it does not say. */
export interface Where {
  kubeconfig: string;
  context: string;
  namespace: string;
}

interface Word {
  text: string;
  /** bash made words of "--flag=value" at the "="; only what follows it is to be replaced. */
  isSplit: boolean;
}

/** Completes the last of `words`: all that stands after the program's name, up to the cursor. */
export function complete(tree: CommandTree, words: readonly string[]): Completion {
  const joined = joinSplit(words);
  const current = joined.pop() ?? { text: '', isSplit: false };
  const line = readLine(
    tree,
    joined.map(({ text }) => text),
  );
  if (line.waiting) return offered(line.waiting.offer, '', current.text, line);
  if (current.text.startsWith('-') && !line.flagsEnded) return flagOrValue(line, current);
  if (line.command) return offered(line.command.offers?.(line.given.length), '', current.text, line);
  return commandNames(tree, line, current.text);
}

/** The name of a flag, or its value behind the "=". */
function flagOrValue(line: Line, { text, isSplit }: Word): Completion {
  const equals = text.startsWith('--') ? text.indexOf('=') : -1;
  if (equals === -1) return flagNames(line, text);
  const flag = ownFlag(line, text.slice(2, equals));
  return offered(flag?.offer, isSplit ? '' : text.slice(0, equals + 1), text.slice(equals + 1), line);
}

function joinSplit(words: readonly string[]): Word[] {
  const joined: Word[] = [];
  for (const text of words) {
    const last = joined.at(-1);
    const isOpen = last?.text.startsWith('--') === true;
    if (last && isOpen && text === '=' && !last.text.includes('='))
      joined.splice(-1, 1, { text: `${last.text}=`, isSplit: true });
    else if (last?.isSplit && last.text.indexOf('=') === last.text.length - 1)
      joined.splice(-1, 1, { text: last.text + text, isSplit: true });
    else joined.push({ text, isSplit: false });
  }
  return joined;
}

/** What stands before the word in question. */
interface Line {
  group: CommandGroup | undefined;
  command: Command | undefined;
  flags: FlagTable;
  seen: Map<string, string>;
  /** A flag that still wants its value. */
  waiting: Flag<unknown> | undefined;
  given: string[];
  flagsEnded: boolean;
}

function readLine(tree: CommandTree, words: readonly string[]): Line {
  const line: Line = {
    group: undefined,
    command: undefined,
    flags: commonFlags,
    seen: new Map(),
    waiting: undefined,
    given: [],
    flagsEnded: false,
  };
  let waitingName = '';
  for (const word of words) {
    if (line.waiting) {
      line.seen.set(waitingName, word);
      line.waiting = undefined;
    } else if (word === '--') line.flagsEnded = true;
    else if (word.startsWith('-') && word !== '-' && !line.flagsEnded) waitingName = readFlag(line, word);
    else readArgument(tree, line, word);
  }
  return line;
}

/** Notes a flag with its value; one that still wants it is left waiting. @returns the flag's name. */
function readFlag(line: Line, word: string): string {
  const equals = word.indexOf('=');
  const isLong = word.startsWith('--');
  const written = equals === -1 ? word : word.slice(0, equals);
  const name = isLong ? written.slice(2) : (nameOfShort(line, written) ?? '');
  const flag = ownFlag(line, name);
  if (!flag) return name;
  // "-nvalue" has its value as well.
  const attached = isLong || written.length === 2 ? undefined : word.slice(2);
  const value = equals !== -1 ? word.slice(equals + 1) : flag.kind === '' ? 'true' : attached;
  if (value === undefined) line.waiting = flag;
  else line.seen.set(name, value);
  return name;
}

/** The last letter of a group of switches ("-fL"), the first one where a value follows it. */
function nameOfShort({ flags }: Line, word: string): string | undefined {
  const byLetter = (letter: string) => Object.entries(flags).find(([, flag]) => flag.short === letter);
  const first = byLetter(word.slice(1, 2));
  if (first && first[1].kind !== '') return first[0];
  return byLetter(word.slice(-1))?.[0];
}

function ownFlag({ flags }: Line, name: string): Flag<unknown> | undefined {
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

function readArgument({ groups, single }: CommandTree, line: Line, word: string): void {
  if (line.command) line.given.push(word);
  else if (line.group) enter(line, named(line.group.commands, word));
  else if (word !== 'help') {
    line.group = named(groups, word);
    if (!line.group) enter(line, named(single, word));
  }
}

function named<T extends { names: readonly string[] }>(entries: readonly T[], word: string): T | undefined {
  return entries.find(({ names }) => names.includes(word));
}

function enter(line: Line, command: Command | undefined): void {
  // Under a name that is not known nothing can be offered.
  line.command = command ?? unknown;
  line.flags = { ...commonFlags, ...line.command.flags };
}

const unknown: Command = {
  names: ['unknown'],
  summary: '',
  usage: '',
  examples: '',
  flags: {},
  arguments: { least: 0, most: 0 },
  needsCluster: false,
  run: () => Promise.resolve(1),
};

function offered(offer: Offer | undefined, prefix: string, begin: string, line: Line): Completion {
  if (!offer) return { kind: 'words', candidates: [] };
  if ('files' in offer) return { kind: 'files', prefix };
  if ('words' in offer) {
    const words = offer.words.filter((word) => word.startsWith(begin));
    return { kind: 'words', candidates: words.map((word) => ({ word: prefix + word, about: '' })) };
  }
  const where = {
    kubeconfig: line.seen.get('kubeconfig') ?? '',
    context: line.seen.get('context') ?? '',
    namespace: line.seen.get('namespace') ?? '',
  };
  return { kind: 'objects', resource: offer.objects, prefix, begin, taken: line.given, where };
}

/** Flags that are not on the line yet, or may be on it again. */
function flagNames({ flags, seen }: Line, begin: string): Completion {
  const candidates = Object.entries(flags)
    .filter(([name, flag]) => !flag.hidden && (!seen.has(name) || Array.isArray(flag.initial)))
    .map(([name, flag]) => ({ word: `--${name}`, about: flag.help }))
    .filter(({ word }) => word.startsWith(begin))
    .sort((a, b) => (a.word < b.word ? -1 : 1));
  return { kind: 'words', candidates };
}

/** By their proper names; an alias that was begun completes to itself where nothing else fits. */
function commandNames({ groups, single }: CommandTree, { group }: Line, begin: string): Completion {
  const entries = group?.commands ?? [...groups, ...single.filter(({ hidden }) => !hidden)];
  const fits = entries.filter(({ names }) => names[0].startsWith(begin));
  const candidates =
    fits.length > 0
      ? fits.map(({ names, summary }) => ({ word: names[0], about: summary }))
      : entries.flatMap(({ names, summary }) =>
          names.filter((name) => name.startsWith(begin)).map((word) => ({ word, about: summary })),
        );
  return { kind: 'words', candidates };
}
