import { describe, expect, it } from 'vitest';
import { drawnOf, placeName } from './chains.ts';
import type { NodeState, RunGraphNode } from './run-graph.ts';

const node = (name: string, dependencies: string[] = [], more: Partial<RunGraphNode> = {}): RunGraphNode => ({
  name,
  section: 'tasks',
  dependencies,
  state: 'waiting',
  children: [],
  ...more,
});
/** t0 to tN, one after the other, after `before`. */
const chain = (length: number, before: string[] = [], stateAt: (at: number) => NodeState = () => 'waiting') =>
  Array.from({ length }, (_, at) => node(`t${at}`, at === 0 ? before : [`t${at - 1}`], { state: stateAt(at) }));

interface Choice {
  chosen?: string;
  unfolded?: string[];
}

/** Each place with what it comes after: `t0..t9` for a chain. */
function places(nodes: readonly RunGraphNode[], { chosen, unfolded = [] }: Choice = {}): string[] {
  const drawn = drawnOf(nodes, { chosen, unfolded: new Set(unfolded) });
  const called = new Map(
    drawn.map((each) => [placeName(each), each.kind === 'task' ? each.node.name : `${each.first}..${each.last}`]),
  );
  return drawn.map((each) => {
    const name = called.get(placeName(each));
    const after = each.dependencies.map((parent) => called.get(parent) ?? `nothing called ${parent}`);
    return after.length === 0 ? `${name}` : `${name} after ${after.join()}`;
  });
}

describe('a long chain of tasks', () => {
  it('has one place, between what comes before it and after it', () => {
    const nodes = [node('a'), node('b', ['a']), ...chain(10, ['a']), node('z', ['t9', 'b'])];
    expect(places(nodes)).toEqual(['a', 'b after a', 't0..t9 after a', 'z after t0..t9,b']);
  });

  it('that runs shows what runs', () => {
    const stateAt = (at: number) => (at < 5 ? 'succeeded' : at === 5 ? 'running' : 'waiting');
    expect(places(chain(12, [], stateAt))).toEqual(['t0..t4', 't5 after t0..t4', 't6..t11 after t5']);
  });

  it('that failed shows where', () => {
    const stateAt = (at: number) => (at < 9 ? 'succeeded' : at === 9 ? 'failed' : 'not-run');
    expect(places(chain(12, [], stateAt))).toEqual(['t0..t8', 't9 after t0..t8', 't10 after t9', 't11 after t10']);
  });

  it('shows what is chosen, and a matrix', () => {
    expect(places(chain(10), { chosen: 't5' })).toEqual(['t0..t4', 't5 after t0..t4', 't6..t9 after t5']);
    const children = ['a', 'b'].map((name) => ({ name, kind: 'TaskRun', status: undefined }));
    const nodes = chain(10).map((each) => (each.name === 't0' ? { ...each, children } : each));
    expect(places(nodes)).toEqual(['t0', 't1..t9 after t0']);
  });

  it('is there as a whole when it was unfolded, whatever became of it since, and is folded again from its first', () => {
    const nodes = chain(10, [], (at) => (at < 5 ? 'succeeded' : 'waiting'));
    expect(places(nodes, { unfolded: ['t0'] })).toHaveLength(10);
    expect(drawnOf(nodes, { chosen: undefined, unfolded: new Set(['t0']) })).toMatchObject([
      { kind: 'task', unfolded: 't0' },
      ...nodes.slice(1).map(({ name }) => ({ kind: 'task', node: { name } })),
    ]);
    expect(drawnOf(nodes, { chosen: undefined, unfolded: new Set() })).toMatchObject([
      { kind: 'chain', chain: 't0', count: 5, state: 'succeeded' },
      { kind: 'chain', chain: 't0', count: 5, state: 'waiting' },
    ]);
  });

  it.each<[name: string, nodes: RunGraphNode[]]>([
    ['short ones', chain(7)],
    ['tasks beside each other', Array.from({ length: 20 }, (_, at) => node(`t${at}`, ['a']))],
    ['tasks of finally', Array.from({ length: 20 }, (_, at) => node(`t${at}`, [], { section: 'finally' }))],
    ['tasks that others come after as well', [...chain(7), node('b', ['t3']), node('c', ['t3'])]],
  ])('is none of %s', (_name, nodes) => {
    expect(drawnOf(nodes, { chosen: undefined, unfolded: new Set() }).filter(({ kind }) => kind === 'chain')).toEqual(
      [],
    );
  });
});
