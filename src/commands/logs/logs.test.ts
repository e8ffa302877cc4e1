import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns } from '../../api/resources.ts';
import { pods } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { exited, minutesAgo, pipelineRun, pod, running, succeeded, taskRun, waiting } from '../runs.fake.ts';

const child = (name: string) => ({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: `run-${name}`, pipelineTaskName: name });
const done = succeeded('True', 'Succeeded');
const going = succeeded('Unknown', 'Running', 'Tasks Completed: 0');

function doneTask(name: string, status: TaskRun['status'] = {}): TaskRun {
  return taskRun(`run-${name}`, { of: 'run', task: name, status: { startTime: minutesAgo(3), podName: `run-${name}-pod`, conditions: done, ...status } });
}

/** A finished run of the tasks `build` and `test` and the finally task `clean`, with a pod and logs each; children are listed out of order. */
function finished(): FakeEnvironment {
  const environment = new FakeEnvironment();
  const { cluster } = environment;
  cluster.put(pipelineRuns, pipelineRun('run', {
    status: {
      startTime: minutesAgo(4), conditions: done, childReferences: ['clean', 'test', 'build'].map(child),
      pipelineSpec: { tasks: [{ name: 'build' }, { name: 'skipped' }, { name: 'test' }], finally: [{ name: 'clean' }] },
    },
  }));
  for (const name of ['build', 'test', 'clean']) {
    cluster.put(taskRuns, doneTask(name));
    cluster.put(pods, pod(`run-${name}-pod`, 'Succeeded', { 'step-one': exited(), 'step-two': exited(), 'sidecar-db': exited() }, { prepare: exited() }));
    for (const container of ['prepare', 'step-one', 'step-two', 'sidecar-db']) cluster.log(`run-${name}-pod`, container).write(`${container} of ${name}\n`).end();
  }
  return environment;
}
const task = (name: string): string => `[${name} : one] step-one of ${name}\n\n[${name} : two] step-two of ${name}\n\n[${name} : sidecar-db] sidecar-db of ${name}\n\n`;

describe('pipelinerun logs of a finished run', () => {
  it.each([
    ['in the order of the pipeline', 'pr logs run', task('build') + task('test') + task('clean')],
    ['also when told to follow', 'pr logs -f run', task('build') + task('test') + task('clean')],
    ['of the last run', 'pr logs --last', task('build') + task('test') + task('clean')],
    ['of some tasks', 'pr logs run -t clean,test', task('test') + task('clean')],
    ['of some steps', 'pr logs run -t test -s two', '[test : two] step-two of test\n\n'],
    ['without prefix', 'pr logs run -t test -s two --prefix=false', 'step-two of test\n\n'],
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
    environment.cluster.put(pipelines, { metadata: { name: 'p' }, spec: { tasks: [{ name: 'test' }, { name: 'build' }], finally: [{ name: 'clean' }] } });
    await environment.run('pr logs run');
    expect(environment.out).toBe(task('test') + task('build') + task('clean'));
  });

  it('gives each step its own colour', async () => {
    const environment = finished();
    environment.terminal.colour = true;
    await environment.run('pr logs run -t build');
    expect(environment.out).toContain('\u001b[92;1m[build : one] \u001b[0mstep-one of build\n');
    expect(environment.out).toContain('\u001b[93;1m[build : two] \u001b[0mstep-two of build\n');
  });
});

describe('what went wrong is said', () => {
  it('for a failed step: the steps after it are not shown', async () => {
    const environment = finished();
    const { cluster } = environment;
    cluster.change(pipelineRuns, 'run', (run) => (run.status = { ...run.status, conditions: succeeded('False', 'Failed', 'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2') }));
    cluster.put(taskRuns, doneTask('build', { conditions: succeeded('False', 'Failed', '"step-one" exited with code 1: Error') }));
    cluster.put(pods, pod('run-build-pod', 'Failed', { 'step-one': exited(1), 'step-two': exited(1) }));
    expect(await environment.run('pr logs run -t build')).toBe(0);
    expect(environment.out).toBe('[build : one] step-one of build\n\n');
    expect(environment.err).toBe([
      'task build has failed: "step-one" exited with code 1: Error',
      'failed to get logs for task build : container step-one has failed ',
      'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2',
      '',
    ].join('\n'));
  });

  it('for a pod that is gone, and goes on with the next task', async () => {
    const environment = finished();
    environment.cluster.remove(pods, 'run-build-pod');
    expect(await environment.run('pr logs run -t build,test')).toBe(0);
    expect(environment.out).toBe(task('test'));
    expect(environment.err).toBe('failed to get logs for task build : task build failed: pods "run-build-pod" not found. Run tektite tr desc run-build for more details\n');
  });

  it('for TaskRuns that are gone, have not started or have no pod', async () => {
    const environment = finished();
    environment.cluster.remove(taskRuns, 'run-build');
    environment.cluster.put(taskRuns, doneTask('test', { startTime: undefined }));
    environment.cluster.put(taskRuns, doneTask('clean', { podName: undefined, conditions: succeeded('False', 'TaskRunValidationFailed', 'no such param') }));
    expect(await environment.run('pr logs run')).toBe(0);
    expect(environment.err).toBe([
      'Unable to get TaskRun: taskruns.tekton.dev "run-build" not found',
      'task test has not started yet',
      'task clean has failed: no such param',
      'pod for taskrun run-clean not available yet',
      '',
    ].join('\n'));
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
    ['tr logs -n empty', 'Error: No TaskRuns found\n'],
  ])('%s', async (line, err) => {
    const environment = finished();
    expect(await environment.run(line)).toBe(1);
    expect(environment.err).toBe(err);
  });

  it.each([
    ['success', done, 0],
    ['failure', succeeded('False'), 1],
    ['no end', going, 2],
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

  it('shows all attempts, oldest first', async () => {
    const environment = finished();
    const { cluster } = environment;
    cluster.put(taskRuns, doneTask('build', { podName: 'retry2', retriesStatus: [{ podName: 'retry0' }, { podName: 'retry1' }] }));
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

/** A command that runs, with what it has printed so far. */
function start(environment: FakeEnvironment, line: string) {
  const stop = new AbortController();
  const exit = environment.run(line, stop.signal);
  const printed = (text: string) => vi.waitFor(() => expect(environment.out).toContain(text));
  const complained = (text: string) => vi.waitFor(() => expect(environment.err).toContain(text));
  return { exit, stop, printed, complained, ...environment };
}

describe('pipelinerun logs -f', () => {
  function begun(): FakeEnvironment {
    const environment = new FakeEnvironment();
    environment.cluster.put(pipelineRuns, pipelineRun('run'));
    return environment;
  }
  const setRun = (environment: FakeEnvironment, conditions = going, children: string[] = []): void =>
    environment.cluster.change(pipelineRuns, 'run', (run) => (run.status = { conditions, childReferences: children.map(child) }));
  const setTask = (environment: FakeEnvironment, name: string, status: TaskRun['status']): void =>
    environment.cluster.put(taskRuns, taskRun(`run-${name}`, { of: 'run', task: name, status: { startTime: minutesAgo(0), ...status } }));

  it('shows tasks as they start, lines as they come, and ends with the run', async () => {
    const environment = begun();
    const { cluster } = environment;
    const { exit, printed } = start(environment, 'pr logs -f run');
    setTask(environment, 'build', { conditions: going });
    setRun(environment, going, ['build']);
    await setImmediate();
    setTask(environment, 'build', { conditions: going, podName: 'b' });
    cluster.put(pods, pod('b', 'Pending', { 'step-one': waiting(), 'step-two': waiting() }));
    await setImmediate();
    cluster.put(pods, pod('b', 'Running', { 'step-one': running, 'step-two': waiting('PodInitializing') }));
    cluster.log('b', 'step-one').write('first\nsec');
    await printed('[build : one] first\n');
    cluster.log('b', 'step-one').write('ond\n').end();
    await printed('[build : one] second\n');
    cluster.put(pods, pod('b', 'Running', { 'step-one': exited(), 'step-two': running }));
    cluster.log('b', 'step-two').write('third\n').end();
    await printed('[build : two] third\n');
    cluster.put(pods, pod('b', 'Succeeded', { 'step-one': exited(), 'step-two': exited() }));
    setTask(environment, 'build', { conditions: done, podName: 'b' });
    setRun(environment, done, ['build']);
    expect(await exit).toBe(0);
    expect(environment.out).toBe('[build : one] first\n[build : one] second\n\n[build : two] third\n\n');
    expect(environment.err).toBe('');
    expect(cluster.requests).toContain('watch pipelineruns metadata.name=run');
    expect(cluster.requests).toContain('watch taskruns metadata.name=run-build');
    expect(cluster.requests).toContain('watch pods metadata.name=b');
  });

  it('shows tasks side by side, and only those asked for', async () => {
    const environment = begun();
    const { cluster } = environment;
    const { exit, printed } = start(environment, 'pr logs -f run -t a -t b');
    for (const name of ['a', 'b', 'c']) {
      setTask(environment, name, { conditions: going, podName: `${name}-pod` });
      cluster.put(pods, pod(`${name}-pod`, 'Running', { 'step-s': running }));
      cluster.log(`${name}-pod`, 'step-s').write(`from ${name}\n`);
    }
    setRun(environment, going, ['a', 'b', 'c']);
    await printed('[a : s] from a\n');
    await printed('[b : s] from b\n');
    for (const name of ['a', 'b', 'c']) {
      cluster.log(`${name}-pod`, 'step-s').end();
      cluster.put(pods, pod(`${name}-pod`, 'Succeeded', { 'step-s': exited() }));
      setTask(environment, name, { conditions: done, podName: `${name}-pod` });
    }
    setRun(environment, done, ['a', 'b', 'c']);
    expect(await exit).toBe(0);
    expect(environment.out).not.toContain('from c');
  });

  it('goes on through broken watches', async () => {
    const environment = begun();
    const { cluster, clock } = environment;
    const { exit, printed } = start(environment, 'pr logs -f run');
    await setImmediate();
    cluster.breakWatches();
    await setImmediate();
    cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting() }));
    setTask(environment, 'a', { conditions: going, podName: 'p' });
    setRun(environment, going, ['a']);
    await clock.advance(2_000);
    cluster.breakWatches();
    cluster.put(pods, pod('p', 'Running', { 'step-s': running }));
    cluster.log('p', 'step-s').write('here\n').end();
    await clock.advance(2_000);
    await printed('[a : s] here\n');
    cluster.put(pods, pod('p', 'Succeeded', { 'step-s': exited() }));
    setTask(environment, 'a', { conditions: done, podName: 'p' });
    setRun(environment, done, ['a']);
    cluster.breakWatches();
    await clock.advance(2_000);
    expect(await exit).toBe(0);
    expect(environment.err).toBe('');
  });

  it('follows every attempt of a task that is tried again', async () => {
    const environment = begun();
    const { cluster } = environment;
    const { exit, complained, printed } = start(environment, 'pr logs -f run');
    setTask(environment, 'a', { conditions: going, podName: 'p0' });
    cluster.put(pods, pod('p0', 'Failed', { 'step-s': exited(1) }));
    cluster.log('p0', 'step-s').write('attempt 0\n').end();
    setRun(environment, going, ['a']);
    await complained('failed to get logs for task a : container step-s has failed \n');
    setTask(environment, 'a', { conditions: succeeded('Unknown', 'ToBeRetried'), retriesStatus: [{ podName: 'p0' }] });
    await setImmediate();
    cluster.put(pods, pod('p1', 'Succeeded', { 'step-s': exited() }));
    cluster.log('p1', 'step-s').write('attempt 1\n').end();
    setTask(environment, 'a', { conditions: done, podName: 'p1', retriesStatus: [{ podName: 'p0' }] });
    await printed('attempt 1');
    setRun(environment, done, ['a']);
    expect(await exit).toBe(0);
    expect(environment.out).toBe('[a : s] attempt 0\n\n[a : s] attempt 1\n\n');
  });

  it('reports a failed run with its message', async () => {
    const environment = begun();
    const { exit } = start(environment, 'pr logs -f run -E');
    setRun(environment, succeeded('False', 'CouldntGetPipeline', 'no pipeline "p"'));
    expect(await exit).toBe(1);
    expect(environment.err).toBe('no pipeline "p"\n');
  });

  const hopeless: [string, (environment: FakeEnvironment) => void, string][] = [
    ['a task that fails before it has a pod', (environment) => setTask(environment, 'a', { conditions: succeeded('False', 'TaskRunValidationFailed', 'bad param') }), 'failed to get logs for task a : task a has failed: bad param\n'],
    ['a TaskRun that is deleted', (environment) => environment.cluster.remove(taskRuns, 'run-a'), 'failed to get logs for task a : task a: TaskRun run-a was deleted\n'],
    ['a pod that is deleted before it starts', (environment) => {
      environment.cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting() }));
      setTask(environment, 'a', { conditions: going, podName: 'p' });
      setTimeout(() => environment.cluster.remove(pods, 'p'), 20);
      setTimeout(() => setTask(environment, 'a', { conditions: succeeded('False', 'TaskRunCancelled', 'cancelled'), podName: 'p' }), 40);
    }, 'failed to get logs for task a : task a failed: Pod p was deleted. Run tektite tr desc run-a for more details\n'],
    ['an image that cannot be pulled', (environment) => {
      environment.cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting('ImagePullBackOff', 'no such image') }));
      setTask(environment, 'a', { conditions: going, podName: 'p' });
      setTimeout(() => setTask(environment, 'a', { conditions: succeeded('False', 'TaskRunImagePullFailed', 'cannot pull'), podName: 'p' }), 20);
    }, 'task a: container step-s is waiting: ImagePullBackOff: no such image\n'],
  ];
  it.each(hopeless)('does not wait for %s', async (_name, happen, err) => {
    const environment = begun();
    setTask(environment, 'a', { conditions: going });
    const { exit, complained } = start(environment, 'pr logs -f run');
    setRun(environment, going, ['a']);
    await setImmediate();
    happen(environment);
    await complained(err);
    setRun(environment, succeeded('False', 'Failed', 'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0'), ['a']);
    expect(await exit).toBe(0);
    expect(environment.err.startsWith(err)).toBe(true);
    expect(environment.err.endsWith('Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0\n')).toBe(true);
  });

  it('ends when the run is deleted', async () => {
    const environment = begun();
    const { exit } = start(environment, 'pr logs -f run');
    setRun(environment);
    await setImmediate();
    environment.cluster.remove(pipelineRuns, 'run');
    expect(await exit).toBe(0);
    expect(environment.err).toBe('PipelineRun run: PipelineRun run was deleted\n');
  });

  it('says that a log broke off', async () => {
    const environment = begun();
    const { cluster, clock } = environment;
    setTask(environment, 'a', { conditions: going, podName: 'p' });
    cluster.put(pods, pod('p', 'Running', { 'step-s': running }));
    cluster.log('p', 'step-s').write('half\n').end();
    const { exit, complained, printed } = start(environment, 'pr logs -f run');
    setRun(environment, going, ['a']);
    await printed('half');
    await clock.advance(6_000);
    await complained('failed to get logs for task a : the log of container step-s broke off while it was still running\n');
    setTask(environment, 'a', { conditions: done, podName: 'p' });
    setRun(environment, done, ['a']);
    expect(await exit).toBe(0);
  });

  it('stops when interrupted', async () => {
    const environment = begun();
    const { exit, stop } = start(environment, 'pr logs -f run');
    setRun(environment);
    await setImmediate();
    stop.abort();
    expect(await exit).toBe(130);
    expect(environment.err).toBe('');
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
    expect(environment.out).toBe(`Pipeline still running ...\nPipelineRun is still running: Tasks Completed: 0\n${task('build')}`);
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
