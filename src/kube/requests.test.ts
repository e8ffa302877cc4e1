import { describe, expect, it } from 'vitest';
import type { KubeObject, Resource } from './object.ts';
import * as requests from './requests.ts';
import type { HttpRequest } from './transport.ts';

const pods: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const runs: Resource = { group: 'tekton.dev', version: 'v1', plural: 'taskruns', kind: 'TaskRun', namespaced: true };
const run: KubeObject = { metadata: { name: 'r', namespace: 'ci', resourceVersion: '7' } };
const target = { resource: runs, namespace: 'ci', name: 'r' };
const inNamespace = '/apis/tekton.dev/v1/namespaces/ci/taskruns';

describe('a request of the API server', () => {
  it.each<{ name: string; made: HttpRequest; wanted: Partial<HttpRequest>; body?: object }>([
    {
      name: 'get',
      made: requests.getRequest(target, { resourceVersion: '0', attempts: 1 }),
      wanted: { method: 'GET', path: `${inNamespace}/r`, query: { resourceVersion: '0' }, attempts: 1 },
    },
    {
      name: 'list of all namespaces',
      made: requests.listRequest(pods, { labelSelector: 'a=b', limit: 5 }),
      wanted: { method: 'GET', verb: 'list', path: '/api/v1/pods', idempotent: true },
    },
    {
      name: 'list: a token carries its own resourceVersion',
      made: requests.listRequest(pods, { namespace: 'ci', resourceVersion: '3', continue: 'token', limit: 0 }),
      wanted: {
        path: '/api/v1/namespaces/ci/pods',
        query: {
          continue: 'token',
          resourceVersion: undefined,
          limit: undefined,
          labelSelector: undefined,
          fieldSelector: undefined,
        },
      },
    },
    {
      name: 'create, with the kind that the object did not say',
      made: requests.createRequest(runs, run, { dryRun: true, fieldManager: 'me' }),
      wanted: { method: 'POST', path: inNamespace, query: { dryRun: 'All', fieldManager: 'me' }, idempotent: true },
      body: { ...run, apiVersion: 'tekton.dev/v1', kind: 'TaskRun' },
    },
    {
      name: 'create under a name that nobody knows yet is not sent twice',
      made: requests.createRequest(runs, { metadata: { generateName: 'r-', namespace: 'ci' } }, {}),
      wanted: { idempotent: false },
    },
    {
      name: 'replace of a status',
      made: requests.replaceRequest(runs, run, { subresource: 'status' }),
      wanted: { method: 'PUT', verb: 'update', resource: 'taskruns/status', path: `${inNamespace}/r/status` },
      body: { ...run, apiVersion: 'tekton.dev/v1', kind: 'TaskRun' },
    },
    {
      name: 'merge patch',
      made: requests.patchRequest(target, { type: 'merge', body: { a: null }, force: true }),
      wanted: {
        method: 'PATCH',
        verb: 'patch',
        contentType: 'application/merge-patch+json',
        query: { dryRun: undefined, fieldManager: undefined, force: undefined },
        idempotent: true,
      },
      body: { a: null },
    },
    {
      name: 'JSON patch, which twice is not once',
      made: requests.patchRequest(target, { type: 'json', body: [] }),
      wanted: { contentType: 'application/json-patch+json', idempotent: false },
    },
    {
      name: 'apply',
      made: requests.patchRequest(target, { type: 'apply', body: {}, fieldManager: 'me', force: true }),
      wanted: {
        verb: 'apply',
        contentType: 'application/apply-patch+yaml',
        query: { dryRun: undefined, fieldManager: 'me', force: true },
      },
    },
    {
      name: 'delete of this very object',
      made: requests.deleteRequest(target, { uid: 'u', propagationPolicy: 'Background', unlimited: true }),
      wanted: { method: 'DELETE', path: `${inNamespace}/r`, unlimited: true },
      body: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        propagationPolicy: 'Background',
        preconditions: { uid: 'u' },
      },
    },
    {
      name: 'delete of whatever is selected',
      made: requests.deleteCollectionRequest(pods, { namespace: 'ci', labelSelector: 'a', gracePeriodSeconds: 0 }),
      wanted: {
        verb: 'deletecollection',
        path: '/api/v1/namespaces/ci/pods',
        query: { labelSelector: 'a', fieldSelector: undefined },
      },
      body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
    },
  ])('$name', ({ made, wanted, body }) => {
    expect(made).toMatchObject(wanted);
    if (body) expect(JSON.parse(made.body as string)).toEqual(body);
  });

  it.each([
    [
      'replace without a name',
      () => requests.replaceRequest(runs, { metadata: { generateName: 'r-' } }, {}),
      'cannot replace a TaskRun without metadata.name',
    ],
    [
      "apply in nobody's name",
      () => requests.patchRequest(target, { type: 'apply', body: {} }),
      'apply of TaskRun ci/r needs a fieldManager',
    ],
  ])('%s is refused', (_name, make, message) => {
    expect(make).toThrow(message);
  });
});
