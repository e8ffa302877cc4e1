import { describe, expect, it } from 'vitest';
import { podOf } from '../pod/pod.fake.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import { begun, plan, spec } from './given.fake.ts';
import { nothingFound } from './supply.fake.ts';

const unscheduled = (reason: string): PodStatus => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason, message: '0/2 nodes are available' }],
});
const unschedulable = unscheduled('Unschedulable');
const group = { 'pipeline.tekton.dev/affinity-assistant': 'g' };

/** What is done to a pod that was made for one node, or for any, when the group is on another, or on none. */
function effects(madeFor: string | undefined, groupNode: string | undefined, more: Partial<Pod> = {}, labels = group) {
  const made = podOf(spec, unschedulable, madeFor === undefined ? {} : { groupNode: madeFor });
  const pod = { ...made, ...more, metadata: { ...made.metadata, ...more.metadata } };
  const start = { ...nothingFound, ...(groupNode === undefined ? {} : { groupNode }) };
  return plan(begun(unschedulable, { pods: [pod], metadata: { labels }, start })).effects;
}

const deleted = [{ type: 'deletePod', namespace: 'ns', name: 'run-pod', uid: 'pod-uid' }];

describe('a pod that finds no room', () => {
  it.each<[string, string | undefined, string | undefined, object[]]>([
    ['is made anew for the node that its group has got', undefined, 'n1', deleted],
    ['is made anew for the node where its group is now', 'n1', 'n2', deleted],
    ['is made anew for any node when that of its group takes none', 'n1', undefined, deleted],
    ['waits where its group is', 'n1', 'n1', []],
    ['waits while its group is nowhere', undefined, undefined, []],
  ])('%s', (_name, madeFor, groupNode, expected) => {
    expect(effects(madeFor, groupNode)).toEqual(expected);
  });

  it.each<[string, Partial<Pod>, Record<string, string>]>([
    ['of no group', {}, {}],
    ['on its way out already', { metadata: { deletionTimestamp: '2026-01-01T00:00:05Z' } }, group],
    ['that somebody holds back', { status: unscheduled('SchedulingGated') }, group],
    ['that has a node by now', { spec: { ...podOf(spec).spec, nodeName: 'n2' } }, group],
  ])('is left alone: %s', (_name, more, labels) => {
    expect(effects(undefined, 'n1', more, labels as typeof group)).toEqual([]);
  });
});
