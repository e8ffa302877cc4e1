import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entriesOfFolder, manifestDescriptor, storeLayer, writeOciImage, writeOciIndex, type OciImage } from './oci.ts';
import { readTar, writeTar } from './tar.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tektite-oci-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const hello = {
  path: 'hello',
  type: 'file',
  mode: 0o755,
  uid: 0,
  gid: 0,
  body: Buffer.from('#!/bin/sh\necho hello\n'),
} as const;
const image: OciImage = {
  layers: [{ entries: [hello] }],
  config: { entrypoint: ['/hello'], cmd: ['world'], env: ['PATH=/bin'], user: '65532:65532', workingDir: '/' },
  names: ['docker.io/library/hello:1', 'mirror.gcr.io/hello:1'],
};

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const blob = (layout: string, digest: string): string => join(layout, 'blobs/sha256', digest.slice('sha256:'.length));

interface Manifest {
  config: { digest: string };
  layers: { digest: string; size: number; mediaType: string }[];
}

function read(layout: string, digest: string): { manifest: Manifest; config: Record<string, unknown> } {
  const manifest = json(blob(layout, digest)) as Manifest;
  return { manifest, config: json(blob(layout, manifest.config.digest)) as Record<string, unknown> };
}

test('the config, and through it the layer, are what they were when this test was written', async () => {
  // Not the manifest: it names the compressed layer, which a newer zlib in Node may write differently.
  const { digest } = await writeOciImage(image, join(dir, 'layout'));
  const { manifest, config } = read(join(dir, 'layout'), digest);
  expect(config).toMatchInlineSnapshot(`
    {
      "architecture": "amd64",
      "config": {
        "Cmd": [
          "world",
        ],
        "Entrypoint": [
          "/hello",
        ],
        "Env": [
          "PATH=/bin",
        ],
        "User": "65532:65532",
        "WorkingDir": "/",
      },
      "created": "1970-01-01T00:00:00Z",
      "history": [
        {
          "created": "1970-01-01T00:00:00Z",
          "created_by": "tektite hack/images",
        },
      ],
      "os": "linux",
      "rootfs": {
        "diff_ids": [
          "sha256:4284ceded641100707d156e81d36ed31ddf2c0d42acdd8cf70c73db3fa28c7ec",
        ],
        "type": "layers",
      },
    }
  `);
  expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(['application/vnd.oci.image.layer.v1.tar+gzip']);
});

test('every blob is named by its digest, and the config names the uncompressed layer', async () => {
  const layout = join(dir, 'layout');
  const { digest, size } = await writeOciImage(image, layout);
  for (const name of readdirSync(join(layout, 'blobs/sha256'))) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(layout, 'blobs/sha256', name)))
        .digest('hex'),
    ).toBe(name);
  }
  const { manifest, config } = read(layout, digest);
  const layer = readFileSync(blob(layout, manifest.layers[0]?.digest ?? ''));
  const diffId = createHash('sha256').update(gunzipSync(layer)).digest('hex');
  expect(config['rootfs']).toEqual({ type: 'layers', diff_ids: [`sha256:${diffId}`] });
  expect(manifest.layers[0]?.size).toBe(layer.length);
  expect(size).toBe(layer.length + statSync(blob(layout, manifest.config.digest)).size);
});

test('the index names the manifest once per name, for containerd and for skopeo', async () => {
  const { digest } = await writeOciImage(image, join(dir, 'layout'));
  const index = json(join(dir, 'layout/index.json')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  expect(index.manifests.map((each) => [each.digest, each.annotations['io.containerd.image.name']])).toEqual([
    [digest, 'docker.io/library/hello:1'],
    [digest, 'mirror.gcr.io/hello:1'],
  ]);
  expect(json(join(dir, 'layout/oci-layout'))).toEqual({ imageLayoutVersion: '1.0.0' });
});

test('the same content from a folder, an archive or entries is the same image', async () => {
  const folder = join(dir, 'in');
  mkdirSync(folder);
  writeFileSync(join(folder, 'hello'), hello.body);
  chmodSync(join(folder, 'hello'), 0o755);
  utimesSync(join(folder, 'hello'), 1, 1);
  const sources = [
    [{ dir: folder }],
    [{ tar: await writeTar([hello]) }],
    [{ entries: [hello] }],
    [{ stored: await storeLayer({ dir: folder }, join(dir, 'store')) }],
  ];
  const digests = [];
  for (const [index, layers] of sources.entries())
    digests.push((await writeOciImage({ ...image, layers }, join(dir, `layout-${index}`))).digest);
  expect(new Set(digests).size).toBe(1);
});

test('another command or another byte is another image', async () => {
  const { digest } = await writeOciImage(image, join(dir, 'a'));
  const otherCommand = await writeOciImage({ ...image, config: { ...image.config, cmd: ['moon'] } }, join(dir, 'b'));
  const otherByte = await writeOciImage(
    { ...image, layers: [{ entries: [{ ...hello, mode: 0o644 }] }] },
    join(dir, 'c'),
  );
  expect(new Set([digest, otherCommand.digest, otherByte.digest]).size).toBe(3);
});

test('a stored layer is linked, not copied, and an older layout is replaced', async () => {
  const stored = await storeLayer({ entries: [hello] }, join(dir, 'store'));
  const layout = join(dir, 'layout');
  await writeOciImage({ ...image, layers: [{ entries: [{ ...hello, path: 'old' }] }] }, layout);
  await writeOciImage({ ...image, layers: [{ stored }] }, layout);
  expect(readdirSync(join(layout, 'blobs/sha256'))).toHaveLength(3);
  expect(statSync(blob(layout, stored.digest)).ino).toBe(statSync(stored.blob).ino);
});

test('a folder gives files, folders and links owned by root', async () => {
  mkdirSync(join(dir, 'in/etc'), { recursive: true });
  writeFileSync(join(dir, 'in/etc/motd'), 'x');
  symlinkSync('motd', join(dir, 'in/etc/link'));
  const entries = await readTar(await writeTar(await entriesOfFolder(join(dir, 'in'))));
  expect(entries.map(({ path, type, uid, target }) => ({ path, type, uid, target }))).toEqual([
    { path: 'etc', type: 'directory', uid: 0, target: undefined },
    { path: 'etc/link', type: 'symlink', uid: 0, target: 'motd' },
    { path: 'etc/motd', type: 'file', uid: 0, target: undefined },
  ]);
});

test('an index names the image of each processor, and its layout has the blobs of all', async () => {
  const parts = [];
  for (const architecture of ['amd64', 'arm64']) {
    const { digest } = await writeOciImage({ ...image, architecture }, join(dir, architecture));
    parts.push({ architecture, digest, dir: join(dir, architecture) });
  }
  const layout = join(dir, 'index');
  const { digest } = await writeOciIndex(parts, image.names, layout);
  expect(await manifestDescriptor(layout)).toMatchObject({ digest, annotations: expect.anything() as object });
  const { manifests } = json(blob(layout, digest)) as { manifests: { digest: string; platform: object }[] };
  expect(manifests.map(({ digest, platform }) => [digest, platform])).toEqual(
    parts.map(({ digest, architecture }) => [digest, { architecture, os: 'linux' }]),
  );
  for (const part of parts) {
    const { config, manifest } = read(layout, part.digest);
    expect(config).toMatchObject({ architecture: part.architecture, os: 'linux' });
    for (const { digest } of manifest.layers) expect(statSync(blob(layout, digest)).size).toBeGreaterThan(0);
  }
});
