import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { CommandError } from './command.ts';
import { say } from './progress.ts';

const BUSY = 75;

/**
 * Holds the kernel's lock on a file until its standard input ends, which it also does when our process dies. The file
 * is removed by its holder; who then gets the lock of a file that no longer has that name begins again.
 */
const HOLDER = `
while :; do
  exec 9>"$1"
  flock $2 9 || exit ${BUSY}
  [ "$1" -ef /dev/fd/9 ] && break
done
echo held
cat >/dev/null
rm -f "$1"`;

interface Holder {
  release(): Promise<void>;
}

/**
 * Runs `work` while no other process holds the lock file `file`; when another does, `tell` hears of it and we wait. The
 * lock of a process that died, however it died, is free at once.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, tell = say): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  let holder = await take(file, '-n');
  if (holder === undefined) {
    tell(`waiting for another command to release ${file}`);
    holder = await take(file, '');
  }
  try {
    return await work();
  } finally {
    await holder.release();
  }
}

/** With `-n`: undefined when another process holds it. Otherwise waits for it. */
async function take(file: string, mode: '-n'): Promise<Holder | undefined>;
async function take(file: string, mode: ''): Promise<Holder>;
async function take(file: string, mode: '-n' | ''): Promise<Holder | undefined> {
  const args = ['-c', HOLDER, 'lock', file, mode];
  // In a session of its own: Ctrl-C must not free the lock before the work has ended.
  const holding = execa('sh', args, { detached: true, stdin: 'pipe', buffer: { stdout: false }, reject: false });
  const ended = await Promise.race([once(holding.stdout, 'data').then(() => undefined), holding]);
  if (ended === undefined) {
    return {
      release: async () => {
        holding.stdin.end();
        await holding;
      },
    };
  }
  if (ended.exitCode === BUSY && mode === '-n') return undefined;
  throw new CommandError(['flock', file], {
    status: ended.exitCode ?? 1,
    output: ended.stderr || ended.shortMessage || '',
  });
}
