import { describe, expect, it } from 'vitest';
import type { ConfigMap } from '../../kube/resources.ts';
import { Store } from '../../kube/store.ts';
import { ResolverSettings } from './settings.ts';

const map = (name: string, data: Record<string, string>, resourceVersion = '1'): ConfigMap => ({
  metadata: { name, namespace: 'ci', resourceVersion, uid: name },
  data,
});

function open(...maps: ConfigMap[]) {
  const configMaps = new Store<ConfigMap>();
  configMaps.replace(maps, '1');
  const problems: string[] = [];
  const onProblem = (object: ConfigMap, problem: { message: string }) =>
    problems.push(`${object.metadata.name} ${problem.message}`);
  return {
    settings: new ResolverSettings({ configMaps, namespace: 'ci', env: {}, onProblem }),
    configMaps,
    problems,
  };
}

describe('ResolverSettings', () => {
  it('has every resolver without any ConfigMap', () => {
    const { settings, problems } = open();
    expect(settings.isEnabled('git')).toBe(true);
    expect(settings.cache()).toEqual({ maxSize: 1000, ttlMs: 300_000 });
    expect(problems).toEqual([]);
  });

  it('follows a change, and does not start a resolver by a slip of the pen', () => {
    const { settings, configMaps, problems } = open(map('resolvers-feature-flags', { 'enable-git-resolver': 'false' }));
    expect(settings.isEnabled('git')).toBe(false);
    configMaps.upsert(map('resolvers-feature-flags', { 'enable-git-resolver': 'flase' }, '2'));
    expect(settings.isEnabled('git')).toBe(false);
    expect(settings.isEnabled('hub')).toBe(true);
    expect(problems).toEqual([
      'resolvers-feature-flags key enable-git-resolver has the value "flase", which is not valid; false is used until you correct it: use "true" or "false"',
    ]);
    configMaps.upsert(map('resolvers-feature-flags', {}, '3'));
    expect(settings.isEnabled('git')).toBe(true);
  });
});
