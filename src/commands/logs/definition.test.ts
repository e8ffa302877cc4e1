import { describe, expect, it } from 'vitest';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../api/resources.ts';
import { pods } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { exited, minutesAgo, pipelineRun, pod, succeeded, taskRun } from '../runs.fake.ts';
import { child, done, doneTask, finished, task } from './logs.fake.ts';

const labelled = (kind: 'pipeline' | 'task', name: string, minutes: number) => ({
  labels: { [`tekton.dev/${kind}`]: name },
  creationTimestamp: minutesAgo(minutes),
});

/** A Pipeline `build` with two runs, a Task `compile` with two, and a Pipeline and a Task without. */
function environment(options: { answers?: string[] } = {}): FakeEnvironment {
  const made = new FakeEnvironment({ interactive: options.answers !== undefined, answers: options.answers ?? [] });
  const { cluster } = made;
  for (const name of ['build', 'idle']) cluster.put(pipelines, { metadata: { name, namespace: 'ns' }, spec: {} });
  for (const name of ['compile', 'idle']) cluster.put(tasks, { metadata: { name, namespace: 'ns' }, spec: {} });
  for (const [number, minutes] of [
    [1, 20],
    [2, 5],
  ] as const) {
    const status = { startTime: minutesAgo(minutes), conditions: done };
    cluster.put(
      pipelineRuns,
      pipelineRun(`build-${number}`, {
        metadata: labelled('pipeline', 'build', minutes),
        status: { ...status, childReferences: [{ ...child('a'), name: `build-${number}-a` }] },
      }),
    );
    cluster.put(
      taskRuns,
      taskRun(`build-${number}-a`, { of: `build-${number}`, status: { ...status, podName: `p${number}` } }),
    );
    cluster.put(
      taskRuns,
      taskRun(`compile-${number}`, {
        metadata: labelled('task', 'compile', minutes),
        spec: { taskRef: { name: 'compile', kind: 'Task' } },
        status: { ...status, podName: `p${number}` },
      }),
    );
    cluster.put(pods, pod(`p${number}`, 'Succeeded', { 'step-s': exited() }, { prepare: exited() }));
    cluster.log(`p${number}`, 'step-s').write(`run ${number}\n`).end();
    cluster.log(`p${number}`, 'prepare').write(`prepare ${number}\n`).end();
  }
  return made;
}

describe('logs of a definition', () => {
  it.each([
    ['the run that is named', 'pipeline logs build build-1', '[a : s] run 1\n\n'],
    ['a run of any Pipeline, as tkn', 'pipeline logs idle build-1', '[a : s] run 1\n\n'],
    ['the last run', 'p logs build --last', '[a : s] run 2\n\n'],
    ['the newest, when the limit leaves one', 'pipeline logs build --limit 1', '[a : s] run 2\n\n'],
    ['without prefix', 'pipeline logs build -L --prefix=false', 'run 2\n\n'],
    ['with init containers', 'pipeline logs build -L -a', '[a : prepare] prepare 2\n\n[a : s] run 2\n\n'],
    ['following what is over', 'pipeline logs build -L -f', '[a : s] run 2\n\n'],
    ['of a Task, without prefix as tkn', 'task logs compile compile-1', 'run 1\n\n'],
    ['of the last run of a Task', 't logs compile --last --prefix', '[s] run 2\n\n'],
    ['of no run of a Pipeline', 'pipeline logs idle', 'No PipelineRuns found for Pipeline idle\n'],
    ['of no Pipeline', 'pipeline logs -n empty', 'No Pipelines found in namespace empty\n'],
  ])('%s: %s', async (_name, line, out) => {
    const made = environment();
    expect(await made.run(line), made.err).toBe(0);
    expect(made.out).toBe(out);
  });

  it.each([
    ['pipeline logs nope', 'pipelines.tekton.dev "nope" not found'],
    ['task logs nope', 'tasks.tekton.dev "nope" not found'],
    ['pipeline logs nope --last', 'pipelines.tekton.dev "nope" not found'],
    ['pipeline logs idle --last', 'no pipelineruns related to pipeline idle found in namespace ns'],
    ['pipeline logs build nope', 'pipelineruns.tekton.dev "nope" not found'],
    ['task logs idle', 'no TaskRuns found for Task idle'],
    ['task logs -n empty', 'no Tasks found in namespace empty'],
    ['pipeline logs build --limit 0', 'limit was 0 but must be a positive number'],
    [
      'pipeline logs build',
      'there are 2 PipelineRuns in namespace ns: give the name of one (build-2, build-1) or use --last',
    ],
    ['pipeline logs', 'there are 2 Pipelines in namespace ns: give the name of one (build, idle)'],
    [
      'pipeline logs build -f --log-failed',
      'option --follow and option --log-failed are not compatible: what fails is known at the end',
    ],
  ])('%s: refuses', async (line, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toBe(`Error: ${message}\n`);
  });

  it('asks for the Pipeline, then for its run', async () => {
    const made = environment({ answers: ['1'] });
    expect(await made.run('pipeline logs build'), made.err).toBe(0);
    expect(made.out).toBe(
      '  1  build-2 started 5 minutes ago\n  2  build-1 started 20 minutes ago\nSelect PipelineRun (1-2): [a : s] run 2\n\n',
    );
    const fromNone = environment({ answers: ['idle'] });
    expect(await fromNone.run('pipeline logs')).toBe(0);
    expect(fromNone.out).toBe(
      '  1  build\n  2  idle\nSelect Pipeline (1-2): No PipelineRuns found for Pipeline idle\n',
    );
  });
});

describe('--log-failed', () => {
  /** Of the run of logs.fake.ts: `test` failed in its second step, at its second attempt too. */
  function failed(): FakeEnvironment {
    const made = finished();
    const { cluster } = made;
    cluster.put(
      taskRuns,
      doneTask('test', {
        conditions: succeeded('False', 'Failed', '"step-two" exited with code 3'),
        retriesStatus: [{ podName: 'first-try' }],
      }),
    );
    for (const name of ['first-try', 'run-test-pod'])
      cluster.put(pods, pod(name, 'Failed', { 'step-one': exited(), 'step-two': exited(3), 'sidecar-db': exited() }));
    cluster.log('first-try', 'step-two').write('first try\n').end();
    return made;
  }
  const said = [
    'task test has failed: "step-two" exited with code 3',
    'failed to get logs for task test : container step-two has failed ',
    'failed to get logs for task test : container step-two has failed ',
    '',
  ].join('\n');

  it('shows the steps that failed, of each attempt, and nothing of what went well', async () => {
    const made = failed();
    expect(await made.run('pr logs run --log-failed')).toBe(0);
    expect(made.out).toBe('[test : two] first try\n\n[test : two] step-two of test\n\n');
    expect(made.err).toBe(said);
  });

  it('shows those of one TaskRun', async () => {
    const made = failed();
    expect(await made.run('tr logs run-test --log-failed')).toBe(0);
    expect(made.out).toBe('[two] first try\n\n[two] step-two of test\n\n');
  });

  it.each([
    ['pr logs run --log-failed', 'PipelineRun run has no failed tasks\n'],
    ['tr logs run-build --log-failed', 'TaskRun run-build has not failed\n'],
  ])('%s: says that nothing failed', async (line, out) => {
    const made = finished();
    expect(await made.run(line)).toBe(0);
    expect([made.out, made.err]).toEqual([out, '']);
  });

  it('does not hide the failed steps of tasks that cannot be read', async () => {
    const made = failed();
    made.cluster.remove(pods, 'run-test-pod');
    expect(await made.run('pr logs run --log-failed')).toBe(0);
    expect(made.out).toBe('[test : two] first try\n\n');
    expect(made.err).toContain('task test failed: pods "run-test-pod" not found');
  });

  it('finds them in a pipeline within the pipeline', async () => {
    const made = failed();
    made.cluster.put(
      pipelineRuns,
      pipelineRun('outer', {
        status: {
          conditions: succeeded('False', 'Failed', 'Tasks Completed: 1'),
          childReferences: [{ ...child('x'), kind: 'PipelineRun', name: 'run', pipelineTaskName: 'call' }],
        },
      }),
    );
    expect(await made.run('pr logs outer --log-failed')).toBe(0);
    expect(made.out).toBe('[call > test : two] first try\n\n[call > test : two] step-two of test\n\n');
    expect(task('build')).not.toContain('first try');
  });
});
