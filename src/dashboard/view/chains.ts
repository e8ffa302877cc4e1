import type { NodeState, RunGraphNode } from './run-graph.ts';

/** A task as a picture has it. */
export interface DrawnTask {
  kind: 'task';
  node: RunGraphNode;
  dependencies: readonly string[];
  /** It stands for this chain, which is unfolded and may be folded again. */
  unfolded?: string;
}

/** Tasks one after the other of which nothing is to be told but that: one place for all. */
export interface DrawnChain {
  kind: 'chain';
  /** No task has it. */
  id: string;
  /** First task of the whole chain: its parts are unfolded together. */
  chain: string;
  first: string;
  last: string;
  count: number;
  state: NodeState;
  dependencies: readonly string[];
}

export type Drawn = DrawnTask | DrawnChain;

/** A chain of fewer is read at a glance, and a place for fewer saves nothing. */
const SHORTEST_CHAIN = 8;
const FEWEST_FOLDED = 4;
/** What asks for nobody's eyes. */
const quiet: ReadonlySet<NodeState> = new Set(['succeeded', 'waiting', 'skipped', 'not-run', 'pending']);

/**
 * What is drawn of a graph: long chains are folded, but for what was chosen, what runs and what went wrong, and for
 * chains that somebody unfolded.
 * @param unfolded First tasks of chains
 */
export function drawnOf(
  nodes: readonly RunGraphNode[],
  { unfolded, chosen }: { unfolded: ReadonlySet<string>; chosen: string | undefined },
): Drawn[] {
  const chains = chainsOf(nodes);
  const folded = new Map<string, DrawnChain>();
  const marks = new Map<string, string>();
  for (const chain of chains) {
    const [{ name = '' } = {}] = chain;
    const mark = chain.find(({ children }) => children.length <= 1);
    if (unfolded.has(name)) {
      if (mark !== undefined) marks.set(mark.name, name);
      continue;
    }
    for (const part of partsOf(chain, chosen)) for (const task of part.tasks) folded.set(task, part.drawn);
  }
  const placeOf = (name: string) => folded.get(name)?.id ?? name;
  const drawn = nodes.map((node): Drawn => {
    const mark = marks.get(node.name);
    const task = { kind: 'task', node, dependencies: node.dependencies.map(placeOf) } as const;
    const chain = folded.get(node.name);
    if (chain !== undefined) return { ...chain, dependencies: chain.dependencies.map(placeOf) };
    return mark === undefined ? task : { ...task, unfolded: mark };
  });
  // One place for all of a part: the first.
  return drawn.filter((each, at) => each.kind === 'task' || nodes[at]?.name === each.first);
}

/** What a place is called where places are laid out. */
export function placeName(drawn: Drawn): string {
  return drawn.kind === 'task' ? drawn.node.name : drawn.id;
}

/** Tasks each of which is the only one before the next, and the next has no other before it. */
function chainsOf(nodes: readonly RunGraphNode[]): RunGraphNode[][] {
  const tasks = nodes.filter(({ section }) => section === 'tasks');
  const dependents = new Map<string, number>();
  for (const parent of tasks.flatMap(({ dependencies }) => dependencies))
    dependents.set(parent, (dependents.get(parent) ?? 0) + 1);
  const ends = new Map<string, RunGraphNode[]>();
  const chains: RunGraphNode[][] = [];
  for (const node of tasks) {
    const [parent = '', ...others] = node.dependencies;
    const before = others.length === 0 && dependents.get(parent) === 1 ? ends.get(parent) : undefined;
    const chain = before ?? [];
    if (before === undefined) chains.push(chain);
    chain.push(node);
    ends.set(node.name, chain);
  }
  return chains.filter(({ length }) => length >= SHORTEST_CHAIN);
}

interface Part {
  tasks: readonly string[];
  drawn: DrawnChain;
}

function partsOf(chain: readonly RunGraphNode[], chosen: string | undefined): Part[] {
  const parts: RunGraphNode[][] = [];
  let open: RunGraphNode[] = [];
  for (const node of chain) {
    const isFolded = quiet.has(node.state) && node.name !== chosen && node.children.length <= 1;
    if (open.length > 0 && (!isFolded || open[0]?.state !== node.state)) open = [];
    if (!isFolded) continue;
    if (open.length === 0) parts.push(open);
    open.push(node);
  }
  return parts.filter(({ length }) => length >= FEWEST_FOLDED).flatMap((part) => partOf(part, chain[0]?.name ?? ''));
}

function partOf(part: readonly RunGraphNode[], chain: string): Part[] {
  const [first, last] = [part[0], part.at(-1)];
  if (first === undefined || last === undefined) return [];
  const drawn: DrawnChain = {
    kind: 'chain',
    id: `\0${first.name}`,
    chain,
    first: first.name,
    last: last.name,
    count: part.length,
    state: first.state,
    dependencies: first.dependencies,
  };
  return [{ tasks: part.map(({ name }) => name), drawn }];
}
