import { isMap, isScalar, isSeq, parseAllDocuments, LineCounter, type Scalar, type YAMLMap } from 'yaml';
import { CommandError } from '../command.ts';

/** A text in a file, by where it is: edits touch nothing else. */
export interface Place {
  line: number;
  /** Of the value, quotes included. */
  start: number;
  end: number;
  value: string;
}

/** A reference with a resolver, as it is written. */
export interface WrittenReference {
  kind: 'reference';
  line: number;
  resolver: string;
  params: ReadonlyMap<string, Place>;
  /** Behind the last param, and how the lines of params begin: where another one goes. */
  room: { at: number; indent: string } | undefined;
}

/** An image of a step or sidecar. */
export interface WrittenImage {
  kind: 'image';
  line: number;
  image: Place;
}

export type Found = WrittenReference | WrittenImage;

/** Everything in a YAML file that names something elsewhere, in its order. @throws CommandError for what is no YAML. */
export function findRemote(file: string, text: string): Found[] {
  const lines = new LineCounter();
  const found: Found[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines, logLevel: 'silent' })) {
    const [problem] = document.errors;
    if (problem) throw new CommandError(`${file}: ${problem.message.split('\n')[0] ?? ''}`);
    visit(document.contents, { text, lines, found });
  }
  return found;
}

interface Walk {
  text: string;
  lines: LineCounter;
  found: Found[];
}

/** What stands under a key. */
const readers: ReadonlyMap<unknown, (value: unknown, walk: Walk) => void> = new Map([
  ['taskRef', addReference],
  ['pipelineRef', addReference],
  ['ref', addReference],
  ['steps', addImages],
  ['sidecars', addImages],
  ['stepTemplate', addImage],
]);

function visit(node: unknown, walk: Walk): void {
  if (isSeq(node)) node.items.forEach((item) => visit(item, walk));
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (isScalar(key)) readers.get(key.value)?.(value, walk);
    visit(value, walk);
  }
}

function placeOf(scalar: Scalar, { lines }: Walk): Place | undefined {
  const { range, value } = scalar;
  if (!range || typeof value !== 'string') return undefined;
  return { line: lines.linePos(range[0]).line, start: range[0], end: range[1], value };
}

function scalarIn(map: YAMLMap, key: string): Scalar | undefined {
  const node: unknown = map.get(key, true);
  return isScalar(node) ? node : undefined;
}

function addImages(steps: unknown, walk: Walk): void {
  if (isSeq(steps)) for (const step of steps.items) addImage(step, walk);
}

function addImage(step: unknown, walk: Walk): void {
  if (!isMap(step)) return;
  const scalar = scalarIn(step, 'image');
  const image = scalar && placeOf(scalar, walk);
  if (image) walk.found.push({ kind: 'image', line: image.line, image });
}

function addReference(node: unknown, walk: Walk): void {
  const resolver = isMap(node) ? scalarIn(node, 'resolver') : undefined;
  const place = resolver && placeOf(resolver, walk);
  if (!isMap(node) || place === undefined) return;
  walk.found.push({ kind: 'reference', line: place.line, resolver: place.value, ...paramsIn(node, walk) });
}

function paramsIn(map: YAMLMap, walk: Walk): Pick<WrittenReference, 'params' | 'room'> {
  const params = new Map<string, Place>();
  const list: unknown = map.get('params', true);
  let room: WrittenReference['room'];
  for (const item of isSeq(list) ? list.items : []) {
    if (!isMap(item)) continue;
    const [name, value] = ['name', 'value'].map((key) => scalarIn(item, key));
    const written = value && placeOf(value, walk);
    if (written && typeof name?.value === 'string') params.set(name.value, written);
    room = roomBehind(item, walk) ?? room;
  }
  return { params, room };
}

/** Only where each param begins a line of its own with a dash. */
function roomBehind(item: YAMLMap, { text }: Walk): WrittenReference['room'] {
  const [start = 0, end = 0] = item.range ?? [];
  const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (!/^\s*-\s+$/.test(before) || text[start] === '{') return undefined;
  const lineEnd = text.indexOf('\n', end - 1);
  return { at: lineEnd < 0 ? text.length : lineEnd, indent: before };
}
