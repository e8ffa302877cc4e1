import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt } from '../command.ts';
import { sha256Hex } from '../image-build/files.ts';
import type { Sources } from './statements.ts';

const LOCKS = [
  'package-lock.json',
  'src/entrypoint/go.mod',
  'src/entrypoint/cel/go.sum',
  'src/entrypoint/spire/go.sum',
];

/** @throws Error outside a checkout, and where something in it has changed: nobody could build the same again. */
export async function sourcesOf(root: string): Promise<Sources> {
  const [head, changed] = [
    await attempt(['git', 'rev-parse', 'HEAD'], { cwd: root }),
    await attempt(['git', 'status', '--porcelain'], { cwd: root }),
  ];
  const commit = head.stdout.trim();
  if (head.status !== 0 || changed.status !== 0)
    throw new Error(`${root} is no git checkout: provenance names the commit that an image was built from`);
  const first = changed.stdout.trim().split('\n')[0] ?? '';
  if (first !== '') throw new Error(`the checkout has changes (${first}): commit them, provenance names a commit`);
  const locks = await Promise.all(
    LOCKS.map(async (path) => [path, sha256Hex(await readFile(join(root, path)))] as const),
  );
  return { commit, locks: Object.fromEntries(locks) };
}
