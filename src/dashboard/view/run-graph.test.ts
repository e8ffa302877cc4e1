import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../contract.ts';
import { runGraph } from './run-graph.ts';

const task = (name: string, ...runAfter: string[]) => ({ name, taskRef: { name: 't' }, runAfter });
const spec = { tasks: [task('test', 'build'), task('build')], finally: [{ name: 'tell', taskRef: { name: 't' } }] };
const over = { conditions: [{ type: 'Succeeded', status: 'False' as const, reason: 'Failed' }] };

describe('the graph of a run', () => {
  it('has parents first, finally last, and all wait before a run', () => {
    expect(runGraph(spec).nodes.map(({ name, section, state }) => `${section} ${name} ${state}`)).toEqual([
      'tasks build waiting',
      'tasks test waiting',
      'finally tell waiting',
    ]);
  });

  it('has edges by runAfter and by results', () => {
    const reads = { name: 'push', taskRef: { name: 't' }, params: [{ name: 'd', value: '$(tasks.build.results.x)' }] };
    const { nodes } = runGraph({ tasks: [task('build'), task('test', 'build'), reads] });
    expect(nodes.map(({ dependencies }) => dependencies)).toEqual([[], ['build'], ['build']]);
  });

  it.each<{ statuses: (RunStatus | undefined)[]; shown: string; isOver?: boolean }>([
    { statuses: ['succeeded', 'succeeded'], shown: 'succeeded' },
    { statuses: ['succeeded', 'running'], shown: 'running' },
    { statuses: ['running', 'failed'], shown: 'failed' },
    { statuses: ['cancelled', 'timed-out'], shown: 'timed-out' },
    { statuses: ['succeeded', 'pending'], shown: 'pending' },
    { statuses: ['succeeded', undefined], shown: 'pending' },
    { statuses: ['succeeded', undefined], shown: 'not-run', isOver: true },
    { statuses: [], shown: 'not-run', isOver: true },
  ])('a fan-out of $statuses is $shown (run over: $isOver)', ({ statuses, shown, isOver = false }) => {
    const childReferences = statuses.map((_, at) => ({ name: `r-${at}`, pipelineTaskName: 'build' }));
    const graph = runGraph(
      spec,
      { childReferences, ...(isOver ? over : {}) },
      (name) => statuses[Number(name.slice(2))],
    );
    expect(graph.nodes[0]).toMatchObject({ name: 'build', state: shown });
    expect(graph.nodes[0]?.children.map(({ name }) => name)).toEqual(childReferences.map(({ name }) => name));
  });

  it('says why a task was skipped', () => {
    const reason = 'When Expressions evaluated to false';
    const { nodes } = runGraph(spec, { skippedTasks: [{ name: 'test', reason }] });
    expect(nodes[1]).toMatchObject({ name: 'test', state: 'skipped', skipped: reason });
  });

  it.each([
    { what: 'a circle', tasks: [task('a', 'b'), task('b', 'a')], nodes: ['a', 'b'] },
    { what: 'a parent that is not there', tasks: [task('a', 'gone')], nodes: ['a'] },
    { what: 'a name used twice', tasks: [task('a'), task('a')], nodes: ['a'] },
  ])('shows $what without edges, and says so', ({ tasks, nodes }) => {
    const graph = runGraph({ tasks });
    expect(graph.nodes.map(({ name }) => name)).toEqual(nodes);
    expect(graph.problem).toBeTruthy();
  });

  it('is made of 2,000 tasks in a row', () => {
    const tasks = Array.from({ length: 2000 }, (_, at) => task(`t${at}`, ...(at > 0 ? [`t${at - 1}`] : [])));
    expect(runGraph({ tasks: tasks.reverse() }).nodes.at(-1)?.name).toBe('t1999');
  });
});
