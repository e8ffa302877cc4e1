import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Authority, VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { secrets } from '../../kube/resources.ts';
import { NoVerdictYet } from '../trust/verify.ts';
import { keysOfPolicy, type KmsKeys } from './policies.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const secretRef = (name: string) => ({ secretRef: { namespace: 'keys', name } });

function scene() {
  const client = new FakeKubeClient();
  const put = (name: string, data: Record<string, string>) =>
    client.create(secrets, { metadata: { name, namespace: 'keys' }, data });
  const made = [
    put('one', { 'cosign.pub': base64(pem) }),
    put('two', { 'cosign.pub': base64(pem), 'cosign.key': base64('secret') }),
    put('none', {}),
    put('odd', { 'cosign.pub': base64('nonsense') }),
  ];
  return async (authorities: Authority[], kms?: KmsKeys) => {
    await Promise.all(made);
    const policy: VerificationPolicy = {
      metadata: { name: 'policy', namespace: 'team' },
      spec: { resources: [{ pattern: '.*' }], authorities },
    };
    return keysOfPolicy(policy, { client, kms }, new AbortController().signal);
  };
}

describe('the keys of a policy', () => {
  it.each<[from: string, key: NonNullable<Authority['key']>, hash: string]>([
    ['the policy itself', { data: pem }, 'sha256'],
    ['a Secret', { ...secretRef('one'), hashAlgorithm: 'SHA512' as never }, 'sha512'],
    ['a KMS', { kms: 'gcpkms://key' }, 'sha384'],
  ])('are found: in %s', async (_from, key, hash) => {
    const kms: KmsKeys = () => Promise.resolve({ key: publicKey, hash: 'sha384' });
    const [found] = await scene()([{ name: 'us', key }], kms);
    expect(found?.hash).toBe(hash);
    expect(found?.key.equals(publicKey)).toBe(true);
  });

  it.each<[what: string, key: Authority['key'], message: string]>([
    ['nothing', {}, `authority "us": key doesn't contain data or keyRef`],
    ['no PEM', { data: 'nonsense' }, 'authority "us": key cannot be decoded'],
    [
      'an unknown digest',
      { data: pem, hashAlgorithm: 'md5' as never },
      'authority "us": unknown digest algorithm: md5',
    ],
    ['a Secret that is not there', secretRef('gone'), 'authority "us": secret not found: keys/gone'],
    ['a Secret without a namespace', { secretRef: { name: 'one' } }, 'authority "us": secretRef needs name and'],
    ['an empty Secret', secretRef('none'), 'authority "us": secret "keys/none" contains no data'],
    ['a Secret with two values', secretRef('two'), 'authority "us": secret "keys/two" contains multiple data entries'],
    ['a Secret with another thing', secretRef('odd'), 'authority "us": key cannot be decoded'],
    ['a KMS where there is none', { kms: 'gcpkms://key' }, 'authority "us": keys in a KMS are not available here'],
  ])('cannot be had: %s, though another authority has one', async (_what, key, message) => {
    await expect(
      scene()([
        { name: 'good', key: { data: pem } },
        { name: 'us', key },
      ]),
    ).rejects.toThrow(message);
  });

  it('are asked for again when the API server does not answer', async () => {
    const client = new FakeKubeClient();
    client.intercept = () => {
      throw new ApiError(503, { reason: 'ServiceUnavailable', message: 'it is away' });
    };
    const policy: VerificationPolicy = {
      metadata: { name: 'policy', namespace: 'team' },
      spec: { resources: [{ pattern: '.*' }], authorities: [{ name: 'us', key: secretRef('one') }] },
    };
    await expect(keysOfPolicy(policy, { client }, new AbortController().signal)).rejects.toBeInstanceOf(NoVerdictYet);
  });
});
