import { describe, expect, it } from 'vitest';
import type { TaskRunSpec, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { taskRunOf } from '../pod/pod.fake.ts';
import { findTask } from './definition.ts';
import { spec } from './given.fake.ts';

/** What is asked for, or what is known without asking. */
function first(runSpec: TaskRunSpec, status?: TaskRunStatus): unknown {
  const { value, done } = findTask(taskRunOf(runSpec, status)).next();
  return done ? value : (value as unknown[])[0];
}

const stored = { ...spec, description: 'as it began' };

describe('the Task of a run that is at hand', () => {
  it.each<[what: string, runSpec: TaskRunSpec, status: TaskRunStatus | undefined, name: string, found: object]>([
    ['embedded', { taskSpec: spec }, undefined, 'run', spec],
    ['embedded, whatever is stored', { taskSpec: spec }, { taskSpec: stored }, 'run', spec],
    ['stored when it began', { taskRef: { name: 't' } }, { taskSpec: stored }, 't', stored],
    ['stored, of a resolver', { taskRef: { resolver: 'git' } }, { taskSpec: stored }, 'run', stored],
  ])('is %s', (_what, runSpec, status, name, found) => {
    expect(first(runSpec, status)).toEqual({ kind: 'found', definition: { name, metadata: {}, spec: found } });
  });
});

describe('a Task that has to be looked up', () => {
  const need = { type: 'definition', namespace: 'ns', requestName: 'run', fresh: true };
  const words = [{ name: 'word', value: 'hi' }];
  const git = { resolver: 'git', params: [{ name: 'path', value: '$(params.word)/$(params.none)' }] };

  it.each<[what: string, runSpec: TaskRunSpec, reference: object]>([
    ['by name', { taskRef: { name: 't' } }, { kind: 'inCluster', ofKind: 'Task', name: 't' }],
    [
      'of any spelling of its kind',
      { taskRef: { name: 't', kind: 'task' } },
      { kind: 'inCluster', ofKind: 'Task', name: 't' },
    ],
    [
      'whose name is no place for params of the run',
      { taskRef: { name: '$(params.word)' }, params: words },
      { kind: 'inCluster', ofKind: 'Task', name: '$(params.word)' },
    ],
    [
      'of a resolver, whose params may hold those of the run',
      { taskRef: git, params: words },
      { kind: 'remote', ofKind: 'Task', resolver: 'git', params: [{ name: 'path', value: 'hi/$(params.none)' }] },
    ],
    [
      'of a resolver, whatever kind it says',
      { taskRef: { ...git, params: [], kind: 'Other' } },
      { kind: 'remote', ofKind: 'Task', resolver: 'git', params: [] },
    ],
  ])('%s', (_what, runSpec, reference) => {
    expect(first(runSpec)).toEqual({ ...need, reference });
  });

  it('is asked for anew only until the run has begun', () => {
    expect(first({ taskRef: { name: 't' } }, { startTime: '2026-01-01T00:00:00Z' })).toMatchObject({ fresh: false });
  });

  const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)]);
  const long = 'x'.repeat(1_000_000);
  it.each<[what: string, runSpec: TaskRunSpec, message: string]>([
    [
      'a kind that there is not',
      { taskRef: { name: 't', kind: 'Pipeline' } },
      'spec.taskRef.kind: "Pipeline" is not supported; use "Task"',
    ],
    ['no reference', {}, 'taskRun run not providing TaskRef or TaskSpec; set spec.taskRef.name or spec.taskSpec'],
    [
      'a resolver whose params are nested beyond all bounds',
      { taskRef: { resolver: 'git', params: [{ name: 'a', value: deep(2_000) as string }] } },
      'spec.taskRef is nested more than',
    ],
    [
      'a resolver whose params become too large',
      {
        taskRef: { resolver: 'git', params: [{ name: 'a', value: '$(params.long)'.repeat(100) }] },
        params: [{ name: 'long', value: long }],
      },
      '[User error]',
    ],
  ])('is told of: %s', (_what, runSpec, message) => {
    expect(first(runSpec)).toMatchObject({
      kind: 'failed',
      reason: 'Invalid',
      message: expect.stringContaining(message) as string,
    });
  });
});
