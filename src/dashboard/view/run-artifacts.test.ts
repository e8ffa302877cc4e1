import { describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { artifactsOfTasks, podsOfTasks } from './run-artifacts.ts';
import { runGraph } from './run-graph.ts';

const run = (status: TaskRunStatus): TaskRun => ({ metadata: {}, spec: {}, status });

function graphOf(children: Record<string, string[]>) {
  const tasks = Object.keys(children).map((name) => ({ name }));
  const childReferences = Object.entries(children).flatMap(([pipelineTaskName, names]) =>
    names.map((name) => ({ name, pipelineTaskName })),
  );
  return runGraph({ tasks }, { childReferences });
}

describe('what the tasks of a run leave', () => {
  it('are pods of each attempt, and of each run of a matrix', () => {
    const taskRuns = new Map([
      ['r-build', run({ podName: 'second', retriesStatus: [{ podName: 'first' }] })],
      ['r-test-0', run({ podName: 'zero' })],
      ['r-test-1', run({})],
    ]);
    expect(podsOfTasks(graphOf({ build: ['r-build'], test: ['r-test-0', 'r-test-1'] }), taskRuns)).toEqual([
      { task: 'build', value: 'first' },
      { task: 'build', value: 'second' },
      { task: 'test, r-test-0', value: 'zero' },
    ]);
  });

  it('are artifacts that they read and wrote, whatever of them is missing', () => {
    const artifacts = {
      inputs: [{ name: 'source', values: [{ uri: 'git:x', digest: { sha1: 'ab' } }] }],
      outputs: [{ name: 'image', values: [{ digest: { sha256: 'cd', sha512: 'ef' } }, { uri: 'oci://y' }] }, {}],
    };
    const taskRuns = new Map([['r-build', run({ artifacts })]]);
    expect(artifactsOfTasks(graphOf({ build: ['r-build'], gone: ['r-gone'] }), taskRuns)).toEqual([
      { task: 'build', value: { direction: 'in', name: 'source', values: ['git:x sha1:ab'] } },
      { task: 'build', value: { direction: 'out', name: 'image', values: ['sha256:cd sha512:ef', 'oci://y'] } },
      { task: 'build', value: { direction: 'out', name: '', values: [] } },
    ]);
  });
});
