import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf, longFiles, sizedFiles } from './long.ts';

const root = path.resolve(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');

describe('what npm run test:long runs', () => {
  it.each([...longFiles, ...sizedFiles])('%s is there', (file) => expect(existsSync(path.join(root, file))).toBe(true));

  it.each(sizedFiles)('%s has numbers of two sizes', (file) => expect(textOf(file)).toMatch(/\bsized\(/));

  it('is none of what npm test runs', () => {
    const { include, exclude } = filesOf('test/e2e');
    expect(include).toEqual(['test/e2e/**/*.test.ts']);
    expect(exclude).toEqual(longFiles.filter((file) => file.startsWith('test/e2e/')));
  });
});
