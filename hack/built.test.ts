import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built, filesIn, type Recipe } from './built.ts';

let root = '';
let made = 0;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'built-'));
  made = 0;
  await put('src/a.ts', 'a');
  await put('src/deep/b.ts', 'b');
  await put('package.json', '{}');
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), text);
}

const recipe = (more: Partial<Recipe> = {}): Recipe => ({
  name: 'bundle',
  sources: ['src', 'package.json'],
  make: () => {
    made += 1;
    const files = { 'z.mjs': 'z', 'chunks/a.mjs': String(made) };
    return Promise.resolve(Object.entries(files).map(([path, text]) => ({ path, body: Buffer.from(text) })));
  },
  ...more,
});
const cache = () => join(root, 'cache');
const make = (more?: Partial<Recipe>) => built(root, recipe(more), cache());

describe('what is built from the sources', () => {
  it('is made once, however many ask for it at the same time, and has what was made', async () => {
    const folders = await Promise.all(Array.from({ length: 5 }, () => make()));
    expect(new Set(folders).size).toBe(1);
    expect(made).toBe(1);
    const files = await filesIn(folders[0] ?? '');
    expect(files.map(({ path, body }) => [path, body.toString()])).toEqual([
      ['chunks/a.mjs', '1'],
      ['z.mjs', 'z'],
    ]);
  });

  it.each<[string, boolean, () => Promise<void>, Partial<Recipe>]>([
    ['nothing', false, () => Promise.resolve(), {}],
    ['a source', true, () => put('src/a.ts', 'c'), {}],
    ['a source more', true, () => put('src/deep/c.ts', ''), {}],
    ['a source less', true, () => rm(join(root, 'src/deep/b.ts')), {}],
    ['the name of a source', true, () => put('src/deep/b.ts', 'a').then(() => put('src/a.ts', 'b')), {}],
    ['a file beside the folders', true, () => put('package.json', '{ }'), {}],
    ['a test', false, () => put('src/a.test.ts', 'x'), {}],
    ['a fake', false, () => put('src/a.fake.ts', 'x'), {}],
    ['what is not looked at', false, () => put('README.md', 'x'), {}],
    ['what else decides it', true, () => Promise.resolve(), { input: '0123abc' }],
  ])('after a change of %s is made anew: %s', async (_name, anew, change, more) => {
    const before = await make();
    await change();
    const after = await make(more);
    expect([after !== before, made]).toEqual([anew, anew ? 2 : 1]);
  });

  it('is not there when it could not be made, and is tried again', async () => {
    const failing = { make: () => Promise.reject(new Error('src/a.ts:1: no')) };
    await expect(make(failing)).rejects.toThrow('src/a.ts:1: no');
    await make();
    expect(made).toBe(1);
  });

  it('goes when it was not used for a day and something else is made', async () => {
    const [used, unused] = [await make({ input: 'used' }), await make({ input: 'unused' })];
    const old = new Date(Date.now() - 25 * 3_600_000);
    for (const folder of [used, unused]) await utimes(folder, old, old);
    await make({ input: 'used' });
    const added = await make({ input: 'added' });
    const left = (await readdir(join(cache(), 'built'))).map((name) => join(cache(), 'built', name));
    expect(left.sort()).toEqual([added, used].sort());
  });
});
