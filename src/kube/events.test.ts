import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { createLogger } from '../log.ts';
import { ApiError } from './api-error.ts';
import { FakeKubeClient } from './client.fake.ts';
import { EventRecorder } from './events.ts';
import type { EventRecorderOptions, EventTarget } from './events.ts';
import { events } from './resources.ts';

const run: EventTarget = {
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  metadata: { name: 'run', namespace: 'ns', uid: 'u1', resourceVersion: '7' },
};

const numbered = (i: number): EventTarget => ({
  ...run,
  metadata: { ...run.metadata, name: `run-${i}`, uid: `u${i}` },
});

function setUp(
  isImportant?: EventRecorderOptions['isImportant'],
  more: Pick<EventRecorderOptions, 'perObject' | 'isBusy'> = {},
) {
  const logged: string[] = [];
  const client = new FakeKubeClient();
  const clock = new FakeClock();
  const results: string[] = [];
  const recorder = new EventRecorder({
    client,
    component: 'tekton-pipelines-controller',
    log: createLogger({ name: 't', level: 'warn', destination: { write: (text: string) => void logged.push(text) } }),
    ...(isImportant ? { isImportant } : {}),
    ...more,
    clock,
    onWrite: (result) => results.push(result),
  });
  const written = async () => (await client.list(events)).items;
  const lines = () => logged.map((text) => JSON.parse(text) as object);
  return { client, clock, results, recorder, written, lines };
}

describe('EventRecorder', () => {
  test('writes where nobody counts what becomes of events', async () => {
    const { client, clock, written } = setUp();
    const log = createLogger({ name: 't', level: 'fatal', destination: { write: () => undefined } });
    const recorder = new EventRecorder({ client, component: 'test', log, clock });
    recorder.event(run, 'Normal', 'Started', 'all well');
    await recorder.flush();
    expect(await written()).toHaveLength(1);
  });

  test('writes the event as client-go does', async () => {
    const { recorder, written, results } = setUp();
    recorder.event(run, 'Normal', 'Started', 'all well');
    await recorder.flush();
    const [event] = await written();
    expect(event).toMatchObject({
      metadata: { namespace: 'ns' },
      involvedObject: {
        apiVersion: 'tekton.dev/v1',
        kind: 'TaskRun',
        namespace: 'ns',
        name: 'run',
        uid: 'u1',
        resourceVersion: '7',
      },
      type: 'Normal',
      reason: 'Started',
      message: 'all well',
      count: 1,
      source: { component: 'tekton-pipelines-controller' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      reportingComponent: 'tekton-pipelines-controller',
      reportingInstance: '',
    });
    expect(event?.metadata.name).toMatch(/^run\.[0-9a-f]{16}$/);
    expect(results).toEqual(['created']);
  });

  test('a repeat is a count on the first', async () => {
    const { recorder, clock, written, results, client } = setUp();
    recorder.event(run, 'Warning', 'Failed', 'again');
    await recorder.flush();
    await clock.advance(5_000);
    recorder.event(run, 'Warning', 'Failed', 'again');
    recorder.event(run, 'Warning', 'Failed', 'again');
    await recorder.flush();
    expect(await written()).toMatchObject([
      { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:05Z' },
    ]);
    expect(results[0]).toBe('created');
    expect(new Set(results.slice(1))).toEqual(new Set(['patched']));
    expect(client.writes.length).toBe(results.length);
  });

  test('repeats that wait for their turn cost one write', async () => {
    const { recorder, client, written } = setUp();
    for (let i = 0; i < 11; i++) recorder.event(run, 'Normal', 'Pending', 'waits');
    await recorder.flush();
    expect(client.writes).toHaveLength(2);
    expect(await written()).toMatchObject([{ reason: 'Pending', count: 11 }]);
  });

  test('a counted event that is gone is created anew', async () => {
    const { recorder, client, written } = setUp();
    recorder.event(run, 'Normal', 'Started', 'x');
    await recorder.flush();
    const [first] = await written();
    await client.delete(events, 'ns', first?.metadata.name ?? '');
    recorder.event(run, 'Normal', 'Started', 'x');
    await recorder.flush();
    expect(await written()).toMatchObject([{ count: 1 }]);
  });

  test('many messages of one reason become one combined event', async () => {
    const { recorder, written } = setUp();
    for (let i = 0; i < 15; i++) {
      recorder.event(run, 'Normal', 'Progress', `step ${i}`);
      await recorder.flush();
    }
    const all = await written();
    expect(all).toHaveLength(10);
    expect(all.at(-1)).toMatchObject({ message: '(combined from similar events): step 14', count: 6 });
  });

  test('a flood about one object is cut; other objects are not concerned', async () => {
    const { recorder, clock, written, results } = setUp();
    const other: EventTarget = { ...run, metadata: { ...run.metadata, name: 'other', uid: 'u2' } };
    for (let i = 0; i < 40; i++) recorder.event(run, 'Normal', `Reason${i}`, 'x');
    recorder.event(other, 'Normal', 'Started', 'x');
    await recorder.flush();
    expect(await written()).toHaveLength(26);
    expect(results.filter((result) => result === 'dropped')).toHaveLength(15);
    await clock.advance(300_000);
    recorder.event(run, 'Normal', 'Later', 'x');
    await recorder.flush();
    expect(await written()).toHaveLength(27);
  });

  test('a role that has more to tell of one object may', async () => {
    const { recorder, clock, written } = setUp(undefined, { perObject: { burst: 60, qps: 0.2 } });
    for (let i = 0; i < 70; i++) recorder.event(run, 'Normal', `Reason${i}`, 'x');
    await recorder.flush();
    expect(await written()).toHaveLength(60);
    await clock.advance(5_000);
    recorder.event(run, 'Normal', 'Later', 'x');
    await recorder.flush();
    expect(await written()).toHaveLength(61);
  });

  test('annotations are those of the last repeat, whether it waits or the first is written', async () => {
    const { recorder, written } = setUp();
    const told = (of: string) => ({ type: 'Normal', reason: 'Told', message: 'x', annotations: { of } }) as const;
    for (const of of ['a', 'b', 'c']) recorder.tell(run, told(of));
    await recorder.flush();
    expect(await written()).toMatchObject([{ count: 3, metadata: { annotations: { of: 'c' } } }]);
    recorder.tell(run, told('d'));
    await recorder.flush();
    expect(await written()).toMatchObject([{ count: 4, metadata: { annotations: { of: 'd' } } }]);
    recorder.event(run, 'Normal', 'Other', 'x');
    await recorder.flush();
    expect((await written())[1]?.metadata).not.toHaveProperty('annotations');
  });

  test('a long message is cut to 1024, not through a character', async () => {
    const { recorder, written } = setUp();
    recorder.event(run, 'Normal', 'Long', `${'x'.repeat(1020)}🚀${'y'.repeat(100)}`);
    await recorder.flush();
    const message = (await written())[0]?.message ?? '';
    expect(message.length).toBeLessThanOrEqual(1024);
    expect(message.endsWith('x...')).toBe(true);
  });

  test('an object without namespace has its events in default', async () => {
    const { recorder, written } = setUp();
    recorder.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u' } }, 'Normal', 'Started', 'x');
    await recorder.flush();
    expect(await written()).toMatchObject([{ metadata: { namespace: 'default' }, involvedObject: { name: 'n1' } }]);
  });

  test('the name of an object with a long name is still a name', async () => {
    const { recorder, written } = setUp();
    recorder.event(
      { ...run, metadata: { ...run.metadata, name: `${'a'.repeat(198)}-.${'b'.repeat(40)}` } },
      'Normal',
      'Started',
      'x',
    );
    await recorder.flush();
    expect((await written())[0]?.metadata.name).toMatch(/^a{198}\.[0-9a-f]{16}$/);
  });

  test('a server that refuses costs the event, not the caller', async () => {
    const { recorder, client, results, written } = setUp();
    client.intercept = (call) => {
      if (call.verb === 'create')
        throw new ApiError(403, { reason: 'Forbidden', message: 'namespace is being terminated' });
    };
    recorder.event(run, 'Normal', 'Started', 'x');
    await recorder.flush();
    client.intercept = undefined;
    recorder.event(run, 'Normal', 'Succeeded', 'y');
    await recorder.flush();
    expect(results).toEqual(['failed', 'created']);
    expect(await written()).toMatchObject([{ reason: 'Succeeded' }]);
  });

  test('are written at a rate of their own, that costs the client none of its', async () => {
    const { recorder, clock, client } = setUp();
    for (let i = 0; i < 600; i++) recorder.event(numbered(i), 'Normal', 'Started', 'x');
    await clock.advance(0);
    expect(client.writes.length).toBeLessThanOrEqual(310);
    await clock.advance(1_000);
    expect(client.writes.length).toBeLessThanOrEqual(460);
    await clock.advance(1_000);
    expect(client.writes).toHaveLength(600);
  });

  test('are few while there are more urgent calls, and go on when there are none', async () => {
    const calls = { areUrgent: true };
    const { recorder, clock, client } = setUp(undefined, { isBusy: () => calls.areUrgent });
    for (let i = 0; i < 300; i++) recorder.event(numbered(i), 'Normal', 'Started', 'x');
    await clock.advance(10_000);
    expect(client.writes.length).toBeGreaterThan(140);
    expect(client.writes.length).toBeLessThan(180);
    calls.areUrgent = false;
    await clock.advance(1_000);
    expect(client.writes).toHaveLength(300);
  });

  test('do not stay behind where so many wait that some would be lost', async () => {
    const { recorder, clock, client, results } = setUp(undefined, { isBusy: () => true });
    for (let i = 0; i < 9_000; i++) recorder.event(numbered(i), 'Normal', 'Started', 'x');
    await clock.advance(60_000);
    expect(client.writes.length).toBeGreaterThan(4_000);
    expect(client.writes.length).toBeLessThan(5_000);
    expect(results).not.toContain('dropped');
  });

  test('none of the 8,000 that matter of 1,000 runs at once is lost, and they go first', async () => {
    const { recorder, clock, results, written } = setUp((type, reason) => type === 'Warning' || reason === 'Started');
    for (let i = 0; i < 8_000; i++) {
      recorder.event(numbered(i), 'Normal', 'Running', 'only says how far it is');
      recorder.event(numbered(i), i % 2 ? 'Warning' : 'Normal', i % 2 ? 'Failed' : 'Started', 'x');
    }
    const dropped = results.filter((result) => result === 'dropped').length;
    expect(dropped).toBeGreaterThan(5_000);
    await clock.advance(20_000);
    expect((await written()).filter(({ reason }) => reason === 'Running').length).toBeLessThanOrEqual(8);
    await clock.advance(100_000);
    expect((await written()).filter(({ reason }) => reason !== 'Running')).toHaveLength(8_000);
    expect(await written()).toHaveLength(16_000 - dropped);
  });

  test('drops are told in the log, once a minute, with their number', async () => {
    const { recorder, clock, lines } = setUp();
    for (let i = 0; i < 40; i++) recorder.event(run, 'Normal', `Reason${i}`, 'x');
    expect(lines()).toMatchObject([{ dropped: 1, why: 'too many about one object', object: 'run' }]);
    await clock.advance(60_000);
    for (let i = 0; i < 3; i++) recorder.event(run, 'Normal', `Other${i}`, 'x');
    expect(lines()).toMatchObject([{ dropped: 1 }, { dropped: 15 }]);
  });

  test('flush does not wait for ever', async () => {
    const { recorder, client, clock } = setUp();
    client.intercept = () =>
      new Promise(() => {
        /* the server never answers */
      });
    recorder.event(run, 'Normal', 'Started', 'x');
    const flushed = recorder.flush();
    await clock.advance(5_000);
    await flushed;
  });
});
