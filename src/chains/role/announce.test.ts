import { describe, expect, it } from 'vitest';
import { chainsInfoName, type SigningState } from '../../api/config/chains-info.ts';
import { ApiError } from '../../kube/client.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { configMaps } from '../../kube/resources.ts';
import { announceSigning } from './announce.ts';

const signal = new AbortController().signal;

function cluster(data: Record<string, string> | undefined): FakeKubeClient {
  const client = new FakeKubeClient();
  if (data) client.seed(configMaps, { metadata: { name: chainsInfoName, namespace: 'chains' }, data });
  return client;
}

describe('ConfigMap chains-info', () => {
  it.each<[string, Record<string, string>, SigningState, Record<string, string>, number]>([
    ['says that a signer is awaited', { version: 'v1' }, 'waiting', { version: 'v1', signing: 'waiting' }, 1],
    ['says that runs are signed now', { signing: 'waiting' }, 'on', { signing: 'on' }, 1],
    ['is left alone when it says so', { signing: 'waiting' }, 'waiting', { signing: 'waiting' }, 0],
    ['is left alone when it does not say the opposite', { version: 'v1' }, 'on', { version: 'v1' }, 0],
  ])('%s', async (_name, before, state, after, writes) => {
    const client = cluster(before);
    await announceSigning({ client, namespace: 'chains' }, state, signal);
    expect((await client.get(configMaps, 'chains', chainsInfoName)).data).toEqual(after);
    expect(client.calls.filter(({ verb }) => verb === 'patch')).toHaveLength(writes);
  });

  it('may be missing', async () => {
    await expect(announceSigning({ client: cluster(undefined), namespace: 'chains' }, 'on', signal)).resolves.toBe(
      undefined,
    );
  });

  it('that says the opposite and cannot be changed stops Chains, with the way out', async () => {
    const client = cluster({ signing: 'waiting' });
    client.intercept = ({ verb }) => {
      if (verb === 'patch') throw new ApiError(403, { reason: 'Forbidden', message: 'no' });
    };
    await expect(announceSigning({ client, namespace: 'chains' }, 'on', signal)).rejects.toThrow(
      /^ConfigMap chains\/chains-info cannot be told that signing is "on": .*no.*; give Chains the verbs get and patch/,
    );
  });
});
