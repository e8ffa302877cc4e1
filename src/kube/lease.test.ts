import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { WANTED_BY } from './balance.ts';
import { FakeKubeClient } from './client.fake.ts';
import { SeenLease, freeInMs, microTime } from './lease.ts';
import { leases, type Lease } from './resources.ts';

describe('microTime', () => {
  test('has six digits', () =>
    expect(microTime(new Date('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02T03:04:05.678000Z'));
});

describe('freeInMs', () => {
  test.each([
    ['no holder', { holderIdentity: '' }, 0],
    ['no spec', undefined, 0],
    ['held, just seen', { holderIdentity: 'x', leaseDurationSeconds: 60 }, 60_000 - 5_000],
    ['held, time over', { holderIdentity: 'x', leaseDurationSeconds: 3 }, 0],
    ['held without a duration', { holderIdentity: 'x' }, 0],
  ])('%s', (_name, spec, wanted) => expect(freeInMs(spec as Lease['spec'], 1_000, 6_000)).toBe(wanted));
});

const signal = new AbortController().signal;

/** A lease as `me` sees it, after five seconds in which nobody wrote. */
async function seen(spec: Lease['spec'], annotations?: Record<string, string>) {
  const client = new FakeKubeClient();
  const clock = new FakeClock();
  const metadata = { name: 'lease', namespace: 'ns', ...(annotations && { annotations }) };
  client.seed<Lease>(leases, { metadata, spec: spec ?? {} });
  const lease = new SeenLease({
    client,
    namespace: 'ns',
    name: 'lease',
    identity: 'me',
    leaseDurationMs: 60_000,
    clock,
  });
  await lease.look(signal);
  await clock.advance(5_000);
  return { client, clock, lease, stored: () => client.get(leases, 'ns', 'lease') };
}

describe('SeenLease.mayTakeInMs', () => {
  test.each([
    ['free', { holderIdentity: '' }, undefined, 0],
    ['mine, after a restart', { holderIdentity: 'me', leaseDurationSeconds: 60 }, undefined, 0],
    ["another's", { holderIdentity: 'x', leaseDurationSeconds: 60 }, undefined, 55_000],
    ["another's, who was asked for it by me", { holderIdentity: 'x', leaseDurationSeconds: 60 }, 'me', 55_000],
    ['free, and promised to me', { holderIdentity: '' }, 'me', 0],
    ['free, and promised to another', { holderIdentity: '' }, 'x', 2_000],
  ])('%s', async (_name, spec, wanter, wanted) => {
    const { lease } = await seen(spec, wanter === undefined ? undefined : { [WANTED_BY]: wanter });
    expect(lease.mayTakeInMs(7_000)).toBe(wanted);
  });
});

describe('SeenLease', () => {
  test('that is written by others anew is held as long as when it was seen first', async () => {
    const { lease, client, clock, stored } = await seen({ holderIdentity: 'x', leaseDurationSeconds: 60 });
    const old = await stored();
    await client.replace(leases, { ...old, spec: { ...old.spec, renewTime: '2001-01-01T00:00:10.000000Z' } });
    expect(lease.observe(await stored())).toBe(true);
    expect(lease.mayTakeInMs(0)).toBe(60_000);
    await clock.advance(1_000);
    expect([lease.observe(await stored()), lease.observe(old)]).toEqual([false, false]);
    expect(lease.mayTakeInMs(0)).toBe(59_000);
  });

  test.each([
    ['taken from another', { holderIdentity: 'x', acquireTime: 'then', leaseTransitions: 4 }, 5, false],
    ['renewed', { holderIdentity: 'me', acquireTime: 'then', leaseTransitions: 4 }, 4, true],
    ['free since its last holder went', { holderIdentity: '', acquireTime: 'then', leaseTransitions: 4 }, 5, false],
  ])('%s: says since when and how often it changed hands', async (_name, spec, leaseTransitions, isOld) => {
    const { lease, stored, clock } = await seen(spec, { [WANTED_BY]: 'x', note: 'kept' });
    await lease.claim(signal);
    const now = microTime(clock.now());
    const { metadata, spec: written } = await stored();
    const claimed = { holderIdentity: 'me', leaseDurationSeconds: 60, renewTime: now, leaseTransitions };
    expect(written).toEqual({ ...claimed, acquireTime: isOld ? 'then' : now });
    expect(metadata.annotations).toEqual({ note: 'kept' });
    expect(lease.isMine).toBe(true);
  });

  test('of nobody, who has not been there before, is made', async () => {
    const { lease, client, stored } = await seen({});
    await client.delete(leases, 'ns', 'lease');
    await lease.read(signal);
    expect(lease.exists).toBe(false);
    await lease.claim(signal);
    expect((await stored()).spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 0 });
  });

  test.each([
    [true, { [WANTED_BY]: 'x' }],
    [false, {}],
  ])('given back keeps the name of who asked for it: %s', async (isPromised, annotations) => {
    const { lease, stored } = await seen({ holderIdentity: 'me' }, { [WANTED_BY]: 'x' });
    await lease.release(isPromised, signal);
    const { metadata, spec } = await stored();
    expect([metadata.annotations, spec?.holderIdentity, spec?.leaseDurationSeconds]).toEqual([annotations, '', 1]);
  });

  test('is not written over what it has not seen', async () => {
    const { lease, client, stored } = await seen({ holderIdentity: 'me' });
    await client.replace(leases, { ...(await stored()), spec: { holderIdentity: 'x' } });
    await expect(lease.claim(signal)).rejects.toThrow('the object has been modified');
    expect((await stored()).spec?.holderIdentity).toBe('x');
  });
});
