import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { certificatesFromEnvironment } from './certificates.ts';

const pem = (content: string) => `-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----`;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'certificates-'));
  mkdirSync(path.join(folder, 'a'));
  mkdirSync(path.join(folder, 'b'));
  writeFileSync(path.join(folder, 'file.pem'), `# comment\n${pem('AAAA')}\n${pem('BBBB')}\n`);
  writeFileSync(path.join(folder, 'a/one.crt'), pem('CCCC'));
  writeFileSync(path.join(folder, 'a/two.crt'), pem('BBBB'));
  writeFileSync(path.join(folder, 'b/readme'), 'no certificate');
  writeFileSync(path.join(folder, 'b/key.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ['nothing', {}, []],
  ['a file', { SSL_CERT_FILE: 'file.pem' }, ['AAAA', 'BBBB']],
  ['folders', { SSL_CERT_DIR: 'a:missing:b' }, ['CCCC', 'BBBB']],
  ['both, each once', { SSL_CERT_FILE: 'file.pem', SSL_CERT_DIR: 'a' }, ['AAAA', 'BBBB', 'CCCC']],
])('reads %s', async (_, env: Record<string, string>, wanted) => {
  const absolute = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      value
        .split(':')
        .map((part) => path.join(folder, part))
        .join(':'),
    ]),
  );
  expect(await certificatesFromEnvironment(absolute)).toEqual(wanted.map(pem));
});
