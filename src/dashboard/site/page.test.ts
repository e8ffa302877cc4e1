import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderWithPage, readSite, type Site } from './files.ts';
import { pageAnswer } from './page.ts';

const script = 'const a = 1;\n'.repeat(200);
let folder = '';
let site: Site;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'site-'));
  await mkdir(path.join(folder, 'assets'));
  await writeFile(path.join(folder, 'index.html'), '<!doctype html><head><title>x</title></head>');
  await writeFile(path.join(folder, 'assets/index-Ab3_x9Zk.js'), script);
  await writeFile(path.join(folder, 'favicon.svg'), '<svg/>');
  site = await readSite(folder);
});
afterAll(() => rm(folder, { recursive: true }));

function get(address: string, headers: Record<string, string> = {}, from: Site | undefined = site) {
  return pageAnswer({ method: 'GET', path: address, headers }, from);
}

describe('the page', () => {
  it.each(['/', '/index.html', '/runs', '/runs/ns/a.name-with.dots', '/definitions/ns/Pipeline/p'])(
    '%s is it',
    (address) => {
      const { status, headers, body } = get(address);
      expect([status, headers?.['cache-control']]).toEqual([200, 'no-cache']);
      expect(body).toBe('<!doctype html><head><base href="/"><title>x</title></head>');
    },
  );

  it.each<[prefix: string, base: string]>([
    ['/tekton', '/tekton/'],
    ['/a/b/', '/a/b/'],
    ['//evil.example', '/'],
    ['https://evil.example', '/'],
    ['/"><script>', '/'],
    [`/${'a'.repeat(500)}`, '/'],
  ])('under the prefix %s names its files by %s', (prefix, base) => {
    expect(get('/', { 'x-forwarded-prefix': prefix }).body).toContain(`<base href="${base}">`);
  });

  it('has a policy that lets in no other origin and nothing inline', () => {
    const { headers = {} } = get('/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
  });

  it('is not sent again while it is the same', () => {
    const etag = get('/').headers?.['etag'] ?? '';
    expect(get('/', { 'if-none-match': etag })).toMatchObject({ status: 304 });
    expect(get('/', { 'if-none-match': etag, 'x-forwarded-prefix': '/t' }).status).toBe(200);
  });

  it('that is not built is said to be so', () => {
    const { status, body } = pageAnswer({ method: 'GET', path: '/', headers: {} }, undefined);
    expect([status, body]).toEqual([503, 'the page is not built: npm run build:page\n']);
  });
});

describe('its files', () => {
  it.each<[accepted: string, encoding: string | undefined]>([
    ['gzip, deflate, br', 'br'],
    ['gzip;q=1.0', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', undefined],
    ['', undefined],
  ])('for %j are sent as %s', (accepted, encoding) => {
    const { headers = {}, body } = get('/assets/index-Ab3_x9Zk.js', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    const bytes = body as Buffer;
    const plain = encoding === 'br' ? brotliDecompressSync(bytes) : encoding === 'gzip' ? gunzipSync(bytes) : bytes;
    expect(plain.toString()).toBe(script);
    expect(headers['content-length']).toBe(String(bytes.length));
  });

  it('stay in caches for good when their name has a hash, and only then', () => {
    expect(get('/assets/index-Ab3_x9Zk.js').headers?.['cache-control']).toContain('immutable');
    expect(get('/favicon.svg').headers).toMatchObject({ 'cache-control': 'no-cache', 'content-type': 'image/svg+xml' });
  });

  it.each(['/assets/index-00000000.js', '/main.css', '/assets/../../etc/passwd'])('%s is not there', (address) => {
    expect(() => get(address)).toThrow('no such file');
  });

  it('are found in the first folder that has a page', async () => {
    expect(await folderWithPage([path.join(folder, 'assets'), folder])).toBe(folder);
    expect(await folderWithPage([path.join(folder, 'assets')])).toBeUndefined();
  });
});
