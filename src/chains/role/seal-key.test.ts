import { describe, expect, it } from 'vitest';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { secrets } from '../../kube/resources.ts';
import { readSeal, sealSecretName, wasAtWork } from './seal-key.ts';

const now = new Date('2026-01-01T00:00:00Z');
const signal = new AbortController().signal;

function cluster(data?: Record<string, string> | null): FakeKubeClient {
  const client = new FakeKubeClient();
  if (data !== undefined)
    client.seed(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: sealSecretName, namespace: 'chains' },
      ...(data === null ? {} : { data }),
    });
  return client;
}

function source(client: FakeKubeClient, byte = 1) {
  return {
    client: client as unknown as KubeClient,
    namespace: 'chains',
    now: () => now,
    random: (bytes: number) => new Uint8Array(bytes).fill(byte),
  };
}

describe('the key of the seal', () => {
  it.each([
    ['made when the Secret is empty', null],
    ['made with its Secret when that is missing', undefined],
  ])('is %s, and read by who comes later', async (_name, data) => {
    const client = cluster(data);
    const first = await readSeal(source(client, 1), signal);
    const later = await readSeal(source(client, 2), signal);
    expect(later.open('mark', 'u', first.stamp('mark', 'u', 'signed'))).toBe('signed');
    expect(later.since).toEqual(now);
  });

  it.each([
    ['an empty Secret', null],
    ['no Secret', undefined],
  ])('tells who was at work before from %s', async (_name, data) => {
    const client = cluster(data);
    expect(await wasAtWork(source(client), signal)).toBe(false);
    await readSeal(source(client), signal);
    expect(await wasAtWork(source(client), signal)).toBe(true);
  });

  it('is one, when two replicas start together', async () => {
    const client = cluster(null);
    const [one, other] = await Promise.all([readSeal(source(client, 1), signal), readSeal(source(client, 2), signal)]);
    expect(other.open('mark', 'u', one.stamp('mark', 'u', 'signed'))).toBe('signed');
  });

  it('is never replaced when it cannot be read: all marks would be void', async () => {
    const client = cluster({ key: 'c2hvcnQ=' });
    await expect(readSeal(source(client), signal)).rejects.toThrow('Secret chains/chains-seal must hold "key"');
  });

  it.each([
    ['neither read nor made', cluster(), 'get secrets', 'let the ServiceAccount'],
    ['not made', cluster(), 'create secrets', 'create secret generic chains-seal'],
  ])('that can be %s ends the process by name', async (_name, client, call, expected) => {
    client.intercept = ({ verb, resource }) => {
      if (`${verb} ${resource}` === call) throw new ApiError(403, { message: 'forbidden' });
    };
    await expect(readSeal(source(client), signal)).rejects.toThrow(expected);
  });
});
