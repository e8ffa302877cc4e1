import { describe, expect, it } from 'vitest';
import type { ResolutionRequest, ResolutionRequestStatus } from '../../api/resolution/resolution-request.ts';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { ResolutionCache } from '../cache/cache.ts';
import { failedStatus, succeededStatus, waitingStatus } from '../contract/status.ts';
import type { Resolver } from '../resolver.ts';
import { createRequestReconciler } from './reconciler.ts';

const now = new Date('2026-01-01T00:00:00Z');
const asked = (version: string, status?: ResolutionRequestStatus, uid = 'one'): ResolutionRequest => ({
  metadata: { name: 'http-1', namespace: 'team', uid, resourceVersion: version },
  spec: { params: [] },
  ...(status ? { status } : {}),
});

interface Meanwhile {
  /** What the watch tells of during the fetch. */
  seen?: ResolutionRequest | 'deleted';
  /** What the API server has then; without it, what was seen. */
  stored?: ResolutionRequest;
}

/** The writes that an answer costs, by the version that each is for and what became of it. */
async function writesFor({ seen, stored }: Meanwhile): Promise<string[]> {
  let cached: ResolutionRequest | undefined = asked('1');
  const onServer = stored ?? (seen === 'deleted' ? undefined : seen) ?? cached;
  const writes: string[] = [];
  const client = {
    get: () => Promise.resolve(onServer),
    patch: (_resource: unknown, _namespace: unknown, _name: unknown, { body }: { body: object }) => {
      const { metadata, status } = body as ResolutionRequest;
      const isCurrent = metadata.resourceVersion === onServer.metadata.resourceVersion;
      const answer = Buffer.from(status?.data ?? '', 'base64').toString();
      writes.push(`${metadata.resourceVersion} ${isCurrent ? answer : 'conflict'}`);
      if (isCurrent) return Promise.resolve(onServer);
      return Promise.reject(new ApiError(409, { reason: 'Conflict', message: 'it was changed' }));
    },
  };
  const fetched = () => {
    if (seen !== undefined) cached = seen === 'deleted' ? undefined : seen;
    return Promise.resolve({ data: Buffer.from('fetched'), refSource: { uri: 'x' }, annotations: {} });
  };
  const resolver = {
    type: 'http',
    title: 'Http',
    configName: 'http-resolver-config',
    timeoutMs: () => 60_000,
    prepare: () => ({
      immutable: false,
      cacheKey: 'key',
      unlock: () => Promise.resolve({ credentials: [], fetch: fetched }),
    }),
  } as unknown as Resolver;
  const clock = new FakeClock();
  const reconcile = createRequestReconciler({
    resolver,
    client: client as never,
    requests: { get: () => cached },
    settings: { isEnabled: () => true, config: () => ({}) },
    cache: new ResolutionCache({ maxSize: 10, ttlMs: 1000 }, clock),
    clock,
  });
  expect(await reconcile('team/http-1', new AbortController().signal)).toEqual({ kind: 'done' });
  return writes;
}

describe('the answer to a request', () => {
  it.each<[what: string, meanwhile: Meanwhile, writes: string[]]>([
    ['is one write', {}, ['1 fetched']],
    [
      'is one write after a word about waiting that the watch has told of',
      { seen: asked('2', waitingStatus(now)) },
      ['2 fetched'],
    ],
    [
      'is written again after one that the watch has not told of',
      { stored: asked('2', waitingStatus(now)) },
      ['1 conflict', '2 fetched'],
    ],
    ['is none after that of somebody else', { seen: asked('2', succeededStatus(now)) }, []],
    ['is none after data of somebody else', { seen: asked('2', { data: 'eA==' }) }, []],
    [
      'is none after a failure that the watch has not told of',
      { stored: asked('2', failedStatus('ResolutionTimedOut', 'late', now)) },
      ['1 conflict'],
    ],
    ['is none for a request that is gone', { seen: 'deleted' }, []],
    ['is none for another request of that name', { seen: asked('9', undefined, 'two') }, []],
  ])('%s', async (_what, meanwhile, writes) => {
    expect(await writesFor(meanwhile)).toEqual(writes);
  });
});
