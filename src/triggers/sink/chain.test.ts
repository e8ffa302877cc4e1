import { describe, expect, it } from 'vitest';
import type { InterceptorRequest } from '../interceptors/wire.ts';
import { runChain, type InterceptorClient } from './chain.ts';
import { EventBody } from './event-body.ts';
import type { ReceivedEvent } from './event.ts';

const signal = new AbortController().signal;
const uses = [{ ref: { name: 'first' }, params: [{ name: 'p', value: [1] }] }, { ref: { name: 'second' } }];
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

  it.each<[string, Buffer]>([
    ['are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a webhook put others in the place of', Buffer.from('{"a":1}')],
  ])('has the bytes that a signature is over where they %s', async (_name, body) => {
    const webhook = { webhook: { url: 'http://hook.ci' } };
    const [first] = await ask(received(body), world(Buffer.from('{"b":2}')), { ...chain, uses: [webhook, ...uses] });
    expect(first?.body).toBe('{"b":2}');
    expect(Buffer.from(first?.original_body ?? '', 'base64')).toEqual(body);
  });

  it('has no second copy of them where a webhook left them as they were', async () => {
    const webhook = { webhook: { url: 'http://hook.ci' } };
    const [first] = await ask(received(Buffer.from('{}')), world(), { ...chain, uses: [webhook, ...uses] });
    expect(first).not.toHaveProperty('original_body');
  });
});
