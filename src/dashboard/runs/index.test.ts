import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../api/resources.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { silentLogger } from '../../log.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import type { RunPage } from '../contract.ts';
import { changesOf } from './changes.ts';
import { RunIndex } from './index.ts';
import { readQuery } from './query.ts';
import { conditionStatus, runObject } from './runs.fake.ts';

const resource = pipelineRuns as Resource;
const ends: AbortController[] = [];
afterEach(() => ends.splice(0).forEach((end) => end.abort()));

async function indexOf(...runs: KubeObject[]) {
  const client = new FakeKubeClient();
  client.seed(resource, ...runs);
  const end = new AbortController();
  ends.push(end);
  const index = new RunIndex(client, [], silentLogger);
  void index.run(end.signal);
  await index.synced(end.signal);
  return { client, index, signal: end.signal };
}

function pageOf(index: RunIndex, query = '', visible = (namespace: string) => namespace !== ''): RunPage {
  return index.page(readQuery(new URLSearchParams(query)), ({ namespace }) => visible(namespace));
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace('.000', '');
const names = ({ items }: RunPage) => items.map(({ name }) => name);
const taking = (seconds: number) =>
  conditionStatus('True', 'Completed', { startTime: at(0), completionTime: at(seconds) });

describe('pages', () => {
  it('show runs of the first list and of the watch alike', async () => {
    const person = { 'tektite.dev/person': 'ana' };
    const { client, index } = await indexOf(runObject({ name: 'listed', annotations: person, status: taking(3) }));
    await client.create(resource, runObject({ name: 'watched', annotations: person, status: taking(3) }));
    await expect.poll(() => index.size).toBe(2);
    const shown = { status: 'succeeded', definition: 'build', startedBy: { person: 'ana' }, usualMilliseconds: 3000 };
    expect(pageOf(index).items).toMatchObject([shown, shown]);
  });

  it('are newest first, and go on where the last one ended although new runs have come', async () => {
    const { client, index } = await indexOf(
      ...[1, 2, 3, 4, 5].map((n) => runObject({ name: `r${n}`, created: at(n) })),
    );
    const first = pageOf(index, 'limit=2');
    expect([names(first), first.total]).toEqual([['r5', 'r4'], 5]);
    await client.create(resource, runObject({ name: 'r9', created: at(9) }));
    await expect.poll(() => index.size).toBe(6);
    const second = pageOf(index, `limit=2&after=${first.next}`);
    expect(names(second)).toEqual(['r3', 'r2']);
    const third = pageOf(index, `limit=2&after=${second.next}`);
    expect([names(third), third.next]).toEqual([['r1'], undefined]);
  });

  it('count by status all that match, and show the wanted status alone', async () => {
    const { index } = await indexOf(
      runObject({ name: 'a', status: conditionStatus('False', 'Failed') }),
      runObject({ name: 'b', status: conditionStatus('True', 'Completed') }),
      runObject({ name: 'c', spec: { pipelineRef: { name: 'other' } } }),
    );
    const page = pageOf(index, 'status=failed&pipeline=build');
    expect([names(page), page.total]).toEqual([['a'], 1]);
    expect(page.counts).toMatchObject({ failed: 1, succeeded: 1, pending: 0 });
  });

  it('count and show nothing of namespaces that the caller may not see', async () => {
    const { index } = await indexOf(
      runObject({ name: 'a', namespace: 'mine' }),
      runObject({ name: 'b', namespace: 'theirs' }),
    );
    const page = pageOf(index, '', (namespace) => namespace === 'mine');
    expect([names(page), page.total, page.counts.pending]).toEqual([['a'], 1, 1]);
  });

  it('say how long a definition usually takes: the median of what succeeded, kept up to date', async () => {
    const { client, index } = await indexOf(
      ...[10, 20, 60].map((seconds) => runObject({ name: `r${seconds}`, status: taking(seconds) })),
      runObject({
        name: 'failed',
        status: conditionStatus('False', 'Failed', { startTime: at(0), completionTime: at(1) }),
      }),
    );
    expect(pageOf(index).items.map((run) => run.usualMilliseconds)).toEqual([20_000, 20_000, 20_000, 20_000]);
    await client.delete(resource, 'n', 'r10');
    await expect.poll(() => pageOf(index).items[0]?.usualMilliseconds).toBe(60_000);
  });

  it('of 10,000 runs are small', async () => {
    const runs = Array.from({ length: 10_000 }, (_, n) =>
      runObject({ name: `run-${n}`, created: at(n), status: taking(10), labels: { number: String(n) } }),
    );
    const { index } = await indexOf(...runs);
    const start = performance.now();
    const page = pageOf(index, 'limit=100&q=run-99');
    const milliseconds = performance.now() - start;
    const bytes = JSON.stringify(pageOf(index, 'limit=500').items).length;
    console.log(
      `10,000 runs: a page in ${milliseconds.toFixed(1)} ms, ${(bytes / 500).toFixed(0)} bytes a run on the wire`,
    );
    expect([index.size, page.total]).toEqual([10_000, 111]);
    expect(bytes / 500).toBeLessThan(1_000);
  });
});

describe('changes', () => {
  async function reader(query: string, maySee = () => true) {
    const made = await indexOf(runObject({ name: 'old', labels: { team: 'a' } }));
    const { index, signal } = made;
    const stream = changesOf({
      index,
      query: readQuery(new URLSearchParams(query)),
      maySee: () => Promise.resolve(maySee()),
      signal,
    });
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    await expect.poll(() => chunks.join('')).toContain('event: ready');
    return { ...made, said: () => chunks.join(''), stream };
  }

  it('tell of runs that come, change and go, each once', async () => {
    const { client, said } = await reader('');
    await client.create(resource, runObject({ name: 'new' }));
    await client.delete(resource, 'n', 'old');
    await expect.poll(said).toContain('"type":"removed","uid":"uid-old"');
    const events = said().match(/"type":"\w+"/g);
    expect(events).toEqual(['"type":"changed"', '"type":"removed"']);
  });

  it('a run that no longer matches is removed', async () => {
    const { client, said } = await reader('label=team%3Da');
    await client.patch(resource, 'n', 'old', { type: 'merge', body: { metadata: { labels: { team: 'b' } } } });
    await expect.poll(said).toContain('"type":"removed"');
  });

  it('end with the right to see them', async () => {
    let may = true;
    const { client, said } = await reader('', () => may);
    may = false;
    await client.create(resource, runObject({ name: 'secret' }));
    for (let round = 0; round < 20; round++) await turn();
    may = true;
    await client.create(resource, runObject({ name: 'seen' }));
    await expect.poll(said).toContain('"name":"seen"');
    expect(said()).not.toContain('secret');
  });

  it('a name with line breaks cannot end an event', async () => {
    const { client, said } = await reader('');
    await client.create(
      resource,
      runObject({ name: 'x', annotations: { 'tektite.dev/branch': 'a\n\nevent: forged' } }),
    );
    await expect.poll(said).toContain('a\\n\\nevent: forged');
  });

  it('a reader who falls behind is cut off', async () => {
    const { client, index, signal } = await indexOf();
    const stream = changesOf({
      index,
      query: readQuery(new URLSearchParams()),
      maySee: () => Promise.resolve(true),
      signal,
    });
    let isOver = false;
    stream.once('end', () => (isOver = true));
    stream.once('readable', () => undefined);
    await turn();
    for (let n = 0; n < 2_500; n++) await client.create(resource, runObject({ name: `r${n}` }));
    await expect.poll(() => index.size, { timeout: 20_000 }).toBe(2_500);
    stream.resume();
    await expect.poll(() => isOver, { timeout: 20_000 }).toBe(true);
  });
});
