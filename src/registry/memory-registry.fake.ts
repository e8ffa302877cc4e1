import { createHash } from 'node:crypto';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../http/http-server.fake.ts';

export interface MemoryRegistry extends FakeServer {
  /** As images are named: HOST:PORT. */
  host: string;
  blobs: Map<string, Buffer>;
  /** By tag and by digest, of whatever repository. */
  manifests: Map<string, { bytes: Buffer; type: string }>;
}

/** A registry that keeps what is pushed; with a login it answers nobody else. */
export async function startMemoryRegistry(login?: string, host?: string): Promise<MemoryRegistry> {
  const blobs: MemoryRegistry['blobs'] = new Map();
  const manifests: MemoryRegistry['manifests'] = new Map();
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const server = await startServer((request) => {
    if (expected && request.headers.authorization !== expected)
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="registry"' } };
    return answer(request, { blobs, manifests });
  }, host);
  return Object.assign(server, { host: new URL(server.url).host, blobs, manifests });
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

type Stored = Pick<MemoryRegistry, 'blobs' | 'manifests'>;

function answer({ method, path, headers, body }: SeenRequest, { blobs, manifests }: Stored): FakeAnswer {
  const url = new URL(path, 'http://registry');
  if (url.pathname === '/v2/') return {};
  const [, repository = '', kind, reference = ''] = /^\/v2\/(.+?)\/(blobs|manifests)\/(.+)$/.exec(url.pathname) ?? [];
  if (kind === 'blobs' && method === 'POST')
    return { status: 202, headers: { location: `/v2/${repository}/blobs/upload` } };
  if (kind === 'blobs' && method === 'PUT') {
    const digest = url.searchParams.get('digest') ?? '';
    if (digest !== digestOf(body)) return { status: 400 };
    blobs.set(digest, body);
    return { status: 201 };
  }
  if (method === 'PUT') {
    const manifest = { bytes: body, type: headers['content-type'] ?? '' };
    manifests.set(reference, manifest).set(digestOf(body), manifest);
    return { status: 201, headers: { 'docker-content-digest': digestOf(body) } };
  }
  const manifest = kind === 'manifests' ? manifests.get(reference) : undefined;
  const bytes = kind === 'blobs' ? blobs.get(reference) : manifest?.bytes;
  if (bytes === undefined) return { status: 404 };
  const type = manifest?.type ?? 'application/octet-stream';
  return {
    headers: { 'content-type': type, 'docker-content-digest': digestOf(bytes) },
    body: method === 'HEAD' ? undefined : bytes,
  };
}
