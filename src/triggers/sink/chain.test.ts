import { describe, expect, it } from 'vitest';
import type { InterceptorUse } from '../../api/triggers/spec.ts';
import type { InterceptorRequest } from '../interceptors/wire.ts';
import { runChain, type InterceptorClient } from './chain.ts';
import { EventBody } from './event-body.ts';
import type { ReceivedEvent } from './event.ts';

const signal = new AbortController().signal;
const uses: InterceptorUse[] = [
  { ref: { name: 'first' }, params: [{ name: 'p', value: [1] }] },
  { ref: { name: 'second' } },
];
const chain = { uses, triggerId: 'namespaces/ci/triggers/t', namespace: 'ci', listenerNamespace: 'ci' };

function received(body: Buffer): ReceivedEvent {
  return { id: 'e-1', url: '/hook?a=b', header: { 'X-A': ['1', '2'] }, body, content: EventBody.of(body) };
}

/** Interceptors that add their name to the extensions; the first one's old kind may put another body in its place. */
function world(replaced?: Buffer): { client: InterceptorClient; asked: InterceptorRequest[] } {
  const asked: InterceptorRequest[] = [];
  const client: InterceptorClient = {
    find: (_kind, _namespace, name) => ({ metadata: { name }, spec: { clientConfig: { url: `http://${name}.ci` } } }),
    post: ({ url }, body) => {
      asked.push(JSON.parse(body) as InterceptorRequest);
      const answer = { continue: true, extensions: { [url.hostname]: true } };
      return Promise.resolve({ status: 200, body: Buffer.from(JSON.stringify(answer)) });
    },
    postWebhook: (_url, message) =>
      Promise.resolve({ status: 200, header: message.header, body: replaced ?? Buffer.from(message.body) }),
  };
  return { client, asked };
}

function frozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
}

async function ask(event: ReceivedEvent, asking = world(), more = chain): Promise<InterceptorRequest[]> {
  const start = { body: event.content, header: event.header, extensions: {} };
  expect(await runChain(more, event, start, { client: asking.client, signal })).toMatchObject({ kind: 'passed' });
  return asking.asked;
}

describe('what an interceptor is asked', () => {
  it('is the event, its own params, and what those before it added', async () => {
    const body = Buffer.from('{ "a": "\\u00e9\n" }');
    const [first, second] = await ask(received(body));
    expect(first).toEqual({
      body: body.toString(),
      header: { 'X-A': ['1', '2'] },
      extensions: {},
      interceptor_params: { p: [1] },
      context: { event_url: '/hook?a=b', event_id: 'e-1', trigger_id: 'namespaces/ci/triggers/t' },
    });
    expect(second).toEqual({ ...first, interceptor_params: {}, extensions: { 'first.ci': true } });
  });

  it('has nothing of what another trigger added to the same event', async () => {
    const event = received(Buffer.from('{}'));
    const asking = world();
    await Promise.all([ask(event, asking), ask(event, asking)]);
    expect(asking.asked.map(({ extensions }) => extensions)).toEqual([
      {},
      {},
      { 'first.ci': true },
      { 'first.ci': true },
    ]);
  });

  const webhook: InterceptorUse = { webhook: { url: 'http://hook.ci' } };

  it('has the bytes that a signature is over where they are no UTF-8', async () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const [first] = await ask(received(body));
    expect(first?.body).toBe('{\uFFFD}');
    expect(Buffer.from(first?.original_body ?? '', 'base64')).toEqual(body);
  });

  it('has them where a webhook put others in their place', async () => {
    const body = Buffer.from('{"a":1}');
    const [first] = await ask(received(body), world(Buffer.from('{"b":2}')), { ...chain, uses: [webhook, ...uses] });
    expect(first?.body).toBe('{"b":2}');
    expect(Buffer.from(first?.original_body ?? '', 'base64')).toEqual(body);
  });

  it('has no second copy of them where a webhook left them as they were', async () => {
    const [first] = await ask(received(Buffer.from('{}')), world(), { ...chain, uses: [webhook, ...uses] });
    expect(first).not.toHaveProperty('original_body');
  });
});

describe('where a webhook is', () => {
  const service = { kind: 'Service', apiVersion: 'v1', name: 'gate' };
  it.each<[string, NonNullable<InterceptorUse['webhook']>, string]>([
    ["a Service of the trigger's namespace", { objectRef: service }, 'http://gate.ci.svc/'],
    ['a Service of another', { objectRef: { ...service, namespace: 'shared' } }, 'http://gate.shared.svc/'],
    ['a URL', { url: 'https://gate.example.com/in?a=b' }, 'https://gate.example.com/in?a=b'],
    ['a URL beside a Service', { url: 'http://gate.example.com/', objectRef: service }, 'http://gate.example.com/'],
  ])('%s', async (_name, webhook, where) => {
    const asked: string[] = [];
    const event = received(Buffer.from('{}'));
    const client: InterceptorClient = {
      ...world().client,
      postWebhook: (url, message) => {
        asked.push(url.href);
        expect(message.header['Eventlistener-Request-Url']).toEqual(['/hook?a=b']);
        return Promise.resolve({ status: 200, header: {}, body: Buffer.from('{"new":true}') });
      },
    };
    const start = { body: event.content, header: event.header, extensions: {} };
    const result = await runChain({ ...chain, uses: [{ webhook }] }, event, start, { client, signal });
    expect(asked).toEqual([where]);
    expect(result).toMatchObject({ kind: 'passed', event: { body: { text: '{"new":true}' } } });
  });
});

describe('the interceptor cel that comes along', () => {
  const service = { name: 'tekton-triggers-core-interceptors', namespace: 'tekton-pipelines', path: 'cel', port: 8443 };
  const elsewhere = { url: 'https://cel.example.com/cel' };
  const cel = (params: Record<string, unknown>, kind = 'ClusterInterceptor'): InterceptorUse => ({
    ref: { name: 'cel', kind },
    params: Object.entries(params).map(([name, value]) => ({ name, value })),
  });
  const pushes = { filter: "header.match('X-Event', 'push') && body.ref.startsWith('refs/heads/')" };

  async function judged(use: InterceptorUse, body = '{"ref":"refs/heads/main"}', clientConfig: object = { service }) {
    const event = { ...received(Buffer.from(body)), header: { 'X-Event': ['push'] } };
    // All triggers share what was read: who changes it throws.
    frozen(event.content.json);
    const { client, asked } = world();
    client.find = () => ({ metadata: { name: 'cel' }, spec: { clientConfig } });
    const start = { body: event.content, header: event.header, extensions: { before: 1 } };
    const result = await runChain({ ...chain, uses: [use] }, event, start, { client, signal });
    return { asked: asked.length, result };
  }

  it.each<[string, InterceptorUse, object | undefined, number]>([
    ['decides in the sink', cel(pushes), undefined, 0],
    ['is asked where it may need a Secret', cel({ filter: "'a'.compareSecret('key', 'name')" }), undefined, 1],
    [
      'is asked where it may need one for an overlay',
      cel({ overlays: [{ key: 'a', expression: "'a'.compareSecret('k', 'n')" }] }),
      undefined,
      1,
    ],
    ['is asked where it leads elsewhere', cel(pushes), elsewhere, 1],
    [
      'is asked where somebody made one of that name in a namespace',
      cel(pushes, 'NamespacedInterceptor'),
      undefined,
      1,
    ],
  ])('%s', async (_name, use, clientConfig, wanted) => {
    const { asked, result } = await judged(use, undefined, clientConfig);
    expect([asked, result.kind]).toEqual([wanted, 'passed']);
  });

  it('adds what its overlays make to what there is', async () => {
    const overlays = [
      { key: 'branch.name', expression: "body.ref.split('/')[2]" },
      { key: 'files', expression: 'body.commits.map(commit, commit.added)' },
    ];
    const body = '{"ref":"refs/heads/main","commits":[{"added":["a"]},{"added":[]}]}';
    const { result } = await judged(cel({ overlays }), body);
    const added = { branch: { name: 'main' }, files: [['a'], []] };
    expect(result).toMatchObject({ event: { extensions: { before: 1, ...added } } });
  });

  it.each<[string, Record<string, unknown>, string, object]>([
    [
      'a filter that is not true',
      { filter: 'false' },
      '{}',
      { code: 9, message: 'expression false did not return true' },
    ],
    ['an empty body as an empty object', { filter: 'has(body.ref)' }, '', { code: 9 }],
    ['a body that is no JSON', pushes, '{', { code: 3 }],
    ['params of another form', { filter: 1 }, '{}', { code: 3 }],
  ])('stops %s, as when it is asked', async (_name, params, body, wanted) => {
    expect((await judged(cel(params), body)).result).toMatchObject({ kind: 'stopped', interceptor: 'cel', ...wanted });
  });
});
