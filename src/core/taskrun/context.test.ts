import { describe, expect, it } from 'vitest';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { podOf } from '../pod/pod.fake.ts';
import type { Pod } from '../pod/types.ts';
import { leastStatus, planContext, started, withContainers } from './context.ts';
import { factsOf, now, spec } from './given.fake.ts';
import { withPodRecord } from './record.ts';

const named = (name: string, uid: string): Pod => {
  const pod = podOf(spec);
  return { ...pod, metadata: { ...pod.metadata, name, uid } };
};

describe('the pod of a run', () => {
  const own = podOf(spec);
  const elsewhere = named('another-name', own.metadata.uid ?? '');
  const impostor = named(own.metadata.name ?? '', 'another-uid');
  const withoutRecords = { podName: own.metadata.name ?? '' };
  const begunOnly = { annotations: { 'digest.tektite.dev/spec': '{}' } };
  const status = withPodRecord({ ...withoutRecords, ...begunOnly }, own, own);

  it.each<[what: string, status: TaskRunStatus, pods: Pod[], uid: string | undefined]>([
    ['is the one whose uid is recorded', status, [impostor, own], 'pod-uid'],
    ['is that also under another name', status, [impostor, elsewhere], 'pod-uid'],
    ['is none of the same name and another uid', status, [impostor], undefined],
    ['is by its name that of a run without records', withoutRecords, [impostor], 'another-uid'],
    [
      'is none of a run whose spec is recorded and whose pod is not',
      { ...withoutRecords, ...begunOnly },
      [own],
      undefined,
    ],
    ['is none while none is named', {}, [own], undefined],
  ])('%s', (_what, given, pods, uid) => {
    expect(planContext(factsOf({ status: given, pods }), now).pod?.metadata.uid).toBe(uid);
  });
});

describe('a status', () => {
  it('has no field for containers where there are none, and keeps where a step came from', () => {
    const provenance = { refSource: { uri: 'https://x' } };
    const before: TaskRunStatus = { podName: 'p', steps: [{ name: 'a', provenance }], sidecars: [{ name: 's' }] };
    expect(withContainers(before, [], [])).toEqual({ podName: 'p' });
    expect(withContainers(before, [{ name: 'a', container: 'step-a' }, { name: 'b' }], [{ name: 't' }])).toEqual({
      podName: 'p',
      steps: [{ name: 'a', container: 'step-a', provenance }, { name: 'b' }],
      sidecars: [{ name: 't' }],
    });
  });

  it('that is too large keeps what it cannot do without, and no field for what is not there', () => {
    const least = { conditions: [], startTime: 's', podName: 'p', annotations: { a: 'b' } };
    expect(Object.keys(leastStatus({ ...least, taskSpec: spec, steps: [] }))).toEqual(Object.keys(least));
  });

  it.each<[what: string, created: string | undefined, startTime: string]>([
    ['now', '2026-01-01T00:00:00Z', '2026-01-01T00:00:10Z'],
    ['when it was created where this clock is behind', '2026-01-01T00:00:30Z', '2026-01-01T00:00:30Z'],
    ['now where nobody knows when it was created', undefined, '2026-01-01T00:00:10Z'],
  ])('starts %s', (_what, created, startTime) => {
    const metadata = created === undefined ? {} : { creationTimestamp: created };
    const facts = factsOf({ metadata });
    if (created === undefined) delete facts.taskRun.metadata.creationTimestamp;
    expect(started(planContext(facts, now)).startTime).toBe(startTime);
  });

  it('that has a start keeps it', () => {
    const facts = factsOf({ status: { startTime: '2026-01-01T00:00:01Z' } });
    expect(started(planContext(facts, now)).startTime).toBe('2026-01-01T00:00:01Z');
  });
});
