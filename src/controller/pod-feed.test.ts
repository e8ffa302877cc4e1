import { describe, expect, it } from 'vitest';
import { container, podOf, settingsOf } from '../core/pod/pod.fake.ts';
import type { PodStatus } from '../core/pod/types.ts';
import type { Pod } from '../kube/resources.ts';
import { Store, type Change } from '../kube/store.ts';
import { podFeed } from './pod-feed.ts';

const spec = { steps: [{ name: 'one', image: 'x', command: ['y'] }] };
const { running, ended } = container;
const up: PodStatus = { phase: 'Running', containerStatuses: [running('step-one')] };
const pending: PodStatus = { phase: 'Pending' };

/** As a watch brings it: nothing of it is the same object as before. */
function seen(version: number, status: PodStatus, more: { image?: string; deletionTimestamp?: string } = {}): Pod {
  const { image, ...metadata } = more;
  const pod = structuredClone(podOf(spec, status)) as Pod;
  const first = pod.spec?.containers[0];
  if (first && image) first.image = image;
  return { ...pod, metadata: { ...pod.metadata, namespace: 'ns', resourceVersion: String(version), ...metadata } };
}

/** What the last of these changes may wait. */
function patienceOf(states: readonly Pod[], isBusy = true): number | undefined {
  const store = new Store<Pod>();
  const feed = podFeed({ client: { isBusy }, settings: { current: settingsOf } });
  const changes: Change<Pod>[] = [];
  store.subscribe((change) => changes.push(change));
  for (const state of states) store.upsert(state);
  const last = changes.at(-1);
  return last && feed.patienceMs(last);
}

describe('a change of a pod', () => {
  it.each<[string, Pod[], number]>([
    ['it begins to run', [seen(1, pending), seen(2, up)], 500],
    ['it is new', [seen(1, pending)], 0],
    ['it ends', [seen(1, up), seen(2, { phase: 'Succeeded', containerStatuses: [ended('step-one')] })], 0],
    ['it is on its way, and somebody changed its image', [seen(1, up), seen(2, up, { image: 'other' })], 0],
    ['it is on its way, and is deleted', [seen(1, up), seen(2, up, { deletionTimestamp: '2026-01-01T00:00:09Z' })], 0],
  ])('under load: %s', (_name, states, expected) => expect(patienceOf(states)).toBe(expected));

  it('is looked at without delay where no call waits', () =>
    expect(patienceOf([seen(1, pending), seen(2, up)], false)).toBe(0));

  it('wakes the TaskRun that controls it', () => {
    const { keysOf } = podFeed({ client: { isBusy: true }, settings: { current: settingsOf } });
    const object = seen(1, up);
    const ours = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'run', uid: 'u', controller: true };
    const change = (kind: string): Change<Pod> => ({
      type: 'updated',
      key: 'ns/run-pod',
      object: { ...object, metadata: { ...object.metadata, ownerReferences: [{ ...ours, kind }] } },
      old: undefined,
      origin: 'watch',
    });
    expect([keysOf(change('TaskRun')), keysOf(change('Job'))]).toEqual([['ns/run'], []]);
  });
});
