import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { taskDependencies } from './dependencies.ts';
import { buildGraph, type GraphNode } from './graph.ts';

const node = (name: string, ...dependencies: string[]): GraphNode => ({ name, dependencies });

describe('buildGraph', () => {
  it.each<[string, GraphNode[], string[]]>([
    ['no tasks', [], []],
    ['written order when nothing depends', [node('b'), node('a')], ['b', 'a']],
    ['parents first', [node('c', 'b'), node('b', 'a'), node('a')], ['a', 'b', 'c']],
    ['diamond', [node('a'), node('b', 'a'), node('c', 'a'), node('d', 'b', 'c')], ['a', 'b', 'c', 'd']],
    ['a dependency named twice counts once', [node('a'), node('b', 'a', 'a')], ['a', 'b']],
  ])('%s', (_name, nodes, order) => expect(buildGraph(nodes).order).toEqual(order));

  it.each<[string, GraphNode[], string]>([
    [
      'two tasks of one name',
      [node('a'), node('a')],
      "task a is already present in Graph, can't add it again: duplicate pipeline task",
    ],
    [
      'unknown parent',
      [node('b', 'a')],
      "couldn't add link between b and a: task b depends on a but a wasn't present in Pipeline",
    ],
    ['itself', [node('a', 'a')], 'cycle detected; task "a" depends on "a"'],
    ['cycle', [node('z'), node('b', 'a', 'z'), node('a', 'b')], 'cycle detected; task "a" depends on "b"'],
    [
      'cycle of three, first by name',
      [node('c', 'a', 'b'), node('b', 'c'), node('a', 'c')],
      'cycle detected; task "a" depends on "c"',
    ],
  ])('refuses %s', (_name, nodes, message) => expect(() => buildGraph(nodes)).toThrow(message));

  it('puts every task after all its parents', () => {
    const acyclic = fc
      .array(fc.array(fc.nat(20), { maxLength: 5 }), { maxLength: 20 })
      .map((rows) =>
        rows.map((row, index) =>
          node(`t${index}`, ...row.filter((parent) => parent < index).map((parent) => `t${parent}`)),
        ),
      );
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (nodes, random) => {
        const shuffled = nodes
          .map((one) => [random.next().value, one] as const)
          .sort(([a], [b]) => a - b)
          .map(([, one]) => one);
        const { order, parents } = buildGraph(shuffled);
        expect([...order].sort()).toEqual(nodes.map((one) => one.name).sort());
        for (const [name, list] of parents)
          for (const parent of list) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(name));
      }),
    );
  });
});

describe('taskDependencies', () => {
  it.each<[string, PipelineTask, string[]]>([
    ['runAfter', { runAfter: ['a', 'b'] }, ['a', 'b']],
    ['result in a param', { params: [{ name: 'p', value: 'x $(tasks.a.results.r) y' }] }, ['a']],
    [
      'result in an array and an object param',
      {
        params: [
          { name: 'p', value: ['$(tasks.a.results.r[*])'] },
          { name: 'o', value: { k: '$(tasks.b.results.r.key)' } },
        ],
      },
      ['a', 'b'],
    ],
    ['result in quotes', { params: [{ name: 'p', value: "$(tasks.a.results['my.result'])" }] }, ['a']],
    [
      'result in a guard',
      { when: [{ input: '$(tasks.a.results.r)', operator: 'in', values: ['$(tasks.b.results.r[*])'] }] },
      ['a', 'b'],
    ],
    [
      'result in a matrix and its includes',
      {
        matrix: {
          params: [{ name: 'p', value: ['$(tasks.a.results.r)'] }],
          include: [{ params: [{ name: 'q', value: '$(tasks.b.results.r)' }] }],
        },
      },
      ['a', 'b'],
    ],
    [
      'result in subPath and displayName',
      { workspaces: [{ name: 'w', subPath: '$(tasks.a.results.r)' }], displayName: '$(tasks.b.results.r)' },
      ['a', 'b'],
    ],
    ['length of a matrix', { params: [{ name: 'p', value: '$(tasks.a.matrix.length)' }] }, ['a']],
    [
      'embedded spec, of a task that exists',
      {
        name: 'x',
        taskSpec: {
          steps: [{ image: 'i', script: '$(tasks.a.results.r) $(tasks.x.results.r) $(tasks.elsewhere.results.r)' }],
        },
      },
      ['a'],
    ],
    ['a status orders nothing', { params: [{ name: 'p', value: '$(tasks.a.status)' }] }, []],
    ['other variables', { params: [{ name: 'p', value: '$(params.a) $(context.pipelineRun.name)' }] }, []],
  ])('%s', (_name, task, expected) =>
    expect(taskDependencies(task, new Set(['a', 'b', 'x'])).sort()).toEqual(expected),
  );
});
