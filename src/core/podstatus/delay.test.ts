import { describe, expect, it } from 'vitest';
import { container, created, podOf } from '../pod/pod.fake.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import { delayCheckMs, delayOf, isDelayed } from './delay.ts';

const { running, ended } = container;
const spec = { steps: [{ name: 'one', image: 'x', command: ['y'] }], sidecars: [{ name: 's', image: 'nginx' }] };
const at = (seconds: number) => new Date(Date.parse(created) + seconds * 1000);
function pod(status: PodStatus, more: { ready?: boolean; spec?: Partial<Pod['spec']> } = {}): Pod {
  const made = podOf(spec, status);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      creationTimestamp: created,
      annotations: more.ready ? { 'tekton.dev/ready': 'READY' } : {},
    },
    spec: { ...made.spec, ...more.spec },
  };
}

const mount = 'FailedMount: configmap "ghost" not found';
const scheduled = [{ type: 'PodScheduled', status: 'True' as const }];
const unready = pod({
  phase: 'Running',
  containerStatuses: [running('step-one'), { ...running('sidecar-s'), ready: false }],
});

describe('delayOf', () => {
  it.each<[string, Pod, string | undefined, number, string | undefined]>([
    ['on its ordinary way up', pod({ phase: 'Pending' }), mount, 9, undefined],
    [
      'a volume that cannot be mounted',
      pod({ phase: 'Pending', conditions: scheduled }),
      mount,
      10,
      `the pod has not started yet: ${mount}`,
    ],
    ['nothing known', pod({ phase: 'Pending', conditions: scheduled }), undefined, 60, undefined],
    [
      'no scheduler of that name',
      pod({ phase: 'Pending' }, { spec: { schedulerName: 'ghost' } }),
      undefined,
      10,
      'no scheduler has taken up the pod: is there one named "ghost"?',
    ],
    ['a sidecar that is not ready', unready, undefined, 10, 'the steps wait for "sidecar-s" to be ready'],
    [
      'steps that run',
      pod({ phase: 'Running', containerStatuses: [running('step-one')] }, { ready: true }),
      mount,
      60,
      undefined,
    ],
    ['done', pod({ phase: 'Succeeded', containerStatuses: [ended('step-one')] }), mount, 60, undefined],
  ])('%s', (_name, given, warning, seconds, expected) => expect(delayOf(given, warning, at(seconds))).toBe(expected));
});

it('a pod that comes up is looked at when its time is over, and now and then afterwards', () => {
  const coming = pod({ phase: 'Pending' });
  expect([delayCheckMs(coming, at(4)), isDelayed(coming, at(4))]).toEqual([6_000, false]);
  expect([delayCheckMs(coming, at(11)), isDelayed(coming, at(11))]).toEqual([30_000, true]);
  expect(delayCheckMs(pod({ phase: 'Running' }, { ready: true }), at(11))).toBeUndefined();
});
