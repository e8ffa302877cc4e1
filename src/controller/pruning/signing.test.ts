import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/client.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { configMaps } from '../../kube/resources.ts';
import { Signing } from './signing.ts';

const signal = new AbortController().signal;

function world(data: Record<string, string> | undefined) {
  const client = new FakeKubeClient();
  const clock = new FakeClock('2026-01-01T00:00:00Z');
  const say = (said: Record<string, string>) =>
    client.seed(configMaps, { metadata: { name: 'chains-info', namespace: 'chains' }, data: said });
  if (data) say(data);
  return { client, clock, say, signing: new Signing({ client, namespace: 'chains', clock }) };
}

describe('signatures', () => {
  it.each<[string, Record<string, string> | undefined, boolean]>([
    ['are awaited when nobody says otherwise', { version: 'v1' }, true],
    ['are awaited when runs are signed', { signing: 'on' }, true],
    ['are awaited without Chains, as it is set', undefined, true],
    ['are not awaited while Chains waits for a key', { signing: 'waiting' }, false],
  ])('%s', async (_name, data, awaited) => {
    expect(await world(data).signing.isAwaited(signal)).toBe(awaited);
  });

  it('are awaited when it cannot be known', async () => {
    const { client, signing } = world({ signing: 'waiting' });
    client.intercept = () => {
      throw new ApiError(403, { reason: 'Forbidden', message: 'no' });
    };
    expect(await signing.isAwaited(signal)).toBe(true);
  });

  it('are asked after at most every 30 s', async () => {
    const { client, clock, say, signing } = world({ signing: 'waiting' });
    expect(await signing.isAwaited(signal)).toBe(false);
    await client.delete(configMaps, 'chains', 'chains-info');
    say({ signing: 'on' });
    await clock.advance(29_000);
    expect(await signing.isAwaited(signal)).toBe(false);
    await clock.advance(2_000);
    expect(await signing.isAwaited(signal)).toBe(true);
  });
});
