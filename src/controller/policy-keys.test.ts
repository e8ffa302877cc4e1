import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type FakeServer } from '../http/http-server.fake.ts';
import { keysOfPolicy } from '../resolvers/supply/policies.ts';
import { isSignedBy } from '../resolvers/trust/public-key.ts';
import { policyKmsKeys } from './policy-keys.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const signal = new AbortController().signal;
let vault: FakeServer;
beforeAll(async () => {
  vault = await startServer(({ path, headers }) => {
    if (headers['x-vault-token'] !== 's.token') return { status: 403, body: { errors: ['permission denied'] } };
    if (path !== '/v1/transit/keys/catalog') return { status: 404, body: { errors: [] } };
    return { body: { data: { latest_version: 2, keys: { 2: { name: 'P-256', public_key: pem } } } } };
  });
});
afterAll(() => vault.close());

const keysOf = (kms: string, env: Readonly<Record<string, string>> = {}) =>
  keysOfPolicy(
    {
      metadata: { name: 'policy', namespace: 'team' },
      spec: { resources: [{ pattern: '.*' }], authorities: [{ name: 'catalog', key: { kms } }] },
    },
    {
      client: { get: () => Promise.reject(new Error('nothing is read')) },
      kms: policyKmsKeys({ VAULT_ADDR: vault.url, VAULT_TOKEN: 's.token', ...env }),
    },
    signal,
  );

describe('a key in a KMS that a VerificationPolicy names', () => {
  it('checks signatures', async () => {
    const keys = await keysOf('hashivault://catalog');
    const digest = createHash('sha256').update('a Task').digest();
    const signature = sign('sha256', digest, privateKey);
    expect(keys.map((key) => isSignedBy(key, digest, signature))).toEqual([true]);
    expect(keys.map((key) => isSignedBy(key, createHash('sha256').update('b').digest(), signature))).toEqual([false]);
    expect(vault.requests.at(-1)).toMatchObject({ method: 'GET', path: '/v1/transit/keys/catalog' });
  });

  it.each<[reference: string, message: RegExp]>([
    ['hashivault://none', /^authority "catalog": Vault http.*transit\/keys\/none/],
    ['awskms://kms.evil.example.com/alias/a', /names a server; write awskms:\/\/\/KEY/],
    ['azurekms://10.0.0.1:8200/key', /names a server that is none of Azure's/],
    ['azurekms://vault.azure.net.evil.example.com/key', /names a server that is none of Azure's/],
    ['azurekms://evil.example.com%2f.vault.azure.net/key', /names a server that is none of Azure's/],
    ['gcpkms://projects/a', /^authority "catalog": key.kms is "gcpkms:\/\/projects\/a", which is no key reference/],
    ['file:///etc/passwd', /which is no key reference; write one of gcpkms/],
  ])('is refused: %s', async (reference, message) => {
    await expect(keysOf(reference)).rejects.toThrow(message);
  });

  it('says so when the identity of the controller may not read it', async () => {
    await expect(keysOf('hashivault://catalog', { VAULT_TOKEN: 'other' })).rejects.toThrow(/403|permission denied/);
  });
});

describe('RSA-PSS', () => {
  it('is checked as such', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const message = Buffer.from('digest');
    const signature = sign('sha256', message, { key: rsa.privateKey, padding: 6, saltLength: -1 });
    const key = { key: rsa.publicKey, hash: 'sha256' as const };
    expect([isSignedBy({ ...key, isPss: true }, message, signature), isSignedBy(key, message, signature)]).toEqual([
      true,
      false,
    ]);
  });
});
