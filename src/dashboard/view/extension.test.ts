import { describe, expect, it } from 'vitest';
import { extensionsOf } from './extension.ts';
import { titleOf } from './listed-kind.ts';

const extension = (name: string, spec: unknown, created = '2026-01-01T00:00:00Z') => ({
  metadata: { namespace: 'ci', name, creationTimestamp: created },
  spec,
});

describe('an Extension', () => {
  it.each([
    [
      'of a group',
      { apiVersion: 'batch/v1', name: 'cronjobs', displayname: 'Cron jobs' },
      { group: 'batch', version: 'v1', plural: 'cronjobs', kind: 'cronjobs.batch', namespaced: true },
      'Cron jobs',
    ],
    [
      'of the core group, without a name for people',
      { apiVersion: 'v1', name: 'configmaps' },
      { group: '', version: 'v1', plural: 'configmaps', kind: 'configmaps', namespaced: true },
      'configmaps',
    ],
    [
      'of a kind in no namespace',
      { apiVersion: 'example.dev/v1beta2', name: 'zones', namespaced: false },
      { group: 'example.dev', version: 'v1beta2', plural: 'zones', kind: 'zones.example.dev', namespaced: false },
      'zones',
    ],
  ])('%s adds its kind to the lists', (_name, spec, resource, title) => {
    const { kinds, problems } = extensionsOf([extension('x', spec)]);
    expect(problems).toEqual([]);
    expect(kinds).toMatchObject([{ resource }]);
    expect(kinds.map(titleOf)).toEqual([title]);
  });

  it.each([
    ['a path in the group', { apiVersion: '../../v1', name: 'x' }, /^ci\/x: spec\.apiVersion: "\.\.\/\.\.\/v1" is no/],
    ['a query in the plural', { apiVersion: 'v1', name: 'pods?watch=1' }, /spec\.name: "pods\?watch=1" is no plural/],
    ['a subresource', { apiVersion: 'v1', name: 'pods/log' }, /is no plural/],
    ['no version', { apiVersion: 'batch', name: 'jobs' }, /spec\.apiVersion/],
    ['Secrets', { apiVersion: 'v1', name: 'secrets' }, /Secrets are not shown/],
    ['fields of other types', { apiVersion: ['v1'], name: {} }, /spec\.apiVersion/],
    ['no spec', undefined, /spec\.apiVersion/],
  ])('with %s is left out, and it is said why', (_name, spec, problem) => {
    const { kinds, problems } = extensionsOf([extension('x', spec)]);
    expect(kinds).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  it('of a kind that an older one lists changes nothing, and kinds are by title', () => {
    const { kinds } = extensionsOf([
      extension('young', { apiVersion: 'batch/v1', name: 'jobs', displayname: 'Mine' }, '2026-02-01T00:00:00Z'),
      extension('old', { apiVersion: 'batch/v1beta1', name: 'jobs', displayname: 'Jobs' }),
      extension('other', { apiVersion: 'example.dev/v1', name: 'jobs', displayname: 'A' }),
    ]);
    expect(kinds.map((kind) => [titleOf(kind), kind.resource.version])).toEqual([
      ['A', 'v1'],
      ['Jobs', 'v1beta1'],
    ]);
  });

  it('names one kind of hundreds', () => {
    const many = Array.from({ length: 300 }, (_, at) => extension(`e${at}`, { apiVersion: 'v1', name: `k${at}` }));
    expect(extensionsOf(many).kinds).toHaveLength(100);
  });
});
