import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lintRecord } from './lint-record.ts';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'lint-record-'))));
afterEach(() => rm(folder, { recursive: true }));

type Texts = Record<string, string>;
const texts: Texts = {
  'src/leaf.ts': 'export const leaf = 1;',
  'src/middle.ts': "import { leaf } from './leaf.ts'; export { leaf };",
  'src/top.ts': "import { leaf } from './middle.ts';",
  'test/dynamic.ts': 'const { leaf } = await import(`../src/leaf.ts`);',
  'test/typed.ts': 'type Leaf = import("../src/leaf.ts").Leaf;',
  'test/circle-a.ts': "import './circle-b.ts';",
  'test/circle-b.ts': "import './circle-a.ts'; import 'leaf.ts';",
  'src/page/css.d.ts': "declare module '*.css';",
  'src/window.ts': 'export {};\ndeclare global { interface Window { own: string } }',
  'src/said.ts': "const said = 'declare module';",
};
const all = Object.keys(texts).sort();
const rules = ['rules', 'packages'];
const look = (now: Texts = texts, common: readonly string[] = rules) =>
  lintRecord(new Map(Object.entries(now)), common, path.join(folder, 'deep', 'clean'));

/** As after a look of the linter that found nothing, or something in one file. */
async function accept(now: Texts = texts, bad?: string): Promise<void> {
  const record = await look(now);
  await record.accept(record.files.filter((file) => file !== bad));
}

describe('what is linted again', () => {
  it('is everything the first time, and for as long as something was found', async () => {
    expect((await look()).files).toEqual(all);
    expect((await look()).files).toEqual(all);
  });

  const changed = (name: string) => ({ ...texts, [name]: `${texts[name]} ` });
  const { 'src/leaf.ts': _leaf, ...withoutLeaf } = texts;
  it.each<[string, Texts, readonly string[], string[]]>([
    ['nothing', texts, rules, []],
    ['a file that nobody imports', changed('src/top.ts'), rules, ['src/top.ts']],
    [
      'a file that others import, in whatever way and through whatever others',
      changed('src/leaf.ts'),
      rules,
      ['src/leaf.ts', 'src/middle.ts', 'src/top.ts', 'test/dynamic.ts', 'test/typed.ts'],
    ],
    ['a file in a circle', changed('test/circle-a.ts'), rules, ['test/circle-a.ts', 'test/circle-b.ts']],
    ['a file that declares types for all', changed('src/page/css.d.ts'), rules, all],
    ['a module that does', changed('src/window.ts'), rules, all],
    ['a file that only speaks of it', changed('src/said.ts'), rules, ['src/said.ts']],
    ['the rules', texts, ['other rules', 'packages'], all],
    ['where one text of these ends and the next begins', texts, ['rulesp', 'ackages'], all],
    ['a file more', { ...texts, 'src/new.ts': '' }, rules, ['src/new.ts']],
    ['a file less', withoutLeaf, rules, ['src/middle.ts', 'src/top.ts', 'test/dynamic.ts', 'test/typed.ts']],
  ])('after a change of %s', async (_name, now, common, expected) => {
    await accept();
    expect((await look(now, common)).files).toEqual(expected);
  });

  it('is the file in which something was found', async () => {
    await accept(texts, 'src/middle.ts');
    expect((await look()).files).toEqual(['src/middle.ts']);
    await accept();
    expect((await look()).files).toEqual([]);
  });

  it('is not what was linted as it is now before what it was in between', async () => {
    await accept();
    await accept(changed('src/top.ts'));
    expect((await look()).files).toEqual([]);
  });
});
