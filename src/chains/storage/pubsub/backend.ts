import { createHash } from 'node:crypto';
import { silentLogger, type Logger } from '../../../log.ts';
import type { StorageBackend, StoreRequest } from '../backend.ts';
import { refused, storageError } from '../content.ts';
import { brokersOf, kafkaTopic } from './kafka.ts';
import { memoryTopic } from './memory.ts';
import { messageOf, type Topic } from './message.ts';

/** Messages that are remembered, so that a reconcile that comes again does not publish again. */
const remembered = 10_000;

/**
 * Messages on a topic. The backend has two names: upstream's configuration accepts `kafka` only, while its code knows
 * `pubsub` only; here `kafka` is pubsub with Kafka unless storage.pubsub.provider says so too.
 *
 * A topic cannot be asked what is in it: after a crash between publishing and taking note of it, a message comes twice,
 * with the same key and body.
 */
export function createPubsubBackend(
  name: 'pubsub' | 'kafka',
  { log = silentLogger }: { log?: Logger } = {},
): StorageBackend {
  const topics = new Map<string, Topic>();
  const published = new Set<string>();
  return {
    name,
    refuses: (request) => refusal(name, request),
    async store(request, signal) {
      const reason = refusal(name, request);
      if (reason !== undefined) throw refused(name, request, reason);
      const { topic: topicName, kafkaBootstrapServers, provider } = request.config.storage.pubsub;
      const id = `${provider || name} ${topicName} ${kafkaBootstrapServers}`;
      const message = messageOf(request);
      const mark = createHash('sha256')
        .update(`${id}\0${message.key}\0`)
        .update(message.metadata.payload)
        .update('\0')
        .update(request.signature.keyId)
        .digest('base64');
      if (published.has(mark)) return;
      const topic =
        topics.get(id) ??
        (provider === 'inmemory' ? memoryTopic(topicName) : kafkaTopic(kafkaBootstrapServers, topicName, log));
      topics.set(id, topic);
      try {
        await topic.publish(message, signal);
      } catch (error) {
        throw storageError(name, request, error, signal);
      }
      published.add(mark);
      if (published.size > remembered)
        for (const oldest of [...published].slice(0, remembered / 2)) published.delete(oldest);
    },
  };
}

function refusal(name: 'pubsub' | 'kafka', { config }: StoreRequest): string | undefined {
  const { provider, topic, kafkaBootstrapServers } = config.storage.pubsub;
  if (name === 'pubsub' && provider === '')
    return 'storage.pubsub.provider in chains-config is not set: use kafka (or inmemory, for tests)';
  if (name === 'kafka' && provider === 'inmemory')
    return 'the backend kafka and storage.pubsub.provider "inmemory" contradict each other: use the provider kafka, or the backend pubsub';
  if (topic === '') return 'storage.pubsub.topic in chains-config is not set: write the name of the topic';
  if (provider === 'inmemory' || brokersOf(kafkaBootstrapServers).length > 0) return undefined;
  return 'storage.pubsub.kafka.bootstrap.servers in chains-config is not set: write host:port of the brokers, with commas between them';
}
