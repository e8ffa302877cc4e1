import { describe, expect, it } from 'vitest';
import { apiServerAddresses, Destinations, type Asked, type DestinationOptions, type Route } from './destination.ts';

const names: Readonly<Record<string, string[]>> = {
  'public.test': ['93.184.215.14'],
  'inner.test': ['10.0.0.7'],
  'two.test': ['10.0.0.7', '10.0.0.8'],
  'mixed.test': ['10.0.0.7', '93.184.215.14'],
  'local.test': ['127.0.0.1'],
  'meta.test': ['169.254.169.254'],
  'rebound.test': ['93.184.215.14', '169.254.169.254'],
  'api.test': ['203.0.113.1'],
};
const signal = new AbortController().signal;
const resolve = (host: string) => {
  const found = names[host];
  return found ? Promise.resolve(found) : Promise.reject(new Error(`${host} cannot be resolved`));
};
const open: Route = { kind: 'public' };
const pinned = (address: string): Route => ({ kind: 'pinned', address });

function route(host: string, more: Partial<DestinationOptions> = {}, asked: Partial<Asked> = {}) {
  const wanted = { url: new URL(`https://${host}/`), attempt: 1, ...asked };
  return new Destinations({ resolve, ...more }).route(wanted, signal);
}

describe('a request that the operator or the user asked for', () => {
  it.each<[string, string, Route, Partial<DestinationOptions>?, number?]>([
    ['goes to what is public', 'public.test', open],
    ['goes to what is internal, at that very address', 'inner.test', pinned('10.0.0.7')],
    ['goes to the public one of several addresses', 'mixed.test', open],
    ['goes to this machine', 'local.test', pinned('127.0.0.1')],
    ['tries one internal address', 'two.test', pinned('10.0.0.7'), {}, 1],
    ['then the next', 'two.test', pinned('10.0.0.8'), {}, 2],
    ['then the first again', 'two.test', pinned('10.0.0.7'), {}, 3],
    [
      'goes to a public address that counts as internal',
      'api.test',
      pinned('203.0.113.1'),
      { internalAddresses: ['203.0.113.1'] },
    ],
    [
      'goes to a metadata server only where any destination is the operator’s',
      'meta.test',
      pinned('169.254.169.254'),
      { anyDestination: true },
    ],
    ['goes to a name that only the proxy knows', 'unknown.test', open, { proxied: true }],
  ])('%s', async (_name, host, wanted, options, attempt = 1) =>
    expect((await route(host, options, { attempt })).route).toEqual(wanted),
  );

  it.each<[string, string, Partial<DestinationOptions>, string]>([
    ['a metadata server', 'meta.test', {}, 'meta.test is a metadata server: it is not asked'],
    [
      'a metadata server beside a public address',
      'rebound.test',
      {},
      'rebound.test is a metadata server: it is not asked',
    ],
    ['a metadata server behind a proxy', 'meta.test', { proxied: true }, 'is a metadata server'],
    ['a name that nobody knows', 'unknown.test', {}, 'unknown.test cannot be resolved'],
  ])('does not go to %s', async (_name, host, options, message) =>
    expect(route(host, options)).rejects.toThrow(message),
  );
});

describe('a request that a server asked for', () => {
  const by = { hostname: 'public.test', address: undefined };
  const inner = { hostname: 'inner.test', address: '10.0.0.7' };

  it.each<[string, string, Asked['namedBy'], Route, Partial<DestinationOptions>?]>([
    ['goes to what is public', 'public.test', by, open],
    ['of an internal server, goes back to it', 'inner.test', inner, pinned('10.0.0.7')],
    ['of an internal server, goes to another name of it', 'two.test', inner, pinned('10.0.0.7')],
    ['goes to a host that the operator trusts', 'inner.test', by, pinned('10.0.0.7'), { trustedHosts: ['inner.test'] }],
    [
      'goes anywhere where any destination is the operator’s',
      'inner.test',
      by,
      pinned('10.0.0.7'),
      { anyDestination: true },
    ],
  ])('%s', async (_name, host, namedBy, wanted, options) =>
    expect((await route(host, options, { namedBy })).route).toEqual(wanted),
  );

  it.each<[string, string, Asked['namedBy'], string, Partial<DestinationOptions>?]>([
    [
      'an internal address',
      'inner.test',
      by,
      'public.test leads to inner.test, which is an internal address: it is not asked; the operator can allow it (registryTrustedHosts)',
    ],
    ['this machine', 'local.test', by, 'which is an internal address'],
    ['another internal address than its own', 'local.test', inner, 'inner.test leads to local.test'],
    [
      'a public address that counts as internal',
      'api.test',
      by,
      'an internal address',
      { internalAddresses: ['203.0.113.1'] },
    ],
    [
      'a metadata server that the operator trusts by name',
      'meta.test',
      by,
      'a metadata server',
      { trustedHosts: ['meta.test'] },
    ],
    [
      'where its own setting says no',
      'inner.test',
      { ...by, wayOut: 'http-trusted-hosts' },
      'allow it (http-trusted-hosts)',
    ],
  ])('does not go to %s', async (_name, host, namedBy, message, options) =>
    expect(route(host, options, { namedBy })).rejects.toThrow(message),
  );
});

describe('the API server’s address', () => {
  it.each([
    [{ KUBERNETES_SERVICE_HOST: '203.0.113.1' }, ['203.0.113.1']],
    [{ KUBERNETES_SERVICE_HOST: '' }, []],
    [{}, []],
  ])('%j', (env, wanted) => expect(apiServerAddresses(env)).toEqual(wanted));
});
