import type { ImageSubject } from '../types.ts';
import { parseDigest } from './digest.ts';
import type { DigestedThing } from './merge.ts';

/** Text that names no image by digest; the message says what is wrong with it. */
export class InvalidImageDigestError extends Error {
  override name = 'InvalidImageDigestError';
}

const dockerHub = 'index.docker.io';
const registryForm = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const repositoryForm = /^[a-z0-9_./-]{2,255}$/;
const schemedForm = /^[A-Za-z0-9._-]{1,64}:\/\/[a-z0-9_./-]{1,254}$/;
const tagForm = /^[\w.-]{0,128}$/;

/**
 * An image from `name[:tag]@sha256:hex`, named as go-containerregistry's NewDigest names it: the tag goes, Docker Hub
 * becomes `index.docker.io`, its official images get `library/`. Stricter in one point: a scheme (`https://...`) and
 * empty parts of a path are refused, which NewDigest takes though no registry can have them.
 * @throws InvalidImageDigestError naming the text and the part that is wrong.
 */
export function parseImageDigest(text: string): ImageSubject {
  const parts = text.split('@');
  if (parts.length !== 2)
    throw refused(text, `must be one name and one digest, such as ghcr.io/a/b@sha256:<64 hex digits>`);
  const [name = '', digestText = ''] = parts;
  const digest = digestText.startsWith('sha256:') ? parseDigest(digestText) : undefined;
  if (!digest || `sha256:${digest.hex}` !== digestText)
    throw refused(text, `digest ${JSON.stringify(digestText)} must be sha256: and 64 lower-case hex digits`);
  return { repository: repositoryOf(withoutTag(name), text), digest: digestText };
}

/**
 * What upstream makes a subject of when an image is named with a scheme (`oci://ghcr.io/a/b`, `https://ghcr.io/a/b`):
 * the whole of it without its tag, for go-containerregistry takes `oci:` for a registry. Nobody can pull such an image.
 */
export function schemedSubject(text: string): DigestedThing | undefined {
  const [name = '', digestText = '', ...more] = text.split('@');
  const digest = digestText.startsWith('sha256:') ? parseDigest(digestText) : undefined;
  const bare = withoutTag(name);
  if (more.length > 0 || !digest || !schemedForm.test(bare)) return undefined;
  return { name: bare, digest: { sha256: digest.hex } };
}

/** A colon behind the last slash starts a tag, unless what stands there cannot be one. */
function withoutTag(name: string): string {
  const colon = name.lastIndexOf(':');
  if (colon < 0 || name.includes('/', colon) || !tagForm.test(name.slice(colon + 1))) return name;
  return name.slice(0, colon);
}

function repositoryOf(name: string, whole: string): string {
  if (name.includes('://')) throw refused(whole, 'must be without a scheme (leave out everything up to and with ://)');
  const { registry, path } = registryAndPath(name);
  const repository = registry === dockerHub && !path.includes('/') ? `library/${path}` : path;
  if (!registryForm.test(registry))
    throw refused(whole, `registry ${JSON.stringify(registry)} must be a host, with or without a port`);
  if (path.length < 2 || !repositoryForm.test(repository) || path.split('/').includes('')) {
    throw refused(
      whole,
      `repository ${JSON.stringify(path)} must be 2 to 255 of a-z 0-9 _ . - /, with something between slashes`,
    );
  }
  return `${registry}/${repository}`;
}

/** What stands before the first slash is a registry if it has a dot or a port; else the whole is on Docker Hub. */
function registryAndPath(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (!first.includes('.') && !first.includes(':')) return { registry: dockerHub, path: name };
  return { registry: first === 'docker.io' ? dockerHub : first, path: name.slice(slash + 1) };
}

function refused(text: string, why: string): InvalidImageDigestError {
  return new InvalidImageDigestError(`image ${JSON.stringify(text)}: ${why}`);
}

/**
 * The image that a statement's subject names, if it names one: subjects may be anything with a URI (packages, files).
 * A name without a registry is one of Docker Hub only where Docker Hub could have it (at most one slash).
 */
export function imageOfSubject(name: string, digest: Readonly<Record<string, string>>): ImageSubject | undefined {
  const hex = digest['sha256'];
  if (hex === undefined) return undefined;
  try {
    const image = parseImageDigest(`${name}@sha256:${hex}`);
    const impossible = image.repository.startsWith(`${dockerHub}/`) && image.repository.split('/').length > 3;
    return impossible ? undefined : image;
  } catch (error) {
    if (error instanceof InvalidImageDigestError) return undefined;
    throw error;
  }
}
