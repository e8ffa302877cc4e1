import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder = '';
let lock = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tektite-lock-'));
  lock = path.join(folder, 'below', 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const done = () => Promise.resolve('done');

test('one holder at a time, however many wait; the file is gone afterwards', async () => {
  let holders = 0;
  const seen: number[] = [];
  const told: string[] = [];
  const work = async () => {
    seen.push(++holders);
    await new Promise((wake) => setTimeout(wake, 20));
    holders--;
  };
  await Promise.all(Array.from({ length: 6 }, () => withLock(lock, work, (line) => told.push(line))));
  expect(seen).toEqual([1, 1, 1, 1, 1, 1]);
  expect(told).toEqual(Array.from({ length: 5 }, () => `waiting for another command to release ${lock}`));
  expect(existsSync(lock)).toBe(false);
});

test('the lock of a process that was killed is free, and the many who waited for it still go one by one', async () => {
  const owner = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { withLock } from ${JSON.stringify(path.join(import.meta.dirname, 'lock.ts'))};
     await withLock(${JSON.stringify(lock)}, () => { console.log('held'); return new Promise((end) => setTimeout(end, 60_000)); });`,
  ]);
  await once(owner.stdout, 'data');
  let holders = 0;
  let most = 0;
  let waiting = 0;
  const work = async () => {
    most = Math.max(most, ++holders);
    await new Promise((wake) => setTimeout(wake, 5));
    holders--;
  };
  const waiters = Array.from({ length: 5 }, () =>
    withLock(lock, work, () => {
      if (++waiting === 5) owner.kill('SIGKILL');
    }),
  );
  await Promise.all(waiters);
  expect(most).toBe(1);
});

test('a file that an earlier process left behind is no lock', async () => {
  lock = path.join(folder, 'lock');
  writeFileSync(lock, '4194304000');
  expect(await withLock(lock, done)).toBe('done');
});

test('the lock is given back when the work fails', async () => {
  await expect(withLock(lock, () => Promise.reject(new Error('no space')))).rejects.toThrow('no space');
  expect(await withLock(lock, done)).toBe('done');
});

test('a folder in the way is an error, not a wait', async () => {
  await expect(withLock(folder, done)).rejects.toThrow(/flock/);
});
