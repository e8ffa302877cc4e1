import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTar, writeTar, type TarEntry } from './tar.ts';

const entry = (path: string, rest: Partial<TarEntry> = {}): TarEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  ...rest,
});
const long = (count: number): string => Array.from({ length: count }, (_, index) => `folder-${index}`).join('/');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tektite-tar-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('what is written is read again', () => {
  test.each<[string, TarEntry]>([
    ['a file with content', entry('etc/motd', { body: Buffer.from('hello\n') })],
    ['a file that fills its last block', entry('full', { body: Buffer.alloc(1024, 1) })],
    ['an empty file', entry('empty', { body: Buffer.alloc(0) })],
    ['setuid and an owner', entry('su', { mode: 0o4755, uid: 65532, gid: 5, body: Buffer.from('x') })],
    ['a folder with the sticky bit', entry('tmp', { type: 'directory', mode: 0o1777 })],
    ['a symbolic link', entry('bin', { type: 'symlink', mode: 0o777, target: 'usr/bin' })],
    ['a symbolic link with a long target', entry('link', { type: 'symlink', mode: 0o777, target: `/${long(20)}` })],
    ['a non-ASCII name', entry('größe/naïve', { body: Buffer.from('ü') })],
  ])('%s', async (_, written) => {
    expect((await readTar(await writeTar([written]))).find(({ path }) => path === written.path)).toEqual(written);
  });

  test('any path and content', async () => {
    const name = fc.stringMatching(/^[a-zä0-9 _.-]{1,40}$/).filter((part) => !/^\.+$/.test(part));
    const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(path, fc.uint8Array({ maxLength: 2000 }), async (at, content) => {
        const read = await readTar(await writeTar([entry(at, { body: Buffer.from(content) })]));
        expect(read.at(-1)).toMatchObject({ path: at, type: 'file' });
        expect(Buffer.from(content).equals(read.at(-1)?.body ?? Buffer.alloc(0))).toBe(true);
      }),
    );
  });
});

test('the order and number of entries given does not change the archive', async () => {
  const entries = [
    entry('b/c', { body: Buffer.from('1') }),
    entry('a', { body: Buffer.from('2') }),
    entry('b', { type: 'directory', mode: 0o755 }),
  ];
  expect((await writeTar(entries)).equals(await writeTar([...entries].reverse()))).toBe(true);
});

test('the last entry of a path counts, missing parents are added, hard links come last', async () => {
  const archive = await writeTar([
    entry('a/copy', { type: 'hardlink', target: 'z/file' }),
    entry('z/file', { body: Buffer.from('old') }),
    entry('z/file', { body: Buffer.from('new') }),
  ]);
  const written = await readTar(archive);
  expect(written.map(({ path, type }) => [path, type])).toEqual([
    ['a', 'directory'],
    ['z', 'directory'],
    ['z/file', 'file'],
    ['a/copy', 'hardlink'],
  ]);
  expect(written[2]?.body?.toString()).toBe('new');
});

test('tar(1) unpacks what is written', async () => {
  writeFileSync(
    join(dir, 'x.tar'),
    await writeTar([
      entry(`${long(15)}/deep`, { mode: 0o755, body: Buffer.from('deep') }),
      entry('link', { type: 'symlink', mode: 0o777, target: 'plain' }),
      entry('plain', { body: Buffer.from('plain') }),
      entry('other', { type: 'hardlink', target: 'plain' }),
    ]),
  );
  execFileSync('tar', ['-xf', join(dir, 'x.tar'), '-C', dir]);
  expect(readFileSync(join(dir, long(15), 'deep'), 'utf8')).toBe('deep');
  expect(statSync(join(dir, long(15), 'deep')).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(dir, 'link'))).toBe('plain');
  expect(statSync(join(dir, 'other')).ino).toBe(statSync(join(dir, 'plain')).ino);
});

test.each(['gnu', 'pax', 'ustar'])('archives of tar(1) in format %s are read', async (format) => {
  const deep = format === 'ustar' ? long(12) : long(30);
  execFileSync('mkdir', ['-p', join(dir, 'in', deep)]);
  writeFileSync(join(dir, 'in', deep, 'file'), 'content');
  execFileSync('tar', [`--format=${format}`, '-cf', join(dir, 'x.tar'), '-C', join(dir, 'in'), '.']);
  expect((await readTar(readFileSync(join(dir, 'x.tar')))).find(({ type }) => type === 'file')).toMatchObject({
    path: `${deep}/file`,
    body: Buffer.from('content'),
  });
});

test('an archive that was cut off is an error that names the entry', async () => {
  const archive = await writeTar([entry('etc/long', { body: Buffer.alloc(4000) })]);
  await expect(readTar(archive.subarray(0, 2000))).rejects.toThrow('"etc/long"');
});

/** What a layer has, each once: the archive below and the digest are of these. */
const EVERY_KIND = [
  entry('etc/motd', { body: Buffer.from('hello\n') }),
  entry('su', { mode: 0o4755, uid: 65532, gid: 5, body: Buffer.from('x') }),
  entry('tmp', { type: 'directory', mode: 0o1777 }),
  entry('bin', { type: 'symlink', mode: 0o777, target: 'usr/bin' }),
  entry('far', { type: 'symlink', mode: 0o777, target: `/${long(20)}` }),
  entry('größe', { body: Buffer.from('ü') }),
  entry('copy', { type: 'hardlink', target: 'etc/motd' }),
  entry(`${long(15)}/deep`, { body: Buffer.from('deep') }),
];

/** EVERY_KIND as the writer before tar-stream wrote it, gzip and base64. */
const EARLIER_ARCHIVE = Buffer.from(
  [
    'H4sIAAAAAAACA+2cTW7bMBCFte4pdIHAM8O/ZpHDOLHSBHViQZYB9zS9RVbd+WKFDJAqLMOA25CUy/c2mhVp6PO8GYqUHl/fq9gi',
    'InLOHa9EdHo9Ezunuaplt+0Wj5F/4G7bL7uKqCpTTf+0SMLfmCv4WyNU1SbFDQD/xdumX8Xmb7W+wN+e5r8mqWoC/+h6adbrzZcK',
    'KlTtcp+k/l/Kf8V64v/WVvUe+R9dQrpev75/b5f9y8PiebNeNd0d+YB9ID5QPtA+MD6wPnA++OqD+zDgOHQYm8PgHEbnMDyH8TlM',
    'wGEGDlPwPVzsL/S87ObX/4tTYqpaUvwfC8//cIdn1f87ZQz6/6T8Q4bNgD+TG+o/+OfgHxw2I3/RhPV/bv6hwqbnr4kV+M+Ff+iw',
    'kvE3Whz4z45/6LBj83ekNfjPl39YYcXhL6StgP8N8A8r7M/lL0wM/rfEPzxh+RT+ygj43yb/8ITtX/gb1vD/G+c/PvG/nr+1Cuu/',
    'JJrD/h87wv5fJrFQfdz7S7v1h706+D/8H/5/lJBM/V/g/0n8X2Xx//HoByoB/B/+X7b/nzv/Z+D/SfxfZ/b/8egfKgH8H/5fov+L',
    'nfi/I/h/Ev83s/H/8eg3KgH8H/5fjv8rQf+fzf/1/Px/1TQtasB/5f+X3//VE/8fzn/i/d/4GlINWVCuvnWHj8PPJmv9p8n+j3PD',
    '+g/5H1+HX8iBkrXdxZ9jKPDH9R8755z3AfNHzvNp/6+sQv6n0B4pULT6tzbF95/4uu9/WWNw/jeJnjbtj9zPf868/y1D/8cpPk5V',
    'OH8IgsrVb/yG6+UAVAAA',
  ].join(''),
  'base64',
);

test('the bytes are the same on every machine, and their content is that of earlier archives', async () => {
  const archive = await writeTar(EVERY_KIND);
  expect(createHash('sha256').update(archive).digest('hex')).toBe(
    'b362fa06a62fe48578126d5897621d71ea529840377099f2276ff4762ea0fe24',
  );
  expect(await readTar(archive)).toEqual(await readTar(gunzipSync(EARLIER_ARCHIVE)));
});
