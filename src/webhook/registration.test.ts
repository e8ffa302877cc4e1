import { describe, expect, it } from 'vitest';
import { needsConversion } from '../api/kind.ts';
import { kinds } from '../api/kinds.ts';
import { ApiError, type KubeClient } from '../kube/client.ts';
import { registerBundle } from './registration.ts';

const bundle = '-----BEGIN CERTIFICATE-----\nnew\n';
const encoded = Buffer.from(bundle).toString('base64');
const converted = kinds.filter(needsConversion).map(({ plural, group }) => `${plural}.${group}`);

interface Written {
  name: string;
  type: string;
  force?: boolean;
  fieldManager?: string;
  body: Record<string, unknown>;
}

/** An API server with these objects; what is written to it. */
function server(objects: Record<string, object | Error>) {
  const written: Written[] = [];
  const client = {
    get: (_resource: unknown, _namespace: unknown, name: string) => {
      const found = objects[name] ?? new ApiError(404, { reason: 'NotFound' });
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
    patch: (
      _resource: unknown,
      _namespace: unknown,
      name: string,
      patch: Omit<Written, 'name'> & { signal: unknown },
    ) => {
      const { signal: _signal, ...how } = patch;
      written.push({ name, ...how });
      return Promise.resolve({});
    },
  } as unknown as Pick<KubeClient, 'get' | 'patch'>;
  const register = () => registerBundle(client, bundle, new AbortController().signal);
  return { written, register };
}

const configuration = (...bundles: (string | undefined)[]) => ({
  webhooks: bundles.map((caBundle, index) => ({ name: `w${index}`, clientConfig: { caBundle } })),
});
const definition = (clientConfig?: object) => ({
  spec: { conversion: clientConfig ? { strategy: 'Webhook', webhook: { clientConfig } } : { strategy: 'None' } },
});

describe('whom the API server is to trust', () => {
  it('is written to each webhook of a configuration, and to a CRD that is converted; nothing else of them is', async () => {
    const { written, register } = server({
      'webhook.pipeline.tekton.dev': configuration('old', undefined),
      'tasks.tekton.dev': definition({ caBundle: 'old' }),
    });
    expect(await register()).toEqual(['webhook.pipeline.tekton.dev', 'tasks.tekton.dev']);
    const how = { type: 'apply', force: true, fieldManager: 'tekton-pipelines-webhook' };
    expect(written).toEqual([
      {
        name: 'webhook.pipeline.tekton.dev',
        ...how,
        body: {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'MutatingWebhookConfiguration',
          metadata: { name: 'webhook.pipeline.tekton.dev' },
          webhooks: [
            { name: 'w0', clientConfig: { caBundle: encoded } },
            { name: 'w1', clientConfig: { caBundle: encoded } },
          ],
        },
      },
      {
        name: 'tasks.tekton.dev',
        ...how,
        body: {
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'CustomResourceDefinition',
          metadata: { name: 'tasks.tekton.dev' },
          spec: { conversion: { webhook: { clientConfig: { caBundle: encoded } } } },
        },
      },
    ]);
  });

  it('is written to every kind that is converted', async () => {
    const all = Object.fromEntries(converted.map((name) => [name, definition({})]));
    expect(await server(all).register()).toEqual(converted);
  });

  it.each([
    [
      'what has it already',
      {
        'webhook.pipeline.tekton.dev': configuration(encoded, encoded),
        'tasks.tekton.dev': definition({ caBundle: encoded }),
      },
    ],
    ['a CRD that nobody converts', { 'tasks.tekton.dev': definition() }],
    ['a configuration without webhooks', { 'webhook.pipeline.tekton.dev': {} }],
    ['what is not there', {}],
  ])('is not written to %s', async (_what, objects) => {
    const { written, register } = server(objects);
    expect(await register()).toEqual([]);
    expect(written).toEqual([]);
  });

  it('is not taken for written when the API server fails', async () => {
    const { register } = server({
      'config.webhook.pipeline.tekton.dev': new ApiError(500, { message: 'etcd is away' }),
    });
    await expect(register()).rejects.toThrow('etcd is away');
  });
});
