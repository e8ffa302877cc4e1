import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { pods } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { exited, minutesAgo, pipelineRun, pod, running, succeeded, taskRun, waiting } from '../runs.fake.ts';
import { child, done, going, start } from './logs.fake.ts';

describe('pipelinerun logs -f', () => {
  function begun(): FakeEnvironment {
    const environment = new FakeEnvironment();
    environment.cluster.put(pipelineRuns, pipelineRun('run'));
    return environment;
  }
  const setRun = (environment: FakeEnvironment, conditions = going, children: string[] = []): void =>
    environment.cluster.change(
      pipelineRuns,
      'run',
      (run) => (run.status = { conditions, childReferences: children.map(child) }),
    );
  const setTask = (environment: FakeEnvironment, name: string, status: TaskRun['status']): void =>
    environment.cluster.put(
      taskRuns,
      taskRun(`run-${name}`, { of: 'run', task: name, status: { startTime: minutesAgo(0), ...status } }),
    );

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

  it('follows pipelines within the pipeline', async () => {
    const environment = begun();
    const { cluster } = environment;
    cluster.put(
      pipelineRuns,
      pipelineRun('outer', {
        status: {
          conditions: going,
          childReferences: [{ ...child('x'), kind: 'PipelineRun', name: 'run', pipelineTaskName: 'call' }],
        },
      }),
    );
    const { exit, printed } = start(environment, 'pr logs -f outer');
    cluster.put(pods, pod('p', 'Succeeded', { 'step-s': exited() }));
    cluster.log('p', 'step-s').write('inner\n').end();
    setTask(environment, 'a', { conditions: done, podName: 'p' });
    setRun(environment, going, ['a']);
    await printed('[call > a : s] inner\n');
    setRun(environment, succeeded('False', 'Failed', 'inner message'), ['a']);
    cluster.change(
      pipelineRuns,
      'outer',
      (run) => (run.status = { ...run.status, conditions: succeeded('False', 'Failed', 'outer message') }),
    );
    expect(await exit).toBe(0);
    expect(environment.err).toBe('outer message\n');
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

  it('follows a sidecar until the task is over, and no longer', async () => {
    const environment = begun();
    const { cluster, clock } = environment;
    const { exit, printed } = start(environment, 'pr logs -f run');
    setTask(environment, 'a', { conditions: going, podName: 'p' });
    cluster.put(pods, pod('p', 'Running', { 'step-s': exited(), 'sidecar-db': running }));
    cluster.log('p', 'step-s').write('step\n').end();
    cluster.log('p', 'sidecar-db').write('serving\n');
    setRun(environment, going, ['a']);
    await printed('[a : sidecar-db] serving\n');
    setTask(environment, 'a', { conditions: done, podName: 'p' });
    setRun(environment, done, ['a']);
    await setImmediate();
    cluster.log('p', 'sidecar-db').write('last words\n');
    await clock.advance(1_000);
    expect(await exit).toBe(0);
    expect(environment.out).toBe('[a : s] step\n\n[a : sidecar-db] serving\n[a : sidecar-db] last words\n\n');
    expect(environment.err).toBe('');
  });

  it('reports a failed run with its message', async () => {
    const environment = begun();
    const { exit } = start(environment, 'pr logs -f run -E');
    setRun(environment, succeeded('False', 'CouldntGetPipeline', 'no pipeline "p"'));
    expect(await exit).toBe(1);
    expect(environment.err).toBe('no pipeline "p"\n');
  });

  const hopeless: [string, (environment: FakeEnvironment) => void, string][] = [
    [
      'a task that fails before it has a pod',
      (environment) =>
        setTask(environment, 'a', { conditions: succeeded('False', 'TaskRunValidationFailed', 'bad param') }),
      'failed to get logs for task a : task a has failed: bad param\n',
    ],
    [
      'a TaskRun that is deleted',
      (environment) => environment.cluster.remove(taskRuns, 'run-a'),
      'failed to get logs for task a : task a: TaskRun run-a was deleted\n',
    ],
    [
      'a pod that is deleted before it starts',
      (environment) => {
        environment.cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting() }));
        setTask(environment, 'a', { conditions: going, podName: 'p' });
        setTimeout(() => environment.cluster.remove(pods, 'p'), 20);
        setTimeout(
          () =>
            setTask(environment, 'a', {
              conditions: succeeded('False', 'TaskRunCancelled', 'cancelled'),
              podName: 'p',
            }),
          40,
        );
      },
      'failed to get logs for task a : task a failed: Pod p was deleted. Run tektite tr desc run-a for more details\n',
    ],
    [
      'an image that cannot be pulled',
      (environment) => {
        environment.cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting('ImagePullBackOff', 'no such image') }));
        setTask(environment, 'a', { conditions: going, podName: 'p' });
        setTimeout(
          () =>
            environment.cluster.put(pods, pod('p', 'Pending', { 'step-s': waiting('ErrImagePull', 'tried again') })),
          10,
        );
        setTimeout(
          () =>
            setTask(environment, 'a', {
              conditions: succeeded('False', 'TaskRunImagePullFailed', 'cannot pull'),
              podName: 'p',
            }),
          30,
        );
      },
      'task a: container step-s is waiting: ImagePullBackOff: no such image\n',
    ],
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
    expect(environment.err).toBe(`${err}Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0\n`);
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
    await complained(
      'failed to get logs for task a : the log of container step-s broke off while it was still running\n',
    );
    setTask(environment, 'a', { conditions: done, podName: 'p' });
    setRun(environment, done, ['a']);
    expect(await exit).toBe(0);
  });

  it('stops when interrupted', async () => {
    const environment = begun();
    const { cluster } = environment;
    const { exit, stop, printed } = start(environment, 'pr logs -f run');
    for (const name of ['a', 'b']) {
      setTask(environment, name, { conditions: going, podName: `${name}-pod` });
      cluster.put(
        pods,
        pod(`${name}-pod`, name === 'a' ? 'Running' : 'Pending', { 'step-s': name === 'a' ? running : waiting() }),
      );
    }
    cluster.log('a-pod', 'step-s').write('working\n');
    setRun(environment, going, ['a', 'b']);
    await printed('working');
    stop.abort();
    expect(await exit).toBe(130);
    expect(environment.err).toBe('');
  });
});
