import { describe, expect, it } from 'vitest';
import type { StepState, TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { runGraph } from './run-graph.ts';
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

function timeline(tasks: { name: string; runAfter?: string[] }[], runs: Record<string, TaskRun>, last: string[] = []) {
  const names = [...tasks.map(({ name }) => name), ...last];
  const childReferences = names.filter((name) => name in runs).map((name) => ({ name, pipelineTaskName: name }));
  const graph = runGraph({ tasks, finally: last.map((name) => ({ name })) }, { childReferences });
  return timelineOf(graph, new Map(Object.entries(runs)), zero + 100_000);
}

const seconds = (time: number) => (time - zero) / 1000;

describe('the timeline of a run', () => {
  it('is not there before anything has begun', () => {
    expect(timeline([{ name: 'a' }], {})).toBeUndefined();
  });

  it('has what came before the first step, and each step', () => {
    const found = timeline([{ name: 'a' }], { a: run(0, 20, [step('x', 5, 8), step('y', 8, 20)]) });
    const bars = found?.rows[0]?.bars.map(({ kind, name, from, to }) => [kind, name, seconds(from), seconds(to)]);
    expect(bars).toEqual([
      ['before', '', 0, 5],
      ['step', 'x', 5, 8],
      ['step', 'y', 8, 20],
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
      ['tell'],
    );
    const critical = found?.rows.filter(({ isCritical }) => isCritical).map(({ task }) => task);
    expect(critical).toEqual(['clone', 'test', 'ship', 'tell']);
  });

  it('holds what clocks that differ say within its bounds', () => {
    const found = timeline([{ name: 'a' }], { a: run(10, 20, [step('x', 3, 25)]) });
    expect(found?.rows[0]?.bars.map(({ from, to }) => [seconds(from), seconds(to)])).toEqual([[10, 20]]);
  });
});
