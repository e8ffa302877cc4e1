import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../../signing/http-server.fake.ts';
import { signatureContent } from '../content.ts';
import { storeRequest } from '../request.fake.ts';
import { createGcsBackend } from './backend.ts';

const signal = new AbortController().signal;
const data = { 'storage.gcs.bucket': 'my-bucket' };

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Cloud Storage's JSON API as documented; it answers `refuse` to uploads whose name has that ending. */
async function cloudStorage(refuse: Record<string, FakeAnswer> = {}) {
  const objects = new Map<string, { type: string; body: Buffer }>();
  server = await startServer(({ method, path, headers, body }: SeenRequest) => {
    if (headers.authorization !== 'Bearer fake-access-token')
      return { status: 401, body: { error: { message: 'no token' } } };
    const url = new URL(path, 'http://x');
    if (method === 'GET') {
      const [, name = ''] = /^\/storage\/v1\/b\/my-bucket\/o\/([^/]+)$/.exec(url.pathname) ?? [];
      const found = objects.get(decodeURIComponent(name));
      if (url.search !== '?alt=media') return { status: 400 };
      return found
        ? { body: found.body }
        : (refuse.get ?? { status: 404, body: { error: { message: 'No such object' } } });
    }
    if (
      method !== 'POST' ||
      url.pathname !== '/upload/storage/v1/b/my-bucket/o' ||
      url.searchParams.get('uploadType') !== 'media'
    )
      return { status: 400 };
    const name = url.searchParams.get('name') ?? '';
    const refusal = refuse[name.split('.').at(-1) ?? ''];
    if (refusal) return refusal;
    objects.set(name, { type: headers['content-type'] ?? '', body });
    return { body: { name } };
  });
  return {
    objects,
    backend: createGcsBackend({
      env: { STORAGE_EMULATOR_HOST: server.url },
      accessToken: async () => 'fake-access-token',
    }),
  };
}

describe('gcs', () => {
  it('writes the four objects, the signature last', async () => {
    const { objects, backend } = await cloudStorage();
    const request = await storeRequest({ data, certificate: 'CERT', chain: 'CHAIN' });
    await backend.store(request, signal);
    expect([...objects]).toEqual([
      ['taskrun-ns-build/taskrun-u1.cert', { type: 'application/x-pem-file', body: Buffer.from('CERT') }],
      ['taskrun-ns-build/taskrun-u1.chain', { type: 'application/x-pem-file', body: Buffer.from('CHAIN') }],
      ['taskrun-ns-build/taskrun-u1.payload', { type: 'application/json', body: request.artifact.payload.json }],
      [
        'taskrun-ns-build/taskrun-u1.signature',
        { type: 'application/json', body: signatureContent(request.signature) },
      ],
    ]);
  });

  it('leaves no signature behind when a part fails, and makes up for it later', async () => {
    const refuse: Record<string, FakeAnswer> = {
      payload: { status: 403, body: { error: { message: 'denied by policy' } } },
    };
    const { objects, backend } = await cloudStorage(refuse);
    await expect(backend.store(await storeRequest({ data }), signal)).rejects.toThrow(
      /storage gcs, taskrun-u1: Cloud Storage .*403.*denied by policy; check storage\.gcs\.bucket, and that the credentials have roles\/storage\.objectUser/,
    );
    expect([...objects.keys()].some((name) => name.endsWith('.signature'))).toBe(false);
    delete refuse.payload;
    await backend.store(await storeRequest({ data }), signal);
    expect(objects.size).toBe(4);
  });

  it('writes without looking when it may not look', async () => {
    const { objects, backend } = await cloudStorage({
      get: { status: 403, body: { error: { message: 'no storage.objects.get' } } },
    });
    await backend.store(await storeRequest({ data }), signal);
    expect(objects.size).toBe(4);
  });

  it('refuses without a bucket', async () => {
    const { backend } = await cloudStorage();
    expect(backend.refuses?.(await storeRequest())).toMatch(/storage\.gcs\.bucket in chains-config is not set/);
    await expect(backend.store(await storeRequest(), signal)).rejects.toMatchObject({ retryable: false });
    expect(server?.requests).toEqual([]);
  });
});
