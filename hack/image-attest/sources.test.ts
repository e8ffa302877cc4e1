import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command } from '../command.ts';
import { sourcesOf } from './sources.ts';

const locks = [
  'package-lock.json',
  'src/entrypoint/go.mod',
  'src/entrypoint/cel/go.sum',
  'src/entrypoint/spire/go.sum',
];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-sources-'));
  for (const file of locks) {
    await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
    await writeFile(path.join(folder, file), file);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const git = (...args: string[]) =>
  command(['git', '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });

it('are a commit and the lock files, of a checkout without changes', async () => {
  await expect(sourcesOf(folder)).rejects.toThrow('is no git checkout');
  await git('init', '--quiet');
  await expect(sourcesOf(folder)).rejects.toThrow('is no git checkout');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'first');
  const commit = (await git('rev-parse', 'HEAD')).trim();
  expect(await sourcesOf(folder)).toEqual({
    commit,
    locks: Object.fromEntries(locks.map((file) => [file, createHash('sha256').update(file).digest('hex')])),
  });
  await writeFile(path.join(folder, 'new.ts'), '');
  await expect(sourcesOf(folder)).rejects.toThrow('the checkout has changes (?? new.ts): commit them');
});
