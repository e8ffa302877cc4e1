import type { Kafka, Producer } from 'kafkajs';
import { asError, messageOf } from '../../../errors.ts';
import type { Logger } from '../../../log.ts';
import { SigningError } from '../../signing/signer.ts';
import { orAborted } from '../docdb/database.ts';
import type { Topic } from './message.ts';

/**
 * Of storage.pubsub.kafka.bootstrap.servers: addresses with commas between them (upstream takes the whole text as one).
 */
export function brokersOf(servers: string): string[] {
  return servers
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '');
}

/** Unused so long, a producer is let go: kafkajs keeps a timer of 1 ms running for each connection. */
const idleMs = 10_000;

/** A topic in Kafka. One idempotent producer: its own retries never write a message twice. */
export function kafkaTopic(servers: string, topic: string, log: Logger): Topic {
  let kept: Promise<Producer> | undefined;
  let sending = 0;
  let idle: NodeJS.Timeout | undefined;
  const letGo = () => {
    const producer = kept;
    kept = undefined;
    producer?.then((ready) => ready.disconnect()).catch(() => {});
  };
  return {
    async publish({ key, body, metadata }, signal) {
      clearTimeout(idle);
      sending += 1;
      const producer = (kept ??= connect(servers, log));
      try {
        await orAborted(
          producer.then((ready) =>
            ready.send({
              topic,
              acks: -1,
              messages: [
                {
                  key,
                  value: Buffer.from(body),
                  headers: { payload: Buffer.from(metadata.payload), signature: Buffer.from(metadata.signature) },
                },
              ],
            }),
          ),
          signal,
        );
      } catch (error) {
        // After an error the broker may expect another sequence number than this producer would send.
        if (kept === producer) letGo();
        signal.throwIfAborted();
        throw failure(error, servers, topic);
      } finally {
        sending -= 1;
        if (sending === 0) idle = setTimeout(letGo, idleMs).unref();
      }
    },
  };
}

async function connect(servers: string, log: Logger): Promise<Producer> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const kafka: Kafka = new Kafka({
    clientId: 'tektite-chains',
    brokers: brokersOf(servers),
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    retry: { retries: 3, initialRetryTime: 200 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log: { message, timestamp: _timestamp, ...rest } }) =>
        log.debug({ kafka: rest }, message),
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: true });
  try {
    await producer.connect();
    return producer;
  } catch (error) {
    await producer.disconnect().catch(() => {});
    throw error;
  }
}

function failure(error: unknown, servers: string, topic: string): SigningError {
  const { type } = causeOf(error) as { type?: unknown };
  const wayOut =
    type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE'
      ? 'raise max.message.bytes of the topic, or add another backend to artifacts.*.storage'
      : type === 'TOPIC_AUTHORIZATION_FAILED' ||
          type === 'CLUSTER_AUTHORIZATION_FAILED' ||
          type === 'INVALID_TOPIC_EXCEPTION'
        ? 'check storage.pubsub.topic, and that Chains may write to it'
        : 'check storage.pubsub.kafka.bootstrap.servers and storage.pubsub.topic, and that the brokers can be reached from here';
  return new SigningError(`Kafka ${servers}, topic ${topic}: ${messageOf(error)}; ${wayOut}`, {
    cause: error,
    retryable: !wayOut.startsWith('raise'),
  });
}

/** kafkajs wraps what the broker said in an error about its own retries. */
function causeOf(error: unknown): Error {
  const { cause } = asError(error);
  return cause instanceof Error ? causeOf(cause) : asError(error);
}
