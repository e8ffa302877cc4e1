import { afterEach, describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { silentLogger } from '../../log.ts';
import type { KubeObject } from '../../resource.ts';
import { RefusedError } from '../refusal.ts';
import { conditionStatus, runObject } from '../runs/runs.fake.ts';
import { ArtifactIndex } from './index.ts';
import { readArtifactQuery } from './query.ts';

const ends: AbortController[] = [];
afterEach(() => ends.splice(0).forEach((end) => end.abort()));

function maker(name: string, image: string): KubeObject {
  const results = [
    { name: 'IMAGE_URL', value: image },
    { name: 'IMAGE_DIGEST', value: `sha256:${'ab'.repeat(32)}` },
  ];
  return runObject({ name, status: conditionStatus('True', 'Completed', { results }) });
}

function indexOf(client: FakeKubeClient) {
  const end = new AbortController();
  ends.push(end);
  const index = new ArtifactIndex({ client, namespaces: [], trusted: undefined, log: silentLogger });
  return { index, running: index.run(end.signal), end };
}

const images = (index: ArtifactIndex) =>
  [...index.made()].map(({ name, run }) => `${run.kind} ${run.name} ${name}`).sort();

describe('the index of images', () => {
  it('reads nothing until somebody asks, then both kinds of runs, and what changes', async () => {
    const client = new FakeKubeClient();
    client.seed(pipelineRuns, maker('whole', 'r.io/web'), runObject({ name: 'none' }));
    client.seed(taskRuns, maker('task', 'r.io/web'));
    const { index } = indexOf(client);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.calls).toEqual([]);
    expect(index.isSynced()).toBe(false);
    await expect.poll(() => index.isSynced()).toBe(true);
    expect(images(index)).toEqual(['PipelineRun whole r.io/web', 'TaskRun task r.io/web']);
    const changes: string[] = [];
    index.onChange(({ kind }) => changes.push(kind));
    await client.create(pipelineRuns, maker('later', 'r.io/api'));
    await client.create(pipelineRuns, runObject({ name: 'nothing' }));
    await client.delete(taskRuns, 'n', 'task');
    await expect.poll(() => images(index)).toEqual(['PipelineRun later r.io/api', 'PipelineRun whole r.io/web']);
    expect(changes.sort()).toEqual(['PipelineRun', 'TaskRun']);
    expect(index.scopes()).toEqual([{ kind: 'PipelineRun', namespace: 'n' }]);
  });

  it('ends although nobody asked', async () => {
    const { running, end } = indexOf(new FakeKubeClient());
    end.abort();
    await running;
  });
});

describe('what is asked for', () => {
  it('is read', () => {
    const query = readArtifactQuery(new URLSearchParams('ns=a,b&q= Web &signed=yes,no&limit=7'));
    expect(query).toEqual({ namespaces: ['a', 'b'], text: 'web', signed: new Set(['yes', 'no']), limit: 7 });
    expect(readArtifactQuery(new URLSearchParams())).toEqual({ text: '', limit: 100 });
  });

  it.each([
    ['signed=maybe', 'signed: "maybe" is none of yes, failed, no'],
    ['ns=A_B', 'ns: "A_B" is no name of a namespace'],
    ['limit=501', 'limit: "501" is not 1 to 500'],
    [`q=${'x'.repeat(5_000)}`, 'the query is longer than 4096 characters'],
  ])('%s is refused', (query, message) => {
    expect(() => readArtifactQuery(new URLSearchParams(query))).toThrow(RefusedError);
    expect(() => readArtifactQuery(new URLSearchParams(query))).toThrow(message);
  });
});
