import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseChainsConfig } from '../../config/parse.ts';
import { startServer, type SeenRequest } from '../../signing/http-server.fake.ts';
import { signatureContent } from '../content.ts';
import { statement, storeRequest } from '../request.fake.ts';
import { createDocdbBackend } from './backend.ts';
import { orAborted } from './database.ts';
import { documentOf, keyOf } from './document.ts';
import { itemOf } from './dynamodb.ts';
import { mongoDocument, mongoServerUrl, withoutPassword } from './mongo.ts';

const signal = new AbortController().signal;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('the address of MongoDB', () => {
  it('comes from path, dir, key, environment, in this order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mongo-url-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'url'), 'mongodb://path\n');
    await mkdir(join(folder, 'dir'));
    await writeFile(join(folder, 'dir', 'MONGO_SERVER_URL'), 'mongodb://dir\n');
    const all = {
      'mongo-server-url-path': join(folder, 'url'),
      'mongo-server-url-dir': join(folder, 'dir'),
      'mongo-server-url': 'mongodb://key',
    };
    const env = { MONGO_SERVER_URL: 'mongodb://env' };
    const found: string[] = [];
    for (const left of [3, 2, 1, 0]) {
      const data = Object.fromEntries(
        Object.entries(all)
          .slice(3 - left)
          .map(([key, value]) => [`storage.docdb.${key}`, value]),
      );
      found.push(await mongoServerUrl(parseChainsConfig(data).config.storage.docdb, env, signal));
    }
    expect(found).toEqual(['mongodb://path', 'mongodb://dir', 'mongodb://key', 'mongodb://env']);
    await expect(mongoServerUrl(parseChainsConfig({}).config.storage.docdb, {}, signal)).rejects.toThrow(
      /set storage\.docdb\.mongo-server-url-path/,
    );
    await writeFile(join(folder, 'url'), '\n');
    await expect(
      mongoServerUrl(
        parseChainsConfig({ 'storage.docdb.mongo-server-url-path': join(folder, 'url') }).config.storage.docdb,
        env,
        signal,
      ),
    ).rejects.toThrow(/is empty/);
  });

  it.each([
    ['mongodb://user:secret@host/db', 'mongodb://…@host/db'],
    ['mongodb+srv://user:secret@host/', 'mongodb+srv://…@host/'],
    ['mongodb://host/', 'mongodb://host/'],
  ])('is told without password: %s', (url, wanted) => expect(withoutPassword(url)).toBe(wanted));
});

describe('keyOf', () => {
  it.each([
    ['name', 'taskrun-u1'],
    ['Name', 'taskrun-u1'],
    ['_id', 'taskrun-u1'],
    ['signature', 'signature'],
  ])('finds %s', async (field, wanted) => {
    const document = { ...documentOf(await storeRequest()), Signature: 'signature' };
    expect(keyOf(document, field)).toBe(wanted);
  });
  it.each([
    ['uid', /which documents do not have: use name/],
    ['object', /which is no text here/],
    ['Cert', /which is no text here/],
  ])('refuses %s', async (field, error) => {
    const document = documentOf(await storeRequest());
    expect(() => keyOf(document, field)).toThrow(error);
  });
});

describe('documents', () => {
  it('in MongoDB have no _id of their own beside the key', async () => {
    const document = await mongoDocument(documentOf(await storeRequest()), 'Name');
    expect(Object.keys(document).sort()).toEqual(['Cert', 'Chain', 'Object', 'Signature', 'Signed', '_id']);
  });

  it('in DynamoDB have what the sort key asks for', async () => {
    const item = itemOf(documentOf(await storeRequest()), 'name', 'signature');
    expect([item.name, item.Name, item.signature]).toEqual([{ S: 'taskrun-u1' }, { S: 'taskrun-u1' }, item.Signature]);
  });
});

describe('Firestore', () => {
  it('gets one commit with typed values', async () => {
    const server = await startServer(({ headers }: SeenRequest) =>
      headers.authorization === 'Bearer fake-access-token'
        ? { body: { writeResults: [{}], commitTime: '2026-01-01T00:00:00Z' } }
        : { status: 401, body: {} },
    );
    cleanups.push(() => server.close());
    const database = 'projects/p/databases/(default)';
    const data = { 'storage.docdb.url': `firestore://${database}/documents/chains?name_field=name` };
    const request = await storeRequest({ data });
    const backend = createDocdbBackend({
      env: { FIRESTORE_EMULATOR_HOST: new URL(server.url).host },
      accessToken: async () => 'fake-access-token',
    });
    await backend.store(request, signal);
    const [seen] = server.requests;
    expect([server.requests.length, seen?.method, seen?.path, seen?.headers['google-cloud-resource-prefix']]).toEqual([
      1,
      'POST',
      `/v1/${database}/documents:commit`,
      database,
    ]);
    const { writes } = JSON.parse(String(seen?.body)) as {
      writes: { update: { name: string; fields: Record<string, Record<string, unknown>> } }[];
    };
    expect(writes.map(({ update }) => Object.keys(update))).toEqual([['name', 'fields']]);
    const { name, fields } = writes[0]?.update ?? { name: '', fields: {} };
    const { Object: object, ...rest } = fields;
    expect([name, rest]).toEqual([
      `${database}/documents/chains/taskrun-u1`,
      {
        Signed: { bytesValue: Buffer.from(request.artifact.payload.json).toString('base64') },
        Signature: { stringValue: signatureContent(request.signature).toString('base64') },
        Cert: { stringValue: '' },
        Chain: { stringValue: '' },
        Name: { stringValue: 'taskrun-u1' },
      },
    ]);
    expect(plain(object)).toEqual(statement);
    expect(JSON.stringify(object)).toContain('"count":{"doubleValue":3}');
  });

  it('is named when it refuses', async () => {
    const server = await startServer(() => ({
      status: 403,
      body: { error: { message: 'Missing or insufficient permissions.' } },
    }));
    cleanups.push(() => server.close());
    const request = await storeRequest({
      data: { 'storage.docdb.url': 'firestore://projects/p/databases/d/documents/chains?name_field=name' },
    });
    await expect(
      createDocdbBackend({ env: { FIRESTORE_EMULATOR_HOST: new URL(server.url).host } }).store(request, signal),
    ).rejects.toThrow(
      /storage docdb, taskrun-u1: Firestore .*403.*insufficient permissions\.; check storage\.docdb\.url, and that the credentials have roles\/datastore\.user/,
    );
  });
});

/** What Firestore would give back for its typed values. */
function plain(value: unknown): unknown {
  const [[type, inner]] = Object.entries(value as object) as [[string, never]];
  switch (type) {
    case 'mapValue':
      return Object.fromEntries(
        Object.entries((inner as { fields: object }).fields).map(([name, field]) => [name, plain(field)]),
      );
    case 'arrayValue':
      return (inner as { values: unknown[] }).values.map(plain);
    default:
      return inner;
  }
}

describe('refuses', () => {
  it.each([
    { name: 'nothing in MongoDB that it takes', url: 'mongo://c/s?id_field=name', bytes: 4_000_000, error: undefined },
    {
      name: 'what is too large for MongoDB',
      url: 'mongo://c/s?id_field=name',
      bytes: 5_000_000,
      error:
        /a document of more than \d+ bytes, and MongoDB takes at most 16777216: add another backend to artifacts\.taskrun\.storage/,
    },
    {
      name: 'what is too large for Firestore',
      url: 'firestore://projects/p/databases/d/documents/c?name_field=name',
      bytes: 300_000,
      error: /Firestore takes at most 1048572/,
    },
    {
      name: 'what is too large for DynamoDB',
      url: 'dynamodb://t?partition_key=Name',
      bytes: 120_000,
      error: /DynamoDB takes at most 409600/,
    },
    { name: 'a URL it cannot read', url: 'mongo://c', bytes: 1, error: /lacks the collection/ },
    {
      name: 'a key that documents have not',
      url: 'mongo://c/s?id_field=uid',
      bytes: 1,
      error: /names the key field "uid"/,
    },
  ])('$name', async ({ url, bytes, error }) => {
    const request = await storeRequest({ data: { 'storage.docdb.url': url }, payload: { text: 'x'.repeat(bytes) } });
    const backend = createDocdbBackend({ env: {} });
    if (error === undefined) return expect(backend.refuses?.(request)).toBeUndefined();
    expect(backend.refuses?.(request)).toMatch(error);
    await expect(backend.store(request, signal)).rejects.toMatchObject({ backend: 'docdb', retryable: false });
  });
});

describe('orAborted', () => {
  it('does not wait for work that nobody wants any more', async () => {
    const stop = new AbortController();
    const waiting = orAborted(new Promise(() => {}), stop.signal);
    stop.abort(new Error('shutting down'));
    await expect(waiting).rejects.toThrow('shutting down');
    await expect(orAborted(Promise.resolve(1), signal)).resolves.toBe(1);
  });
});
