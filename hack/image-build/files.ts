/** What several builders need from the file system and the machine. */
import { createHash } from 'node:crypto';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from '../apt.ts';

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
    await installPackages([debianPackage]);
  } catch (error) {
    throw new Error(`${need} is missing and apt-get could not install ${debianPackage}: install it yourself`, {
      cause: error,
    });
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
