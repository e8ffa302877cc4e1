import { describe, expect, it } from 'vitest';
import { FakeKubeClient } from '../kube/client.fake.ts';
import type { KubeClient } from '../kube/client.ts';
import { DEFAULT_ELECTION } from '../kube/election-config.ts';
import { leases } from '../kube/resources.ts';
import { silentLogger } from '../log.ts';
import { electLeaders } from './leadership.ts';

const keys = Array.from({ length: 40 }, (_, i) => `ns/run-${i}`);

function elect(disableHighAvailability: boolean) {
  const client = new FakeKubeClient();
  const leaders = electLeaders({
    client: client as unknown as KubeClient,
    flags: { disableHighAvailability, systemNamespace: 'ci', identity: 'controller-0' },
    config: { ...DEFAULT_ELECTION, buckets: 5 },
    component: 'c',
    queueNames: { taskRun: 'q' },
    log: silentLogger,
  });
  const stop = new AbortController();
  const running = leaders.run(stop.signal);
  return { client, leaders, end: () => (stop.abort(), running) };
}

describe('electLeaders', () => {
  it('one replica alone owns every bucket, whatever its name', async () => {
    const { client, leaders, end } = elect(false);
    await expect.poll(() => keys.every((key) => leaders.taskRun.owns(key))).toBe(true);
    await expect.poll(async () => (await client.list(leases, { namespace: 'ci' })).items.length).toBe(5);
    await end();
  });

  it('without high availability there are no leases', async () => {
    const { client, leaders, end } = elect(true);
    expect(keys.every((key) => leaders.taskRun.owns(key))).toBe(true);
    await end();
    expect((await client.list(leases)).items).toEqual([]);
  });
});
