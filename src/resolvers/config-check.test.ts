import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkConfig } from './config-check.ts';
import { configNames } from './defaults.ts';
import { resolverTypes, type ConfigData, type ResolverType } from './resolver.ts';

const problems = (type: ResolverType, data: ConfigData) => checkConfig(type, data).map(({ message }) => message);

describe("what is wrong in a resolver's ConfigMap", () => {
  it.each<[type: ResolverType, data: ConfigData]>([
    ['git', { 'default-url': 'https://x', 'default-cache-mode': 'Always', 'block-private-ips': 'FALSE' }],
    ['git', { 'corp.server-url': 'https://git.corp', 'corp.fetch-timeout': '2m', 'corp.allowed-private-hosts': 'x' }],
    ['bundles', { 'backoff-duration': '2.0s', 'backoff-factor': '2.0', 'backoff-jitter': '0.1' }],
    ['bundles', { 'backoff-steps': '2', 'backoff-cap': '10s' }],
    ['hub', { 'artifact-hub-urls': '- https://a', _example: 'anything: else' }],
    ['cluster', { 'blocked-namespaces': '*' }],
    ['http', { 'fetch-timeout': '1m' }],
  ])('nothing: %s %j', (type, data) => {
    expect(problems(type, data)).toEqual([]);
  });

  it.each<[type: ResolverType, data: ConfigData, message: RegExp]>([
    ['http', { 'fetch-timout': '1m' }, /^key fetch-timout is not known and has no effect/],
    ['http', { 'fetch-timeout': 'a minute' }, /^key fetch-timeout has the value "a minute", which is not valid/],
    ['http', { 'default-cache-mode': 'sometimes' }, /^key default-cache-mode .* "auto" is used until you correct it/],
    ['git', { 'block-private-ips': 'nope' }, /^key block-private-ips .* "true" is used until you correct it/],
    ['git', { 'corp.default-urls': 'x' }, /^key corp.default-urls is not known/],
    ['git', { 'corp.default-cache-mode': 'never' }, /^key corp.default-cache-mode is not known and has no effect/],
    ['bundles', { 'backoff-factor': '0.5' }, /^key backoff-factor .* use a number of at least 1$/],
    ['bundles', { 'backoff-steps': '0' }, /^key backoff-steps .* use a whole number of at least 1$/],
    ['bundles', { 'block-private-ips': 'true' }, /^key block-private-ips is not known/],
    ['cluster', { 'fetch-timeout': '1m' }, /^key fetch-timeout is not known/],
  ])('%s %j', (type, data, message) => {
    expect(problems(type, data)).toEqual([expect.stringMatching(message)]);
  });

  it.each(resolverTypes)('nothing in what the chart shows as an example for %s', (type) => {
    const template = readFileSync(
      path.join(import.meta.dirname, '../../config/chart/templates/resolvers.yaml'),
      'utf8',
    );
    const define = '{{- define "tektite.resolverExamples" -}}';
    const examples = template.slice(template.indexOf(define) + define.length, template.lastIndexOf('{{- end }}'));
    const all = parse(examples) as Record<string, string>;
    const example = parse(all[configNames[type]] ?? '') as ConfigData;
    expect(Object.keys(example)).not.toEqual([]);
    expect(problems(type, example)).toEqual([]);
  });
});
