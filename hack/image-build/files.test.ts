import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inTemporaryFolder, oncePer, withLock } from './files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tektite-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ignore = () => {};

test('one holder of a lock at a time; the lock is gone afterwards', async () => {
  const lock = join(dir, 'lock');
  const events: string[] = [];
  const first = Promise.withResolvers<void>();
  const a = withLock(lock, ignore, async () => {
    events.push('a starts');
    await first.promise;
    events.push('a ends');
  });
  const b = withLock(
    lock,
    () => first.resolve(),
    () => Promise.resolve(events.push('b runs')),
  );
  await Promise.all([a, b]);
  expect(events).toEqual(['a starts', 'a ends', 'b runs']);
  expect(existsSync(lock)).toBe(false);
});

test('a lock of a process that is gone is taken over', async () => {
  writeFileSync(join(dir, 'lock'), '4194304000');
  expect(await withLock(join(dir, 'lock'), ignore, () => Promise.resolve('done'))).toBe('done');
});

test('a lock and a temporary folder are given back when the work fails', async () => {
  const fail = () => Promise.reject(new Error('no space'));
  await expect(withLock(join(dir, 'lock'), ignore, fail)).rejects.toThrow('no space');
  expect(existsSync(join(dir, 'lock'))).toBe(false);
  let folder = '';
  await expect(
    inTemporaryFolder((path) => {
      folder = path;
      return fail();
    }),
  ).rejects.toThrow('no space');
  expect(folder).not.toBe('');
  expect(existsSync(folder)).toBe(false);
});

test('what is made once per key is made again for another key', async () => {
  let made = 0;
  const number = oncePer(() => Promise.resolve(++made));
  const [one, two] = [{}, {}];
  expect([await number(one), await number(one), await number(two)]).toEqual([1, 1, 2]);
});
