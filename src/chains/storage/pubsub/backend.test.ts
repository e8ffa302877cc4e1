import { MultipleErrors, NetworkError, ProtocolError, ResponseError } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { signatureContent } from '../content.ts';
import { otherKey, storeRequest } from '../request.fake.ts';
import { createPubsubBackend } from './backend.ts';
import { brokersOf, failure } from './kafka.ts';
import { memoryTopic } from './memory.ts';
import type { Message } from './message.ts';

const signal = new AbortController().signal;
const data = { 'storage.pubsub.provider': 'inmemory', 'storage.pubsub.topic': 'provenance' };

describe('pubsub', () => {
  it('publishes each payload once for each key', async () => {
    const seen: Message[] = [];
    const stop = memoryTopic('provenance').subscribe((message) => seen.push(message));
    const backend = createPubsubBackend('pubsub');
    const requests = [
      await storeRequest({ data }),
      await storeRequest({ data }),
      await storeRequest({ data, privateKey: otherKey() }),
      await storeRequest({ data, image: true }),
    ];
    for (const request of requests) await backend.store(request, signal);
    stop();
    await backend.store(await storeRequest({ data, payload: {} }), signal);
    const expected = [0, 2, 3].map((index) => requests[index] as (typeof requests)[number]);
    expect(seen).toEqual(
      expected.map(({ artifact, signature }) => ({
        key: artifact.fullKey,
        body: signatureContent(signature),
        metadata: {
          payload: Buffer.from(Buffer.from(artifact.payload.json).toString('base64')),
          signature: signatureContent(signature),
        },
      })),
    );
  });

  it.each([
    {
      name: 'pubsub' as const,
      settings: { topic: 't' },
      error: /storage\.pubsub\.provider in chains-config is not set/,
    },
    {
      name: 'pubsub' as const,
      settings: { provider: 'inmemory' },
      error: /storage\.pubsub\.topic in chains-config is not set/,
    },
    {
      name: 'pubsub' as const,
      settings: { provider: 'kafka', topic: 't' },
      error: /storage\.pubsub\.kafka\.bootstrap\.servers in chains-config is not set/,
    },
    {
      name: 'kafka' as const,
      settings: { topic: 't', 'kafka.bootstrap.servers': ' , ' },
      error: /bootstrap\.servers in chains-config is not set/,
    },
    { name: 'kafka' as const, settings: { provider: 'inmemory', topic: 't' }, error: /contradict each other/ },
    { name: 'kafka' as const, settings: { topic: 't', 'kafka.bootstrap.servers': 'a:9092' }, error: undefined },
  ])('$name with $settings', async ({ name, settings, error }) => {
    const request = await storeRequest({
      data: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`storage.pubsub.${key}`, value])),
    });
    const backend = createPubsubBackend(name);
    if (error === undefined) return expect(backend.refuses?.(request)).toBeUndefined();
    expect(backend.refuses?.(request)).toMatch(error);
    await expect(backend.store(request, signal)).rejects.toMatchObject({
      backend: name,
      retryable: false,
      message: expect.stringMatching(error),
    });
  });

  it('reads a list of brokers', () => expect(brokersOf('a:9092, b:9092,')).toEqual(['a:9092', 'b:9092']));
});

describe('what Kafka refused', () => {
  const produce = 0;
  const refused = (code: number) => new ResponseError(produce, 11, { '/topics/0': [code, null] }, {});
  const tried = (error: Error) => new MultipleErrors('produce failed 3 times.', [error, error]);

  it.each<[string, Error, boolean, RegExp]>([
    ['a message that is too large', tried(refused(10)), false, /raise max\.message\.bytes of the topic/],
    ['a batch that is too large', refused(18), false, /raise max\.message\.bytes of the topic/],
    ['a topic that may not be written', tried(refused(29)), true, /check storage\.pubsub\.topic, and that Chains may/],
    [
      'a name that is no topic',
      new ProtocolError('INVALID_TOPIC_EXCEPTION'),
      true,
      /check storage\.pubsub\.topic, and/,
    ],
    [
      'brokers that cannot be reached',
      tried(new NetworkError('Connection to a:9092 failed.', { cause: new Error('connect ECONNREFUSED') })),
      true,
      /^Kafka a:9092, topic t: produce failed 3 times\. Connection to a:9092 failed\. connect ECONNREFUSED; check storage\.pubsub\.kafka/,
    ],
    ['anything else', new Error('odd'), true, /^Kafka a:9092, topic t: odd; check storage\.pubsub\.kafka/],
  ])('%s', (_name, error, retryable, message) => {
    expect(failure(error, 'a:9092', 't')).toMatchObject({ retryable, message: expect.stringMatching(message) });
  });
});
