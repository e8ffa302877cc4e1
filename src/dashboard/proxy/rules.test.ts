import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RefusedError } from '../refusal.ts';
import { checkCsrf, checkPassage, type Asked } from './rules.ts';

const runs = '/apis/tekton.dev/v1/namespaces/n/pipelineruns';
const tenancy = { namespaces: [], settings: [] };
const marked = { 'tekton-client': 'tektoncd/dashboard', host: 'ci.example' };

function verdict(asked: Partial<Asked>, isReadOnly = false): number {
  try {
    checkPassage({ method: 'GET', path: runs, headers: marked, isUpgrade: false, ...asked }, { isReadOnly, tenancy });
    return 200;
  } catch (error) {
    return (error as RefusedError).status;
  }
}

describe('what passes', () => {
  it.each<[name: string, asked: Partial<Asked>, status: number, readOnly: number]>([
    ['a list', {}, 200, 200],
    ['discovery', { path: '/apis' }, 200, 200],
    ['a log', { path: '/api/v1/namespaces/n/pods/p/log' }, 200, 200],
    ['a creation', { method: 'POST' }, 200, 403],
    ['a change', { method: 'PATCH', path: `${runs}/r` }, 200, 403],
    ['a deletion', { method: 'DELETE', path: `${runs}/r` }, 200, 403],
    [
      'a question about rights',
      { method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' },
      200,
      200,
    ],
    [
      'a question with a path behind',
      { method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x' },
      200,
      403,
    ],
    ['a watch by WebSocket', { isUpgrade: true }, 200, 200],
    ['exec by WebSocket', { isUpgrade: true, path: '/api/v1/namespaces/n/pods/p/exec' }, 200, 403],
    ['attach without an upgrade', { path: '/api/v1/namespaces/n/pods/p/attach' }, 200, 403],
    ['exec by SPDY', { isUpgrade: true, method: 'POST', path: '/api/v1/namespaces/n/pods/p/exec' }, 200, 403],
    ['a run called exec', { path: `${runs}/exec` }, 200, 200],
    ['a namespace called proxy', { path: '/apis/tekton.dev/v1/namespaces/proxy/pipelineruns' }, 200, 200],
    ['the status of a namespace', { path: '/api/v1/namespaces/n/status' }, 200, 200],
    ["a pod's own pages", { path: '/api/v1/namespaces/n/pods/p/proxy/index.html' }, 403, 403],
    ["a service's own pages", { path: '/api/v1/namespaces/n/services/s/proxy' }, 403, 403],
    ["a node's own pages", { path: '/api/v1/nodes/n/proxy/metrics' }, 403, 403],
    ['the proxy verb of old', { path: '/api/v1/proxy/namespaces/n/pods/p' }, 403, 403],
    ['another method', { method: 'TRACE' }, 405, 405],
    ['a creation without the header', { method: 'POST', headers: {} }, 403, 403],
    ['a creation with an empty header', { method: 'POST', headers: { 'tekton-client': '' } }, 403, 403],
    ['out of /apis', { path: '/apis/../metrics' }, 400, 400],
    ['out of /apis, escaped', { path: '/apis/%2e%2e/metrics' }, 400, 400],
    ['an escaped slash', { path: '/apis/tekton.dev%2fv1' }, 400, 400],
    ['a backslash', { path: '/apis/..\\metrics' }, 400, 400],
    ['an empty segment', { path: '/apis//tekton.dev' }, 400, 400],
    ['a line break', { path: '/apis/a%0d%0ab' }, 400, 400],
    ['no UTF-8', { path: '/apis/%ff' }, 400, 400],
  ])('%s', (_name, asked, status, readOnly) => {
    expect(verdict(asked)).toBe(status);
    expect(verdict(asked, true)).toBe(readOnly);
  });

  it('nothing that changes passes in read-only mode, whatever the path', () => {
    const segment = fc.string({ minLength: 1, maxLength: 12 }).map(encodeURIComponent);
    const asked = fc.record({
      method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
      path: fc.array(segment, { maxLength: 8 }).map((parts) => `/apis/${parts.join('/')}`),
      isUpgrade: fc.boolean(),
    });
    fc.assert(fc.property(asked, (one) => verdict(one, true) >= 400));
  });
});

describe('origins of upgrades', () => {
  it.each<[name: string, headers: Record<string, string>, status: number]>([
    ['none: no browser', { host: 'ci.example' }, 200],
    ['its own', { host: 'ci.example', origin: 'https://ci.example' }, 200],
    ['its own with a port', { host: 'ci.example:9097', origin: 'http://ci.example:9097' }, 200],
    ['its own in capitals', { host: 'CI.example', origin: 'https://ci.example' }, 200],
    ['another', { host: 'ci.example', origin: 'https://evil.example' }, 403],
    ['another that begins like it', { host: 'ci.example', origin: 'https://ci.example.evil.example' }, 403],
    ['another port', { host: 'ci.example', origin: 'https://ci.example:8443' }, 403],
    ['its own as a user name', { host: 'ci.example', origin: 'https://ci.example@evil.example' }, 403],
    ['null, of a sandbox', { host: 'ci.example', origin: 'null' }, 403],
    ['empty', { host: 'ci.example', origin: '' }, 403],
  ])('%s', (_name, headers, status) => {
    expect(verdict({ isUpgrade: true, headers })).toBe(status);
  });
});

it('the refusal says the way out', () => {
  expect(() => checkCsrf({ method: 'DELETE', headers: {} })).toThrow(
    'DELETE needs the header Tekton-Client, with any value',
  );
});
