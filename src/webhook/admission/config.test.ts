import { describe, expect, it } from 'vitest';
import { validateConfig } from './config.ts';
import type { AdmissionRequest } from './review.ts';

function said(name: string, data: Record<string, string> | undefined, names?: Record<string, string>): string[] {
  const request: AdmissionRequest = {
    uid: 'u',
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    operation: 'UPDATE',
    userInfo: { username: 'operator' },
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...(data ? { data } : {}) },
  };
  const verdict = validateConfig(request, names);
  return verdict.allowed ? [...(verdict.warnings ?? [])] : [verdict.message];
}

/** A bad value: the map, the key and value that are named, and what to write instead. */
const bad = [
  { name: 'feature-flags', key: 'coschedule', value: 'sometimes', instead: 'use "workspaces"' },
  { name: 'config-defaults', key: 'default-timeout-minutes', value: 'an hour', instead: 'use a whole number' },
  {
    name: 'config-observability',
    key: 'metrics.count.enable-reason',
    value: 'perhaps',
    instead: 'use "true" or "false"',
  },
  { name: 'config-observability', key: 'metrics-endpoint', value: 'here', instead: 'use host:port' },
  { name: 'config-logging', key: 'loglevel.webhook', value: 'loud', instead: 'use "", "debug"' },
  { name: 'config-leader-election-controller', key: 'buckets', value: '0', instead: 'at least 1 below 11' },
  { name: 'config-leader-election', key: 'buckets', value: '11', instead: 'at least 1 below 11' },
  { name: 'config-leader-election-resolvers', key: 'retry-period', value: 'soon', instead: 'use a duration such as' },
  { name: 'config-concurrency', key: 'rules', value: '[{name: a, limit: 0}]', instead: '0.limit' },
  { name: 'config-events', key: 'sink', value: 'events', instead: 'use a URL that begins with' },
  { name: 'config-wait-exponential-backoff', key: 'steps', value: 'some', instead: 'use a whole number' },
  { name: 'config-tracing', key: 'sampling-ratio', value: '2', instead: 'use a number from 0 to 1' },
  { name: 'config-pruner', key: 'keep', value: 'few', instead: 'use a whole number' },
] as const;

describe('a ConfigMap of the suite', () => {
  it.each(bad)('$name: $key: $value is refused', ({ name, key, value, instead }) => {
    const [text = ''] = said(name, { [key]: value });
    expect(text).toMatch(/^validation failed: /);
    for (const part of [key, JSON.stringify(value).slice(1, -1), instead]) expect(text).toContain(part);
  });

  it('tekton-pruner-default-spec: limits that are none are refused with their path', () => {
    expect(said('tekton-pruner-default-spec', { 'global-config': 'historyLimit: many' })).toEqual([
      expect.stringMatching(/^validation failed: global-config\.historyLimit: /),
    ]);
  });

  it('all that is wrong is said at once', () => {
    const [text = ''] = said('feature-flags', { coschedule: 'x', 'enable-api-fields': 'y' });
    expect(text.split('\n')).toHaveLength(2);
  });

  it.each([
    'feature-flags',
    'config-defaults',
    'config-concurrency',
    'config-events',
    'config-pruner',
    'config-leader-election-webhook',
  ])('%s without data, or with an example alone, is taken', (name) => {
    expect(said(name, undefined)).toEqual([]);
    expect(said(name, { _example: 'enable-api-fields: gamma' })).toEqual([]);
  });

  it('a key that nobody reads is a warning', () => {
    expect(said('feature-flags', { 'enable-apifields': 'alpha' })).toEqual([
      'key enable-apifields is not known and has no effect; remove it or correct its spelling',
    ]);
    for (const name of ['config-leader-election-webhook', 'config-leader-election-events'])
      expect(said(name, { buckets: '3' })).toEqual(['key buckets has no effect: nobody leads here']);
  });

  it('is known by the name that the environment gives it', () => {
    const names = { 'feature-flags': 'our-flags' };
    expect(said('our-flags', { coschedule: 'x' }, names)).toHaveLength(1);
  });

  it.each(['kube-root-ca.crt', 'constructor', 'pipelines-info'])('%s is not one', (name) => {
    expect(said(name, { coschedule: 'x' })).toEqual([]);
  });
});
