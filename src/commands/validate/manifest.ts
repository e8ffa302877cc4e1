import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';

/** Where something is written. Line and column count from 1. */
export interface Position {
  file: string;
  line: number;
  column: number;
}

/** One object of a file. */
export interface Manifest {
  object: Record<string, unknown>;
  /** Where the field at `path` (`spec.tasks[0].name`) is written, or what of it is. */
  positionOf(path: string): Position;
}

/** A file that is no YAML, or holds what is no object. */
export interface ReadProblem {
  position: Position;
  message: string;
}

/** More aliases than this make a small file large. */
const MOST_ALIASES = 1000;

/** The objects of a file, with those of a List one by one. JSON is YAML too. */
export function readManifests(file: string, text: string): { manifests: Manifest[]; problems: ReadProblem[] } {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const problems: ReadProblem[] = [];
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  for (const document of [...parseAllDocuments(text, { lineCounter: lines })]) {
    for (const error of document.errors)
      problems.push({ position: at(error.pos[0]), message: error.message.split('\n')[0] ?? '' });
    if (document.errors.length > 0 || document.contents === null) continue;
    const json = toJson(document);
    if (json instanceof Error) problems.push({ position: at(document.range[0]), message: json.message });
    else manifests.push(...objectsOf(json, document.contents, at));
  }
  return { manifests, problems };
}

function toJson(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (error) {
    if (error instanceof ReferenceError) return error;
    throw error;
  }
}

function objectsOf(json: unknown, node: Node, at: (offset: number) => Position): Manifest[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  const object = json as Record<string, unknown>;
  const { kind, items } = object;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    const list = isMap(node) ? node.get('items', true) : undefined;
    return items.flatMap((item, index) => {
      const child = isSeq(list) ? list.items[index] : undefined;
      return isNode(child) ? objectsOf(item, child, at) : [];
    });
  }
  return [{ object, positionOf: (path) => at(offsetOf(node, path)) }];
}

/** Offset of the node at a path; of the last one on the way that is there. */
function offsetOf(root: Node, path: string): number {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const segment of segmentsOf(path)) {
    const next = childOf(node, segment);
    if (next === undefined) break;
    offset = next.offset;
    node = next.node;
  }
  return offset;
}

/** `spec.params[name].value` -> spec, params, [name], value. Keys with dots stand in brackets. */
function segmentsOf(path: string): string[] {
  return path.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
}

interface Child {
  node: unknown;
  offset: number;
}

function childOf(node: unknown, segment: string): Child | undefined {
  if (isSeq(node)) return itemOf(node, segment);
  return isMap(node) ? memberOf(node, segment) : undefined;
}

/** By its place, or by its name. */
function itemOf({ items }: YAMLSeq, segment: string): Child | undefined {
  const word = segment.slice(1, -1);
  const isNamed = (each: unknown) => isMap(each) && [each.get('name'), each.get('pipelineTaskName')].includes(word);
  const item = /^\d+$/.test(word) ? items[Number(word)] : items.find(isNamed);
  return isNode(item) ? { node: item, offset: item.range?.[0] ?? 0 } : undefined;
}

/** Where none has the very name, one in other letters: messages are in Go's form. */
function memberOf({ items }: YAMLMap, segment: string): Child | undefined {
  const name = segment.startsWith('[') ? segment.slice(1, -1) : segment;
  const keyOf = (pair: unknown) => (isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : undefined);
  const pair =
    items.find((each) => keyOf(each) === name) ??
    items.find((each) => keyOf(each)?.toLowerCase() === name.toLowerCase());
  return pair && isNode(pair.key) ? { node: pair.value, offset: pair.key.range?.[0] ?? 0 } : undefined;
}
