/** What someone who may write to the registry, but has no key, could do to a signature. */
import { createHash } from 'node:crypto';
import { fetchContent, pushBlob } from '../../hack/sigstore/local-registry.ts';

export type Tampering =
  | 'a changed image signature document'
  | "another image's signature"
  | 'a changed statement'
  | "another image's attestation";

export interface Image {
  readonly host: string;
  readonly repository: string;
  readonly digest: string;
}

interface Layer {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

interface Manifest {
  config: { digest: string };
  layers: Layer[];
}

const tagOf = (image: Image, suffix: 'sig' | 'att'): string => `${image.digest.replace(':', '-')}.${suffix}`;

/** The layers under the image's `.sig` or `.att` tag; none when there is no such tag. */
export async function layersOf(image: Image, suffix: 'sig' | 'att'): Promise<Layer[]> {
  return (await manifestOf(image, suffix))?.layers ?? [];
}

/** Does it to `image`; `other` is another signed image. */
export async function tamper(tampering: Tampering, image: Image, other: Image): Promise<void> {
  switch (tampering) {
    case 'a changed image signature document':
      return changeLayer(image, 'sig', (blob) =>
        Buffer.from(String(blob).replace('"optional":null', '"optional":{"trusted":"yes"}')),
      );
    case 'a changed statement':
      return changeLayer(image, 'att', changeStatement);
    case "another image's signature":
      return copyTag(other, image, 'sig');
    case "another image's attestation":
      return copyTag(other, image, 'att');
    default: {
      const never: never = tampering;
      return never;
    }
  }
}

function changeStatement(blob: Buffer): Buffer {
  const envelope = JSON.parse(String(blob)) as { payload: string };
  const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as {
    predicate: Record<string, unknown>;
  };
  statement.predicate['builder'] = { id: 'https://evil.example.com' };
  return Buffer.from(
    JSON.stringify({ ...envelope, payload: Buffer.from(JSON.stringify(statement)).toString('base64') }),
  );
}

async function changeLayer(image: Image, suffix: 'sig' | 'att', change: (blob: Buffer) => Buffer): Promise<void> {
  const manifest = await manifestOf(image, suffix);
  const [layer] = manifest?.layers ?? [];
  if (manifest === undefined || layer === undefined)
    throw new Error(`${image.repository} has no .${suffix} to tamper with`);
  const before = await content(image, layer.digest);
  const after = change(before);
  if (after.equals(before)) throw new Error('the tampering changed nothing');
  layer.digest = `sha256:${createHash('sha256').update(after).digest('hex')}`;
  layer.size = after.length;
  await pushBlob(image.host, image.repository, after);
  await putManifest(image, suffix, manifest);
}

async function copyTag(from: Image, to: Image, suffix: 'sig' | 'att'): Promise<void> {
  const manifest = await manifestOf(from, suffix);
  if (manifest === undefined) throw new Error(`${from.repository} has no .${suffix} to copy`);
  for (const { digest } of [manifest.config, ...manifest.layers])
    await pushBlob(to.host, to.repository, await content(from, digest));
  await putManifest(to, suffix, manifest);
}

async function manifestOf(image: Image, suffix: 'sig' | 'att'): Promise<Manifest | undefined> {
  const bytes = await fetchContent(image.host, image.repository, 'manifests', tagOf(image, suffix));
  return bytes === undefined ? undefined : (JSON.parse(String(bytes)) as Manifest);
}

async function content({ host, repository }: Image, digest: string): Promise<Buffer> {
  const blob = await fetchContent(host, repository, 'blobs', digest);
  if (blob === undefined) throw new Error(`${repository} has no blob ${digest}`);
  return blob;
}

async function putManifest(image: Image, suffix: 'sig' | 'att', manifest: Manifest): Promise<void> {
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  const answer = await fetch(`http://${image.host}/v2/${image.repository}/manifests/${tagOf(image, suffix)}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(manifest),
  });
  if (answer.status !== 201) throw new Error(`PUT ${answer.url}: ${answer.status} ${await answer.text()}`);
}
