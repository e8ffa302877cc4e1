import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns, pipelines, taskRuns } from '../../api/resources.ts';
import { pods } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { exited, pipelineRun, pod, running, succeeded, taskRun, waiting } from '../runs.fake.ts';
import { child, done, doneTask, finished, going, start, task } from './logs.fake.ts';

describe('pipelinerun logs of a finished run', () => {
  it.each([
    ['in the order of the pipeline', 'pr logs run', task('build') + task('test') + task('clean')],
    ['also when told to follow', 'pr logs -f run', task('build') + task('test') + task('clean')],
    ['of the last run', 'pr logs --last', task('build') + task('test') + task('clean')],
    ['of some tasks', 'pr logs run -t clean,test', task('test') + task('clean')],
    ['of some steps', 'pr logs run -t test -s two', '[test : two] step-two of test\n\n'],
    ['without prefix', 'pr logs run -t test -s two --prefix=false', 'step-two of test\n\n'],
    ['of any of the tasks that there are', 'pr logs run -t nope,test', task('test')],
    [
      'with display names where there are any',
      'pr logs run -s one --long',
      '[Build it : one] step-one of build\n\n[Test 7 : one] step-one of test\n\n[clean : one] step-one of clean\n\n',
    ],
    ['whatever follows the name', 'pr logs run --limit 0 -t test other', task('test')],
    ['with init containers', 'pr logs run -a -t build', `[build : prepare] prepare of build\n\n${task('build')}`],
  ])('%s', async (_name, line, out) => {
    const environment = finished();
    expect(await environment.run(line)).toBe(0);
    expect(environment.out).toBe(out);
    expect(environment.err).toBe('');
  });

  it('asks the API server for times', async () => {
    const environment = finished();
    await environment.run('pr logs run -t build -s one --timestamps');
    expect(environment.cluster.requests).toContain('log run-build-pod/step-one timestamps');
  });

  it('takes the order from the Pipeline when the run has no record of it, and does without when there is none', async () => {
    const environment = finished();
    environment.cluster.change<PipelineRun>(pipelineRuns, 'run', (run) => {
      run.spec = { pipelineRef: { name: 'p' } };
      delete run.status?.pipelineSpec;
    });
    await environment.run('pr logs run');
    expect(environment.out).toBe(task('clean') + task('test') + task('build'));
    environment.out = '';
    environment.cluster.put(pipelines, {
      metadata: { name: 'p' },
      spec: { tasks: [{ name: 'test' }], finally: [{ name: 'clean' }] },
    });
    await environment.run('pr logs run');
    // The Pipeline has no task `build` any more: it comes last.
    expect(environment.out).toBe(task('test') + task('clean') + task('build'));
  });

  it('goes into pipelines within the pipeline', async () => {
    const outer = () => {
      const environment = finished();
      const { cluster } = environment;
      cluster.put(
        pipelineRuns,
        pipelineRun('outer', {
          status: {
            conditions: done,
            childReferences: [{ ...child('x'), kind: 'PipelineRun', name: 'run', pipelineTaskName: 'call' }],
          },
        }),
      );
      return environment;
    };
    const all = outer();
    expect(await all.run('pr logs outer -s one')).toBe(0);
    expect(all.out).toBe(
      '[call > build : one] step-one of build\n\n[call > test : one] step-one of test\n\n[call > clean : one] step-one of clean\n\n',
    );
    const some = outer();
    await some.run('pr logs outer -s one -t test');
    expect(some.out).toBe('[call > test : one] step-one of test\n\n');
    const byTask = outer();
    await byTask.run('pr logs outer -s one -t call');
    expect(byTask.out).toBe(all.out);
  });

  it.each(['', ' -f'])('says why a pipeline within it failed that ran nothing%s', async (flags) => {
    const environment = finished();
    const lost = { ...child('x'), kind: 'PipelineRun', name: 'lost', pipelineTaskName: 'call' };
    environment.cluster.put(
      pipelineRuns,
      pipelineRun('outer', {
        status: { conditions: succeeded('False', 'Failed', 'one task failed'), childReferences: [lost] },
      }),
    );
    environment.cluster.put(
      pipelineRuns,
      pipelineRun('lost', { status: { conditions: succeeded('False', 'CouldntGetPipeline', 'there is none') } }),
    );
    await environment.run(`pr logs outer${flags}`);
    expect(environment.err.trimEnd().split('\n')).toEqual(['there is none', 'one task failed']);
  });

  it('gives each step its own colour', async () => {
    const environment = finished();
    environment.terminal.colour = true;
    environment.cluster.log('run-build-pod', 'step-one').write('again\n');
    await environment.run('pr logs run -t build');
    expect(environment.out).toContain('\u001b[92m\u001b[1m[build : one] \u001b[22m\u001b[39magain\n');
    expect(environment.out).toContain('\u001b[92m\u001b[1m[build : one] \u001b[22m\u001b[39mstep-one of build\n');
    expect(environment.out).toContain('\u001b[93m\u001b[1m[build : two] \u001b[22m\u001b[39mstep-two of build\n');
  });
});

describe('what went wrong is said', () => {
  it('for a failed step: the steps after it are not shown', async () => {
    const environment = finished();
    const { cluster } = environment;
    cluster.change(
      pipelineRuns,
      'run',
      (run) =>
        (run.status = {
          ...run.status,
          conditions: succeeded('False', 'Failed', 'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2'),
        }),
    );
    cluster.put(
      taskRuns,
      doneTask('build', { conditions: succeeded('False', 'Failed', '"step-one" exited with code 1: Error') }),
    );
    cluster.put(pods, pod('run-build-pod', 'Failed', { 'step-one': exited(1), 'step-two': exited(1) }));
    expect(await environment.run('pr logs run -t build')).toBe(0);
    expect(environment.out).toBe('[build : one] step-one of build\n\n');
    expect(environment.err).toBe(
      [
        'task build has failed: "step-one" exited with code 1: Error',
        'failed to get logs for task build : container step-one has failed ',
        'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2',
        '',
      ].join('\n'),
    );
  });

  it('for a pod that is gone, and goes on with the next task', async () => {
    const environment = finished();
    environment.cluster.remove(pods, 'run-build-pod');
    expect(await environment.run('pr logs run -t build,test')).toBe(0);
    expect(environment.out).toBe(task('test'));
    expect(environment.err).toBe(
      'failed to get logs for task build : task build failed: pods "run-build-pod" not found. Run tektite tr desc run-build for more details\n',
    );
  });

  it('for TaskRuns that are gone, have not started or have no pod', async () => {
    const environment = finished();
    environment.cluster.remove(taskRuns, 'run-build');
    environment.cluster.put(taskRuns, doneTask('test', { startTime: undefined }));
    environment.cluster.put(
      taskRuns,
      doneTask('clean', {
        podName: undefined,
        conditions: succeeded('False', 'TaskRunValidationFailed', 'no such param'),
      }),
    );
    expect(await environment.run('pr logs run')).toBe(0);
    expect(environment.err).toBe(
      [
        'Unable to get TaskRun: taskruns.tekton.dev "run-build" not found',
        'task test has not started yet',
        'task clean has failed: no such param',
        'pod for taskrun run-clean not available yet',
        '',
      ].join('\n'),
    );
  });

  it('for a log that cannot be read', async () => {
    const environment = finished();
    environment.cluster.failures.set('log run-build-pod/step-one', [new Error('connection reset')]);
    await environment.run('pr logs run -t build');
    expect(environment.err).toBe('failed to get logs for task build : failed to get logs for one: connection reset\n');
    expect(environment.out).toContain('[build : two] step-two of build\n');
  });

  it.each([
    ['pr logs nope', 'Error: pipelineruns.tekton.dev "nope" not found\n'],
    ['tr logs nope', 'Error: Unable to get TaskRun: taskruns.tekton.dev "nope" not found\n'],
    ['tr logs -a -s one run-build', 'Error: option --all and option --step are not compatible\n'],
    ['pr logs --limit 0', 'Error: limit was 0 but must be a positive number\n'],
    [
      'pr logs run -t nope -t neither',
      'Error: passed filtered tasks: [nope neither] is not available, available tasks are: [build test clean]\n',
    ],
    [
      'pr logs -f run -t nope',
      'Error: passed filtered tasks: [nope] is not available, available tasks are: [build test clean]\n',
    ],
    ['tr logs -n empty', 'Error: No TaskRuns found\n'],
    ['tr logs -L -n empty', 'Error: No TaskRuns found\n'],
  ])('%s', async (line, err) => {
    const environment = finished();
    expect(await environment.run(line)).toBe(1);
    expect(environment.err).toBe(err);
  });

  it.each(['pr logs -n empty', 'pr logs --last -n empty'])('%s: when there are no runs', async (line) => {
    const environment = finished();
    expect(await environment.run(line)).toBe(1);
    expect([environment.out, environment.err]).toEqual(['No PipelineRuns found\n', 'Error: name is required\n']);
  });

  it.each([
    ['success', done, 0],
    ['failure', succeeded('False'), 1],
    ['no end', going, 0],
    ['no word', [], 2],
  ])('by the exit status with -E: %s', async (_name, conditions, status) => {
    const environment = finished();
    environment.cluster.change(pipelineRuns, 'run', (run) => (run.status = { conditions }));
    const exit = environment.run('pr logs -E run');
    await environment.clock.advance(20_000);
    expect(await exit).toBe(status);
  });
});

describe('taskrun logs', () => {
  it('heads lines with the step alone', async () => {
    const environment = finished();
    expect(await environment.run('tr logs run-build -s one')).toBe(0);
    expect(environment.out).toBe('[one] step-one of build\n\n');
  });

  it.each(['tr logs run-build -s nope', 'tr logs -f run-build -s nope'])(
    '%s: says that there is no such step',
    async (line) => {
      const environment = finished();
      expect(await environment.run(line)).toBe(0);
      expect([environment.out, environment.err]).toEqual(['', 'no steps found for task build\n']);
    },
  );

  it('shows all attempts, oldest first', async () => {
    const environment = finished();
    const { cluster } = environment;
    cluster.put(
      taskRuns,
      doneTask('build', { podName: 'retry2', retriesStatus: [{ podName: 'retry0' }, { podName: 'retry1' }] }),
    );
    for (const name of ['retry0', 'retry1', 'retry2']) {
      cluster.put(pods, pod(name, 'Succeeded', { 'step-a': exited(name === 'retry2' ? 0 : 1) }));
      cluster.log(name, 'step-a').write(`${name}\n`).end();
    }
    await environment.run('tr logs run-build');
    expect(environment.out).toBe('[a] retry0\n\n[a] retry1\n\n[a] retry2\n\n');
    expect(environment.err).toBe('container step-a has failed \ncontainer step-a has failed \n');
  });

  it('leaves out steps that have not started', async () => {
    const environment = finished();
    environment.cluster.put(pods, pod('run-build-pod', 'Running', { 'step-one': running, 'step-two': waiting() }));
    await environment.run('tr logs run-build');
    expect(environment.out).toBe('[one] step-one of build\n\n');
  });
});

describe('waiting', () => {
  it('without -f: for the run to end, then shows everything', async () => {
    const environment = finished();
    environment.cluster.change(pipelineRuns, 'run', (run) => (run.status = { ...run.status, conditions: going }));
    const { exit, printed } = start(environment, 'pr logs run -t build');
    await printed('Pipeline still running ...\n');
    environment.cluster.change(pipelineRuns, 'run', (run) => (run.status = { ...run.status, conditions: done }));
    expect(await exit).toBe(0);
    expect(environment.out).toBe(`Pipeline still running ...\n${task('build')}`);
  });

  it('without -f: no longer than the activity timeout, then shows what there is', async () => {
    const environment = finished();
    environment.cluster.change(pipelineRuns, 'run', (run) => (run.status = { ...run.status, conditions: going }));
    const { exit, printed } = start(environment, 'pr logs run -t build --activity-timeout 30s');
    await printed('Pipeline still running ...\n');
    await environment.clock.advance(30_000);
    expect(await exit).toBe(0);
    expect(environment.out).toBe(
      `Pipeline still running ...\nPipelineRun is still running: Tasks Completed: 0\n${task('build')}`,
    );
  });

  it('taskrun logs -f: for a pod, no longer than the activity timeout', async () => {
    const environment = new FakeEnvironment();
    environment.cluster.put(taskRuns, taskRun('alone', { status: { conditions: going } }));
    const { exit } = start(environment, 'tr logs -f alone');
    await environment.clock.advance(11_000);
    expect(await exit).toBe(0);
    expect(environment.err).toBe('task Task 0 create has not started yet or pod for task not yet available\n');
  });
});
