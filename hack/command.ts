/** The one place where hack/ and its tests run a program to its end. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa, type Options } from 'execa';

export const root = path.resolve(import.meta.dirname, '..');

const MAX_OUTPUT_BYTES = 1 << 30;
const LINES_OF_AN_ERROR = 20;
const NOT_STARTED = 127;

export interface CommandOptions {
  /** The project's folder unless set. */
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** The command sees `env` alone. */
  readonly bareEnvironment?: boolean;
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Pass standard error on to the terminal too: that is where commands report progress. */
  readonly show?: boolean;
  /** Pass standard output on to the terminal too. */
  readonly showOutput?: boolean;
  /** What is passed on is passed on line by line, each behind this: commands that run side by side stay readable. */
  readonly prefix?: string | undefined;
}

export interface CommandResult {
  /** 127 for a program that could not be started, as a shell says; 1 for one that a signal ended. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams in the order they were written. */
  readonly output: string;
}

/** A command that did not end well, with the last lines of what it printed. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly output: string;
  /** Whether the program could not be started at all. */
  readonly notStarted: boolean;
  constructor(words: readonly string[], { status, output }: Pick<CommandResult, 'status' | 'output'>) {
    const tail = lastLines(output, LINES_OF_AN_ERROR);
    super(`${words.join(' ')} ended with status ${status}${tail ? `:\n${tail}` : ''}`);
    this.output = output;
    this.notStarted = status === NOT_STARTED;
  }
}

/**
 * Runs a command and returns its standard output.
 *
 * @throws CommandError with the last lines it printed.
 */
export async function command(words: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await attempt(words, options);
  if (result.status !== 0) throw new CommandError(words, result);
  return result.stdout;
}

/** Runs a command whose standard output is bytes, not text. @throws CommandError with the last lines of its errors. */
export async function commandBytes(words: readonly string[], options: CommandOptions = {}): Promise<Buffer> {
  const [program = '', ...args] = words;
  const ended = await execa(program, args, { ...execaOptions(options), encoding: 'buffer' as const });
  const status = statusOf(ended);
  const errors = Buffer.from(ended.stderr ?? []).toString('utf8');
  if (status !== 0) throw new CommandError(words, { status, output: errors || ended.originalMessage || '' });
  return Buffer.from(ended.stdout ?? []);
}

/** Runs a command to its end, whatever its status. */
export async function attempt(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...args] = words;
  const child = execa(program, args, { ...execaOptions(options), all: true, encoding: 'utf8' as const });
  passOnBoth(child, options);
  const ended = await child;
  const output = ended.all ?? '';
  // A program that was not found, timed out or was aborted has printed nothing that says so.
  const why = ended.exitCode === undefined ? (ended.originalMessage ?? ended.shortMessage ?? '') : '';
  return {
    status: statusOf(ended),
    stdout: ended.stdout ?? '',
    stderr: ended.stderr ?? '',
    output: why === '' ? output : `${output}${why}\n`,
  };
}

/** Whether a command exists and ends well. */
export async function succeeds(...words: string[]): Promise<boolean> {
  return (await attempt(words)).status === 0;
}

function passOnBoth(
  { stdout, stderr }: { stdout: Readable; stderr: Readable },
  { show, showOutput, prefix }: CommandOptions,
): void {
  if (prefix === undefined) return;
  if (show === true) passOn(stderr, process.stderr, prefix);
  if (showOutput === true) passOn(stdout, process.stdout, prefix);
}

function passOn(from: Readable, to: NodeJS.WritableStream, prefix: string): void {
  createInterface({ input: from, crlfDelay: Infinity }).on('line', (line) => to.write(`${prefix}${line}\n`));
}

function outlet(isShown: boolean): 'pipe' | ['pipe', 'inherit'] {
  return isShown ? ['pipe', 'inherit'] : 'pipe';
}

function execaOptions({ show = false, showOutput = false, prefix, ...options }: CommandOptions) {
  const whole = prefix === undefined;
  return {
    cwd: options.cwd ?? root,
    extendEnv: options.bareEnvironment !== true,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT_BYTES,
    // Without input the command reads the end of it, never the terminal.
    input: options.input ?? '',
    stdout: outlet(showOutput && whole),
    stderr: outlet(show && whole),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  } satisfies Options;
}

function statusOf(ended: { exitCode?: number; code?: string }): number {
  if (ended.exitCode !== undefined) return ended.exitCode;
  return ended.code === 'ENOENT' || ended.code === 'EACCES' ? NOT_STARTED : 1;
}

/** The last `count` lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
