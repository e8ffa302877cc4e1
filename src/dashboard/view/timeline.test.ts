import { describe, expect, it } from 'vitest';
import type { StepState, TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { runGraph } from './run-graph.ts';
import { podTimesOf } from './pod-times.ts';
import { timelineOf } from './timeline.ts';

const zero = Date.UTC(2026, 0, 1);
const at = (second: number) => new Date(zero + second * 1000).toISOString();
const step = (name: string, from: number, to: number): StepState => ({
  name,
  terminated: { exitCode: 0, startedAt: at(from), finishedAt: at(to) },
});
const run = (from: number, to: number | undefined, steps: StepState[], more: Partial<TaskRunStatus> = {}): TaskRun => ({
  metadata: {},
  spec: {},
  status: { startTime: at(from), ...(to === undefined ? {} : { completionTime: at(to) }), steps, ...more },
});

interface Beside {
  last?: string[];
  /** Second in which the run was made. */
  created?: number;
  /** By name: seconds in which it was made and got a node. */
  pods?: Record<string, [created: number, scheduled?: number]>;
}

function timeline(
  tasks: { name: string; runAfter?: string[] }[],
  runs: Record<string, TaskRun>,
  { last = [], created, pods = {} }: Beside = {},
) {
  const names = [...tasks.map(({ name }) => name), ...last];
  const childReferences = names.filter((name) => name in runs).map((name) => ({ name, pipelineTaskName: name }));
  const graph = runGraph({ tasks, finally: last.map((name) => ({ name })) }, { childReferences });
  const known = Object.entries(pods).map(([name, [made, scheduled]]) => ({
    metadata: { name, creationTimestamp: at(made) },
    status: {
      conditions:
        scheduled === undefined
          ? [{ type: 'PodScheduled', status: 'False', lastTransitionTime: at(made) }]
          : [{ type: 'PodScheduled', status: 'True', lastTransitionTime: at(scheduled) }],
    },
  }));
  return timelineOf(graph, {
    taskRuns: new Map(Object.entries(runs)),
    pods: podTimesOf(known),
    created: created === undefined ? undefined : at(created),
    now: zero + 100_000,
  });
}

const barsOf = (found: ReturnType<typeof timeline>, task: string) =>
  found?.rows
    .find((row) => row.task === task)
    ?.bars.map(({ kind, name, from, to }) => [name || kind, seconds(from), seconds(to)]);

const seconds = (time: number) => (time - zero) / 1000;

describe('the timeline of a run', () => {
  it('is not there before anything has begun', () => {
    expect(timeline([{ name: 'a' }], {})).toBeUndefined();
  });

  it('has what came before the first step, and each step', () => {
    const found = timeline([{ name: 'a' }], {
      a: run(0, 20, [step('x', 5, 8), step('y', 8, 20)], { podName: 'gone' }),
    });
    expect(barsOf(found, 'a')).toEqual([
      ['before', 0, 5],
      ['x', 5, 8],
      ['y', 8, 20],
    ]);
  });

  it.each<{ what: string; pod: [number, number?]; bars: [string, number, number][] }>([
    {
      what: 'a quota, a node, images',
      pod: [2, 5],
      bars: [
        ['queue', 0, 2],
        ['node', 2, 5],
        ['pulling', 5, 9],
      ],
    },
    { what: 'images alone', pod: [0, 0], bars: [['pulling', 0, 9]] },
    {
      what: 'a node that is not there yet',
      pod: [1],
      bars: [
        ['queue', 0, 1],
        ['node', 1, 9],
      ],
    },
    { what: 'clocks that differ', pod: [-4, 30], bars: [['node', 0, 9]] },
  ])('tells by the pod what was waited for: $what', ({ pod, bars }) => {
    const found = timeline(
      [{ name: 'a' }],
      { a: run(0, 20, [step('x', 9, 20)], { podName: 'p' }) },
      { pods: { p: pod } },
    );
    expect(barsOf(found, 'a')).toEqual([...bars, ['x', 9, 20]]);
  });

  it('has what each task waited for: a queue, other tasks, those before one that was skipped', () => {
    const found = timeline(
      [
        { name: 'a' },
        { name: 'b', runAfter: ['a'] },
        { name: 'skipped', runAfter: ['a'] },
        { name: 'c', runAfter: ['skipped'] },
      ],
      { a: run(3, 10, []), b: run(12, 20, []), c: run(10, 30, []), tell: run(31, 33, []) },
      { created: 0, last: ['tell'] },
    );
    expect(seconds(found?.from ?? 0)).toBe(0);
    expect(barsOf(found, 'a')?.[0]).toEqual(['queue', 0, 3]);
    expect(barsOf(found, 'b')?.slice(0, 2)).toEqual([
      ['predecessor', 0, 10],
      ['queue', 10, 12],
    ]);
    expect(barsOf(found, 'c')?.[0]).toEqual(['predecessor', 0, 10]);
    expect(barsOf(found, 'tell')?.slice(0, 2)).toEqual([
      ['predecessor', 0, 30],
      ['queue', 30, 31],
    ]);
  });

  it('goes on to now while something runs', () => {
    const found = timeline([{ name: 'a' }], { a: run(0, undefined, [{ name: 'x', running: { startedAt: at(9) } }]) });
    expect([seconds(found?.from ?? 0), seconds(found?.to ?? 0)]).toEqual([0, 100]);
    expect(found?.rows[0]?.bars.at(-1)).toMatchObject({ name: 'x', status: 'running', to: zero + 100_000 });
  });

  it('has all attempts in one row', () => {
    const { status } = run(0, 10, [step('x', 2, 10)]);
    const found = timeline([{ name: 'a' }], { a: run(12, 20, [step('x', 13, 20)], { retriesStatus: [status ?? {}] }) });
    expect(found?.rows.map(({ from, to, bars }) => [seconds(from), seconds(to), bars.length])).toEqual([[0, 20, 4]]);
  });

  it('marks what the end had to wait for', () => {
    const found = timeline(
      [
        { name: 'clone' },
        { name: 'lint', runAfter: ['clone'] },
        { name: 'test', runAfter: ['clone'] },
        { name: 'ship', runAfter: ['lint', 'test'] },
      ],
      { clone: run(0, 4, []), lint: run(4, 9, []), test: run(4, 30, []), ship: run(30, 40, []), tell: run(40, 41, []) },
      { last: ['tell'] },
    );
    const critical = found?.rows.filter(({ isCritical }) => isCritical).map(({ task }) => task);
    expect(critical).toEqual(['clone', 'test', 'ship', 'tell']);
  });

  it('holds what clocks that differ say within its bounds', () => {
    const found = timeline([{ name: 'a' }], { a: run(10, 20, [step('x', 3, 25)]) });
    expect(found?.rows[0]?.bars.map(({ from, to }) => [seconds(from), seconds(to)])).toEqual([[10, 20]]);
  });
});
