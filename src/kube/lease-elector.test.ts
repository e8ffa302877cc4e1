import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { silentLogger } from '../log.ts';
import { FakeKubeClient } from './client.fake.ts';
import { LeaseElector, type LeaseElectorOptions } from './lease-elector.ts';
import { leases } from './resources.ts';
import type { Lease } from './resources.ts';

const UPSTREAM = { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 10_000 };

function elector(
  client: FakeKubeClient,
  clock: FakeClock,
  identity: string,
  more: Pick<LeaseElectorOptions, 'holderIsGone'> = {},
) {
  const log: string[] = [];
  const at = () => clock.monotonic() / 1000;
  const start = at();
  const one = new LeaseElector({
    client,
    namespace: 'ns',
    name: 'lease',
    identity,
    config: UPSTREAM,
    log: silentLogger,
    clock,
    random: () => 0,
    onAcquired: () => log.push(`acquired@${at() - start}`),
    onLost: () => log.push(`lost@${at() - start}`),
    ...more,
  });
  const stop = new AbortController();
  const running = one.run(stop.signal);
  return {
    one,
    log,
    stop: () => {
      stop.abort();
      return running;
    },
  };
}
const held = async (client: FakeKubeClient) => (await client.list(leases)).items[0];

describe("LeaseElector with upstream's periods", () => {
  test('renews every 10 s; without success for 40 s it is lost', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const { log, stop } = elector(client, clock, 'a');
    await clock.advance(100_000);
    expect(client.writes.map(({ verb }) => verb)).toEqual(['create', ...Array<string>(10).fill('update')]);
    client.intercept = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await clock.advance(39_999);
    expect(log).toEqual(['acquired@0']);
    await clock.advance(1);
    expect(log).toEqual(['acquired@0', 'lost@140']);
    client.intercept = undefined;
    await clock.advance(10_000);
    expect(log.at(-1)).toMatch(/^acquired@/);
    await stop();
  });

  test('a short failure of the API server costs no leadership', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const { log, stop } = elector(client, clock, 'a');
    await clock.advance(10_000);
    client.intercept = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await clock.advance(35_000);
    client.intercept = undefined;
    await clock.advance(100_000);
    expect(log).toEqual(['acquired@0']);
    await stop();
  });

  test("a dead holder's lease is taken 60 s after it was last seen to change, whatever its clock said", async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    client.seed<Lease>(leases, {
      metadata: { name: 'lease', namespace: 'ns' },
      spec: {
        holderIdentity: 'dead',
        leaseDurationSeconds: 60,
        renewTime: '2001-01-01T00:00:00.000000Z',
        leaseTransitions: 4,
      },
    });
    const { log, stop } = elector(client, clock, 'heir');
    await clock.advance(25_000);
    const lease = (await held(client)) as Lease;
    await client.replace(leases, { ...lease, spec: { ...lease.spec, renewTime: '2001-01-01T00:00:10.000000Z' } });
    await clock.advance(64_900);
    expect(log).toEqual([]);
    await clock.advance(30_000);
    expect(log).toEqual(['acquired@90']);
    expect((await held(client))?.spec).toMatchObject({
      holderIdentity: 'heir',
      leaseDurationSeconds: 60,
      leaseTransitions: 5,
    });
    await stop();
  });

  test('a holder that is gone is not waited for', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const a = elector(client, clock, 'a');
    await clock.advance(5_000);
    const ended = new Set<string>();
    const b = elector(client, clock, 'b', { holderIsGone: (holder) => Promise.resolve(ended.has(holder)) });
    await clock.advance(15_000);
    expect(b.log).toEqual([]);
    ended.add('a');
    await clock.advance(10_000);
    expect(b.log).toEqual(['acquired@20']);
    await clock.advance(10_000);
    expect(a.log).toEqual(['acquired@0', 'lost@30']);
    await Promise.all([a.stop(), b.stop()]);
  });

  test('what another took while its holder was asked after stays that one’s', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const spec = { holderIdentity: 'dead', leaseDurationSeconds: 60 };
    client.seed<Lease>(leases, { metadata: { name: 'lease', namespace: 'ns' }, spec });
    const b = elector(client, clock, 'b', {
      holderIsGone: async (holder) => {
        if (holder !== 'dead') return false;
        const lease = (await held(client)) as Lease;
        b.one.observe(await client.replace(leases, { ...lease, spec: { ...spec, holderIdentity: 'c' } }));
        return true;
      },
    });
    await clock.advance(30_000);
    expect(b.log).toEqual([]);
    expect((await held(client))?.spec?.holderIdentity).toBe('c');
    await b.stop();
  });

  test('a release is noticed within the retry period even without a watch', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const a = elector(client, clock, 'a');
    await clock.advance(5_000);
    const b = elector(client, clock, 'b');
    await clock.advance(7_000);
    const stopping = a.stop();
    await clock.advance(0);
    await stopping;
    expect((await held(client))?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advance(10_000);
    expect(b.log).toEqual(['acquired@10']);
    await b.stop();
  });

  test('a deleted lease is made anew without losing a beat', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const { one, log, stop } = elector(client, clock, 'a');
    await clock.advance(5_000);
    await client.delete(leases, 'ns', 'lease');
    one.observe(null);
    await clock.advance(20_000);
    expect((await held(client))?.spec?.holderIdentity).toBe('a');
    expect(log).toEqual(['acquired@0']);
    await stop();
  });

  test('a change by somebody else is kept and does not lose the lease', async () => {
    const client = new FakeKubeClient();
    const clock = new FakeClock();
    const { log, stop } = elector(client, clock, 'a');
    await clock.advance(5_000);
    await client.patch(leases, 'ns', 'lease', { type: 'merge', body: { metadata: { annotations: { note: 'mine' } } } });
    await clock.advance(60_000);
    expect(log).toEqual(['acquired@0']);
    expect((await held(client))?.metadata.annotations).toEqual({ note: 'mine' });
    await stop();
  });
});
