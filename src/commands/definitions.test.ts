import { describe, expect, it } from 'vitest';
import type { Pipeline } from '../api/pipeline/v1/pipeline.ts';
import type { Task } from '../api/pipeline/v1/task.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const build: Pipeline = {
  metadata: { name: 'build', namespace: 'ns', creationTimestamp: minutesAgo(300) },
  spec: {
    description: 'Builds it',
    params: [
      { name: 'url', type: 'string', description: 'where the source is kept' },
      { name: 'flags', type: 'array', default: ['-v', '-x'] },
    ],
    results: [{ name: 'digest', description: 'of the image', value: '$(tasks.build.results.digest)' }],
    workspaces: [{ name: 'source' }, { name: 'cache', description: 'between runs', optional: true }],
    tasks: [
      { name: 'fetch', taskRef: { name: 'git-clone' }, params: [{ name: 'url', value: '$(params.url)' }] },
      { name: 'build', taskSpec: { steps: [] }, runAfter: ['fetch', 'lint'], timeout: '90m' },
    ],
  },
};
const compile: Task = {
  metadata: { name: 'compile', namespace: 'ns', creationTimestamp: minutesAgo(60) },
  spec: {
    description: 'Compiles with a long story',
    steps: [{ name: 'prepare', image: 'i' }, { image: 'i' }],
    results: [{ name: 'size' }],
  },
};

function environment(): FakeEnvironment {
  const made = new FakeEnvironment();
  const { cluster } = made;
  cluster.put(pipelines, build);
  cluster.put(pipelines, {
    metadata: { name: 'never-run', namespace: 'ns', creationTimestamp: minutesAgo(1) },
    spec: {},
  });
  cluster.put(pipelines, {
    metadata: { name: 'build', namespace: 'another', creationTimestamp: minutesAgo(2) },
    spec: {},
  });
  cluster.put(tasks, compile);
  const of = (name: string, minutes: number) => ({
    labels: { 'tekton.dev/pipeline': name },
    creationTimestamp: minutesAgo(minutes),
  });
  cluster.put(
    pipelineRuns,
    pipelineRun('build-2', {
      metadata: of('build', 20),
      status: { startTime: minutesAgo(20), conditions: succeeded('Unknown', 'Running') },
    }),
  );
  cluster.put(
    pipelineRuns,
    pipelineRun('build-1', {
      metadata: of('build', 90),
      status: { startTime: minutesAgo(90), completionTime: minutesAgo(80), conditions: succeeded('True') },
    }),
  );
  cluster.put(
    taskRuns,
    taskRun('compile-1', {
      metadata: { labels: { 'tekton.dev/task': 'compile' } },
      spec: { taskRef: { name: 'compile' } },
      status: { startTime: minutesAgo(5), completionTime: minutesAgo(4), conditions: succeeded('False', 'Failed') },
    }),
  );
  return made;
}

describe('definitions', () => {
  it.each([
    ['pipeline-list', 'pipeline list'],
    ['pipeline-list-all-namespaces', 'p ls -A'],
    ['pipeline-list-none', 'pipelines list -n empty'],
    ['pipeline-list-name', 'p list -o name'],
    ['pipeline-describe', 'pipeline describe build'],
    ['task-list', 't list'],
    ['task-list-none', 'task list -n empty'],
    ['task-describe', 'task desc compile'],
  ])('%s', async (name, line) => {
    const made = environment();
    expect(await made.run(line)).toBe(0);
    await expect(made.out).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('says which one it did not find', async () => {
    const made = environment();
    expect(await made.run('p desc nope')).toBe(1);
    expect(made.err).toBe('Error: pipelines.tekton.dev "nope" not found\n');
  });
});
