import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn, type BuiltFile } from './built.ts';
import { pageFolder } from './built-sources.ts';

let files: BuiltFile[];
beforeAll(async () => {
  files = await filesIn(await pageFolder(resolve(import.meta.dirname, '..')));
}, 60_000);

const named = (form: RegExp) => files.filter(({ path }) => form.test(path));
const textOf = (file: BuiltFile | undefined) => file?.body.toString('utf8') ?? '';

describe('the page', () => {
  it('takes less than 300 KB for its first view, and for a run', () => {
    const index = textOf(files.find(({ path }) => path === 'index.html'));
    const first = files.filter(({ path }) => path === 'index.html' || index.includes(path));
    expect(first.length).toBeGreaterThanOrEqual(3);
    const size = (some: readonly BuiltFile[]) => some.reduce((sum, { body }) => sum + gzipSync(body).length, 0);
    expect(size(first)).toBeLessThan(150_000);
    expect(size([...first, ...named(/run-page|worker/)])).toBeLessThan(300_000);
  });

  it('has nothing inline, and names nothing of another origin', () => {
    const index = textOf(files.find(({ path }) => path === 'index.html'));
    expect(index).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
    expect(index).not.toMatch(/(?:src|href)="(?!\.\/)/);
    const styles = named(/\.css$/)
      .map(textOf)
      .join('\n');
    expect(styles).not.toMatch(/url\(|@import/);
  });

  it('names its files by relative addresses and a hash', () => {
    const paths = files.map(({ path }) => path).filter((path) => path !== 'index.html');
    for (const path of paths) expect(path).toMatch(/^assets\/[\w.-]+-[\w-]{8,}\.(?:js|css|svg)$/);
    expect(files.some(({ body }) => /["'`]\/assets\//.test(body.toString('utf8')))).toBe(false);
  });

  it('holds no schema of the API and nothing of Node', () => {
    const code = named(/\.js$/).map(textOf).join('\n');
    expect(code.match(/ZodError|"node:|process\.env|jsxDEV/g) ?? []).toEqual([]);
  });
});
