import { describe, expect, it } from 'vitest';
import type { EndpointSlice } from '../../kube/resources.ts';
import { listenerSettings } from '../eventlistener/settings.ts';
import { servedText } from './ports.ts';
import { isOurs, slicesOf } from './slices.ts';

const listener = { metadata: { name: 'push', namespace: 'ci', uid: 'u-1', labels: { team: 'a' } } };
const settings = {
  ...listenerSettings({}).settings,
  image: 'example.com/t:1',
  events: 'disable',
  timeouts: { read: 5, handler: 30, interceptor: 30 },
} as const;

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
const pod = (name: string, address: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  addresses: [address],
  conditions,
  nodeName: 'node-1',
  targetRef: { kind: 'Pod', namespace: 'tekton-pipelines', name },
});
const slice = (addressType: string, ...endpoints: Endpoint[]): EndpointSlice => ({
  metadata: { name: 'x' },
  addressType,
  endpoints,
});
const served = { a: servedText(new Map([[20_000, 'u-1']])), b: servedText(new Map([[20_000, 'u-2']])) };
const place = { port: 20_000, portName: 'http-listener' };

/** The addresses that a listener's Service leads to, by the name of the slice. */
function addresses(shared: EndpointSlice[], said: Record<string, string> | undefined = served) {
  const slices = slicesOf(listener, settings, place, { shared, served: said });
  return Object.fromEntries(
    slices.map(
      ({ metadata, endpoints = [] }) => [metadata.name ?? '', endpoints.flatMap((each) => each.addresses)] as const,
    ),
  );
}

describe('a listener’s Service leads to', () => {
  it.each<[string, EndpointSlice[], Record<string, string[]>, Record<string, string>?]>([
    ['no pod where there is none', [], {}],
    [
      'a pod that is ready and serves it',
      [slice('IPv4', pod('a', '10.0.0.1'))],
      { 'el-push-shared-ipv4': ['10.0.0.1'] },
    ],
    ['no pod that serves another at the port', [slice('IPv4', pod('b', '10.0.0.2'))], { 'el-push-shared-ipv4': [] }],
    ['no pod that says nothing', [slice('IPv4', pod('c', '10.0.0.3'))], { 'el-push-shared-ipv4': [] }],
    ['no pod that ends', [slice('IPv4', pod('a', '10.0.0.1', { ready: false }))], { 'el-push-shared-ipv4': [] }],
    ['no pod of which nothing is known', [slice('IPv4', pod('a', '10.0.0.1', {}))], { 'el-push-shared-ipv4': [] }],
    [
      'addresses of each kind, of all slices',
      [slice('IPv4', pod('a', '10.0.0.1')), slice('IPv6', pod('a', 'fd00::1')), slice('IPv4', pod('d', '10.0.0.0'))],
      { 'el-push-shared-ipv4': ['10.0.0.0', '10.0.0.1'], 'el-push-shared-ipv6': ['fd00::1'] },
      { ...served, d: served.a },
    ],
  ])('%s', (_name, shared, wanted, said) => {
    expect(addresses(shared, said)).toEqual(wanted);
  });

  it('the port that it has, through a slice that Kubernetes leaves alone and that goes with it', () => {
    const [made] = slicesOf(listener, settings, place, { shared: [slice('IPv4', pod('a', '10.0.0.1'))], served });
    expect(made).toMatchObject({
      metadata: {
        namespace: 'ci',
        labels: { 'kubernetes.io/service-name': 'el-push', eventlistener: 'push', team: 'a' },
        ownerReferences: [{ kind: 'EventListener', name: 'push', uid: 'u-1', controller: true }],
      },
      ports: [{ name: 'http-listener', port: 20_000 }],
    });
    expect(made && isOurs(made)).toBe(true);
    expect(isOurs(slice('IPv4'))).toBe(false);
  });
});
