import { expect, test } from 'vitest';
import { FakeKubeClient } from './client.fake.ts';
import { holderIsGone } from './lease-holder.ts';
import { pods } from './resources.ts';

const signal = new AbortController().signal;
const controller = { name: 'controller-1', namespace: 'ns' };

test.each<[string, string, FakeKubeClient, boolean]>([
  ['a pod that runs', 'controller-1', seeded('Running'), false],
  ['a pod that is on its way out', 'controller-1', seeded('Running', '2026-01-01T00:00:00Z'), false],
  ['a pod that was evicted', 'controller-1', seeded('Failed'), true],
  ['no such pod', 'controller-2', seeded('Running'), true],
  ['a process outside a pod, or a replica of Tekton', 'host_6f1c', seeded('Running'), false],
  ['nobody', '', seeded('Running'), false],
])('%s', async (_name, holder, client, gone) => expect(await holderIsGone(client, 'ns', holder, signal)).toBe(gone));

test('what cannot be found out is no proof', async () => {
  const client = seeded('Failed');
  client.intercept = () => {
    throw new Error('forbidden');
  };
  expect(await holderIsGone(client, 'ns', 'controller-1', signal)).toBe(false);
});

function seeded(phase: string, deletionTimestamp?: string): FakeKubeClient {
  const client = new FakeKubeClient();
  client.seed(pods, {
    metadata: { ...controller, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    status: { phase },
  });
  return client;
}
