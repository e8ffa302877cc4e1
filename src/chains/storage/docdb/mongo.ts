import type { MongoClient } from 'mongodb';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../errors.ts';
import type { StorageSettings } from '../../config/settings.ts';
import type { Environment } from '../../signing/service.ts';
import type { MongoCollection } from './collection.ts';
import { DatabaseError, orAborted, type Database } from './database.ts';
import { keyOf, type SignedDocument } from './document.ts';

const variable = 'MONGO_SERVER_URL';

/**
 * The address of the server: the file of mongo-server-url-path, then MONGO_SERVER_URL in mongo-server-url-dir, then
 * mongo-server-url, then the environment. Files are read anew each time, so that a Secret that was changed counts at
 * once.
 * @throws DatabaseError naming the key or file.
 */
export async function mongoServerUrl(
  settings: StorageSettings['docdb'],
  env: Environment,
  signal: AbortSignal,
): Promise<string> {
  const { mongoServerUrlPath, mongoServerUrlDir, mongoServerUrl } = settings;
  const file = mongoServerUrlPath || (mongoServerUrlDir && join(mongoServerUrlDir, variable));
  if (file) {
    const key = `storage.docdb.mongo-server-url-${mongoServerUrlPath ? 'path' : 'dir'}`;
    const text = await readFile(file, { encoding: 'utf8', signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new DatabaseError(`${key}: ${messageOf(error)}; mount the Secret with the server's address there`, {
        cause: error,
        retryable: true,
      });
    });
    if (text.trim() === '')
      throw new DatabaseError(`${key}: ${file} is empty; write mongodb://… there`, { retryable: true });
    return text.trim();
  }
  const url = mongoServerUrl || env[variable];
  if (url) return url;
  throw new DatabaseError(
    `there is no address of the MongoDB server: set storage.docdb.mongo-server-url-path (or -dir, or mongo-server-url) in chains-config, or ${variable} in the environment`,
    { retryable: false },
  );
}

interface Connection {
  url: string;
  client: Promise<MongoClient>;
  users: number;
  /** To be closed when nobody uses it any more. */
  isOld: boolean;
}

/** Clients by address; the one before is closed when the address has changed and its last write is done. */
export function mongoConnections(): { use<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> } {
  let current: Connection | undefined;
  const closeIfIdle = (connection: Connection) => {
    if (connection.isOld && connection.users === 0)
      void connection.client.then((client) => client.close()).catch(() => {});
  };
  return {
    async use(url, work) {
      if (current?.url !== url) {
        const before = current;
        current = { url, client: connect(url), users: 0, isOld: false };
        if (before) {
          before.isOld = true;
          closeIfIdle(before);
        }
      }
      const connection = current;
      connection.users += 1;
      try {
        return await work(await connection.client);
      } catch (error) {
        // An address that the library refuses is refused once: it is looked at again when it is tried again.
        await connection.client.catch(() => (current === connection ? (current = undefined) : undefined));
        throw error;
      } finally {
        connection.users -= 1;
        closeIfIdle(connection);
      }
    },
  };
}

async function connect(url: string): Promise<MongoClient> {
  const { MongoClient } = await import('mongodb');
  const waits = /[?&]serverSelectionTimeoutMS=/i.test(url) ? {} : { serverSelectionTimeoutMS: 5_000 };
  return new MongoClient(url, { appName: 'tektite-chains', maxPoolSize: 10, ...waits });
}

/** MongoDB, with documents as gocloud's mongodocstore writes them. */
export function mongoDatabase(
  collection: MongoCollection,
  connections: ReturnType<typeof mongoConnections>,
  serverUrl: (signal: AbortSignal) => Promise<string>,
): Database {
  const { database, collection: name } = collection;
  return {
    async put(document, signal) {
      const url = await serverUrl(signal);
      try {
        await orAborted(
          connections.use(url, async (client) => {
            const { _id, ...fields } = await mongoDocument(document, collection.keyField);
            const replace = () =>
              client.db(database).collection<{ _id: string }>(name).replaceOne({ _id }, fields, { upsert: true });
            // Two writers that both found nothing: the second finds the document of the first.
            await replace().catch((error: unknown) =>
              codeOf(error) === 11000 ? replace() : Promise.reject(error as Error),
            );
          }),
          signal,
        );
      } catch (error) {
        signal.throwIfAborted();
        const permanent = refusals.has(codeOf(error) ?? 0);
        throw new DatabaseError(
          `MongoDB ${withoutPassword(url)}, ${database}.${name}: ${messageOf(error).replaceAll(url, withoutPassword(url))}; ${wayOut(error)}`,
          { cause: error, retryable: !permanent },
        );
      }
    },
  };
}

/**
 * 13 Unauthorized, 18 AuthenticationFailed are left out: people repair rights. 121: validation, 10334: too large, 2:
 * BadValue.
 */
const refusals = new Set([2, 121, 10334, 17280]);

function codeOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

function wayOut(error: unknown): string {
  const code = codeOf(error);
  if (code === 13 || code === 18 || code === 8000)
    return 'check user and password in the address, and that the user has the role readWrite on the database';
  if (code !== undefined && refusals.has(code))
    return 'the database does not take this document: add another backend to artifacts.*.storage, or change the rules of the collection';
  return 'check storage.docdb.mongo-server-url (-path, -dir), and that the server can be reached from here';
}

export function withoutPassword(url: string): string {
  return url.replace(/^(\w+(?:\+\w+)?:\/\/)[^@/]*@/, '$1…@');
}

/**
 * The document for BSON. The field that the URL names becomes _id and is left out under that very name: `id_field=name`
 * leaves Name beside _id, `id_field=Name` does not (checked with mongodocstore itself). Numbers are doubles, as Go
 * parses them.
 */
export async function mongoDocument(
  document: SignedDocument,
  keyField: string,
): Promise<{ _id: string } & Record<string, unknown>> {
  const { Binary, Double } = await import('mongodb');
  const encode = (value: unknown): unknown => {
    if (typeof value === 'number') return new Double(value);
    if (Array.isArray(value)) return value.map(encode);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, encode(inner)]));
  };
  const fields: Record<string, unknown> = {
    ...document,
    Signed: new Binary(document.Signed),
    Object: encode(document.Object),
  };
  delete fields[keyField];
  return { ...fields, _id: keyOf(document, keyField) };
}
