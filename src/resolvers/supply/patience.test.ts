import { describe, expect, it } from 'vitest';
import type { ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import { FakeClock } from '../../clock.fake.ts';
import { Store } from '../../kube/store.ts';
import { createPatience, patienceMs } from './patience.ts';

const named = (name: string, status?: ResolutionRequest['status']): ResolutionRequest => ({
  apiVersion: 'resolution.tekton.dev/v1beta1',
  kind: 'ResolutionRequest',
  metadata: { name, namespace: 'team', uid: name, resourceVersion: status ? '2' : '1' },
  spec: {},
  ...(status ? { status } : {}),
});
const success = { conditions: [{ type: 'Succeeded', status: 'True' as const }], data: 'ZGF0YQ==' };

function scene(mostWaiting = 1) {
  const clock = new FakeClock();
  const requests = new Store<ResolutionRequest>();
  const patience = createPatience({ requests, clock, mostWaiting });
  const end = new AbortController();
  const wait = (run: string, name = 'git-1') => patience(run, { namespace: 'team', name }, end.signal);
  return { clock, requests, wait, end };
}

describe('the patience of a run that has made a request', () => {
  it.each<[what: string, status: ResolutionRequest['status']]>([
    ['a success', success],
    ['a failure', { conditions: [{ type: 'Succeeded', status: 'False' }] }],
    ['data, without a word about it', { data: 'ZGF0YQ==' }],
  ])('ends with its answer: %s', async (_what, status) => {
    const { clock, requests, wait } = scene();
    const waiting = wait('a run');
    requests.upsert(named('git-1'));
    await clock.advance(patienceMs / 2);
    requests.upsert(named('git-1', status));
    expect((await waiting)?.status).toEqual(status);
    expect(clock.sleeping).toBe(0);
  });

  it('takes an answer that was there before it began', async () => {
    const { requests, wait } = scene();
    requests.upsert(named('git-1', success));
    expect((await wait('a run'))?.status).toEqual(success);
  });

  it('comes to an end without one', async () => {
    const { clock, requests, wait } = scene();
    const waiting = wait('a run');
    requests.upsert(named('git-1'));
    await clock.advance(patienceMs);
    expect(await waiting).toBeUndefined();
  });

  it('is for so many runs at a time, and for all requests of those', async () => {
    const { clock, wait } = scene(2);
    const two = [wait('first'), wait('second'), wait('second', 'git-2')];
    expect(await wait('third')).toBeUndefined();
    await clock.advance(patienceMs);
    expect(await Promise.all(two)).toEqual([undefined, undefined, undefined]);
    const later = wait('third');
    expect(clock.sleeping).toBe(1);
    await clock.advance(patienceMs);
    expect(await later).toBeUndefined();
  });

  it('ends with its process', async () => {
    const { wait, end } = scene();
    const waiting = wait('a run');
    end.abort(new Error('the end'));
    await expect(waiting).rejects.toThrow('the end');
  });
});
