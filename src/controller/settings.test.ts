import { describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import type { ConfigMap } from '../kube/resources.ts';
import { Store } from '../kube/store.ts';
import { LiveSettings, configNames } from './settings.ts';

const map = (name: string, data: Record<string, string>, resourceVersion = '1'): ConfigMap => ({
  metadata: { name, namespace: 'ci', resourceVersion, uid: name },
  data,
});

function open(...maps: ConfigMap[]) {
  const configMaps = new Store<ConfigMap>();
  configMaps.replace(maps, '1');
  const problems: string[] = [];
  const settings = new LiveSettings({
    configMaps,
    namespace: 'ci',
    names: configNames({}),
    images: { entrypoint: 'e', nop: 'n' },
    release: 'v1',
    log: silentLogger,
    onProblem: (object, problem) => problems.push(`${object.metadata.name} ${problem.message}`),
  });
  return { settings, configMaps, problems };
}

describe('LiveSettings', () => {
  it('has the defaults without any ConfigMap', () => {
    const { settings, problems } = open();
    expect(settings.current()).toMatchObject({
      defaults: { timeoutMinutes: 60 },
      flags: { enableApiFields: 'beta' },
      images: { nop: 'n' },
      release: 'v1',
    });
    expect(problems).toEqual([]);
  });

  it('follows a change at once', () => {
    const { settings, configMaps } = open(map('config-defaults', { 'default-timeout-minutes': '5' }));
    expect(settings.current().defaults.timeoutMinutes).toBe(5);
    configMaps.upsert(map('config-defaults', { 'default-timeout-minutes': '7' }, '2'));
    expect(settings.current().defaults.timeoutMinutes).toBe(7);
  });

  it.each([
    [
      'a value that cannot be',
      { 'default-timeout-minutes': 'soon' },
      'config-defaults',
      /default-timeout-minutes.*"soon"/,
    ],
    [
      'a flag that this version cannot do',
      { 'enforce-nonfalsifiability': 'spire' },
      'feature-flags',
      /enforce-nonfalsifiability: "spire" is not supported by this version; it works as with "none"/,
    ],
  ])('reports %s on its map and goes on', (_name, data, name, message) => {
    const { settings, problems } = open(map(name, data));
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(settings.current().defaults.timeoutMinutes).toBe(60);
  });

  it.each([
    [
      'a renewal longer than the lease',
      { 'lease-duration': '5s', 'renew-deadline': '10s' },
      /lease-duration must be longer than renew-deadline/,
    ],
    [
      'no room for a second try',
      { 'retry-period': '35s' },
      /retry-period: 1.2 times it must be shorter than renew-deadline .* the default periods are used/,
    ],
  ])('uses the default periods for %s', (_name, data, message) => {
    const { settings, problems } = open(map('config-leader-election-controller', { buckets: '3', ...data }));
    expect(settings.leaderElection()).toMatchObject({ buckets: 3, leaseDurationMs: 60_000, retryPeriodMs: 10_000 });
    expect(problems).toEqual([expect.stringMatching(message)]);
  });
});
