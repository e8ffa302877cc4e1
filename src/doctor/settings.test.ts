import { describe, expect, it } from 'vitest';
import { configMap } from './installation.fake.ts';
import { usualPlaces } from './places.ts';
import { settingsOf } from './settings.ts';

const { pipelines, chains, resolvers } = usualPlaces;

describe('what is wrong in ConfigMaps', () => {
  it.each<[string, string, string, Record<string, string>, string]>([
    ['a flag', pipelines, 'feature-flags', { 'enable-api-fields': 'gamma' }, 'enable-api-fields'],
    ['a flag without an effect', pipelines, 'feature-flags', { 'enable-step-actions': 'false' }, 'no effect'],
    ['a default', pipelines, 'config-defaults', { 'default-timeout-minutes': 'long' }, 'default-timeout-minutes'],
    ['a rule', pipelines, 'config-concurrency', { rules: '- {name: a}' }, 'limit'],
    ['a level', pipelines, 'config-logging', { 'loglevel.controller': 'loud' }, 'loglevel.controller'],
    ['a period', pipelines, 'config-leader-election-controller', { 'lease-duration': '1s' }, 'lease-duration'],
    ['a limit of pruning', pipelines, 'config-pruner', { keep: 'all' }, 'keep'],
    ['a signer', chains, 'chains-config', { 'artifacts.oci.signer': 'me' }, 'artifacts.oci.signer'],
    ['a resolver', resolvers, 'git-resolver-config', { 'fetch-timeout': 'soon' }, 'fetch-timeout'],
    ['a key that nothing reads', resolvers, 'hubresolver-config', { 'defualt-kind': 'task' }, 'defualt-kind'],
    ['a listener', pipelines, 'config-defaults-triggers', { 'default-sink': 'both' }, 'default-sink'],
    ['a pattern', pipelines, 'feature-flags-triggers', { 'labels-exclusion-pattern': '(' }, 'labels-exclusion-pattern'],
  ])('%s', (_name, namespace, name, data, text) => {
    const { settings, findings } = settingsOf([configMap(name, data, namespace)], usualPlaces);
    expect(findings[0]).toMatchObject({
      severity: 'warning',
      about: `ConfigMap ${namespace}/${name}`,
      text: expect.stringContaining(text) as string,
      remedy: `kubectl -n ${namespace} edit configmap ${name}`,
    });
    expect(settings).toMatchObject([{ namespace, name, set: 1, problems: findings.length }]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['nothing is set', 'feature-flags', { _example: 'enable-api-fields: gamma' }],
    ['all is well', 'config-concurrency', { rules: '- {name: a, limit: 1}' }],
  ])('nothing, where %s', (_name, name, data) => {
    expect(settingsOf([configMap(name, data)], usualPlaces).findings).toEqual([]);
  });

  it('is not looked for in ConfigMaps of others, nor in namespaces of others', () => {
    const maps = [configMap('mine', { a: 'b' }), configMap('feature-flags', { 'enable-api-fields': 'x' }, 'elsewhere')];
    expect(settingsOf(maps, usualPlaces)).toEqual({ settings: [], findings: [] });
  });

  it('tells no value of a key that it does not know, for it may be a secret, and not without end', () => {
    const data = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`tokn-${at}`, 'ghp_secret']));
    const { findings } = settingsOf([configMap('chains-config', data, chains)], usualPlaces);
    expect(findings).toHaveLength(20);
    expect(JSON.stringify(findings)).not.toContain('ghp_secret');
    const long = settingsOf([configMap('feature-flags', { 'enable-api-fields': 'x'.repeat(9_000) })], usualPlaces);
    expect(long.findings[0]?.text.length).toBeLessThan(700);
  });
});
