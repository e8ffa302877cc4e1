/**
 * `npm run record:release -- COMMIT`: keeps what a release was made of, its chart and the sources of its two images, in
 * test/e2e/previous-release.tar.br. test/e2e/upgrade.test.ts builds and installs it, and upgrades from there, also
 * where git has no history. To be done with each release.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { command, commandBytes, root } from './command.ts';
import { file } from './image-build/base-files.ts';
import { readTar, writeTar, type TarEntry } from './image-build/tar.ts';
import { progress } from './progress.ts';

export const recordPath = path.join(root, 'test/e2e/previous-release.tar.br');

const PARTS = ['config/chart', 'package.json', 'src'];
/** What no image has: tests, and the dashboard's page, which is built by other means. */
const LEFT_OUT = /\.(test|fake)\.tsx?$|_test\.go$|\/testdata\/|^src\/dashboard\/page\//;
/** The entry that names the commit. */
const COMMIT = 'COMMIT';

export interface Recorded {
  /** All 40 digits. */
  readonly commit: string;
  readonly files: readonly TarEntry[];
}

/** The archive for a commit that this checkout has: the same bytes each time. */
export async function archiveOf(commit: string): Promise<Buffer> {
  const whole = (await command(['git', 'rev-parse', '--verify', `${commit}^{commit}`])).trim();
  const entries = await readTar(await commandBytes(['git', 'archive', '--format=tar', whole, ...PARTS]));
  const kept = entries.filter(({ type, path }) => type === 'file' && !LEFT_OUT.test(path));
  return writeTar([...kept.map((entry) => ({ ...entry, uid: 0, gid: 0 })), file(COMMIT, `${whole}\n`)]);
}

/** The archive that is kept in this repository. */
export async function keptArchive(): Promise<Buffer> {
  return promisify(brotliDecompress)(await readFile(recordPath));
}

/** What the kept archive holds. */
export async function recorded(): Promise<Recorded> {
  const entries = await readTar(await keptArchive());
  const commit =
    entries
      .find(({ path }) => path === COMMIT)
      ?.body?.toString()
      .trim() ?? '';
  return { commit, files: entries.filter(({ type, path }) => type === 'file' && path !== COMMIT) };
}

if (import.meta.main) {
  const [commit] = process.argv.slice(2);
  if (commit === undefined) throw new Error('name the commit of the release: npm run record:release -- v0.1.0');
  const archive = await archiveOf(commit);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const packed = await promisify(brotliCompress)(archive, { params });
  await writeFile(recordPath, packed);
  progress(`wrote ${path.relative(root, recordPath)}: ${(packed.length / 1e3).toFixed(0)} kB`);
}
