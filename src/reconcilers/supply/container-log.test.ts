import { describe, expect, it } from 'vitest';
import type { ContainerLogNeed } from '../../core/need.ts';
import { ApiError } from '../../kube/client.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { pods, type AccessReview } from '../../kube/resources.ts';
import { supplyContainerLog, supplyLogAccess } from './container-log.ts';

const { signal } = new AbortController();

function cluster(text: string | undefined): { client: FakeKubeClient; need: ContainerLogNeed } {
  const client = new FakeKubeClient();
  const [pod] = client.seed(pods, { metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [] } });
  if (text !== undefined) client.logs.set('ns/p/c', text);
  const podUid = pod?.metadata.uid ?? '';
  return { client, need: { type: 'containerLog', namespace: 'ns', pod: 'p', podUid, container: 'c', limit: 20 } };
}

describe('the log of a container', () => {
  it.each([
    ['nothing', '', { text: '', isCut: false }],
    ['characters across the pieces of an answer', 'aäöüßéè€', { text: 'aäöüßéè€', isCut: false }],
    ['just as much as may be', 'x'.repeat(20), { text: 'x'.repeat(20), isCut: false }],
    ['more', 'x'.repeat(21), { text: 'x'.repeat(20), isCut: true }],
  ])('%s', async (_name, text, expected) => {
    const { client, need } = cluster(text);
    expect(await supplyContainerLog(need, client, signal)).toEqual({ kind: 'read', ...expected });
  });

  it('no more is taken than may be, whatever the server sends', async () => {
    const { client, need } = cluster('');
    let sent = 0;
    const endless = Object.assign(client, {
      async *podLogs() {
        for (;;) {
          sent += 1;
          yield await Promise.resolve(new Uint8Array(16));
        }
      },
    });
    expect(await supplyContainerLog(need, endless, signal)).toMatchObject({ isCut: true });
    expect(sent).toBe(2);
  });

  it('is not that of a pod which took its place', async () => {
    const { client, need } = cluster('forged');
    expect(await supplyContainerLog({ ...need, podUid: 'earlier' }, client, signal)).toEqual({
      kind: 'unreadable',
      message: 'pod ns/p was replaced by another',
      retryable: false,
    });
  });

  it.each([
    ['no such log', 404, false],
    ['no right', 403, false],
    ['a container that never ran', 400, false],
    ['too many requests', 429, true],
    ['a kubelet that does not answer', 502, true],
  ])('cannot be had: %s', async (message, status, retryable) => {
    const { client, need } = cluster('');
    client.intercept = ({ subresource }) => {
      if (subresource === 'log') throw new ApiError(status, { message });
    };
    const answer = await supplyContainerLog(need, client, signal);
    expect(answer).toEqual({ kind: 'unreadable', message: expect.stringContaining(message) as string, retryable });
  });

  it('a connection that breaks is tried again, a reconcile that is stopped is not', async () => {
    const { client, need } = cluster('');
    const stopped = new AbortController();
    client.intercept = () => {
      throw stopped.signal.aborted ? stopped.signal.reason : new Error('socket hang up');
    };
    expect(await supplyContainerLog(need, client, stopped.signal)).toMatchObject({ retryable: true });
    stopped.abort();
    await expect(supplyContainerLog(need, client, stopped.signal)).rejects.toThrow();
  });
});

describe('the right to read logs', () => {
  it.each<[string, AccessReview['status'] | ApiError, boolean]>([
    ['given', { allowed: true }, true],
    ['not given', { allowed: false }, false],
    ['not judged', undefined, true],
    ['not to be found out', new ApiError(500, { message: 'boom' }), true],
  ])('%s', async (_name, status, expected) => {
    const asked: unknown[] = [];
    const client = {
      create: (_resource: unknown, object: object) => {
        asked.push(object);
        return status instanceof ApiError ? Promise.reject(status) : Promise.resolve({ ...object, status });
      },
    };
    expect(await supplyLogAccess({ type: 'logAccess', namespace: 'ns' }, client as never, signal)).toBe(expected);
    expect(asked).toMatchObject([
      { spec: { resourceAttributes: { namespace: 'ns', verb: 'get', resource: 'pods', subresource: 'log' } } },
    ]);
  });
});
