import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inTemporaryFolder, oncePer } from './files.ts';

test('a temporary folder is removed when the work fails', async () => {
  let folder = '';
  await expect(
    inTemporaryFolder((path) => {
      folder = path;
      return Promise.reject(new Error('no space'));
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
