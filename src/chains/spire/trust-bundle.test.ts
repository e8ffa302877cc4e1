import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { spireServer } from '../../core/spire/spire.fake.ts';
import { readTrustBundle } from './trust-bundle.ts';

const signal = new AbortController().signal;
const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function fileWith(text: string): string {
  const file = path.join(folder, `${++files}.pem`);
  writeFileSync(file, text);
  return file;
}

const [one, two] = [spireServer().authority, spireServer().authority];
const read = (trustBundlePath: string, trustDomain = '') => readTrustBundle({ trustBundlePath, trustDomain }, signal);

describe('the trust bundle', () => {
  it('is absent without a path', async () => expect(await read('')).toBeUndefined());

  it('holds every authority of the file, and the trust domain', async () => {
    const bundle = await read(fileWith(`# example.org\n${one.pem}\n${two.pem}`), 'spiffe://example.org');
    expect(bundle?.authorities.map(({ fingerprint256 }) => fingerprint256)).toEqual([
      one.certificate.fingerprint256,
      two.certificate.fingerprint256,
    ]);
    expect(bundle?.trustDomain).toBe('example.org');
  });

  const bad: [string, string, string][] = [
    ['a file that is not there', path.join(folder, 'none.pem'), 'cannot be read; mount'],
    ['an empty file', fileWith(''), 'no PEM block "CERTIFICATE"'],
    [
      'a certificate that is none',
      fileWith('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      'holds no trust bundle',
    ],
  ];
  it.each(bad)('%s is an error that names key and file', async (_name, file, text) => {
    await expect(read(file)).rejects.toThrow(text);
    await expect(read(file)).rejects.toThrow(`artifacts.taskrun.spire.trust-bundle-path: ${file}`);
  });
});
