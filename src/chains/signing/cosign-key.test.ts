import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { publicKeyPem } from './algorithm.ts';
import { encryptCosignKey } from './cosign-key.fake.ts';
import { openCosignKey } from './cosign-key.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const file = encryptCosignKey(privateKey, 'p');
const text = (value: string) => Buffer.from(value);

describe('openCosignKey', () => {
  it.each([
    { name: 'old cost', N: 32_768, password: 'p', type: 'COSIGN' as const },
    { name: 'default cost of new keys', N: 65_536, password: 'with ä and spaces', type: 'SIGSTORE' as const },
    { name: 'highest cost', N: 131_072, password: '', type: 'SIGSTORE' as const },
    { name: 'password with a newline that belongs to it', N: 32_768, password: 'p\n', type: 'SIGSTORE' as const },
  ])('opens a key: $name', async ({ N, password, type }) => {
    const opened = await openCosignKey(encryptCosignKey(privateKey, password, { N, type }), text(password));
    expect(publicKeyPem(opened)).toBe(publicKeyPem(publicKey));
  });

  it('opens a key that cosign v3.1.3 made ("cosign generate-key-pair", password "tektite")', async () => {
    const opened = await openCosignKey(text(cosignMade.key), text('tektite'));
    expect(publicKeyPem(createPublicKey(opened))).toBe(cosignMade.publicKey);
  });

  it.each([
    { name: 'wrong password', file, password: 'q', error: /cosign\.password .* is not its password$/ },
    { name: 'password read with a newline too many', file, password: 'p\n', error: /ends in a newline.*printf/ },
    {
      name: 'cost that cosign does not write',
      file: encryptCosignKey(privateKey, 'p', { N: 16_384 }),
      password: 'p',
      error: /N=16384 r=8 p=1 .* 32768, 65536, 131072/,
    },
    {
      name: 'block size that cosign does not write',
      file: encryptCosignKey(privateKey, 'p', { r: 4 }),
      password: 'p',
      error: /r=4/,
    },
    {
      name: 'parallelism that cosign does not write',
      file: encryptCosignKey(privateKey, 'p', { p: 2 }),
      password: 'p',
      error: /p=2/,
    },
    {
      name: 'unencrypted PEM',
      file: Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })),
      password: '',
      error: /not a PEM block "ENCRYPTED SIGSTORE PRIVATE KEY".*generate-key-pair/,
    },
    {
      name: 'no JSON inside',
      file: text(
        '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
      ),
      password: '',
      error: /does not hold an encrypted key/,
    },
    { name: 'empty', file: text(''), password: '', error: /is not a PEM block/ },
  ])('refuses by name: $name', async ({ file: bytes, password, error }) => {
    await expect(openCosignKey(bytes, text(password))).rejects.toThrow(error);
    await expect(openCosignKey(bytes, text(password))).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('cosign.key of Secret signing-secrets') as string,
    });
  });

  it('derives the key off the event loop', async () => {
    const slow = encryptCosignKey(privateKey, 'p', { N: 131_072 });
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const begin = performance.now();
    await openCosignKey(slow, text('p'));
    const total = performance.now() - begin;
    clearInterval(timer);
    expect(longest).toBeLessThan(total * 0.8);
  });
});

const cosignMade = {
  key: `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJRTWpMOEJwNkJrRnZ2VFo0Ky9CZXNMMnBYM3lFR0Jp
cUJ4RHkvc1pob09RPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiI1Y2ZZUWxFcWlkeVRzQmc0ZHowd2pIODNCZk43RTMzdyJ9LCJj
aXBoZXJ0ZXh0IjoidFJaZCt1SWVvV25EQU55V05jblRkUVp1MWhDbkJRVmlwaW11
OTZ2LzFscFpEOWk4YnhtNlEzcUZlM29EYzRWSHl2RjMrRm9Gd2tpYTZjQzlnbVIx
UDNIVnZ4cTVtWkZYNVh0WE4xSlV3RTJCcjNabTh2b3lRaEkxY3orVnBBZEtxT1BU
ZGV5ODNzY2FvT0tja2Y3L3lmMHkzbnpaTFlHeXlkWTcxZER0TFJjWHBxNXUwVjBl
R3dJSVdjZmVSN3dNUEJhTE9UTjVHT2lOQnc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
`,
  publicKey: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEixNHDnVLMU9L0ZhHDdvrtIlymCdv
neeKf+DDbkpAmYtTXuZTG0RlraGxxWMPxwSSzTm+KI7O0CWOg/zNVxryVQ==
-----END PUBLIC KEY-----
`,
};
