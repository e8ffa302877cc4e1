import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const done = (started: number) => ({
  startTime: minutesAgo(started),
  completionTime: minutesAgo(started - 1),
  conditions: succeeded('True'),
});
const labelled = (label: string, value: string) => ({ labels: { [label]: value } });

function environment(answers: string[] = []): FakeEnvironment {
  const made = new FakeEnvironment({ answers });
  const { cluster } = made;
  cluster.put(pipelineRuns, pipelineRun('old', { metadata: labelled('tekton.dev/pipeline', 'p'), status: done(50) }));
  cluster.put(pipelineRuns, pipelineRun('young', { metadata: labelled('tekton.dev/pipeline', 'p'), status: done(5) }));
  cluster.put(pipelineRuns, pipelineRun('other', { metadata: labelled('tekton.dev/pipeline', 'q'), status: done(20) }));
  cluster.put(
    pipelineRuns,
    pipelineRun('running', {
      metadata: labelled('tekton.dev/pipeline', 'p'),
      status: { startTime: minutesAgo(1), conditions: succeeded('Unknown', 'Running') },
    }),
  );
  cluster.put(
    taskRuns,
    taskRun('alone', { metadata: labelled('tekton.dev/task', 't'), spec: { taskRef: { name: 't' } }, status: done(9) }),
  );
  cluster.put(taskRuns, taskRun('of-running', { of: 'running', status: done(8) }));
  cluster.put(taskRuns, taskRun('of-done', { of: 'old', status: done(7) }));
  return made;
}
const left = (made: FakeEnvironment, resource: typeof pipelineRuns | typeof taskRuns, names: string[]): string[] =>
  names.filter((name) => made.cluster.has(resource, name));
const allPipelineRuns = ['old', 'young', 'other', 'running'];
const allTaskRuns = ['alone', 'of-running', 'of-done'];

describe('pipelinerun delete', () => {
  it.each<[string, string[], string[], string]>([
    [
      'pr delete old young',
      ['y'],
      ['other', 'running'],
      'Are you sure you want to delete PipelineRun(s) "old", "young" (y/n): PipelineRuns deleted: "old", "young"\n',
    ],
    ['pr rm running -f', [], ['old', 'young', 'other'], 'PipelineRuns deleted: "running"\n'],
    [
      'pr delete old',
      ['what', 'y'],
      ['young', 'other', 'running'],
      'Are you sure you want to delete PipelineRun(s) "old" (y/n): Please enter (y/n): PipelineRuns deleted: "old"\n',
    ],
    [
      'pr delete --all',
      ['y'],
      ['running'],
      'Are you sure you want to delete all PipelineRuns in namespace "ns" (y/n): All PipelineRuns(Completed) deleted in namespace "ns"\n',
    ],
    ['pr delete --all -f --ignore-running=false', [], [], 'All PipelineRuns deleted in namespace "ns"\n'],
    [
      'pr delete --all -f --label tekton.dev/pipeline=q',
      [],
      ['old', 'young', 'running'],
      'All PipelineRuns(Completed) deleted in namespace "ns"\n',
    ],
    [
      'pr delete --keep 1 -f',
      [],
      ['young', 'running'],
      'All but 1 PipelineRuns(Completed) deleted in namespace "ns"\n',
    ],
    [
      'pr delete --keep-since 30 -f',
      [],
      ['young', 'other', 'running'],
      '1 expired PipelineRuns(Completed) has been deleted in namespace "ns", kept 2\n',
    ],
    [
      'pr delete -p p -f',
      [],
      ['other', 'running'],
      'All PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"\n',
    ],
    [
      'pr delete -p p --keep 1 -f',
      [],
      ['young', 'other', 'running'],
      'All but 1 PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"\n',
    ],
    [
      'pr delete -p p --keep 5 -f',
      [],
      allPipelineRuns,
      'There is/are only 2 PipelineRun(s) associated for Pipeline: p \n',
    ],
    [
      'pr delete -p p --keep 2 -f',
      [],
      allPipelineRuns,
      'Associated PipelineRun (2) for Pipeline:p is/are equal to keep (2) \n',
    ],
    [
      'pr delete -p p --keep 2 --keep-since 99 -f',
      [],
      allPipelineRuns,
      'Associated PipelineRun (2) for Pipeline:p is/are equal to keep (2) \n',
    ],
    [
      'pr delete -p nope --keep 1 -f',
      [],
      allPipelineRuns,
      'There is/are only 0 PipelineRun(s) associated for Pipeline: nope \n',
    ],
  ])('%s (%j)', async (line, answers, remaining, out) => {
    const made = environment(answers);
    expect(await made.run(line)).toBe(0);
    expect(made.out).toBe(out);
    expect(left(made, pipelineRuns, allPipelineRuns)).toEqual(remaining);
  });

  it.each<[string, string[], string]>([
    ['a no', ['n'], 'Are you sure you want to delete PipelineRun(s) "old" (y/n): '],
    ['the end of the input', [], 'Are you sure you want to delete PipelineRun(s) "old" (y/n): \n'],
  ])('%s deletes nothing', async (_name, answers, out) => {
    const made = environment(answers);
    expect(await made.run('pr delete old')).toBe(1);
    expect(made.out).toBe(out);
    expect(made.err).toBe('Error: canceled deleting PipelineRun(s) "old"\n');
    expect(left(made, pipelineRuns, allPipelineRuns)).toEqual(allPipelineRuns);
  });

  it('deletes those that exist and fails for those that do not', async () => {
    const made = environment();
    expect(await made.run('pr delete old nope -f')).toBe(1);
    expect(made.out).toBe('PipelineRuns deleted: "old"\n');
    expect(made.err).toBe('Error: pipelineruns.tekton.dev "nope" not found\n');
  });

  it('asks nothing when none exists', async () => {
    const made = environment(['y']);
    expect(await made.run('pr delete nope neither')).toBe(1);
    expect(made.out).toBe('');
    expect(made.err).toBe(
      'Error: pipelineruns.tekton.dev "nope" not found; pipelineruns.tekton.dev "neither" not found\n',
    );
  });

  it('names each run it could not delete, and deletes the others', async () => {
    const made = environment();
    made.cluster.failures.set('delete pipelineruns/young', [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('pr delete --all -f')).toBe(1);
    expect(made.err).toBe('Error: failed to delete PipelineRun "young": forbidden\n');
    expect(left(made, pipelineRuns, allPipelineRuns)).toEqual(['young', 'running']);
  });

  it.each([
    [
      'is no failure for who did not name it',
      'pr delete -p p -f',
      0,
      'All PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"\n',
      '',
    ],
    ['is one for who did', 'pr delete old young -f', 1, '', 'Error: failed to delete PipelineRun "young": gone\n'],
  ])('that a run went meanwhile %s', async (_name, line, status, out, err) => {
    const made = environment();
    made.cluster.failures.set('delete pipelineruns/young', [
      new ApiError(404, { reason: 'NotFound', message: 'gone' }),
    ]);
    expect(await made.run(line)).toBe(status);
    expect([made.out, made.err]).toEqual([out, err]);
  });

  it('deletes no run twice', async () => {
    const made = environment();
    expect(await made.run('pr delete old old -f')).toBe(1);
    expect([made.out, made.err]).toEqual([
      '',
      'Error: failed to delete PipelineRun "old": pipelineruns.tekton.dev "old" not found\n',
    ]);
    expect(made.cluster.has(pipelineRuns, 'old')).toBe(false);
  });

  it.each([
    ['none of the Pipeline', 'pr delete -p nope -f', 'no PipelineRuns associated with Pipeline "nope"'],
    ['none expired', 'pr delete -p p --keep-since 99 -f', 'no PipelineRuns associated with Pipeline "p"'],
    ['all running', 'tr delete -t busy -f', 'no TaskRuns associated with Task "busy"'],
  ])('fails with nothing to delete: %s', async (_name, line, message) => {
    const made = environment();
    made.cluster.put(
      taskRuns,
      taskRun('busy', {
        metadata: labelled('tekton.dev/task', 'busy'),
        spec: { taskRef: { name: 'busy' } },
        status: { conditions: succeeded('Unknown') },
      }),
    );
    expect(await made.run(line)).toBe(1);
    expect([made.out, made.err]).toEqual(['', `Error: ${message}\n`]);
  });

  it('refuses before it asks the cluster for anything', async () => {
    const made = environment();
    expect(await made.run('pr delete')).toBe(1);
    expect(made.err).toBe(
      'Error: must provide PipelineRun name(s) or use --pipeline flag or --all flag to use delete\n',
    );
    expect(made.cluster.requests).toEqual([]);
  });
});

describe('taskrun delete', () => {
  const restart =
    'TaskRun(s): of-running attached to PipelineRun is still running deleting will restart the completed taskrun. Proceed (y/n): ';
  it.each<[string, string[], string[], string]>([
    ['tr delete --all -f', [], ['of-running'], 'All 2 TaskRuns(Completed) deleted in namespace "ns"\n'],
    [
      'tr delete --all -f --ignore-running-pipelinerun=false',
      [],
      [],
      'All 3 TaskRuns(Completed) deleted in namespace "ns"\n',
    ],
    [
      'tr delete -t t -f',
      [],
      ['of-running', 'of-done'],
      'All 1 TaskRuns(Completed) associated with Task "t" deleted in namespace "ns"\n',
    ],
    ['tr delete -t t --keep 1 -f', [], allTaskRuns, 'Associated TaskRun (1) for Task:t is/are equal to keep (1) \n'],
    ['tr delete of-done -f', [], ['alone', 'of-running'], 'TaskRuns deleted: "of-done"\n'],
    [
      'tr delete of-running -f',
      [],
      ['alone', 'of-done'],
      'warning: Taskrun of-running related pipelinerun still running.\nTaskRuns deleted: "of-running"\n',
    ],
    [
      'tr delete alone of-running',
      ['y', 'n'],
      ['of-running', 'of-done'],
      `Are you sure you want to delete TaskRun(s) "alone", "of-running" (y/n): ${restart}TaskRuns deleted: "alone"\n`,
    ],
    [
      'tr delete of-running',
      ['y', 'y'],
      ['alone', 'of-done'],
      `Are you sure you want to delete TaskRun(s) "of-running" (y/n): ${restart}TaskRuns deleted: "of-running"\n`,
    ],
  ])('%s (%j)', async (line, answers, remaining, out) => {
    const made = environment(answers);
    expect(await made.run(line)).toBe(0);
    expect(made.out).toBe(out);
    expect(left(made, taskRuns, allTaskRuns)).toEqual(remaining);
  });
});
