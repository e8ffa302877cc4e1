import { DurationError, parseDuration } from '../duration.ts';
import type { Resource } from '../resource.ts';

/** What a shell can complete a word with: names of objects in the cluster, fixed words, or files. */
export type Offer = { objects: Resource } | { words: readonly string[] } | { files: true };

/**
 * Command line flags as tkn's users write them (spf13/pflag): "--name value", "--name=value", "-n value", "-nvalue",
 * "-n=value", grouped "-fL", switches with "=false", flags and arguments in any order, "--" to end them. Neither
 * node:util's parseArgs nor commander takes a value on a switch (tkn's "--ignore-running=false"), hence our own.
 */
export interface Flag<V> {
  short?: string;
  /** Understood but not shown in help texts. */
  hidden?: boolean;
  help: string;
  /** Name of the value's kind in help texts; a switch has none. */
  kind: '' | 'string' | 'strings' | 'int' | 'duration';
  initial: V;
  /** What its value may be, for completion. */
  offer?: Offer;
  /** @throws FlagError when the text is no such value; `before` is what earlier uses gave. */
  read(text: string, before: V): V;
}
export type FlagTable = Record<string, Flag<unknown>>;
export type FlagValues<T> = { [K in keyof T]: T[K] extends Flag<infer V> ? V : never };

/** What is wrong with a command line, in pflag's words. */
export class FlagError extends Error {
  override name = 'FlagError';
}

export function toggle(
  help: string,
  options: { short?: string; initial?: boolean; hidden?: boolean } = {},
): Flag<boolean> {
  return { ...options, help, kind: '', initial: options.initial ?? false, read: readBoolean };
}

export function text(help: string, options: { short?: string; offer?: Offer; initial?: string } = {}): Flag<string> {
  return { ...options, help, kind: 'string', initial: options.initial ?? '', read: (given) => given };
}

/** May be given several times, or with commas. */
export function texts(help: string, options: { short?: string; offer?: Offer } = {}): Flag<string[]> {
  return {
    ...options,
    help,
    kind: 'strings',
    initial: [],
    read: (given, before) => [...before, ...given.split(',').filter((part) => part !== '')],
  };
}

/** May be given several times; commas are part of the text. */
export function eachText(help: string, options: { short?: string; offer?: Offer } = {}): Flag<string[]> {
  return { ...options, help, kind: 'string', initial: [], read: (given, before) => [...before, given] };
}

export function whole(help: string, options: { short?: string; initial?: number } = {}): Flag<number> {
  return { ...options, help, kind: 'int', initial: options.initial ?? 0, read: readWhole };
}

/** A Go duration ("90s"); the value is milliseconds. */
export function span(help: string, options: { short?: string; initial: number }): Flag<number> {
  return { ...options, help, kind: 'duration', read: readSpan };
}

function readBoolean(given: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(given)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(given)) return false;
  throw new FlagError('must be true or false');
}

function readWhole(given: string): number {
  if (!/^[+-]?\d+$/.test(given)) throw new FlagError('must be a whole number');
  return Number(given);
}

function readSpan(given: string): number {
  try {
    return parseDuration(given);
  } catch (error) {
    if (error instanceof DurationError) throw new FlagError(error.message);
    throw error;
  }
}

export interface ParsedFlags<T> {
  values: FlagValues<T>;
  /** What is no flag, in order. */
  rest: string[];
}

/**
 * Reads `argv` by `table`. With `untilArgument`, reading stops at the first argument that is no flag: it and everything
 * after it come back as `rest`. `given` holds values read before (flags ahead of a subcommand).
 * @throws FlagError naming the flag and what is wrong with it.
 */
export function parseFlags<T extends FlagTable>(
  table: T,
  argv: readonly string[],
  options: { untilArgument?: boolean; given?: Record<string, unknown> } = {},
): ParsedFlags<T> {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, flag]) => [name, flag.initial]),
  );
  Object.assign(values, options.given);
  const rest: string[] = [];
  const queue = [...argv];
  while (queue.length > 0) {
    const word = queue.shift() ?? '';
    if (word === '--') {
      rest.push(...queue.splice(0));
    } else if (word.startsWith('--')) {
      readLong(table, values, word, queue);
    } else if (word.startsWith('-') && word !== '-') {
      readShort(table, values, word, queue);
    } else if (options.untilArgument) {
      rest.push(word, ...queue.splice(0));
    } else {
      rest.push(word);
    }
  }
  return { values: values as FlagValues<T>, rest };
}

function readLong(table: FlagTable, values: Record<string, unknown>, word: string, queue: string[]): void {
  const equals = word.indexOf('=');
  const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!flag) throw new FlagError(`unknown flag: --${name}`);
  const given = equals !== -1 ? word.slice(equals + 1) : flag.kind === '' ? 'true' : queue.shift();
  if (given === undefined) throw new FlagError(`flag needs an argument: --${name}`);
  store(values, { name, flag, shown: `--${name}` }, given);
}

function readShort(table: FlagTable, values: Record<string, unknown>, word: string, queue: string[]): void {
  let letters = word.slice(1);
  while (letters !== '') {
    const letter = letters.slice(0, 1);
    letters = letters.slice(1);
    const [name, flag] = Object.entries(table).find(([, candidate]) => candidate.short === letter) ?? [];
    if (!name || !flag) throw new FlagError(`unknown shorthand flag: '${letter}' in ${word}`);
    if (flag.kind === '' && !letters.startsWith('=')) {
      store(values, { name, flag, shown: `-${letter}` }, 'true');
      continue;
    }
    const given = letters === '' ? queue.shift() : letters.replace(/^=/, '');
    letters = '';
    if (given === undefined) throw new FlagError(`flag needs an argument: '${letter}' in ${word}`);
    store(values, { name, flag, shown: `-${letter}, --${name}` }, given);
  }
}

interface WrittenFlag {
  name: string;
  flag: Flag<unknown>;
  /** As messages name it. */
  shown: string;
}

function store(values: Record<string, unknown>, { name, flag, shown }: WrittenFlag, given: string): void {
  try {
    values[name] = flag.read(given, values[name]);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new FlagError(`invalid argument ${JSON.stringify(given)} for "${shown}" flag: ${error.message}`);
  }
}
