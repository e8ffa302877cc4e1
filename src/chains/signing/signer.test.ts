import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inTotoPayloadType, simpleSigningPayloadType, type Payload } from '../types.ts';
import { envelopeJson } from './dsse.ts';
import { keySigner } from './file-key.ts';
import { sshFingerprint } from './fingerprint.ts';
import { payloadSigner } from './signer.ts';

const signal = new AbortController().signal;
const statement: Payload = {
  json: Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}'),
  payloadType: inTotoPayloadType,
  predicateType: 'x',
  wrap: true,
  subjects: [],
};
const image: Payload = {
  json: Buffer.from('{"critical":{}}'),
  payloadType: simpleSigningPayloadType,
  wrap: false,
  subjects: [],
};

const keys: {
  name: string;
  pair: { privateKey: KeyObject; publicKey: KeyObject };
  algorithm: string;
  hash: string | null;
  scheme: string;
}[] = [
  {
    name: 'P-256',
    pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    algorithm: 'ecdsa-p256-sha256',
    hash: 'sha256',
    scheme: 'ecdsa',
  },
  {
    name: 'P-384',
    pair: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    algorithm: 'ecdsa-p384-sha256',
    hash: 'sha256',
    scheme: 'ecdsa',
  },
  {
    name: 'P-521',
    pair: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    algorithm: 'ecdsa-p521-sha256',
    hash: 'sha256',
    scheme: 'ecdsa',
  },
  {
    name: 'RSA',
    pair: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    algorithm: 'rsa-2048-pkcs1v15-sha256',
    hash: 'sha256',
    scheme: 'rsa-pkcs1v15',
  },
  { name: 'Ed25519', pair: generateKeyPairSync('ed25519'), algorithm: 'ed25519', hash: null, scheme: 'ed25519' },
];

describe('payloadSigner over a key in memory', () => {
  it.each(keys)('wraps a statement: $name', async ({ pair, algorithm, hash, scheme }) => {
    const signature = await payloadSigner(keySigner(pair.privateKey, 'x509.pem')).sign(statement, signal);
    const pae = Buffer.from(`DSSEv1 28 application/vnd.in-toto+json 43 ${Buffer.from(statement.json).toString()}`);
    expect(verify(hash, pae, pair.publicKey, signature.signature)).toBe(true);
    expect(signature).toMatchObject({
      algorithm,
      scheme,
      publicKeyPem: pair.publicKey.export({ format: 'pem', type: 'spki' }),
      keyId: sshFingerprint(pair.publicKey),
    });
    expect(signature.hash ?? null).toBe(hash);
    expect(signature.certificate).toBeUndefined();
    const sig = Buffer.from(signature.signature).toString('base64');
    expect(envelopeJson(signature.envelope!)).toBe(
      `{"payloadType":"application/vnd.in-toto+json","payload":"${Buffer.from(statement.json).toString('base64')}","signatures":[{"keyid":"${signature.keyId}","sig":"${sig}"}]}`,
    );
  });

  it.each(keys)('signs an image payload as it is: $name', async ({ pair, hash }) => {
    const signature = await payloadSigner(keySigner(pair.privateKey, 'x509.pem')).sign(image, signal);
    expect(signature.envelope).toBeUndefined();
    expect(verify(hash, image.json, pair.publicKey, signature.signature)).toBe(true);
    expect(verify(hash, Buffer.from('{"critical":{ }}'), pair.publicKey, signature.signature)).toBe(false);
  });

  it.each([
    {
      name: 'short RSA key',
      pair: generateKeyPairSync('rsa', { modulusLength: 1024 }),
      error: /x509\.pem .*1024 bits; cosign accepts 2048/,
    },
    {
      name: 'curve that cosign does not know',
      pair: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      error: /secp256k1 cannot be used; use P-256/,
    },
    { name: 'Ed448', pair: generateKeyPairSync('ed448'), error: /type ed448 cannot be used/ },
    {
      name: 'RSA key bound to PSS',
      pair: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
      error: /type rsa-pss cannot be used/,
    },
  ])('refuses a $name', ({ pair, error }) => {
    expect(() => keySigner(pair.privateKey, 'x509.pem')).toThrow(error);
  });

  it('does not sign for a pass that was given up', async () => {
    await expect(
      payloadSigner(keySigner(keys[0]!.pair.privateKey, 'x509.pem')).sign(
        image,
        AbortSignal.abort(new Error('enough')),
      ),
    ).rejects.toThrow('enough');
  });
});

describe('sshFingerprint', () => {
  // Made with "ssh-keygen -t <type>"; fingerprints as printed by "ssh-keygen -l".
  it.each([
    {
      type: 'ecdsa 256',
      fingerprint: 'SHA256:JJff7wrhtaFuf6Tx2uUSQ9NW9GqHNCAd1wjhMBhHXFM',
      spki: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWPG4UYxRo++KjkN7SK1FaDKYJ9bVeDbp6fn+204CXlGHFaJxIMa1aqnw4KuDzNX5+x/t8gPe7BZJOrG9x7o7oA==',
    },
    {
      type: 'ecdsa 384',
      fingerprint: 'SHA256:VsQAZaxeNwfJ3a6aJ7T22e9hyYZ+fjd9X76PxnIN8GI',
      spki: 'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEJZbdBlpU6hOBQs4/P4FR09KFKnWpjDy6kr4oIHDoabEdbzc3Ustfrxbj2nwE/I8dYl+5IfTHtP1F8txe91l9LZL79yTQ03jmSTJMR1PHOBrI6Y0Jb7RqvPqNlK4gepC9',
    },
    {
      type: 'rsa 2048',
      fingerprint: 'SHA256:k2EQDqfnFATa5ubq32VWyK5t9lk0Epr9K9I4DerjBWw',
      spki: 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkZufXAXqgWpZ6OvVeTWfrbGp5WsauT7FBtsqMekJVTFRQxV4zSGk45TdUhxc9NWZzSv94IufFXicRrf2aAfGx8SRPPY129OPeNQmt99Z4WSDbyBwBoEForTTpRzlJdmXhAPC3KrpBRsyX0vgDRxKxcga6WPFK+XYqvHTk8E6sxCAihNOpeZeKEk4DuWqp1hE7ZKuRrdhbFe8StaHnHG4pyMrqCjxcDcw0TwrNaXsy2djw+3jaagFtR8zAAMtkUcl6xf0y5rbBUBQUDM6ytg17O3YSVQNmXrY00QPmS3miDk24471msa7eoKWEHoMHM7DEqHT+OyyD+GxCRwyRPZEzQIDAQAB',
    },
    {
      type: 'ed25519',
      fingerprint: 'SHA256:HR1thjZHqiHpRB0ZLPYzDaAQ9FsEjjHvlaKhJK8jRbc',
      spki: 'MCowBQYDK2VwAyEA03ncFysNYLFjKF1TmfbIgesjsCASfuEM2R5t5BGdosY=',
    },
  ])('is what ssh-keygen prints: $type', ({ spki, fingerprint }) => {
    expect(sshFingerprint(createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }))).toBe(
      fingerprint,
    );
  });
});
