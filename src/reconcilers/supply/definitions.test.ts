import { describe, expect, it } from 'vitest';
import type { Task } from '../../api/pipeline/v1/task.ts';
import { stepActions, tasks } from '../../api/resources.ts';
import type { DefinitionNeed } from '../../core/need.ts';
import { referenceOf, type DefinitionKind } from '../../core/reference/reference.ts';
import { ApiError } from '../../kube/client.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { Store } from '../../kube/store.ts';
import { supplyDefinition, type DefinitionSources } from './definitions.ts';

const { signal } = new AbortController();
const requester = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', namespace: 'ns', name: 'run', uid: 'uid' };
const taskOf = (image: string): Task => ({
  metadata: { name: 't', namespace: 'ns', labels: { of: 'task' } },
  spec: { steps: [{ image }] },
});

function need(fields: Parameters<typeof referenceOf>[1], more: { kind?: DefinitionKind; fresh?: boolean } = {}) {
  const reference = referenceOf(more.kind ?? 'Task', fields);
  if (reference === undefined) throw new Error('no reference');
  const { fresh = true } = more;
  return { type: 'definition', namespace: 'ns', reference, requestName: 'run', fresh } satisfies DefinitionNeed;
}

/** A Task on the server, and an older state of it in the cache. */
function sources(more: Partial<DefinitionSources> = {}): DefinitionSources {
  const client = new FakeKubeClient();
  client.seed(tasks, taskOf('new'));
  const store = new Store<Task>();
  store.replace([taskOf('cached')], '1');
  return { client, stores: { tasks: store }, ...more };
}

describe('a definition in the cluster', () => {
  it.each([
    ['of a run that has not begun, from the API server', true, 'new'],
    ['of one that has, from the cache', false, 'cached'],
  ])('%s', async (_name, fresh, image) => {
    expect(await supplyDefinition(need({ name: 't' }, { fresh }), requester, sources(), signal)).toMatchObject({
      kind: 'found',
      definition: { name: 't', metadata: { labels: { of: 'task' } }, spec: { steps: [{ image }] } },
    });
  });

  it('is asked of the API server when the cache does not have it yet', async () => {
    const given = sources({ stores: { tasks: new Store<Task>() } });
    const found = await supplyDefinition(need({ name: 't' }, { fresh: false }), requester, given, signal);
    expect(found).toMatchObject({ kind: 'found', definition: { spec: { steps: [{ image: 'new' }] } } });
  });

  it.each([
    [404, 'NotFound'],
    [403, 'Forbidden'],
  ])('that cannot be had is an answer: %i', async (status, reason) => {
    const client = { get: () => Promise.reject(new ApiError(status, { message: 'no' })) };
    expect(await supplyDefinition(need({ name: 't' }), requester, sources({ client }), signal)).toEqual({
      kind: 'failed',
      reason,
      message: 'no',
    });
  });

  it('is tried again when the API server is in trouble', async () => {
    const client = { get: () => Promise.reject(new ApiError(500, { message: 'down' })) };
    await expect(supplyDefinition(need({ name: 't' }), requester, sources({ client }), signal)).rejects.toThrow('down');
  });
});

describe('a StepAction', () => {
  it('is read from the API server, in v1beta1', async () => {
    const client = new FakeKubeClient();
    const spec = { image: 'of the action' };
    client.seed(stepActions, { metadata: { name: 's', namespace: 'ns' }, spec });
    const given = need({ name: 's' }, { kind: 'StepAction', fresh: false });
    expect(await supplyDefinition(given, requester, sources({ client }), signal)).toMatchObject({
      kind: 'found',
      definition: { name: 's', spec },
    });
  });
});

describe('a remote definition', () => {
  it('is left to who resolves it, with the run that asks', async () => {
    const asked: unknown[] = [];
    const remote: DefinitionSources['remote'] = (given, who) => {
      asked.push([given.reference.resolver, given.requestName, who]);
      return Promise.resolve({ kind: 'resolving', request: 'git-1' });
    };
    const given = need({ resolver: 'git' });
    expect(await supplyDefinition(given, requester, sources({ remote }), signal)).toEqual({
      kind: 'resolving',
      request: 'git-1',
    });
    expect(asked).toEqual([['git', 'run', requester]]);
  });

  it('is not supported without one', async () => {
    const given = need({ resolver: 'git' });
    expect(await supplyDefinition(given, requester, sources(), signal)).toMatchObject({ reason: 'Unsupported' });
  });
});
