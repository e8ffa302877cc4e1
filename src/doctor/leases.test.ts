import { describe, expect, it } from 'vitest';
import type { Lease } from '../kube/resources.ts';
import { ago, lease, now } from './installation.fake.ts';
import { leaseFindings, leasesOf } from './leases.ts';

const queue = 'tekton-pipelines-controller.taskrun';
const one = (more: Parameters<typeof lease>[1] = {}) => lease(`${queue}.00-of-01`, more);
const of = (buckets: number, ...holders: string[]) =>
  holders.map((holder, at) => lease(`${queue}.0${at}-of-0${buckets}`, { holder, renewedAgo: holder === '' ? 200 : 5 }));

describe('the leases of a work queue', () => {
  it.each<[string, Lease[], string[]]>([
    ['one', [one()], ['1 of 1 by pod-a']],
    ['several, shared', of(3, 'pod-a', 'pod-b', 'pod-a'), ['3 of 3 by pod-a,pod-b']],
    ['one that was given back', [one({ holder: '', renewedAgo: 40 })], ['0 of 1 by ']],
    ['one whose holder is gone', [one({ renewedAgo: 61 })], ['0 of 1 by ']],
    ['buckets of before, beside those of now', [...of(1, ''), ...of(2, 'pod-a', 'pod-b')], ['2 of 2 by pod-a,pod-b']],
    ['one of a role that is gone since yesterday', [one({ renewedAgo: 90_000 })], []],
    ['slots of PipelineRuns', [lease('tektite-queues-shop')], []],
    ['one of somebody else', [lease('another-controller')], []],
    ['one that was never renewed', [{ metadata: { name: `${queue}.00-of-01` }, spec: {} }], []],
  ])('%s', (_name, leases, expected) => {
    expect(
      leasesOf(leases, now).map(({ buckets, held, holders }) => `${held} of ${buckets} by ${holders.join()}`),
    ).toEqual(expected);
  });

  it('are told by namespace and queue, with when they were renewed last', () => {
    const leases = [lease('b.q.00-of-01'), lease('a.q.00-of-01', { namespace: 'z' }), ...of(2, 'pod-a', '')];
    expect(leasesOf(leases, now).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      'tekton-pipelines/b.q',
      `tekton-pipelines/${queue}`,
      'z/a.q',
    ]);
    expect(leasesOf(of(2, 'pod-a', ''), now)[0]?.renewed).toBe(ago(5));
  });
});

describe('what nobody works on', () => {
  const queues = (...names: string[]) =>
    names.map((name) => ({ namespace: 'tekton-pipelines', pod: 'pod-a', name, depth: 0, longestSeconds: 0 }));
  const given = [one({ holder: '', renewedAgo: 40 })];

  it.each<[string, Lease[], string[], ReturnType<typeof queues>?]>([
    ['nothing', [one()], []],
    ['nothing: it was given back, and no pod has the queue', given, [], queues('PipelineRun')],
    ['nothing: a pod of another namespace has it', given, [], [{ ...queues('TaskRun')[0]!, namespace: 'other' }]],
    ['nothing: it is on its way to another replica', [one({ holder: '', renewedAgo: 10 })], []],
    ['all of it', given, ['problem: no replica holds it: what is in this queue is not worked on']],
    [
      'all of it, for the holder is gone',
      [one({ renewedAgo: 500 })],
      ['problem: no replica holds it: what is in this queue is not worked on'],
    ],
  ])('%s', (_name, leases, expected, known = queues('TaskRun')) => {
    const found = leaseFindings(leasesOf(leases, now), known, now);
    expect(found.map(({ severity, text }) => `${severity}: ${text}`)).toEqual(expected);
  });

  it('a part of it', () => {
    const later = new Date(now.getTime() + 40_000);
    const [found] = leaseFindings(leasesOf(of(3, 'pod-a', '', ''), later), [], later);
    expect(found).toMatchObject({ severity: 'warning', about: `Lease tekton-pipelines/${queue}` });
    expect(found?.text).toContain('2 of 3 buckets are held by no replica');
  });
});
