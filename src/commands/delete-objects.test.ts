import { describe, expect, it } from 'vitest';
import { pipelineRuns, pipelines, stepActions, taskRuns, tasks } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { pipelineRun, taskRun } from './runs.fake.ts';

function environment(answers: string[] = []): FakeEnvironment {
  const made = new FakeEnvironment({ answers });
  const { cluster } = made;
  for (const name of ['build', 'deploy', 'idle']) {
    cluster.put(pipelines, { metadata: { name, namespace: 'ns' }, spec: {} });
    cluster.put(tasks, { metadata: { name, namespace: 'ns' }, spec: {} });
    cluster.put(stepActions, { metadata: { name, namespace: 'ns' }, spec: { image: 'i' } });
  }
  const labelled = (name: string, value: string) => ({ labels: { [name]: value } });
  for (const name of ['build', 'deploy']) {
    cluster.put(pipelineRuns, pipelineRun(`${name}-1`, { metadata: labelled('tekton.dev/pipeline', name) }));
    cluster.put(taskRuns, taskRun(`${name}-1`, { metadata: labelled('tekton.dev/task', name) }));
  }
  // A custom task's label may read the same.
  cluster.put(
    taskRuns,
    taskRun('foreign', {
      metadata: labelled('tekton.dev/task', 'build'),
      spec: { taskRef: { name: 'build', kind: 'Other' } },
    }),
  );
  return made;
}

describe('delete of definitions', () => {
  it.each<[string, string[], string]>([
    [
      'pipeline delete build',
      ['y'],
      'Are you sure you want to delete Pipeline(s) "build" (y/n): Pipelines deleted: "build"\n',
    ],
    ['p rm build deploy -f', [], 'Pipelines deleted: "build", "deploy"\n'],
    [
      'pipeline delete build deploy --prs',
      ['y'],
      'Are you sure you want to delete Pipeline(s) "build", "deploy" and related resources (y/n): PipelineRuns deleted: "build-1", "deploy-1"\nPipelines deleted: "build", "deploy"\n',
    ],
    [
      'pipeline delete --all',
      ['y'],
      'Are you sure you want to delete all Pipelines in namespace "ns" (y/n): All Pipelines deleted in namespace "ns"\n',
    ],
    ['task delete build --trs -f', [], 'TaskRuns deleted: "build-1"\nTasks deleted: "build"\n'],
    ['t delete --all -f', [], 'All Tasks deleted in namespace "ns"\n'],
    [
      'stepaction delete build',
      ['y'],
      'Are you sure you want to delete StepAction(s) "build" (y/n): StepActions deleted: "build"\n',
    ],
  ])('%s (%j)', async (line, answers, out) => {
    const made = environment(answers);
    expect(await made.run(line)).toBe(0);
    expect([made.out, made.err]).toEqual([out, '']);
  });

  it('keeps the runs that no flag names, and those of custom tasks', async () => {
    const made = environment();
    await made.run('pipeline delete build -f');
    await made.run('task delete build --trs -f');
    expect(made.cluster.has(pipelines, 'build')).toBe(false);
    expect(made.cluster.has(pipelineRuns, 'build-1')).toBe(true);
    expect(made.cluster.has(taskRuns, 'build-1')).toBe(false);
    expect(made.cluster.has(taskRuns, 'foreign')).toBe(true);
  });

  it.each<[string, string, string]>([
    ['pipeline delete', '', 'must provide Pipeline name(s) or use --all flag with delete'],
    ['pipeline delete build --all', '', '--all flag should not have any arguments or flags specified with it'],
    ['task delete --all --trs', '', '--all flag should not have any arguments or flags specified with it'],
    ['pipeline delete nope -f', '', 'pipelines.tekton.dev "nope" not found'],
    ['pipeline delete nope build -f', 'Pipelines deleted: "build"\n', 'pipelines.tekton.dev "nope" not found'],
    ['pipeline delete idle --prs -f', 'Pipelines deleted: "idle"\n', 'no PipelineRuns associated with Pipeline "idle"'],
  ])('%s fails', async (line, out, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect([made.out, made.err]).toEqual([out, `Error: ${message}\n`]);
  });

  it('deletes no run of a Pipeline that stayed, and says what went wrong', async () => {
    const made = environment();
    made.cluster.failures.set('delete pipelines/build', [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('pipeline delete build deploy --prs -f')).toBe(1);
    expect([made.out, made.err]).toEqual([
      'PipelineRuns deleted: "deploy-1"\nPipelines deleted: "deploy"\n',
      'Error: failed to delete Pipeline "build": forbidden\n',
    ]);
    expect(made.cluster.has(pipelineRuns, 'build-1')).toBe(true);
  });

  it('deletes nothing because nobody answered', async () => {
    const made = environment();
    expect(await made.run('task delete build')).toBe(1);
    expect(made.err).toBe('Error: canceled deleting Task(s) "build"\n');
    expect(made.cluster.has(tasks, 'build')).toBe(true);
  });
});

describe('stepaction', () => {
  it.each([
    ['stepaction-list', 'stepaction list'],
    ['stepaction-describe', 'stepactions desc clone'],
    ['stepaction-describe-bare', 'stepactions desc build'],
  ])('%s: %s', async (golden, line) => {
    const made = environment();
    made.cluster.put(stepActions, {
      metadata: { name: 'clone', namespace: 'ns', creationTimestamp: '2026-05-01T10:00:00Z' },
      spec: {
        description: 'Clones a repository of git',
        image: 'alpine/git',
        command: ['git', 'clone'],
        args: ['$(params.url)'],
        workingDir: '/src',
        params: [{ name: 'url', type: 'string', description: 'of the repository' }],
        results: [{ name: 'commit', description: 'that was checked out' }],
        script: '#!/bin/sh\necho \u001b[2J\n',
      },
    });
    expect(await made.run(line)).toBe(0);
    await expect(made.out).toMatchFileSnapshot(`golden/${golden}.txt`);
  });
});
