import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command } from './command.ts';
import { sourceCommit } from './commit.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tektite-commit-'));
  mkdirSync(path.join(folder, 'src'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const git = (...words: string[]) =>
  command(['git', '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words], { cwd: folder });
async function commit(file: string, text: string): Promise<string> {
  writeFileSync(path.join(folder, file), text);
  await git('add', '-A');
  await git('commit', '-qm', file);
  return (await git('rev-parse', 'HEAD')).slice(0, 7);
}

test('the last commit of the sources, whatever else was committed after it', async () => {
  await git('init', '-q');
  const sources = await commit('src/a.ts', '1');
  await commit('README.md', '1');
  expect(await sourceCommit(folder)).toBe(sources);
  expect(sources).toMatch(/^[0-9a-f]{7}$/);
});

test.each([
  ['a changed source', 'src/a.ts', '-dirty'],
  ['a new source', 'src/b.ts', '-dirty'],
  ['another file', 'README.md', ''],
])('%s', async (_name, file, mark) => {
  await git('init', '-q');
  const sources = await commit('src/a.ts', '1');
  writeFileSync(path.join(folder, file), '2');
  expect(await sourceCommit(folder)).toBe(`${sources}${mark}`);
});

test('no checkout has no commit', async () => {
  expect(await sourceCommit(folder)).toBeUndefined();
});
