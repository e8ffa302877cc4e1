/** An image reference taken apart, with Docker's defaults filled in (`busybox` is docker.io/library/busybox:latest). */
export interface ImageReference {
  /** Host as users write it: `docker.io`, `ghcr.io`, `localhost:5000`. */
  host: string;
  repository: string;
  /** Digest when given, else the tag. */
  reference: string;
  digest: string | undefined;
}

export class InvalidImageError extends Error {
  override name = 'InvalidImageError';
}

const defaultHost = 'docker.io';
const repositoryForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;
const digestForm = /^[a-z0-9+._-]+:[0-9a-f]{32,}$/;

/**
 * Parses an image name as container runtimes do (distribution/reference).
 * @throws InvalidImageError naming the image and the part that is wrong.
 */
export function parseImageReference(image: string): ImageReference {
  const [name, digest] = splitOnce(image, '@');
  const { host, rest } = splitHost(name);
  const [path, tag] = splitOnce(rest, ':');
  const repository = host === defaultHost && !path.includes('/') ? `library/${path}` : path;
  const refuse = (part: string, what: string) =>
    new InvalidImageError(`image ${JSON.stringify(image)}: ${JSON.stringify(part)} is not ${what}`);
  if (!repositoryForm.test(repository))
    throw refuse(path, 'a repository name (lower-case letters, digits, . _ - and /)');
  if (tag !== undefined && !tagForm.test(tag)) throw refuse(tag, 'a tag');
  if (digest !== undefined && !digestForm.test(digest)) throw refuse(digest, 'a digest (sha256:...)');
  return { host, repository, reference: digest ?? tag ?? 'latest', digest };
}

/** What stands before the first slash is a host when it looks like one; Docker Hub has two names. */
function splitHost(name: string): { host: string; rest: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  if (!isHost) return { host: defaultHost, rest: name };
  return { host: first === 'index.docker.io' ? defaultHost : first, rest: name.slice(slash + 1) };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
