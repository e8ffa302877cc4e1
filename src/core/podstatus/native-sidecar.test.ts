import { describe, expect, it } from 'vitest';
import { container, podOf } from '../pod/pod.fake.ts';
import type { ContainerStatus, ContainerTerminated, Pod } from '../pod/types.ts';
import { failureOf } from './failure.ts';

const step = container.ended('step-b', 1);
const [early, same, late] = ['2026-01-01T00:00:04Z', '2026-01-01T00:00:05Z', '2026-01-01T00:00:06Z'] as const;

const oom = (finishedAt: string): ContainerTerminated => ({ exitCode: 137, reason: 'OOMKilled', finishedAt });
const exit = (exitCode: number, finishedAt: string): ContainerTerminated => ({ exitCode, reason: 'Error', finishedAt });
/** The kubelet's, of a container that waited to be started again when it stopped the pod. */
const lost: ContainerTerminated = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};
const backOff: ContainerStatus['state'] = { waiting: { reason: 'CrashLoopBackOff' } };

/** A pod whose one step failed at `same`, with a native sidecar of the Task's and one that a webhook added. */
function podWith(status: ContainerStatus, steps = [step]): Pod {
  const pod = podOf(
    { steps: [{ name: 'b', image: 'x', command: ['y'] }] },
    { phase: 'Failed', initContainerStatuses: [container.ended('prepare'), status], containerStatuses: steps },
  );
  const restarted = ['sidecar-n', 'proxy'].map((name) => ({ name, restartPolicy: 'Always' }));
  const initContainers = [...(pod.spec.initContainers ?? []), ...restarted];
  return { ...pod, spec: { ...pod.spec, initContainers } };
}

describe('what a run failed of, beside a native sidecar', () => {
  const ofStep = { reason: 'StepFailed', message: '"step-b" exited with code 1: Error' };
  const outOfMemory = {
    reason: 'SidecarOOM',
    message: 'init container failed, "sidecar-n" exited with code 137: OOMKilled',
  };

  it.each<{ name: string; state?: ContainerStatus['state']; last?: ContainerTerminated; wanted: object }>([
    { name: 'that runs', state: { running: {} }, wanted: ofStep },
    { name: 'that the kubelet stopped', state: { terminated: exit(143, late) }, wanted: ofStep },
    { name: 'that ended in the same second', state: { terminated: exit(143, same) }, wanted: ofStep },
    {
      name: 'that ended before',
      state: { terminated: exit(4, early) },
      wanted: { reason: 'SidecarFailed', message: 'init container failed, "sidecar-n" exited with code 4: Error' },
    },
    { name: 'that ended well before', state: { terminated: exit(0, early) }, wanted: ofStep },
    { name: 'that is not started again yet', state: backOff, last: oom(early), wanted: outOfMemory },
    { name: 'that was lost while it waited', state: { terminated: lost }, last: oom(early), wanted: outOfMemory },
    { name: 'that was lost, of which nothing is known', state: { terminated: lost }, wanted: ofStep },
    { name: 'that was up again', state: { running: {} }, last: oom(early), wanted: ofStep },
    {
      name: 'that was up again until the kubelet stopped it',
      state: { terminated: exit(143, late) },
      last: oom(early),
      wanted: ofStep,
    },
    { name: 'that waits after it was stopped', state: backOff, last: exit(143, late), wanted: ofStep },
    { name: 'of which nothing was heard', wanted: ofStep },
  ])('$name', ({ state, last, wanted }) => {
    const lastState = last && { lastState: { terminated: last } };
    expect(failureOf(podWith({ name: 'sidecar-n', ...(state && { state }), ...lastState }))).toMatchObject(wanted);
  });

  it('of a webhook, that the kubelet stopped', () => {
    expect(failureOf(podWith({ name: 'proxy', state: { terminated: exit(143, late) } }))).toMatchObject(ofStep);
  });

  it('whose steps never ran', () => {
    expect(failureOf(podWith({ name: 'sidecar-n', state: { terminated: oom(late) } }, []))).toMatchObject(outOfMemory);
  });
});
