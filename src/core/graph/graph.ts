/** One node of a pipeline's graph: a task and the tasks it must come after. */
export interface GraphNode {
  name: string;
  dependencies: readonly string[];
}

/** A pipeline's tasks as a directed graph without cycles. */
export interface Graph {
  /** All names, parents before children, otherwise in the order they were written. */
  order: readonly string[];
  parents: ReadonlyMap<string, readonly string[]>;
}

/** A pipeline that is no graph. The texts are upstream's (pkg/reconciler/pipeline/dag). */
export class GraphError extends Error {
  override name = 'GraphError';
}

/** The graph of some tasks. @throws GraphError for a name used twice, a cycle, or a dependency that is not there. */
export function buildGraph(nodes: readonly GraphNode[]): Graph {
  const parents = new Map<string, readonly string[]>();
  for (const { name, dependencies } of nodes) {
    if (parents.has(name))
      throw new GraphError(`task ${name} is already present in Graph, can't add it again: duplicate pipeline task`);
    parents.set(name, [...new Set(dependencies)]);
  }
  checkPresence(parents);
  return { order: topologicalOrder(nodes, parents), parents };
}

function checkPresence(parents: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, dependencies] of parents) {
    for (const parent of dependencies) {
      if (parents.has(parent)) continue;
      throw new GraphError(
        `couldn't add link between ${name} and ${parent}: task ${name} depends on ${parent} but ${parent} wasn't present in Pipeline`,
      );
    }
  }
}

/** Kahn's algorithm; what is left over when no task is free any more is a cycle or behind one. */
function topologicalOrder(nodes: readonly GraphNode[], parents: ReadonlyMap<string, readonly string[]>): string[] {
  const waitingFor = new Map(Array.from(parents, ([name, list]) => [name, list.length]));
  const children = childrenOf(parents);
  const order = nodes.filter((node) => waitingFor.get(node.name) === 0).map((node) => node.name);
  // Grows while it is walked: what becomes free is appended.
  for (const next of order) {
    for (const child of children.get(next) ?? []) {
      const left = (waitingFor.get(child) ?? 0) - 1;
      waitingFor.set(child, left);
      if (left === 0) order.push(child);
    }
  }
  if (order.length < nodes.length) throw new GraphError(describeCycle(new Set(order), parents));
  return order;
}

function childrenOf(parents: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const [name, list] of parents)
    for (const parent of list)
      children
        .set(parent, children.get(parent) ?? [])
        .get(parent)
        ?.push(name);
  return children;
}

function describeCycle(ordered: ReadonlySet<string>, parents: ReadonlyMap<string, readonly string[]>): string {
  const first = [...parents.keys()].filter((name) => !ordered.has(name)).sort()[0] ?? '';
  const blocking = (parents.get(first) ?? []).filter((parent) => !ordered.has(parent)).sort();
  return `cycle detected; task "${first}" depends on ${blocking.map((name) => `"${name}"`).join(', ')}`;
}
