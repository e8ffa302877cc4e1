import { execFile } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs a command to its end and returns its standard output. Throws with the command line and its last lines of output.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...args],
      { cwd: options.cwd, env: options.env, signal: options.signal, maxBuffer: 1 << 28, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const said = lastLines(`${stdout}${stderr}`, 20);
        reject(new Error(`${command} ${args.join(' ')}: ${said === '' ? error.message : said}`, { cause: error }));
      },
    );
    child.stdin?.on('error', () => {}); // the command may end without reading; its exit status tells why
    child.stdin?.end(options.input ?? '');
  });
}

/** The last `count` lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
}

/**
 * Runs `check` every `everyMs` until it returns undefined (all is well). Throws its last complaint after `timeoutMs`.
 */
export async function waitUntilHealthy(
  check: () => Promise<string | undefined>,
  { timeoutMs, everyMs = 100, signal }: { timeoutMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const complaint = await check();
    if (complaint === undefined) return;
    if (Date.now() > deadline) throw new Error(complaint);
    await new Promise((wake) => setTimeout(wake, everyMs));
  }
}

/** What went wrong, for a person: an error's message, or the value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Progress for a person goes to standard error: standard output carries answers (paths, JSON). */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
