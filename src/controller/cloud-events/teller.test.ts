import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { HttpClient } from '../../http/client.ts';
import { startServer, type FakeAnswer, type FakeServer } from '../../http/http-server.fake.ts';
import type { Change } from '../../kube/store.ts';
import type { ToldRun } from './event.ts';
import { Teller } from './teller.ts';

const signal = new AbortController().signal;
const minutes = (count: number) => count * 60_000;

/** A receiver whose answers a test decides, and a teller whose time it decides. */
let clock: FakeClock;
let http: HttpClient;
let server: FakeServer;
let answer: FakeAnswer;
let sink: string;
let said: string[];
let became: string[];
let gone: boolean;
let unreadable: boolean;

beforeEach(async () => {
  clock = new FakeClock('2026-01-01T00:00:00Z');
  http = new HttpClient({ anyDestination: true });
  answer = { status: 202 };
  server = await startServer(() => answer);
  sink = `${server.url}/events`;
  said = [];
  became = [];
  gone = false;
  unreadable = false;
});
afterEach(async () => {
  await http.close();
  await server.close();
});

function teller(most = 10): Teller {
  return new Teller({
    kind: 'TaskRun',
    sink: () => sink,
    http,
    whole: (_key, run) =>
      unreadable
        ? Promise.reject(new Error('forbidden'))
        : Promise.resolve(gone ? undefined : { ...run, spec: { params: [{ name: 'p', value: 'v' }] } }),
    events: { event: (target, type, reason, text) => void said.push(`${target.kind} ${type} ${reason}: ${text}`) },
    metrics: { became: (result) => void became.push(result) },
    clock,
    most,
  });
}

function run(status?: string, reason = '', message = '', fields: object = {}): ToldRun {
  return {
    metadata: { name: 'a', namespace: 'ns', uid: 'u1' },
    spec: {},
    ...(status ? { status: { conditions: [{ type: 'Succeeded', status, reason, message }], ...fields } } : {}),
  } as ToldRun;
}
const added = (object: ToldRun): Change<ToldRun> => ({
  type: 'added',
  key: 'ns/a',
  object,
  old: undefined,
  origin: 'watch',
});
const updated = (old: ToldRun, object: ToldRun): Change<ToldRun> => ({
  type: 'updated',
  key: 'ns/a',
  object,
  old,
  origin: 'watch',
});
const types = () => server.requests.map(({ headers }) => String(headers['ce-type']).split('.').at(-2));

/** Sends what waits, without the pauses between. */
async function sendAll(one: Teller): Promise<void> {
  for (let round = 0; round < 20 && one.waiting > 0; round++) await one.send('ns/a', signal);
}

describe('what is told', () => {
  it('each stage of a run once, with all of the run', async () => {
    const one = teller();
    const states = [
      run('Unknown', 'Started'),
      run('Unknown', 'Pending', 'a'),
      run('Unknown', 'Pending', 'b'),
      run('Unknown', 'Running', '1'),
      run('Unknown', 'Running', '2'),
      run('True', 'Succeeded'),
    ];
    one.changed(added(run()));
    await sendAll(one);
    let before = run();
    for (const state of states) {
      one.changed(updated(before, state));
      before = state;
      await sendAll(one);
    }
    expect(types()).toEqual(['queued', 'started', 'unknown', 'unknown', 'running', 'successful']);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/events',
      headers: { 'ce-specversion': '1.0', 'content-type': 'application/json' },
    });
    expect(JSON.parse(String(server.requests[0]?.body))).toMatchObject({
      taskRun: { metadata: { name: 'a' }, spec: { params: [{ name: 'p', value: 'v' }] } },
    });
    expect(said[0]).toBe('TaskRun Normal CloudEventSent: Sent dev.tekton.event.taskrun.queued.v1');
    expect(became).toEqual(Array(6).fill('sent'));
  });

  it.each<[string, Change<ToldRun>]>([
    ['a change that is none of its condition', updated(run('True'), run('True', '', '', { podName: 'p' }))],
    ['a deletion', { ...added(run('True')), type: 'deleted' }],
    [
      'the end of a run long ago, when a replica begins',
      added(run('True', '', '', { completionTime: '2025-12-31T23:00:00Z' })),
    ],
    ["another controller's run", added({ ...run(), spec: { managedBy: 'else' } })],
  ])('not %s', (_name, change) => {
    expect(teller().changed(change)).toBe(false);
  });

  it('nothing without a sink', () => {
    sink = '';
    expect(teller().changed(added(run()))).toBe(false);
  });

  it('the state of what a replica finds when it begins, under the same id', async () => {
    const ended = run('True', '', '', { completionTime: '2025-12-31T23:55:00Z' });
    for (const replica of [teller(), teller()]) {
      expect(replica.begin('ns/a', ended)).toBe(true);
      expect(replica.begin('ns/a', ended)).toBe(false);
      await sendAll(replica);
    }
    const ids = server.requests.map(({ headers }) => headers['ce-id']);
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  it('the end of a run that is deleted before it was sent', async () => {
    const one = teller();
    one.changed(updated(run(), run('False', 'StepFailed', 'boom')));
    gone = true;
    await sendAll(one);
    expect(JSON.parse(String(server.requests[0]?.body))).toMatchObject({
      taskRun: { metadata: { name: 'a', uid: 'u1' }, status: { conditions: [{ status: 'False', message: 'boom' }] } },
    });
  });
});

describe('a receiver that does not take it', () => {
  it.each([
    ['is away', undefined, /cannot be reached/],
    ['is overloaded', 503, /answered 503/],
    ['is not there yet behind its proxy', 404, /answered 404/],
  ])('and %s gets it later', async (_name, status, why) => {
    const one = teller();
    one.changed(added(run('True', 'Succeeded')));
    const there = sink;
    if (status === undefined) sink = 'http://127.0.0.1:1/';
    else answer = { status };
    const pauses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const outcome = await one.send('ns/a', signal);
      pauses.push(outcome.kind === 'requeueAfter' ? outcome.ms : -1);
      await clock.advance(pauses.at(-1) ?? 0);
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000]);
    expect(said).toEqual([expect.stringMatching(why)]);
    expect(said[0]).toMatch(
      /^TaskRun Warning CloudEventFailed: dev.tekton.event.taskrun.successful.v1 could not be sent yet: .*; it is tried again for 60 minutes$/,
    );
    [sink, answer] = [there, { status: 202 }];
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'done' });
    expect(types().at(-1)).toBe('successful');
    expect(became.at(-1)).toBe('sent');
  });

  it('is not asked before its pause is over', async () => {
    answer = { status: 500 };
    const one = teller();
    one.changed(added(run()));
    await one.send('ns/a', signal);
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'requeueAfter', ms: 250 });
    expect(server.requests).toHaveLength(1);
  });

  it('and is away is asked for one run, not for all that wait', async () => {
    answer = { status: 503 };
    const one = teller();
    one.begin('ns/a', run());
    one.begin('ns/b', run());
    await one.send('ns/a', signal);
    expect(await one.send('ns/b', signal)).toEqual({ kind: 'requeueAfter', ms: 100 });
    answer = { status: 202 };
    await clock.advance(100);
    expect(await one.send('ns/b', signal)).toEqual({ kind: 'done' });
    expect(server.requests).toHaveLength(2);
  });

  it('and stumbles over one event gets the others', async () => {
    answer = { status: 413 };
    const one = teller();
    one.begin('ns/a', run());
    one.begin('ns/b', run());
    await one.send('ns/a', signal);
    answer = { status: 202 };
    expect(await one.send('ns/b', signal)).toEqual({ kind: 'done' });
  });

  it('and a run that cannot be read is given up after an hour', async () => {
    const one = teller();
    one.changed(added(run()));
    unreadable = true;
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'requeueAfter', ms: 250 });
    await clock.advance(minutes(61));
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'done' });
    expect(said.at(-1)).toMatch(/was not sent: forbidden/);
  });

  it('and stays away an hour gets no more of it', async () => {
    answer = { status: 500 };
    const one = teller();
    one.changed(added(run()));
    await one.send('ns/a', signal);
    await clock.advance(minutes(61));
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'done' });
    expect(said.at(-1)).toMatch(/Warning CloudEventFailed: .*queued.v1 was not sent: .* answered 500/);
    expect([became, one.waiting]).toEqual([['retried', 'failed'], 0]);
  });

  it('and refuses it is not asked again', async () => {
    answer = { status: 400 };
    const one = teller();
    one.changed(added(run()));
    expect(await one.send('ns/a', signal)).toEqual({ kind: 'done' });
    expect(became).toEqual(['failed']);
  });

  it('and sends it elsewhere does not get it there', async () => {
    const elsewhere = await startServer(() => ({ status: 202 }));
    answer = { status: 307, headers: { location: elsewhere.url } };
    const one = teller();
    one.changed(added(run()));
    await one.send('ns/a', signal);
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  it('cannot fill the memory: what finds no room is told', () => {
    const one = teller(1);
    one.changed(added(run()));
    one.changed(updated(run(), run('False', 'StepFailed')));
    expect(one.waiting).toBe(1);
    expect(became).toEqual(['dropped']);
    expect(said).toEqual([expect.stringMatching(/CloudEventFailed: .*queued.v1 was not sent: too many events wait/)]);
  });
});
