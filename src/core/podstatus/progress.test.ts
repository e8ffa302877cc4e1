import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { container, podOf, settingsOf } from '../pod/pod.fake.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import { isOnItsWay } from './progress.ts';

const { running, ended } = container;
const steps = ['one', 'two'].map((name) => ({ name, image: 'x', command: ['y'] }));
const alone: TaskSpec = { steps };
const withSidecar: TaskSpec = { steps, sidecars: [{ name: 's', image: 'nginx' }] };

const steps12 = [running('step-one'), running('step-two')];
/** Deleted by somebody. */
const going = (pod: Pod): Pod => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:09Z' } });
const opened = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, 'tekton.dev/ready': 'READY' } },
});

describe('isOnItsWay', () => {
  const up: PodStatus = { phase: 'Running', containerStatuses: steps12 };
  const sidecarUp: PodStatus = { phase: 'Running', containerStatuses: [...steps12, running('sidecar-s')] };
  it.each<[string, Pod, boolean]>([
    ['not seen by anybody', podOf(alone), true],
    ['scheduled', podOf(alone, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] }), true],
    ['its steps run', podOf(alone, up), true],
    ['one step of two has ended', podOf(alone, { ...up, containerStatuses: [ended('step-one'), steps12[1]!] }), true],
    ['all steps have ended', podOf(alone, { ...up, containerStatuses: [ended('step-one'), ended('step-two')] }), false],
    [
      'all steps have ended, a sidecar runs',
      podOf(withSidecar, {
        phase: 'Running',
        containerStatuses: [ended('step-one'), ended('step-two'), running('sidecar-s')],
      }),
      false,
    ],
    ['it ended well', podOf(alone, { phase: 'Succeeded' }), false],
    ['it failed', podOf(alone, { phase: 'Failed' }), false],
    ['its node is not heard of', podOf(alone, { phase: 'Unknown' }), false],
    ['it is being deleted', going(podOf(alone, up)), false],
    ['its steps wait for the sidecar that is not there yet', podOf(withSidecar, up), true],
    ['its sidecar is ready: the gate is to be opened', podOf(withSidecar, sidecarUp), false],
    ['the gate is open', opened(podOf(withSidecar, sidecarUp)), true],
  ])('%s: %#', (_name, pod, expected) => expect(isOnItsWay(pod, settingsOf().flags)).toBe(expected));

  it('a container that was injected waits for the gate to be closed', () => {
    const { flags } = settingsOf({ 'running-in-environment-with-injected-sidecars': 'true' });
    const pod = podOf(alone, { phase: 'Pending' });
    const injected = {
      ...pod,
      spec: { ...pod.spec, containers: [...pod.spec.containers, { name: 'proxy', image: 'x' }] },
    };
    expect([isOnItsWay(pod, flags), isOnItsWay(opened(injected), flags)]).toEqual([true, false]);
  });
});
