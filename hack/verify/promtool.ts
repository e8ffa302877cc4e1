/** Prometheus' own checker of rules, from Debian's package `prometheus`, of which nothing is installed. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../command.ts';
import { exists } from '../image-build/files.ts';
import { withLock } from '../lock.ts';
import { cacheFolder } from '../cache-folder.ts';
import { say } from '../progress.ts';

/** The path of promtool, fetched when it is not there. @throws with what apt-get or dpkg-deb said */
export async function promtool(): Promise<string> {
  const folder = join(cacheFolder(), 'promtool');
  const program = join(folder, 'promtool');
  if (await exists(program)) return program;
  await mkdir(folder, { recursive: true });
  await withLock(join(folder, 'lock'), async () => {
    if (!(await exists(program))) await fetchInto(folder, program);
  });
  return program;
}

async function fetchInto(folder: string, program: string): Promise<void> {
  say('fetching promtool from the Debian package prometheus');
  const work = join(folder, 'work');
  await mkdir(work, { recursive: true });
  await command(['apt-get', '-q', 'update']);
  await command(['apt-get', '-q', 'download', 'prometheus'], { cwd: work });
  const archive = (await readdir(work)).find((name) => name.endsWith('.deb')) ?? '';
  await command(['dpkg-deb', '--extract', archive, 'files'], { cwd: work });
  await rename(join(work, 'files/usr/bin/promtool'), program);
  await rm(work, { recursive: true, force: true });
}
