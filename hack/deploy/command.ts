import { spawn } from 'node:child_process';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

/** A command that did not end well, with the last lines of what it said. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly output: string;
  constructor(command: readonly string[], status: number | null, output: string) {
    const tail = output.trim().split('\n').slice(-20).join('\n');
    super(`${command.join(' ')} ended with status ${status ?? 'none'}${tail ? `:\n${tail}` : ''}`);
    this.output = output;
  }
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** Pass what the command says on to the terminal (its standard error always is, when set). */
  show?: boolean;
}

/**
 * Runs a command in the project's folder and returns its standard output.
 * @throws CommandError with the last lines it printed.
 */
export function command(words: readonly string[], options: CommandOptions = {}): Promise<string> {
  const [program = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let both = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      both += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      both += chunk.toString('utf8');
      if (options.show) process.stderr.write(chunk);
    });
    child.on('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`, { cause: error })));
    child.on('close', (status) => (status === 0 ? resolve(output) : reject(new CommandError(words, status, both))));
    child.stdin.on('error', () => undefined); // the command may end without reading its input; its status says why
    child.stdin.end(options.input ?? '');
  });
}

/** Whether a command exists and ends well. */
export async function succeeds(...words: string[]): Promise<boolean> {
  return command(words).then(
    () => true,
    () => false,
  );
}

/** One line of progress for people. */
export function progress(text: string): void {
  console.log(`==> ${text}`);
}
