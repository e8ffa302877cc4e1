import { expect, vi } from 'vitest';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pods } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { exited, minutesAgo, pipelineRun, pod, succeeded, taskRun } from '../runs.fake.ts';

export const child = (name: string) => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  name: `run-${name}`,
  pipelineTaskName: name,
});
export const done = succeeded('True', 'Succeeded');
export const going = succeeded('Unknown', 'Running', 'Tasks Completed: 0');

export function doneTask(name: string, status: TaskRun['status'] = {}): TaskRun {
  return taskRun(`run-${name}`, {
    of: 'run',
    task: name,
    status: { startTime: minutesAgo(3), podName: `run-${name}-pod`, conditions: done, ...status },
  });
}

/**
 * A finished run of the tasks `build` and `test` and the finally task `clean`, with a pod and logs each; children are
 * listed out of order.
 */
export function finished(): FakeEnvironment {
  const environment = new FakeEnvironment();
  const { cluster } = environment;
  cluster.put(
    pipelineRuns,
    pipelineRun('run', {
      status: {
        startTime: minutesAgo(4),
        conditions: done,
        childReferences: [child('clean'), { ...child('test'), displayName: 'Test 7' }, child('build')],
        pipelineSpec: {
          tasks: [
            { name: 'build', displayName: 'Build it' },
            { name: 'skipped' },
            { name: 'test', displayName: 'Test $(params.n)' },
          ],
          finally: [{ name: 'clean' }],
        },
      },
    }),
  );
  for (const name of ['build', 'test', 'clean']) {
    cluster.put(taskRuns, doneTask(name));
    cluster.put(
      pods,
      pod(
        `run-${name}-pod`,
        'Succeeded',
        { 'step-one': exited(), 'step-two': exited(), 'sidecar-db': exited() },
        { prepare: exited() },
      ),
    );
    for (const container of ['prepare', 'step-one', 'step-two', 'sidecar-db'])
      cluster.log(`run-${name}-pod`, container).write(`${container} of ${name}\n`).end();
  }
  return environment;
}
export const task = (name: string): string =>
  `[${name} : one] step-one of ${name}\n\n[${name} : two] step-two of ${name}\n\n[${name} : sidecar-db] sidecar-db of ${name}\n\n`;

/** A command that runs, with what it has printed so far. */
export function start(environment: FakeEnvironment, line: string) {
  const stop = new AbortController();
  const exit = environment.run(line, stop.signal);
  const printed = (text: string) => vi.waitFor(() => expect(environment.out).toContain(text));
  const complained = (text: string) => vi.waitFor(() => expect(environment.err).toContain(text));
  return { exit, stop, printed, complained };
}
