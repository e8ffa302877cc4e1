import { systemClock, type Clock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import type { Environment } from '../../signing/service.ts';
import { StorageError, type StorageBackend, type StoreRequest } from '../backend.ts';
import { refused, storageError } from '../content.ts';
import { parseCollection, type Collection } from './collection.ts';
import { DatabaseError, type Database } from './database.ts';
import { documentOf, keyOf, sizeOf } from './document.ts';
import { dynamoDatabase } from './dynamodb.ts';
import { firestoreDatabase } from './firestore.ts';
import { mongoConnections, mongoDatabase, mongoServerUrl } from './mongo.ts';

export interface DocdbOptions {
  env?: Environment;
  clock?: Clock;
  /** An access token for Firestore; default: the application default credentials. */
  accessToken?: (signal: AbortSignal) => Promise<string>;
}

/** What each takes at most for one document, in bytes. */
const limits: Readonly<Record<Collection['kind'], { name: string; bytes: number }>> = {
  mongo: { name: 'MongoDB', bytes: 16 * 1024 * 1024 },
  firestore: { name: 'Firestore', bytes: 1024 * 1024 - 4 },
  dynamodb: { name: 'DynamoDB', bytes: 400 * 1024 },
};

/**
 * Documents in MongoDB, Firestore or DynamoDB, as upstream writes them through gocloud.dev/docstore: under the key of
 * the artifact, so that storing again replaces the document.
 */
export function createDocdbBackend(options: DocdbOptions = {}): StorageBackend {
  const open = databases({ env: process.env, clock: systemClock, ...options });
  return {
    name: 'docdb',
    refuses: refusal,
    async store(request, signal) {
      const reason = refusal(request);
      if (reason !== undefined) throw refused('docdb', request, reason);
      try {
        await open(request, parseCollection(request.config.storage.docdb.url)).put(documentOf(request), signal);
      } catch (error) {
        if (error instanceof DatabaseError && !signal.aborted)
          throw new StorageError('docdb', request.artifact.shortKey, error.message, {
            cause: error,
            retryable: error.retryable,
          });
        throw storageError('docdb', request, error, signal);
      }
    },
  };
}

function refusal(request: StoreRequest): string | undefined {
  try {
    const collection = parseCollection(request.config.storage.docdb.url);
    const document = documentOf(request);
    keyOf(document, collection.keyField);
    const { name, bytes } = limits[collection.kind];
    const size = sizeOf(document);
    if (size <= bytes) return undefined;
    return `payload and signature make a document of more than ${size} bytes, and ${name} takes at most ${bytes}: add another backend to artifacts.${request.artifact.kind}.storage (oci, gcs)`;
  } catch (error) {
    return messageOf(error);
  }
}

function databases(
  options: DocdbOptions & { env: Environment },
): (request: StoreRequest, collection: Collection) => Database {
  const connections = mongoConnections();
  const made = new Map<string, Database>();
  return ({ config }, collection) => {
    if (collection.kind === 'mongo')
      return mongoDatabase(collection, connections, (signal) =>
        mongoServerUrl(config.storage.docdb, options.env, signal),
      );
    const { url } = config.storage.docdb;
    const database =
      made.get(url) ??
      (collection.kind === 'firestore' ? firestoreDatabase(collection, options) : dynamoDatabase(collection));
    made.set(url, database);
    return database;
  };
}
