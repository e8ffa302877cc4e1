import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../api/resources.ts';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { FakeCluster } from '../cluster.fake.ts';
import { taskRun } from '../runs.fake.ts';
import { NothingSeen, ObjectGone, Tracker } from './tracker.ts';

function track(options: { absent?: boolean } = {}) {
  const cluster = new FakeCluster();
  const clock = new FakeClock();
  if (!options.absent) cluster.put(taskRuns, taskRun('a'));
  const start = (signal: AbortSignal = new AbortController().signal) =>
    new Tracker<TaskRun>({ cluster, clock, namespace: 'ns' }, taskRuns, 'a', signal);
  return { cluster, clock, start };
}
const podName = (run: TaskRun): string | undefined => run.status?.podName;
const setPod = (cluster: FakeCluster, name: string): void =>
  cluster.change(taskRuns, 'a', (run) => (run.status = { podName: name }));

describe('Tracker', () => {
  it('sees the object as it is and as it comes to be', async () => {
    const { cluster, start } = track();
    using tracker = start();
    expect(await tracker.until((run) => run.metadata.name)).toBe('a');
    const waited = tracker.until(podName);
    setPod(cluster, 'p');
    expect(await waited).toBe('p');
    expect(cluster.requests).toEqual(['list taskruns metadata.name=a', 'watch taskruns metadata.name=a']);
  });

  it('goes on after the server ends the watch, without missing a change', async () => {
    const { cluster, clock, start } = track();
    using tracker = start();
    await tracker.until(() => true);
    cluster.breakWatches();
    await setImmediate();
    setPod(cluster, 'p');
    const waited = tracker.until(podName);
    await clock.advance(5_000);
    expect(await waited).toBe('p');
    // A watch that gave nothing is begun anew after a while, with a list.
    expect(cluster.requests.map((request) => request.split(' ')[0])).toEqual(['list', 'watch', 'list', 'watch']);
  });

  it('resumes a watch that gave something where it ended', async () => {
    const { cluster, start } = track();
    using tracker = start();
    await tracker.until(() => true);
    setPod(cluster, 'p');
    await tracker.until(podName);
    cluster.breakWatches();
    await setImmediate();
    setPod(cluster, 'q');
    expect(await tracker.until((run) => (podName(run) === 'q' ? 'q' : undefined))).toBe('q');
    expect(cluster.requests.map((request) => request.split(' ')[0])).toEqual(['list', 'watch', 'watch']);
  });

  it('tries again after a failure', async () => {
    const { cluster, clock, start } = track();
    cluster.failures.set('list taskruns metadata.name=a', [
      new Error('connection reset'),
      new ApiError(410, { reason: 'Expired' }),
    ]);
    using tracker = start();
    const waited = tracker.until(() => true);
    await clock.advance(5_000);
    expect(await waited).toBe(true);
  });

  it('bears with watches that are cut again and again', async () => {
    const { cluster, clock, start } = track();
    cluster.failures.set(
      'watch taskruns metadata.name=a',
      Array.from({ length: 20 }, () => new Error('connection reset')),
    );
    using tracker = start();
    const waited = tracker.until(podName);
    await clock.advance(15_000);
    setPod(cluster, 'p');
    await clock.advance(15_000);
    expect(await waited).toBe('p');
  });

  it.each([
    ['that no trying again cures, at once', [new ApiError(403, { message: 'forbidden' })], 0, 'forbidden'],
    [
      'after five in a row',
      Array.from({ length: 5 }, () => new Error('connection refused')),
      10_000,
      'connection refused',
    ],
  ])('gives up on a failure %s', async (_name, failures, ms, message) => {
    const { cluster, clock, start } = track();
    cluster.failures.set('list taskruns metadata.name=a', failures);
    using tracker = start();
    const waited = tracker.until(() => true);
    const expectation = expect(waited).rejects.toThrow(message);
    await clock.advance(ms);
    await expectation;
  });

  it('tells those who wait that the object is gone', async () => {
    const { cluster, start } = track();
    using tracker = start();
    const waited = tracker.until(podName);
    const expectation = expect(waited).rejects.toThrow(new ObjectGone('TaskRun a was deleted'));
    await tracker.until(() => true);
    cluster.remove(taskRuns, 'a');
    await expectation;
    await expect(tracker.until(podName)).rejects.toThrow(ObjectGone);
    expect(tracker.latest?.metadata.name).toBe('a');
  });

  it('says when there never was one', async () => {
    using tracker = track({ absent: true }).start();
    await expect(tracker.until(() => true)).rejects.toThrow('taskruns "a" not found');
  });

  it('stops waiting when nothing is seen for long, counting anew with each change', async () => {
    const { cluster, clock, start } = track();
    using tracker = start();
    let failure: unknown;
    const waited = tracker.until(podName, 10_000).catch((error: unknown) => (failure = error));
    await clock.advance(9_000);
    cluster.change(taskRuns, 'a', (run) => (run.spec.serviceAccountName = 'x'));
    await clock.advance(9_000);
    expect(failure).toBeUndefined();
    await clock.advance(2_000);
    await waited;
    expect(failure).toBeInstanceOf(NothingSeen);
  });

  it('passes on what the decision throws', async () => {
    using tracker = track().start();
    await expect(
      tracker.until(() => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
  });

  it('ends with the signal and when stopped', async () => {
    const stop = new AbortController();
    const { start } = track();
    const aborted = start(stop.signal);
    const waited = aborted.until(podName);
    const expectation = expect(waited).rejects.toThrow('interrupted');
    await aborted.until(() => true);
    stop.abort(new Error('interrupted'));
    await expectation;
    const stopped = start();
    const other = stopped.until(podName);
    const otherExpectation = expect(other).rejects.toThrow(ObjectGone);
    stopped.stop();
    await otherExpectation;
  });
});
