import type { Producer } from '@platformatic/kafka';
import { commaList } from '../../../comma-list.ts';
import { messageOf } from '../../../errors.ts';
import type { Logger } from '../../../log.ts';
import { SigningError } from '../../signing/signer.ts';
import { orAborted } from '../docdb/database.ts';
import type { Topic } from './message.ts';

/**
 * Of storage.pubsub.kafka.bootstrap.servers: addresses with commas between them (upstream takes the whole text as one).
 */
export function brokersOf(servers: string): string[] {
  return commaList(servers);
}

/** How long an unused producer keeps its connections. */
const IDLE_MS = 10_000;

type BytesProducer = Producer<string, Buffer, string, Buffer>;

/** A topic in Kafka. One idempotent producer: its own retries never write a message twice. */
export function kafkaTopic(servers: string, topic: string, log: Logger): Topic {
  let kept: Promise<BytesProducer> | undefined;
  let sending = 0;
  let idle: NodeJS.Timeout | undefined;
  const letGo = () => {
    const producer = kept;
    kept = undefined;
    producer
      ?.then((ready) => ready.close(true))
      .catch((error: unknown) => log.debug({ kafka: servers }, `closing: ${messageOf(error)}`));
  };
  return {
    async publish({ key, body, metadata }, signal) {
      clearTimeout(idle);
      sending += 1;
      const producer = (kept ??= newProducer(servers));
      const headers = { payload: Buffer.from(metadata.payload), signature: Buffer.from(metadata.signature) };
      const message = { topic, key, value: Buffer.from(body), headers };
      try {
        await orAborted(
          producer.then((ready) => ready.send({ messages: [message] })),
          signal,
        );
      } catch (error) {
        // After an error the broker may expect another sequence number than this producer would send.
        if (kept === producer) letGo();
        signal.throwIfAborted();
        throw failure(error, servers, topic);
      } finally {
        sending -= 1;
        if (sending === 0) idle = setTimeout(letGo, IDLE_MS).unref();
      }
    },
  };
}

async function newProducer(servers: string): Promise<BytesProducer> {
  const { compatibilityPartitioner, Producer, stringSerializer } = await import('@platformatic/kafka');
  return new Producer<string, Buffer, string, Buffer>({
    clientId: 'tektite-chains',
    bootstrapBrokers: brokersOf(servers),
    serializers: { key: stringSerializer, headerKey: stringSerializer },
    // The one of Kafka's own clients: a key stays in its partition whichever client publishes.
    partitioner: compatibilityPartitioner,
    // Waits for all replicas in sync, one request at a time.
    idempotent: true,
    autocreateTopics: true,
    connectTimeout: 5_000,
    timeout: 15_000,
    retries: 2,
    retryDelay: 200,
  });
}

const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
const NOT_ALLOWED = ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'];

/** The broker's refusal, by the name that Kafka's protocol gives it, with the way out. */
export function failure(error: unknown, servers: string, topic: string): SigningError {
  const refusals = refusalsIn(error);
  const says = (names: readonly string[]) => names.some((name) => refusals.has(name));
  const place = `Kafka ${servers}, topic ${topic}: ${wordsOf(error)}`;
  if (says(TOO_LARGE)) {
    const wayOut = 'raise max.message.bytes of the topic, or add another backend to artifacts.*.storage';
    return new SigningError(`${place}; ${wayOut}`, { cause: error, retryable: false });
  }
  const wayOut = says(NOT_ALLOWED)
    ? 'check storage.pubsub.topic, and that Chains may write to it'
    : 'check storage.pubsub.kafka.bootstrap.servers and storage.pubsub.topic, and that the brokers can be reached from here';
  return new SigningError(`${place}; ${wayOut}`, { cause: error, retryable: true });
}

/** The client wraps what brokers said in errors about its tries: causes, and lists of errors. */
function errorsIn(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [error, ...inner.flatMap(errorsIn), ...errorsIn(error.cause)];
}

function refusalsIn(error: unknown): Set<unknown> {
  return new Set(errorsIn(error).map((each) => (each as { apiId?: unknown }).apiId));
}

function wordsOf(error: unknown): string {
  const words = errorsIn(error).map(({ message }) => message);
  return [...new Set(words)].filter((message) => message !== '').join(' ');
}
