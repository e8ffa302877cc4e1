import { ResolutionError } from '../resolver.ts';
import type { GitObject } from './pack.ts';
import { entryOf, taggedBy, treeOf, type TreeEntry } from './objects.ts';
import { ProtocolError } from './pkt-line.ts';
import { sendsSingleObjects, type Advertisement, type GitServer } from './server.ts';

/** A file as it is in a commit. */
export interface FoundFile {
  commit: string;
  /** `sha1` or `sha256`, by the repository's format. */
  hash: 'sha1' | 'sha256';
  content: Buffer;
}

const fullName = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
/** Links that are followed, and tags that name tags. */
const mostLinks = 8;

/**
 * Reads one file of one revision. Where the server can filter, it sends the commit and one object per part of the path;
 * else the commit's tree, without its history.
 * @throws ResolutionError with git's and upstream's texts.
 */
export async function readFile(
  server: GitServer,
  revision: string,
  path: string,
  signal: AbortSignal,
): Promise<FoundFile> {
  const repository = await server.advertisement(namesOf(revision), signal);
  const reader = new ObjectReader(server, repository);
  try {
    const commit = await reader.commit(await revisionName(server, repository, revision, signal), signal);
    const content = await fileAt(reader, commit.tree, path, signal);
    return { commit: commit.name, hash: repository.hash, content };
  } catch (error) {
    if (error instanceof ProtocolError)
      throw new ResolutionError(`git fetch error: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The commit that a revision is now, without reading it. */
async function revisionName(
  server: GitServer,
  repository: Advertisement,
  revision: string,
  signal: AbortSignal,
): Promise<string> {
  if (fullName.test(revision.toLowerCase())) return revision.toLowerCase();
  const names = namesOf(revision);
  const refs = await server.refs(repository, names, signal);
  const name = names.find((each) => refs.has(each));
  const found = name === undefined ? undefined : (refs.get(`${name}^{}`) ?? refs.get(name));
  if (found === undefined)
    throw new ResolutionError(
      `git fetch error: fatal: couldn't find remote ref ${revision}: exit status 128: ${new URL(repository.base).host} has no branch or tag of that name in ${new URL(repository.base).pathname}; correct param revision (a commit needs all its ${repository.hash === 'sha1' ? 40 : 64} digits)`,
    );
  return found;
}

/** The order in which git looks for short names. */
function namesOf(revision: string): string[] {
  return [revision, `refs/${revision}`, `refs/tags/${revision}`, `refs/heads/${revision}`];
}

class ObjectReader {
  readonly #server: GitServer;
  readonly #repository: Advertisement;
  readonly #alone: boolean;
  readonly #objects = new Map<string, GitObject>();

  constructor(server: GitServer, repository: Advertisement) {
    this.#server = server;
    this.#repository = repository;
    this.#alone = sendsSingleObjects(repository);
  }

  get hashLength(): number {
    return this.#repository.hash === 'sha1' ? 20 : 32;
  }

  /** A commit and its tree; of a tag, what it names. */
  async commit(first: string, signal: AbortSignal): Promise<{ name: string; tree: string }> {
    let name = first;
    for (let links = 0; links < mostLinks; links += 1) {
      const object = await this.object(name, signal);
      if (object.type !== 'tag') return { name, tree: treeOf(object) };
      name = taggedBy(object);
    }
    throw new ProtocolError('a tag names tags without end');
  }

  async object(name: string, signal: AbortSignal): Promise<GitObject> {
    const known = this.#objects.get(name);
    if (known !== undefined) return known;
    const sent = await this.#server.fetch(this.#repository, name, this.#alone, signal);
    for (const [each, object] of sent) this.#objects.set(each, object);
    const found = sent.get(name);
    if (found === undefined) throw new ProtocolError(`the server did not send object ${name}`);
    return found;
  }
}

async function fileAt(reader: ObjectReader, root: string, path: string, signal: AbortSignal): Promise<Buffer> {
  let parts = partsOf(path);
  for (let links = 0; links <= mostLinks; links += 1) {
    const found = await walk(reader, root, parts, signal);
    if (found === undefined) throw opening(path, 'file does not exist');
    const { entry, at } = found;
    if (entry.mode === '160000') throw opening(path, 'it is in a submodule, which is another repository');
    const object = await reader.object(entry.object, signal);
    if (entry.mode !== '120000') {
      if (object.type !== 'blob') throw opening(path, 'it is a directory');
      return object.data;
    }
    parts = follow(parts.slice(0, at), object.data.toString('utf8'), parts.slice(at + 1), path);
  }
  throw opening(path, 'too many levels of symbolic links');
}

/** The entry at a path, or the first on the way that is no tree, with its place in the path. */
async function walk(
  reader: ObjectReader,
  root: string,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<{ entry: TreeEntry; at: number } | undefined> {
  let tree = root;
  for (const [at, part] of parts.entries()) {
    const entry = entryOf(await reader.object(tree, signal), part, reader.hashLength);
    if (entry === undefined) return undefined;
    if (at === parts.length - 1 || entry.mode === '120000' || entry.mode === '160000') return { entry, at };
    if (entry.mode !== '40000') return undefined;
    tree = entry.object;
  }
  return undefined;
}

function follow(before: readonly string[], target: string, after: readonly string[], path: string): string[] {
  const parts = target.startsWith('/') ? ['..'] : [...before];
  for (const part of target.split('/')) {
    if (part === '..' && (parts.length === 0 || parts[0] === '..')) parts.unshift('..');
    else if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  if (parts[0] === '..')
    throw opening(
      path,
      `path ${JSON.stringify(path)} attempts to escape the repository directory (possible path traversal attack)`,
    );
  return [...parts, ...after];
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function opening(path: string, why: string): ResolutionError {
  return new ResolutionError(`error opening file ${JSON.stringify(path)}: ${why}`);
}
