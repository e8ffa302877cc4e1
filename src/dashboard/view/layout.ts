import * as dagre from '@dagrejs/dagre';
import { nodeHeight, nodeWidth } from './geometry.ts';
import type { RunGraph } from './run-graph.ts';

/** What of a graph decides where its nodes stand. */
export type Outline = readonly (Pick<RunGraph['nodes'][number], 'name' | 'section' | 'dependencies'> & {
  /** In CSS pixels; missing: as any other. */
  height?: number;
})[];

export interface Layout {
  width: number;
  height: number;
  /** Upper left corner of each node, by name. */
  places: Readonly<Record<string, { x: number; y: number }>>;
  /** One path of SVG each. */
  edges: readonly { from: string; to: string; path: string }[];
  /** Where the tasks of finally begin; missing when there are none. */
  finallyAt?: number;
}

/** What is used of dagre: its own types are not found by the module resolution of Node. */
interface Drawing {
  setGraph(options: Record<string, string | number>): Drawing;
  setNode(id: string, size: { width: number; height: number }): void;
  setEdge(from: string, to: string, label: object): void;
  node(id: string): { x?: number; y?: number };
  edges(): readonly { v: string; w: string }[];
  edge(from: string, to: string): { points?: { x: number; y: number }[] };
  graph(): { width?: number; height?: number };
}
const { Graph, layout } = dagre as unknown as { Graph: new () => Drawing; layout: (drawing: Drawing) => void };

const GAP = 16;
const RANK_GAP = 32;
const MARGIN = 16;
/** Room for the word "finally". */
const FINALLY_GAP = 56;
/** Tasks beside each other that still fit beside the log. */
const BESIDE = 2;
/** Beyond these a picture takes seconds, and tells nothing. */
const MOST_TASKS = 600;
const MOST_EDGES = 3_000;

/**
 * Places for the tasks of a pipeline: from top to bottom, or from left to right where many run beside each other, so
 * that one scrolls down and not sideways. Names that occur twice have one place.
 */
export function layoutOf(outline: Outline): Layout {
  const tasks = outline.filter(({ section }) => section === 'tasks');
  const isTooLarge = tasks.length > MOST_TASKS || edgesOf(tasks).length > MOST_EDGES;
  const laid = isTooLarge
    ? inRows(tasks)
    : placed(tasks, widestOf(tasks) > Math.max(BESIDE, depthOf(tasks)) ? 'LR' : 'TB');
  const last = outline.filter(({ section }) => section === 'finally');
  if (last.length === 0) return laid;
  const finallyAt = tasks.length === 0 ? 0 : laid.height;
  const columns = Math.max(1, Math.floor((laid.width - 2 * MARGIN + GAP) / (nodeWidth + GAP)));
  const below = inRows(last, columns, finallyAt + FINALLY_GAP - MARGIN);
  return {
    ...laid,
    width: Math.max(laid.width, below.width),
    height: below.height,
    places: { ...laid.places, ...below.places },
    finallyAt,
  };
}

function placed(tasks: Outline, rankdir: 'LR' | 'TB'): Layout {
  // dagre keeps nodes in plain objects, and a task may be called "constructor".
  const ids = new Map(tasks.map(({ name }, at) => [name, `t${at}`]));
  const names = new Map([...ids].map(([name, id]) => [id, name]));
  const graph = new Graph().setGraph({
    rankdir,
    nodesep: GAP,
    ranksep: RANK_GAP,
    marginx: MARGIN,
    marginy: MARGIN,
    // The simplest ranks: the others take long for hundreds of tasks, and look the same for pipelines.
    ranker: 'longest-path',
  });
  const heights = new Map(tasks.map((task) => [task.name, heightOf(task)]));
  const heightIn = (name: string) => heights.get(name) ?? nodeHeight;
  for (const [id, name] of names) graph.setNode(id, { width: nodeWidth, height: heightIn(name) });
  for (const [from, to] of edgesOf(tasks)) graph.setEdge(ids.get(from) ?? '', ids.get(to) ?? '', {});
  layout(graph);
  const places = Object.fromEntries(
    Array.from(names, ([id, name]): [string, { x: number; y: number }] => {
      const { x = 0, y = 0 } = graph.node(id);
      return [name, { x: x - nodeWidth / 2, y: y - heightIn(name) / 2 }];
    }),
  );
  const edges = graph.edges().map(({ v, w }) => {
    const { points = [] } = graph.edge(v, w);
    return { from: names.get(v) ?? '', to: names.get(w) ?? '', path: pathThrough(points) };
  });
  const { width = 0, height = 0 } = graph.graph();
  return { width: Math.max(0, width), height: Math.max(0, height), places, edges };
}

/** Rows without edges, for what has none, and for what is too large to be drawn and is shown all the same. */
function inRows(tasks: Outline, columns = BESIDE, from = MARGIN): Layout {
  const places: Record<string, { x: number; y: number }> = {};
  let top = from;
  for (let at = 0; at < tasks.length; at += columns) {
    const row = tasks.slice(at, at + columns);
    for (const [column, { name }] of row.entries()) places[name] = { x: MARGIN + column * (nodeWidth + GAP), y: top };
    top += Math.max(...row.map(heightOf)) + GAP;
  }
  return {
    width: 2 * MARGIN + Math.min(columns, Math.max(1, tasks.length)) * (nodeWidth + GAP) - GAP,
    height: top - GAP + MARGIN,
    places,
    edges: [],
  };
}

function heightOf({ height = nodeHeight }: Outline[number]): number {
  return height;
}

function edgesOf(tasks: Outline): [from: string, to: string][] {
  const known = new Set(tasks.map(({ name }) => name));
  return tasks.flatMap(({ name, dependencies }) =>
    dependencies.filter((from) => known.has(from)).map((from): [string, string] => [from, name]),
  );
}

/** Straight to the middle of each pair of points, bent at the points. */
function pathThrough(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }));
  if (first === undefined) return '';
  const bends = rest.slice(0, -1).map((point, at) => {
    const next = rest[at + 1] ?? point;
    const isLast = at === rest.length - 2;
    const to = isLast ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${point.x} ${point.y} ${to.x} ${to.y}`;
  });
  const only = rest.length === 1 ? [`L${rest[0]?.x} ${rest[0]?.y}`] : [];
  return [`M${first.x} ${first.y}`, ...bends, ...only].join('');
}

/** How many tasks are in the longest chain. Parents come first. */
function depthOf(tasks: Outline): number {
  return Math.max(0, ...ranksOf(tasks).values());
}

function widestOf(tasks: Outline): number {
  const counts = new Map<number, number>();
  for (const rank of ranksOf(tasks).values()) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

function ranksOf(tasks: Outline): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const { name, dependencies } of tasks)
    ranks.set(name, 1 + dependencies.reduce((most, parent) => Math.max(most, ranks.get(parent) ?? 0), 0));
  return ranks;
}
