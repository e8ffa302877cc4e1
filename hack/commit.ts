import { attempt, root } from './command.ts';

/** What decides the bundle. */
export const BUNDLE_SOURCES = ['src', 'package.json', 'package-lock.json'];

/**
 * The last commit that changed the sources of the bundle, in seven hex digits, with `-dirty` when they have changed
 * since: the same sources have the same one. Undefined outside a git checkout.
 */
export async function sourceCommit(folder = root): Promise<string | undefined> {
  const last = await attempt(['git', 'log', '-1', '--format=%H', '--', ...BUNDLE_SOURCES], { cwd: folder });
  const changed = await attempt(['git', 'status', '--porcelain', '--', ...BUNDLE_SOURCES], { cwd: folder });
  const hash = /^[0-9a-f]{40,64}$/m.exec(last.stdout)?.[0];
  if (last.status !== 0 || changed.status !== 0 || hash === undefined) return undefined;
  return `${hash.slice(0, 7)}${changed.stdout.trim() === '' ? '' : '-dirty'}`;
}
