import { describe, expect, it } from 'vitest';
import type { EventListener, Trigger } from '../../api/triggers/objects.ts';
import { FakeClock } from '../../clock.fake.ts';
import type { ServerRequest } from '../../http/server.ts';
import { silentLogger } from '../../log.ts';
import { scheduleEvent } from '../schedule/event.ts';
import { Sink, type SinkOptions } from './sink.ts';

const template = { spec: { resourcetemplates: [{ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun' }] } };
const ordinary: Trigger = { metadata: { name: 'push', namespace: 'ci', uid: 'u-1' }, spec: { template } };
const nightly: Trigger = {
  metadata: {
    name: 'nightly',
    namespace: 'ci',
    uid: 'u-2',
    labels: { app: 'api' },
    annotations: { 'triggers.tektite.dev/schedule': '@daily' },
  },
  spec: { template },
};

function sinkOf(spec: EventListener['spec'], more: Partial<SinkOptions> = {}) {
  const all = [ordinary, nightly];
  const made: string[] = [];
  const held = Promise.withResolvers<void>();
  const nothing = () => undefined;
  const listener: EventListener = { metadata: { name: 'l', namespace: 'ci', uid: 'u-0' }, spec: spec ?? {} };
  const sink = new Sink({
    name: { namespace: 'ci', name: 'l' },
    listener: () => listener,
    triggers: { find: (_namespace, name) => all.find(({ metadata }) => metadata.name === name), values: () => all },
    definitions: { binding: nothing, clusterBinding: nothing, template: nothing },
    client: {
      find: nothing,
      post: () => Promise.reject(new Error('nobody is asked here')),
      postWebhook: () => Promise.reject(new Error('nobody is asked here')),
    },
    create: async ({ apiVersion, kind }, { trigger }) => {
      await held.promise;
      made.push(trigger.name);
      return { apiVersion, kind, name: trigger.name };
    },
    waiting: () => 0,
    payloadValidation: true,
    handlerMs: 30_000,
    most: { events: 2, bytes: 1_000 },
    newId: () => 'e-1',
    clock: new FakeClock(),
    log: silentLogger,
    tell: { counted: nothing, started: nothing, outcome: nothing, done: nothing },
    ...more,
  });
  return { sink, made, release: held.resolve };
}

const request = (body = '{}'): ServerRequest => ({
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  rawQuery: '',
  params: {},
  headers: {},
  rawHeaders: [],
  body: Buffer.from(body),
  signal: new AbortController().signal,
});
const both = { triggers: [{ triggerRef: 'push' }, { triggerRef: 'nightly' }] };

describe('a sink', () => {
  it('says in its answer how many objects wait', async () => {
    const { sink } = sinkOf(both, { waiting: () => 7 });
    const { status, body } = await sink.handle(request());
    expect([status, JSON.parse(String(body))]).toMatchObject([202, { waiting: 7 }]);
  });

  it.each([
    ['as many events', '{}', 2],
    ['as many bytes', `{"a":"${'x'.repeat(900)}"}`, 1],
  ])('refuses an event, with the time to come again, when it works on %s as it may', async (_name, body, most) => {
    const { sink, release, made } = sinkOf(both);
    for (let count = 0; count < most; count++) expect((await sink.handle(request(body))).status).toBe(202);
    const { status, headers } = await sink.handle(request(body));
    expect([status, headers?.['retry-after']]).toEqual([503, '5']);
    release();
    await sink.end(1_000);
    expect(made.length).toBe(most);
    expect((await sink.handle(request(body))).status).toBe(202);
  });

  const formType = { 'content-type': 'application/x-www-form-urlencoded' };
  it.each<[string, Record<string, string>, string, unknown]>([
    ['a form of several fields', formType, 'a=1&b=2&a=3', { a: ['1', '3'], b: ['2'] }],
    ['JSON with an ampersand that curl calls a form', formType, '{"url":"?a=b&c=d"}', { url: '?a=b&c=d' }],
    ['JSON', {}, '{"a=1&b":2}', { 'a=1&b': 2 }],
  ])('takes %s', async (_name, headers, body, wanted) => {
    const contents: unknown[] = [];
    const create: SinkOptions['create'] = ({ apiVersion, kind }, { event }) => {
      contents.push(event.content.json);
      return Promise.resolve({ apiVersion, kind, name: 'made' });
    };
    const { sink } = sinkOf(both, { create, payloadValidation: false });
    await sink.handle({ ...request(body), headers });
    await sink.end(1_000);
    expect(contents).toEqual([wanted]);
  });

  it('keeps events from outside from Triggers with a schedule', async () => {
    const { sink, made, release } = sinkOf(both);
    await sink.handle(request());
    release();
    await sink.end(1_000);
    expect(made).toEqual(['push']);
  });

  const labelSelector = { matchLabels: { app: 'api' } };
  const group = (name: string) => ({
    name: 'g',
    interceptors: [{ ref: { name } }],
    triggerSelector: { labelSelector },
  });
  it.each<[string, EventListener['spec'], string[]]>([
    ['by its name', both, ['created']],
    ['by its labels', { labelSelector }, ['created']],
    ['through a group whose interceptor is not there', { triggerGroups: [group('gone')] }, ['failed']],
    ['not', { triggers: [{ triggerRef: 'push' }] }, []],
  ])('takes a time through the Trigger that its listener selects %s', async (_name, spec, wanted) => {
    const { sink, made, release } = sinkOf(spec);
    release();
    const schedule = { schedule: '@daily', timeZone: 'Etc/UTC', isSuspended: false };
    const outcomes = await sink.fire(nightly, scheduleEvent(nightly, schedule, new Date('2026-06-01T00:00:00Z')));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(wanted);
    expect(made).toEqual(wanted.includes('created') ? ['nightly'] : []);
  });
});
