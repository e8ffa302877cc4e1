import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeOciImage, writeOciIndex } from './oci.ts';
import { openRegistry, pushOciLayout, type Destination } from './registry.ts';

/** As much of a registry as the distribution spec asks of a push; refuses blobs whose digest is wrong. */
class FakeRegistry {
  readonly blobs = new Set<string>();
  readonly manifests = new Map<string, string>();
  readonly mounted: string[] = [];
  refusing = false;

  handle = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [status, headers] = this.answer(
        request.method ?? '',
        new URL(request.url ?? '', 'http://fake'),
        Buffer.concat(chunks),
      );
      response
        .writeHead(status, headers)
        .end(status >= 400 && request.method !== 'HEAD' ? 'refused by the fake' : undefined);
    });
  };

  private answer(method: string, url: URL, body: Buffer): [number, Record<string, string>?] {
    if (url.pathname === '/v2/') return [200];
    const [, repository = '', kind = '', rest = ''] = /^\/v2\/(.+)\/(blobs|manifests)\/(.+)$/.exec(url.pathname) ?? [];
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    switch (`${method} ${kind}`) {
      case 'HEAD blobs':
        return [this.blobs.has(`${repository}@${rest}`) ? 200 : 404];
      case 'POST blobs':
        return this.startUpload(repository, url.searchParams);
      case 'PUT blobs':
        if (url.searchParams.get('digest') !== digest || url.searchParams.get('state') !== 's') return [400];
        this.blobs.add(`${repository}@${digest}`);
        return [201];
      case 'PUT manifests':
        if (this.refusing) return [403];
        this.manifests.set(`${repository}:${rest}`, digest);
        return [201];
      default:
        return [405];
    }
  }

  private startUpload(repository: string, query: URLSearchParams): [number, Record<string, string>] {
    const mount = query.get('mount');
    if (mount !== null && this.blobs.has(`${query.get('from') ?? ''}@${mount}`)) {
      this.blobs.add(`${repository}@${mount}`);
      this.mounted.push(mount);
      return [201, {}];
    }
    return [202, { location: `/v2/${repository}/blobs/uploads/1?state=s` }];
  }
}

let dir: string;
let fake: FakeRegistry;
let server: Server;
let address: string;
let registry: Destination;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tektite-push-'));
  fake = new FakeRegistry();
  server = createServer(fake.handle);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  registry = openRegistry(address);
});
afterEach(async () => {
  await registry.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(dir, { recursive: true, force: true });
});

const layout = (text: string) =>
  writeOciImage(
    {
      layers: [{ entries: [{ path: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, body: Buffer.from('shared') }] }],
      config: { cmd: [text] },
      names: [],
    },
    join(dir, text),
  );

test('a pushed image is there under every tag, with the digest of its layout', async () => {
  const { digest } = await layout('one');
  expect(await pushOciLayout(join(dir, 'one'), registry, 'library/one', ['1', 'latest'])).toBe(digest);
  expect(fake.manifests).toEqual(
    new Map([
      ['library/one:1', digest],
      ['library/one:latest', digest],
    ]),
  );
});

test('a layer that another repository has is mounted, and a second push sends nothing', async () => {
  await layout('one');
  await layout('two');
  await pushOciLayout(join(dir, 'one'), registry, 'one', ['latest']);
  await pushOciLayout(join(dir, 'two'), registry, 'two', ['latest']);
  await pushOciLayout(join(dir, 'two'), registry, 'two', ['latest']);
  expect(fake.mounted).toHaveLength(1);
  expect(fake.blobs.size).toBe(4);
});

test('of an index each image is there by its digest, and the index under every tag', async () => {
  const [one, two] = [await layout('one'), await layout('two')];
  const parts = [
    { dir: join(dir, 'one'), architecture: 'amd64' },
    { dir: join(dir, 'two'), architecture: 'arm64' },
  ];
  const { digest } = await writeOciIndex(parts, [], join(dir, 'both'));
  expect(await pushOciLayout(join(dir, 'both'), registry, 'both', ['1'])).toBe(digest);
  expect([...fake.manifests]).toEqual([
    [`both:${one.digest}`, one.digest],
    [`both:${two.digest}`, two.digest],
    ['both:1', digest],
  ]);
});

test('a prefix goes before every name', async () => {
  const { digest } = await layout('one');
  const below = openRegistry(`http://${address}/team/ci/`);
  await pushOciLayout(join(dir, 'one'), below, 'tektite/tektite', ['1']);
  await below.close();
  expect(fake.manifests).toEqual(new Map([['team/ci/tektite/tektite:1', digest]]));
});

test("a refusal carries the registry's status and code, not its words", async () => {
  await layout('one');
  fake.refusing = true;
  await expect(pushOciLayout(join(dir, 'one'), registry, 'one', ['latest'])).rejects.toThrow(
    /^127\.0\.0\.1:\d+ answered 403( \(DENIED\))?$/,
  );
});

test.each(['', 'http://', 'ftp://host', 'Host/Upper', 'a b'])('%j is no registry address', (bad) => {
  expect(() => openRegistry(bad)).toThrow(`${JSON.stringify(bad)} is not an address`);
});
