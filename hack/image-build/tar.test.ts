import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  ])('%s', (_, written) => {
    expect(readTar(writeTar([written])).find(({ path }) => path === written.path)).toEqual(written);
  });

  test('any path and content', () => {
    const name = fc.stringMatching(/^[a-zä0-9 _.-]{1,40}$/).filter((part) => !/^\.+$/.test(part));
    const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(path, fc.uint8Array({ maxLength: 2000 }), (at, content) => {
        const read = readTar(writeTar([entry(at, { body: Buffer.from(content) })]));
        expect(read.at(-1)).toMatchObject({ path: at, type: 'file' });
        expect(Buffer.from(content).equals(read.at(-1)?.body ?? Buffer.alloc(0))).toBe(true);
      }),
    );
  });
});

test('the order and number of entries given does not change the archive', () => {
  const entries = [
    entry('b/c', { body: Buffer.from('1') }),
    entry('a', { body: Buffer.from('2') }),
    entry('b', { type: 'directory', mode: 0o755 }),
  ];
  expect(writeTar(entries).equals(writeTar([...entries].reverse()))).toBe(true);
});

test('the last entry of a path counts, missing parents are added, hard links come last', () => {
  const written = writeTar([
    entry('a/copy', { type: 'hardlink', target: 'z/file' }),
    entry('z/file', { body: Buffer.from('old') }),
    entry('z/file', { body: Buffer.from('new') }),
  ]);
  expect(readTar(written).map(({ path, type }) => [path, type])).toEqual([
    ['a', 'directory'],
    ['z', 'directory'],
    ['z/file', 'file'],
    ['a/copy', 'hardlink'],
  ]);
  expect(readTar(written)[2]?.body?.toString()).toBe('new');
});

test('tar(1) unpacks what is written', () => {
  writeFileSync(
    join(dir, 'x.tar'),
    writeTar([
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

test.each(['gnu', 'pax', 'ustar'])('archives of tar(1) in format %s are read', (format) => {
  const deep = format === 'ustar' ? long(12) : long(30);
  execFileSync('mkdir', ['-p', join(dir, 'in', deep)]);
  writeFileSync(join(dir, 'in', deep, 'file'), 'content');
  execFileSync('tar', [`--format=${format}`, '-cf', join(dir, 'x.tar'), '-C', join(dir, 'in'), '.']);
  expect(readTar(readFileSync(join(dir, 'x.tar'))).find(({ type }) => type === 'file')).toMatchObject({
    path: `${deep}/file`,
    body: Buffer.from('content'),
  });
});

test('an archive that was cut off is an error that names the entry', () => {
  const archive = writeTar([entry('etc/long', { body: Buffer.alloc(4000) })]);
  expect(() => readTar(archive.subarray(0, 2000))).toThrow('"etc/long"');
});
