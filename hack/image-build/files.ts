/** What several builders need from the file system and the machine. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs `work` with a new folder that is removed afterwards, also when it throws. */
export async function inTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'tektite-image-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export function sha256Hex(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Installs `debianPackage` with apt-get when `command` is not on the path. */
export async function ensureCommand(
  command: string,
  debianPackage: string,
  progress: (line: string) => void,
): Promise<void> {
  for (const folder of (process.env['PATH'] ?? '').split(':')) if (await exists(join(folder, command))) return;
  await installPackage(debianPackage, `the command ${command}`, progress);
}

/** Installs `debianPackage` with apt-get when `path` is not there. */
export async function ensureFile(path: string, debianPackage: string, progress: (line: string) => void): Promise<void> {
  if (!(await exists(path))) await installPackage(debianPackage, path, progress);
}

async function installPackage(debianPackage: string, need: string, progress: (line: string) => void): Promise<void> {
  progress(`installing package ${debianPackage} for ${need}`);
  try {
    await run('apt-get', ['-q', 'install', '--yes', '--no-install-recommends', debianPackage]);
  } catch (error) {
    throw new Error(`${need} is missing and apt-get could not install ${debianPackage}: install it yourself`, {
      cause: error,
    });
  }
}

const LOCK_POLL_MS = 300;

/** Runs `work` while no other process holds the lock file; a lock whose process is gone is taken over. */
export async function withLock<T>(path: string, progress: (line: string) => void, work: () => Promise<T>): Promise<T> {
  for (let announced = false; !(await takeLock(path)); announced = true) {
    if (!announced) progress(`waiting for another build (${path})`);
    await sleep(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder > 0 && !isRunning(holder)) await rm(path, { force: true });
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `make` with its result kept per key object: what decides a layer's key is also its content, and takes seconds. */
export function oncePer<K extends object, T>(make: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const made = new WeakMap<K, Promise<T>>();
  return (key) => {
    const result = made.get(key) ?? make(key);
    made.set(key, result);
    return result;
  };
}
