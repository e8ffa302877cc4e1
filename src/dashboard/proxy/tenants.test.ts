import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RefusedError } from '../refusal.ts';
import { checkNamespace, checkPlace, type Tenancy } from './tenants.ts';

const tenancy: Tenancy = { namespaces: ['a', 'b'], settings: ['tekton-chains'] };

function verdict(path: string, of: Tenancy = tenancy): number {
  try {
    checkPlace(path.split('/').slice(1), of);
    return 200;
  } catch (error) {
    return (error as RefusedError).status;
  }
}

describe('a dashboard of some namespaces', () => {
  it.each<[name: string, path: string, status: number]>([
    ['runs of one of them', '/apis/tekton.dev/v1/namespaces/a/pipelineruns/r', 200],
    ['logs of one of them', '/api/v1/namespaces/b/pods/p/log', 200],
    ['one of them itself', '/api/v1/namespaces/a', 200],
    ['runs of another', '/apis/tekton.dev/v1/namespaces/c/pipelineruns', 403],
    ['runs of another that begins like one', '/apis/tekton.dev/v1/namespaces/ab/pipelineruns', 403],
    ['logs of another', '/api/v1/namespaces/c/pods/p/log', 403],
    ['another itself', '/api/v1/namespaces/c', 403],
    ['the names of all', '/api/v1/namespaces', 403],
    ['runs of all', '/apis/tekton.dev/v1/pipelineruns', 403],
    ['runs of all, with a slash behind', '/apis/tekton.dev/v1/pipelineruns/', 403],
    ['nodes', '/api/v1/nodes/n', 403],
    ['a watch as of old, of all', '/api/v1/watch/pods', 403],
    ['a watch as of old, of another', '/api/v1/watch/namespaces/c/pods', 403],
    ['a watch as of old, of one of them', '/api/v1/watch/namespaces/a/pods', 200],
    ['settings of the suite', '/api/v1/namespaces/tekton-chains/configmaps', 200],
    ['Secrets beside the settings', '/api/v1/namespaces/tekton-chains/secrets', 403],
    ['ClusterInterceptors', '/apis/triggers.tekton.dev/v1alpha1/clusterinterceptors', 200],
    ['a question about rights', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 200],
    ['discovery', '/apis', 200],
    ['discovery of a group', '/apis/tekton.dev/v1', 200],
    ['discovery of the core', '/api/v1', 200],
  ])('%s', (_name, path, status) => {
    expect(verdict(path)).toBe(status);
    expect(verdict(path, { namespaces: [], settings: [] })).toBe(200);
  });

  it('says which it is for', () => {
    expect(() => checkNamespace('c', tenancy)).toThrow(
      'this dashboard is for namespaces a, b: it shows nothing of "c"',
    );
    const many = { namespaces: Array.from({ length: 9 }, (_, at) => `n${at}`), settings: [] };
    expect(() => checkNamespace('c', many)).toThrow('namespaces n0, n1, n2, n3, n4 and 4 more:');
  });

  it('lets no namespace through that it is not for, whatever the rest of the path', () => {
    const segment = fc.string({ minLength: 1, maxLength: 12 });
    const group = fc.constantFrom(['api', 'v1'], ['apis', 'tekton.dev', 'v1'], ['apis', 'batch', 'v1']);
    fc.assert(
      fc.property(group, fc.array(segment, { maxLength: 4 }), (root, rest) => {
        expect(() => checkPlace([...root, 'namespaces', 'other', ...rest], tenancy)).toThrow('it shows nothing of');
      }),
    );
  });
});
