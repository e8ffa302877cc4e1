import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { identify, isRunning, type Identity } from './process.ts';
import { say } from './exec.ts';

/**
 * Runs `work` while holding the lock file; a second process waits. A lock whose owner died is taken over, so a killed
 * command never needs a cleaning hand.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await take(path))) {
    if (!told) say(`waiting for another command to release ${path}`);
    told = true;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify(identify(process.pid)));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = await readOwner(path);
  if (owner !== undefined && !isRunning(owner)) await rm(path, { force: true });
  return false;
}

/** Undefined while the owner has made the file but not yet written it. */
async function readOwner(path: string): Promise<Identity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Identity;
  } catch {
    return undefined;
  }
}
