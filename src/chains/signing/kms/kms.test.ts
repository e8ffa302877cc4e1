import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../clock.fake.ts';
import { signBytes, verifyBytes, type SigningAlgorithm } from '../algorithm.ts';
import { kmsSigner, type KmsClient, type KmsKey } from './kms.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const algorithm: SigningAlgorithm = { scheme: 'ed25519' };
const keys = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];

/** A service whose key can be rotated, and whose public key may lie. */
function service() {
  const state = { current: 0, shown: undefined as KeyObject | undefined, fetched: 0, signed: 0, fail: [] as Error[] };
  const client: KmsClient = {
    description: 'test://key',
    async fetchKey(): Promise<KmsKey> {
      state.fetched += 1;
      return { publicKey: state.shown ?? keys[state.current]!.publicKey, algorithm, version: String(state.current) };
    },
    async sign(_, input) {
      state.signed += 1;
      const failure = state.fail.shift();
      if (failure) throw failure;
      return signBytes(keys[state.current]!.privateKey, algorithm, input);
    },
  };
  return { state, client };
}

describe('kmsSigner', () => {
  it('asks for the public key once, and again after five minutes', async () => {
    const { state, client } = service();
    const clock = new FakeClock();
    const signer = kmsSigner(client, { clock });
    for (let time = 0; time < 3; time += 1) await signer.signBytes(message, signal);
    expect(state).toMatchObject({ fetched: 1, signed: 3 });
    await clock.advance(301_000);
    await signer.signBytes(message, signal);
    expect(state.fetched).toBe(2);
  });

  it('notices a rotation by a signature that does not match, and gives key and signature that do', async () => {
    const { state, client } = service();
    const signer = kmsSigner(client);
    await signer.signBytes(message, signal);
    state.current = 1;
    const { signature, key } = await signer.signBytes(message, signal);
    expect(verifyBytes(keys[1]!.publicKey, algorithm, message, signature)).toBe(true);
    expect(key.publicKey.equals(keys[1]!.publicKey)).toBe(true);
    expect(state.fetched).toBe(2);
  });

  it('looks for a new version when the kept one can no longer sign', async () => {
    const { state, client } = service();
    const signer = kmsSigner(client);
    await signer.signBytes(message, signal);
    state.fail = [new Error('version destroyed')];
    await expect(signer.signBytes(message, signal)).resolves.toBeDefined();
    expect(state.fetched).toBe(2);
  });

  it('gives the error of the service when the key was fresh', async () => {
    const { state, client } = service();
    state.fail = [new Error('no permission')];
    await expect(kmsSigner(client).signBytes(message, signal)).rejects.toThrow('no permission');
    expect(state.signed).toBe(1);
  });

  it('never gives out a signature that its public key does not verify', async () => {
    const { state, client } = service();
    state.shown = keys[1]!.publicKey;
    await expect(kmsSigner(client).signBytes(message, signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/^test:\/\/key: .*does not verify/) as string,
    });
  });

  it('reports every call', async () => {
    const { state, client } = service();
    const seen: string[] = [];
    const signer = kmsSigner(client, {
      observe: (call, seconds, outcome) => seen.push(`${call} ${outcome} ${seconds >= 0}`),
    });
    await signer.signBytes(message, signal);
    state.fail = [new Error('a'), new Error('b')];
    await expect(signer.signBytes(message, signal)).rejects.toThrow('b');
    expect(seen).toEqual([
      'kms success true',
      'kms success true',
      'kms error true',
      'kms success true',
      'kms error true',
    ]);
  });
});
