import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseChainsConfig } from '../config/parse.ts';
import { simpleSigningPayloadType, type ArtifactKind, type Payload } from '../types.ts';
import { publicKeyPem } from './algorithm.ts';
import { encryptCosignKey } from './cosign-key.fake.ts';
import type { SigningSecret } from './file-key.ts';
import { createSignerSource, readSigningSecret } from './source.ts';

const signal = new AbortController().signal;
const payload: Payload = { json: Buffer.from('{}'), payloadType: simpleSigningPayloadType, wrap: false, subjects: [] };
const key = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pkcs8 = (privateKey: KeyObject) => Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' }));
const cosignSecret = (privateKey: KeyObject): SigningSecret => ({
  'cosign.key': encryptCosignKey(privateKey, 'p'),
  'cosign.password': Buffer.from('p'),
});

/** A source over a Secret and a ConfigMap that a test can change. */
function source(secret: SigningSecret, data: Record<string, string> = {}) {
  const state = { secret, data };
  return {
    state,
    get: createSignerSource({
      config: () => parseChainsConfig(state.data).config,
      secret: () => state.secret,
      env: {},
    }),
  };
}

describe('createSignerSource', () => {
  it('opens a key once for all types and calls, also for calls at the same time', async () => {
    const { get } = source(cosignSecret(key()));
    const kinds: ArtifactKind[] = ['taskrun', 'pipelinerun', 'oci', 'taskrun'];
    const signers = await Promise.all(kinds.map((kind) => get(kind)));
    expect(new Set(signers).size).toBe(1);
    expect(await get('oci')).toBe(signers[0]);
  });

  it('opens it again when the content changes, not when the same content is read anew', async () => {
    const [first, second] = [key(), key()];
    const { state, get } = source(cosignSecret(first));
    const old = await get('taskrun');
    state.secret = {
      ...state.secret,
      'cosign.key': Buffer.from(state.secret['cosign.key']!),
      unrelated: Buffer.from('x'),
    };
    expect(await get('taskrun')).toBe(old);
    state.secret = cosignSecret(second);
    const current = await get('taskrun');
    expect((await current.sign(payload, signal)).publicKeyPem).toBe(publicKeyPem(second));
    // A run that is in the middle of being signed goes on with the key it began with.
    expect((await old.sign(payload, signal)).publicKeyPem).toBe(publicKeyPem(first));
  });

  it('takes x509.pem before cosign.key', async () => {
    const pem = key();
    const { get } = source({ ...cosignSecret(key()), 'x509.pem': pkcs8(pem) });
    const signer = await get('taskrun');
    expect(signer.description).toBe('key x509.pem of Secret signing-secrets');
    expect((await signer.sign(payload, signal)).publicKeyPem).toBe(publicKeyPem(pem));
  });

  it('fails by name for as long as the content is wrong, without trying to open it again, and recovers', async () => {
    const good = cosignSecret(key());
    const { state, get } = source({ ...good, 'cosign.password': Buffer.from('wrong') });
    const failure = (signer: Promise<unknown>) => signer.catch((error: unknown) => error);
    const [first, second] = await Promise.all([failure(get('taskrun')), failure(get('taskrun'))]);
    expect(first).toMatchObject({ message: expect.stringMatching(/cosign\.password/) as string });
    // The very same: whoever tried again has one of his own.
    expect(second).toBe(first);
    expect(await failure(get('oci'))).toBe(first);
    state.secret = good;
    await expect(get('taskrun')).resolves.toBeDefined();
  });

  it.each([
    {
      name: 'an empty Secret',
      secret: {},
      error: /neither x509\.pem nor cosign\.key; make a key with "cosign generate-key-pair k8s/,
    },
    { name: 'a missing password', secret: { 'cosign.key': Buffer.from('x') }, error: /no cosign\.password; add it/ },
    {
      name: 'an encrypted x509.pem',
      secret: {
        'x509.pem': Buffer.from('-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n'),
      },
      error: /PEM block "ENCRYPTED PRIVATE KEY", not an unencrypted "PRIVATE KEY"; convert it with "openssl pkcs8/,
    },
    {
      name: 'an x509.pem in SEC 1',
      secret: { 'x509.pem': Buffer.from(key().export({ format: 'pem', type: 'sec1' })) },
      error: /"EC PRIVATE KEY"/,
    },
    { name: 'an x509.pem of nothing', secret: { 'x509.pem': Buffer.from('hello') }, error: /no PEM block/ },
    {
      name: 'a broken x509.pem',
      secret: { 'x509.pem': Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n') },
      error: /cannot be read as PKCS#8.*openssl genpkey/,
    },
  ])('names $name', async ({ secret, error }) => {
    await expect(source(secret as SigningSecret).get('taskrun')).rejects.toThrow(error);
  });

  it('chooses by type: x509, kms, none', async () => {
    const { get } = source(
      { 'x509.pem': pkcs8(key()) },
      {
        'artifacts.oci.signer': 'kms',
        'artifacts.pipelinerun.signer': 'none',
        'signers.kms.kmsref': 'hashivault://chains',
        'signers.kms.auth.address': 'http://127.0.0.1:1',
        'signers.kms.auth.token': 't',
      },
    );
    expect((await get('taskrun')).description).toContain('x509.pem');
    expect((await get('oci')).description).toBe('hashivault://chains');
    await expect(get('pipelinerun')).rejects.toThrow('artifacts.pipelinerun.signer in chains-config is "none"');
  });

  it('makes a new KMS signer when the settings or the token file change', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'source-'));
    try {
      const file = path.join(folder, 'token');
      await writeFile(file, 'one');
      const data = {
        'artifacts.oci.signer': 'kms',
        'signers.kms.kmsref': 'hashivault://a',
        'signers.kms.auth.address': 'http://127.0.0.1:1',
        'signers.kms.auth.token-path': file,
      };
      const { state, get } = source({}, data);
      const first = await get('oci');
      expect(await get('oci')).toBe(first);
      await writeFile(file, 'two');
      const second = await get('oci');
      expect(second).not.toBe(first);
      state.data = { ...data, 'signers.kms.kmsref': 'hashivault://b' };
      expect((await get('oci')).description).toBe('hashivault://b');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives keyless artifacts of one pass the same signer, and another pass a new one', async () => {
    const { get } = source(
      {},
      { 'signers.x509.fulcio.enabled': 'true', 'signers.x509.fulcio.address': 'http://127.0.0.1:1' },
    );
    const pass = {};
    const signer = await get('taskrun', pass);
    expect(await get('oci', pass)).toBe(signer);
    expect(await get('taskrun', {})).not.toBe(signer);
    expect(await get('taskrun')).not.toBe(await get('taskrun'));
  });
});

describe('readSigningSecret', () => {
  it('reads what is there, byte by byte', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'secret-'));
    try {
      await writeFile(path.join(folder, 'cosign.key'), 'k');
      await writeFile(path.join(folder, 'cosign.password'), 'p\n');
      await chmod(path.join(folder, 'cosign.key'), 0o400);
      const secret = await readSigningSecret(folder);
      expect(Object.entries(secret).map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
        ['cosign.key', 'k'],
        ['cosign.password', 'p\n'],
      ]);
      expect(await readSigningSecret(path.join(folder, 'nowhere'))).toEqual({});
      await expect(readSigningSecret('/dev/null')).rejects.toThrow(
        /x509\.pem of Secret signing-secrets cannot be read in \/dev\/null/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
