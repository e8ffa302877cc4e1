import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { mergedIntoUsr } from './debian.ts';
import { alternatives, certificateBundle, file, linkDuplicates, symlink, userFiles } from './base-files.ts';
import { imageRecipes, mirroredPath, selectRecipes } from './recipes.ts';
import type { TarEntry } from './tar.ts';

const root = resolve(import.meta.dirname, '../..');

test('no two images claim the same name', async () => {
  const names = (await imageRecipes(root)).flatMap((recipe) =>
    [...new Set(recipe.repositories.map(mirroredPath))].flatMap((path) => recipe.tags.map((tag) => `${path}:${tag}`)),
  );
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('our own images run as nobody in particular, by number, so that runAsNonRoot accepts them', async () => {
  const own = (await imageRecipes(root)).filter((recipe) =>
    recipe.repositories.some((name) => name.startsWith('ghcr.io/tektite/')),
  );
  expect(own.map(({ name, config }) => [name, config.user])).toEqual([
    ['tektite', '65532:65532'],
    ['entrypoint', '65532:65532'],
  ]);
});

test('every image that the demo names can be built here', async () => {
  const known = new Set(
    (await imageRecipes(root)).flatMap((recipe) =>
      recipe.repositories.flatMap((name) => recipe.tags.map((tag) => `${name}:${tag}`)),
    ),
  );
  const folder = join(root, 'hack/demo');
  const manifests = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.yaml') && statSync(join(folder, name)).isFile(),
  );
  const used = manifests.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/^\s*-?\s*image:\s*([\w./:-]+)\s*$/gm)].map(
      ([, image = '']) => image,
    ),
  );
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((image) => !known.has(image))).toEqual([]);
});

test('an unknown image is an error that lists those there are', async () => {
  const recipes = await imageRecipes(root);
  expect(selectRecipes(recipes, ['git', 'busybox']).map(({ name }) => name)).toEqual(['busybox', 'git']);
  expect(() => selectRecipes(recipes, ['windows'])).toThrow(/"windows".*ubuntu, /);
});

const entry = (path: string, rest: Partial<TarEntry> = {}): TarEntry => ({ ...file(path, ''), ...rest });

test.each<[string, TarEntry, Partial<TarEntry> | undefined]>([
  ['a command in /bin', entry('bin/bash'), { path: 'usr/bin/bash' }],
  ['a library', entry('lib/x86_64-linux-gnu/libc.so.6'), { path: 'usr/lib/x86_64-linux-gnu/libc.so.6' }],
  ['the folder itself, which is a link there', entry('lib64', { type: 'directory' }), undefined],
  [
    'a hard link to a moved file',
    entry('bin/b', { type: 'hardlink', target: 'bin/a' }),
    { path: 'usr/bin/b', target: 'usr/bin/a' },
  ],
  [
    'a symbolic link keeps its text',
    entry('bin/sh', { type: 'symlink', target: 'dash' }),
    { path: 'usr/bin/sh', target: 'dash' },
  ],
  ['a path that only starts alike', entry('library/x'), { path: 'library/x' }],
])('merged /usr: %s', (_, given, expected) => {
  if (expected === undefined) expect(mergedIntoUsr(given)).toBeUndefined();
  else expect(mergedIntoUsr(given)).toMatchObject(expected);
});

test('certificates are joined in the order of their names', () => {
  const bundle = certificateBundle([
    file('usr/share/ca-certificates/b.crt', 'B\n'),
    file('usr/share/ca-certificates/a.crt', 'A\n'),
    file('usr/share/other.crt', 'C\n'),
  ]);
  expect(bundle.map(({ path, body }) => [path, body?.toString()])).toEqual([
    ['etc/ssl/certs/ca-certificates.crt', 'A\nB\n'],
  ]);
  expect(certificateBundle([])).toEqual([]);
});

test('an alternative is linked only where its command is and the name is free', () => {
  expect(alternatives([file('usr/bin/mawk', '')])).toEqual([symlink('usr/bin/awk', 'mawk')]);
  expect(alternatives([file('usr/bin/mawk', ''), file('usr/bin/awk', '')])).toEqual([]);
});

test('users have a line in passwd, group and shadow, and a home of their own', () => {
  const files = userFiles('/bin/sh', { node: 1000 });
  const body = (path: string) => files.find((each) => each.path === path)?.body?.toString();
  expect(body('etc/passwd')).toContain('node:x:1000:1000:node:/home/node:/bin/sh\n');
  expect(body('etc/group')).toContain('node:x:1000:\n');
  expect(body('etc/shadow')).toContain('node:!::0:::::\n');
  expect(files.find((each) => each.path === 'home/node')).toMatchObject({ type: 'directory', uid: 1000, gid: 1000 });
});

test('equal large files become hard links, small and different ones stay', () => {
  const large = (path: string, fill: number, mode = 0o755): TarEntry => file(path, Buffer.alloc(70_000, fill), mode);
  const linked = linkDuplicates([
    large('a', 1),
    large('b', 1),
    large('c', 2),
    large('d', 1, 0o644),
    file('e', 'x'),
    file('f', 'x'),
  ]);
  expect(linked.map(({ path, type, target }) => [path, type, target])).toEqual([
    ['a', 'file', undefined],
    ['b', 'hardlink', 'a'],
    ['c', 'file', undefined],
    ['d', 'file', undefined],
    ['e', 'file', undefined],
    ['f', 'file', undefined],
  ]);
});
