import { describe, expect, it } from 'vitest';
import type { ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import { planRequest } from './plan.ts';

const limitMs = 90_000;
const created = '2026-01-01T00:00:00Z';
const after = (ms: number) => new Date(Date.parse(created) + ms);
const request = (status?: ResolutionRequest['status'], more: object = {}): ResolutionRequest => ({
  metadata: { name: 'git-1', namespace: 'team', creationTimestamp: created, ...more },
  spec: {},
  ...(status ? { status } : {}),
});
const told = { conditions: [{ type: 'Succeeded', status: 'Unknown' as const, reason: 'ResolutionInProgress' }] };

describe('a ResolutionRequest', () => {
  it.each<[what: string, request: ResolutionRequest, ageMs: number, status: object | undefined, againMs?: number]>([
    ['is left to its resolver at first', request(), 1_000, undefined, 59_000],
    ['is said to wait after a while', request(), 60_000, { status: 'Unknown', reason: 'ResolutionInProgress' }, 30_000],
    ['is said to wait once', request(told), 70_000, undefined, 20_000],
    ['has failed when its time is over', request(told), 90_000, { status: 'False', reason: 'ResolutionTimedOut' }],
    ['is a success when it has data', request({ ...told, data: 'ZGF0YQ==' }), 89_000, { status: 'True' }],
    ['is a success with data though its time is over', request({ data: 'ZGF0YQ==' }), 95_000, { status: 'True' }],
    [
      'is over once it was answered',
      request({ conditions: [{ type: 'Succeeded', status: 'False' }] }),
      95_000,
      undefined,
    ],
    ['is left alone when it goes', request(undefined, { deletionTimestamp: created }), 70_000, undefined],
  ])('%s', (_what, given, ageMs, status, againMs) => {
    const plan = planRequest(given, limitMs, after(ageMs));
    expect(plan.status?.conditions?.[0]).toEqual(status === undefined ? undefined : expect.objectContaining(status));
    expect(plan.requeueAfterMs).toBe(againMs);
  });

  it.each([5_000, 60_000])('with a limit of %s ms is looked at when that is over, and costs no word before', (ms) => {
    expect(planRequest(request(), ms, after(1_000))).toEqual({ requeueAfterMs: ms - 1_000 });
    expect(planRequest(request(), ms, after(ms)).status?.conditions?.[0]?.status).toBe('False');
  });

  it('that timed out names the resolver that did not answer, and the setting', () => {
    const labels = { 'resolution.tekton.dev/type': 'custom' };
    const { status } = planRequest(request(undefined, { labels }), limitMs, after(limitMs));
    expect(status?.conditions?.[0]?.message).toMatch(
      /nobody answered it as custom; .*default-maximum-resolution-timeout/,
    );
  });
});
