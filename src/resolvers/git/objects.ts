import type { GitObject } from './pack.ts';
import { ProtocolError } from './pkt-line.ts';

export interface TreeEntry {
  /** In octal, as stored: 40000 a tree, 100644 and 100755 files, 120000 a symbolic link, 160000 a submodule. */
  mode: string;
  name: string;
  object: string;
}

/** The tree of a commit. @throws ProtocolError */
export function treeOf({ type, data }: GitObject): string {
  const tree = type === 'commit' ? /^tree ([0-9a-f]{40,64})\n/.exec(data.toString('latin1', 0, 80))?.[1] : undefined;
  if (tree === undefined) throw new ProtocolError(`what the revision names is a ${type}, not a commit`);
  return tree;
}

/** What an annotated tag names. */
export function taggedBy({ data }: GitObject): string {
  const object = /^object ([0-9a-f]{40,64})\n/.exec(data.toString('latin1', 0, 80))?.[1];
  if (object === undefined) throw new ProtocolError('the tag is malformed');
  return object;
}

/** The entry of a tree with this name. @throws ProtocolError */
export function entryOf({ type, data }: GitObject, name: string, hashLength: number): TreeEntry | undefined {
  if (type !== 'tree') throw new ProtocolError(`an object that should be a tree is a ${type}`);
  const wanted = Buffer.from(name);
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const end = data.indexOf(0, space);
    if (space < 0 || end < 0 || end + hashLength >= data.length + 1) throw new ProtocolError('a tree is malformed');
    const next = end + 1 + hashLength;
    if (data.subarray(space + 1, end).equals(wanted))
      return { mode: data.toString('latin1', at, space), name, object: data.toString('hex', end + 1, next) };
    at = next;
  }
  return undefined;
}
