import { describe, expect, it } from 'vitest';
import type { Param } from '../../api/pipeline/v1/params.ts';
import { resolutionRequests, type ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import { FakeClock } from '../../clock.fake.ts';
import type { DefinitionNeed } from '../../core/need.ts';
import { settingsOf } from '../../core/pod/pod.fake.ts';
import type { RemoteReference } from '../../core/reference/reference.ts';
import { ApiError } from '../../kube/api-error.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { resolvedStatus } from '../contract/status.ts';
import { createRemoteSupplier, type SupplierOptions } from './supplier.ts';

const params: Param[] = [{ name: 'url', value: 'https://example.com/task.yaml' }];
const reference: RemoteReference = { kind: 'remote', ofKind: 'Task', resolver: 'http', params };
const requester = (name: string) => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  namespace: 'team',
  name,
  uid: `uid of ${name}`,
});
const yaml = (script: string) => `
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: { name: greet }
spec: { steps: [{ image: busybox, script: ${script} }] }
`;

interface Scene {
  client: FakeKubeClient;
  supply: (run: string) => ReturnType<ReturnType<typeof createRemoteSupplier>>;
  answer: (body: string) => Promise<void>;
}

/** The cache sees at once what the API server has. */
function scene(change: Partial<SupplierOptions> = {}): Scene {
  const client = new FakeKubeClient();
  const requests = new Map<string, ResolutionRequest>();
  const settings = settingsOf({});
  const supplier = createRemoteSupplier({
    client,
    requests: {
      find: (_namespace, name) => requests.get(name),
      observeWrite: (request) => void requests.set(request.metadata.name ?? '', request),
    },
    policies: { list: () => [] },
    patience: () => Promise.resolve(undefined),
    settings: () => settings,
    clock: new FakeClock(),
    ...change,
  });
  const refresh = async () => {
    const { items } = await client.list(resolutionRequests);
    for (const item of items) requests.set(item.metadata.name ?? '', item);
  };
  return {
    client,
    async supply(run) {
      await refresh();
      const need: DefinitionNeed = { type: 'definition', namespace: 'team', reference, requestName: run, fresh: true };
      return supplier({ ...need, reference }, requester(run), new AbortController().signal);
    },
    async answer(body) {
      const { items } = await client.list(resolutionRequests);
      for (const item of items) {
        const found = { data: Buffer.from(body), annotations: {}, refSource: { uri: 'https://example.com/task.yaml' } };
        await client.replaceStatus(resolutionRequests, { ...item, status: resolvedStatus(found, new Date(0)) });
      }
    },
  };
}

describe('a remote reference', () => {
  it('is asked for once, by the run that owns the request', async () => {
    const { client, supply } = scene();
    const resolved = await supply('run');
    expect(resolved).toEqual({ kind: 'resolving', request: expect.stringMatching(/^http-[0-9a-f]{32}$/) as string });
    expect(await supply('run')).toEqual(resolved);
    expect(client.writes).toHaveLength(1);
    expect(client.writes[0]?.body).toMatchObject({
      metadata: { ownerReferences: [{ kind: 'TaskRun', name: 'run', uid: 'uid of run', controller: true }] },
      spec: { params },
    });
  });

  it('is answered with a definition of the version that runs are planned with', async () => {
    const { supply, answer } = scene();
    await supply('run');
    await answer(yaml('echo'));
    expect(await supply('run')).toMatchObject({
      kind: 'found',
      definition: { name: 'greet', spec: { steps: [{ image: 'busybox', script: 'echo' }] } },
      refSource: { uri: 'https://example.com/task.yaml' },
    });
  });

  it('is read once for all runs that got the same, and anew for another', async () => {
    const { supply, answer } = scene();
    const definitionOf = async (run: string) => {
      const resolved = await supply(run);
      return resolved.kind === 'found' ? resolved.definition : expect.fail(JSON.stringify(resolved));
    };
    await Promise.all([supply('first'), supply('second')]);
    await answer(yaml('echo'));
    const first = await definitionOf('first');
    expect(await definitionOf('second')).toBe(first);
    await answer(yaml('other'));
    expect((await definitionOf('first')).spec).toMatchObject({ steps: [{ script: 'other' }] });
  });

  it('is answered where it was asked when a resolver has the answer at hand', async () => {
    const asked: [run: string, name: string][] = [];
    const { supply, client } = scene({
      patience: async (run, { name }, signal) => {
        asked.push([run, name]);
        const made = await client.get(resolutionRequests, 'team', name);
        signal.throwIfAborted();
        const found = { data: Buffer.from(yaml('echo')), annotations: {}, refSource: { uri: 'https://example.com' } };
        return { ...made, status: resolvedStatus(found, new Date(0)) };
      },
    });
    expect(await supply('run')).toMatchObject({ kind: 'found', definition: { name: 'greet' } });
    expect(asked).toEqual([['TaskRun team/run', expect.stringMatching(/^http-/)]]);
  });

  it.each<[what: string, error: ApiError, outcome: object]>([
    [
      'refused by a quota',
      new ApiError(403, { reason: 'Forbidden', message: 'exceeded quota' }),
      { kind: 'failed', reason: 'Failed', message: 'error requesting remote resource: exceeded quota' },
    ],
    [
      'there already, unseen by the cache',
      new ApiError(409, { reason: 'AlreadyExists', message: 'it exists' }),
      { kind: 'resolving' },
    ],
  ])('whose request is %s', async (_what, error, outcome) => {
    const { client, supply } = scene();
    client.intercept = ({ verb }) => {
      if (verb === 'create') throw error;
    };
    expect(await supply('run')).toMatchObject(outcome);
  });

  it('is not believed from a request that asks for something else under its name', async () => {
    const { client, supply, answer } = scene();
    await supply('run');
    await answer(yaml('echo'));
    const { items } = await client.list(resolutionRequests);
    for (const item of items)
      await client.replace(resolutionRequests, {
        ...item,
        spec: { params: [{ name: 'url', value: 'https://evil.example' }] },
      });
    expect(await supply('run')).toMatchObject({ kind: 'failed', reason: 'Invalid' });
  });
});
