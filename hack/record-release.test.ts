import { expect, it } from 'vitest';
import { attempt } from './command.ts';
import { archiveOf, keptArchive, recorded } from './record-release.ts';

/** What upgrades are tested from. */
const { commit, files } = await recorded();
const isInHistory = (await attempt(['git', 'cat-file', '-e', `${commit}^{commit}`])).status === 0;

it('holds a chart, the bundle’s sources and the programs of step containers, and no tests', () => {
  const paths = files.map(({ path }) => path);
  for (const wanted of ['config/chart/Chart.yaml', 'package.json', 'src/cli.ts', 'src/entrypoint/main.go'])
    expect(paths).toContain(wanted);
  expect(paths.filter((path) => /\.test\.|_test\.go|\.fake\./.test(path))).toEqual([]);
});

it.runIf(isInHistory)('is what the commit that it names has, byte for byte', async () => {
  expect((await keptArchive()).equals(await archiveOf(commit))).toBe(true);
});
