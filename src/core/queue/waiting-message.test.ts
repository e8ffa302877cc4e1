import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { lostMessage, waitingIn, waitingMessage, type Waiting } from './waiting-message.ts';

const queue = (title: string) => ({ key: 'k', title, limit: 2, whenFull: 'queue' as const });
const waiting = (count: number) => Array.from({ length: count }, (): PipelineRun => ({ metadata: {}, spec: {} }));
const holders = (...names: string[]) => names.map((name) => ({ name, uid: name }));
const ofRule = 'the queue of rule "deployments" (namespace=shop, pipeline=deploy)';

describe('what a run that waits says, and what is read of it', () => {
  it.each<[string, string[], string, Partial<NonNullable<Waiting['standing']>>]>([
    ['nobody runs', [], 'none yet', { running: [], moreRunning: 0 }],
    ['one runs', ['a'], 'a', { running: ['a'], moreRunning: 0 }],
    [
      'more run than are named',
      ['d', 'a', 'c', 'b', 'e'],
      'a, b, c and 2 more',
      { running: ['a', 'b', 'c'], moreRunning: 2 },
    ],
  ])('%s', (_name, running, text, read) => {
    const standing = { place: 3, waiting: waiting(5), running: holders(...running), mayGo: false };
    const message = waitingMessage('deploy-x', queue(ofRule), standing);
    expect(message).toBe(`PipelineRun "deploy-x" is pending: place 3 of 5 in ${ofRule}, limit 2; running: ${text}`);
    expect(waitingIn(message)).toEqual({ queue: ofRule, standing: { place: 3, of: 5, limit: 2, ...read } });
  });

  it('a place that cannot be found out', () => {
    const message = lostMessage('a', queue(ofRule), 'leases "tektite-queues-shop" is forbidden');
    expect(message).toContain('its place in the queue of rule');
    expect(waitingIn(message)).toEqual({
      queue: ofRule,
      standing: undefined,
      problem: 'leases "tektite-queues-shop" is forbidden',
    });
  });

  it('a param that looks like the end of a title changes nothing', () => {
    const title = 'the queue of rule "all" (namespace=n, param:a=), limit 9; running: z, limit 8; running: y)';
    const standing = { place: 1, waiting: waiting(1), running: holders('a'), mayGo: false };
    expect(waitingIn(waitingMessage('r', queue(title), standing))).toEqual({
      queue: title,
      standing: { place: 1, of: 1, limit: 2, running: ['a'], moreRunning: 0 },
    });
  });

  it.each([
    ['of another controller', 'PipelineRun "r" is pending'],
    ['of a run that is held', ''],
    [
      'too long to be one',
      waitingMessage('r', queue('q'.repeat(5_000)), { place: 1, waiting: [], running: [], mayGo: false }),
    ],
    ['with a number that is none', 'PipelineRun "r" is pending: place 1e9 of 2 in q, limit 1; running: none yet'],
  ])('a message %s is none', (_name, message) => expect(waitingIn(message)).toBeUndefined());
});
