/**
 * The stores of Chains against servers that speak the real protocols: FerretDB, dynalite, fake-gcs-server, a Kafka
 * broker.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateTableCommand, DynamoDBClient, ScanCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { Consumer, stringDeserializer } from '@platformatic/kafka';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tools } from '../../hack/one-node/binaries.ts';
import { answers, freePorts, startService, stopServices } from '../../hack/sigstore/services.ts';
import { signatureContent } from '../../src/chains/storage/content.ts';
import { createDocdbBackend } from '../../src/chains/storage/docdb/backend.ts';
import { createGcsBackend } from '../../src/chains/storage/gcs/backend.ts';
import { createPubsubBackend } from '../../src/chains/storage/pubsub/backend.ts';
import { otherKey, statement, storeRequest } from '../../src/chains/storage/request.fake.ts';

const address = '127.0.0.1';
let folder: string;
let ports: { mongo: number; gcs: number; kafka: number };

function listens(port: number): () => Promise<string | undefined> {
  return () =>
    new Promise((resolve) => {
      const socket = connect(port, address, () => socket.end(() => resolve(undefined)));
      socket.on('error', (error) => resolve(error.message));
    });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-stores-'));
  const supervision = { folder, outlive: false, signal: new AbortController().signal };
  const [ferretdb, gcs, kafka] = (await tools(['ferretdb', 'fake-gcs-server', 'kafka-fake'])) as [
    string,
    string,
    string,
  ];
  const [mongoPort, gcsPort, kafkaPort] = (await freePorts(address, 3)) as [number, number, number];
  ports = { mongo: mongoPort, gcs: gcsPort, kafka: kafkaPort };
  const state = path.join(folder, 'state');
  await mkdir(state);
  await startService(
    {
      name: 'ferretdb',
      argv: [ferretdb, '-listen', `${address}:${mongoPort}`, '-folder', state],
      healthy: listens(mongoPort),
    },
    supervision,
  );
  await startService(
    {
      name: 'gcs',
      argv: [gcs, '-backend', 'memory', '-scheme', 'http', '-host', address, '-port', String(gcsPort)],
      healthy: answers(`http://${address}:${gcsPort}/_internal/healthcheck`),
    },
    supervision,
  );
  await startService(
    { name: 'kafka', argv: [kafka, '-port', String(kafkaPort), '-topic', 'chains'], healthy: listens(kafkaPort) },
    supervision,
  );
});

afterAll(async () => {
  await stopServices(folder);
  await rm(folder, { recursive: true, force: true });
});

const soon = () => AbortSignal.timeout(30_000);

describe('gcs', () => {
  const base = () => `http://${address}:${ports.gcs}`;
  const objects = async (bucket: string) => {
    const { items = [] } = (await (await fetch(`${base()}/storage/v1/b/${bucket}/o`)).json()) as {
      items?: { name: string; generation: string }[];
    };
    return items;
  };
  const content = async (bucket: string, name: string) =>
    Buffer.from(
      await (await fetch(`${base()}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`)).arrayBuffer(),
    );
  const backend = () => createGcsBackend({ env: { STORAGE_EMULATOR_HOST: base() } });
  const bucket = async (name: string) => {
    const made = await fetch(`${base()}/storage/v1/b`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    expect(made.ok).toBe(true);
    return { 'storage.gcs.bucket': name };
  };

  it('names objects as upstream and leaves what is there', async () => {
    const data = await bucket('named');
    const request = await storeRequest({ data });
    await backend().store(request, soon());
    const first = await objects('named');
    expect(first.map(({ name }) => name).sort()).toEqual(
      ['cert', 'chain', 'payload', 'signature'].map((part) => `taskrun-ns-build/taskrun-u1.${part}`),
    );
    expect(await content('named', 'taskrun-ns-build/taskrun-u1.payload')).toEqual(request.artifact.payload.json);
    expect(await content('named', 'taskrun-ns-build/taskrun-u1.signature')).toEqual(
      signatureContent(request.signature),
    );
    await backend().store(await storeRequest({ data }), soon());
    expect(await objects('named')).toEqual(first); // generations too: nothing was written
    const other = await storeRequest({ data, privateKey: otherKey() });
    await backend().store(other, soon());
    expect(await content('named', 'taskrun-ns-build/taskrun-u1.signature')).toEqual(signatureContent(other.signature));
  });

  it('keeps the bare signature of an image, and names a bucket that is not there', async () => {
    const data = await bucket('images');
    const request = await storeRequest({ data, image: true, kind: 'PipelineRun' });
    await backend().store(request, soon());
    expect(await content('images', `pipelinerun-ns-build/${'ab'.repeat(6)}.signature`)).toEqual(
      Buffer.from(request.signature.signature),
    );
    await expect(
      backend().store(await storeRequest({ data: { 'storage.gcs.bucket': 'none' } }), soon()),
    ).rejects.toMatchObject({
      backend: 'gcs',
      retryable: false,
      message: expect.stringMatching(
        /taskrun-u1: Cloud Storage http:.*\/b\/none\/.*: 404(: .*)?; check storage\.gcs\.bucket/,
      ),
    });
  });
});

describe('docdb in MongoDB', () => {
  const server = () => `mongodb://${address}:${ports.mongo}/`;
  const documents = async (database: string) => {
    const client = await MongoClient.connect(server());
    try {
      return await client.db(database).collection('signed').find({}, { promoteValues: false }).toArray();
    } finally {
      await client.close();
    }
  };

  it.each([
    { field: 'id_field=name', name: true },
    { field: 'id_field=Name', name: false },
    { field: 'id_field=_id', name: true },
    { field: '', name: true },
  ])("writes docstore's document: $field", async ({ field, name }) => {
    const database = `fields_${field.replace(/\W/g, '_')}`;
    const data = {
      'storage.docdb.url': `mongo://${database}/signed?${field}`,
      'storage.docdb.mongo-server-url': server(),
    };
    const backend = createDocdbBackend({ env: {} });
    await backend.store(await storeRequest({ data }), soon());
    const request = await storeRequest({ data });
    await backend.store(request, soon());
    const found = await documents(database);
    expect(found).toHaveLength(1);
    const {
      Signed,
      Object: object,
      ...texts
    } = found[0] as unknown as { Signed: { buffer: Uint8Array; sub_type: number }; Object: Record<string, never> };
    expect(texts).toEqual({
      _id: 'taskrun-u1',
      Signature: signatureContent(request.signature).toString('base64'),
      Cert: '',
      Chain: '',
      ...(name ? { Name: 'taskrun-u1' } : {}),
    });
    expect([Buffer.from(Signed.buffer), Signed.sub_type]).toEqual([request.artifact.payload.json, 0]);
    const { count, ratio } = (
      object as unknown as {
        predicate: { invocation: { parameters: Record<string, { _bsontype: string; value: number }> } };
      }
    ).predicate.invocation.parameters;
    expect([count?._bsontype, count?.value, ratio?.value]).toEqual(['Double', 3, 0.5]);
    expect(JSON.parse(JSON.stringify(object))).toEqual(statement);
  });

  it('follows the file with the address while it changes', async () => {
    const secret = path.join(folder, 'secret');
    await mkdir(secret);
    const write = async (text: string) => {
      await writeFile(path.join(secret, '..new'), text);
      await rename(path.join(secret, '..new'), path.join(secret, 'MONGO_SERVER_URL'));
    };
    const data = {
      'storage.docdb.url': 'mongo://live/signed?id_field=name',
      'storage.docdb.mongo-server-url-dir': secret,
      'storage.docdb.mongo-server-url': 'mongodb://127.0.0.1:1/',
    };
    const backend = createDocdbBackend({ env: {} });
    await expect(backend.store(await storeRequest({ data }), soon())).rejects.toThrow(
      /storage docdb, taskrun-u1: storage\.docdb\.mongo-server-url-dir: .*ENOENT.*mount the Secret/,
    );
    await write('mongodb://user:secret@127.0.0.1:1/?serverSelectionTimeoutMS=200\n');
    await expect(backend.store(await storeRequest({ data }), soon())).rejects.toThrow(
      /MongoDB mongodb:\/\/…@127\.0\.0\.1:1\/.*live\.signed: .*ECONNREFUSED/,
    );
    await write(`${server()}\n`);
    await backend.store(await storeRequest({ data }), soon());
    expect(await documents('live')).toHaveLength(1);
  });

  it('names what the database does not take', async () => {
    // FerretDB takes no dots in names of fields; MongoDB does.
    const request = await storeRequest({
      data: { 'storage.docdb.url': 'mongo://refused/signed?id_field=name' },
      payload: { ...statement, labels: { 'app.kubernetes.io/name': 'a' } },
    });
    await expect(
      createDocdbBackend({ env: { MONGO_SERVER_URL: server() } }).store(request, soon()),
    ).rejects.toMatchObject({
      backend: 'docdb',
      retryable: false,
      message: expect.stringMatching(
        /MongoDB mongodb:.*refused\.signed: .*app\.kubernetes\.io\/name.*; the database does not take this document: add another backend/,
      ),
    });
  });

  it('finishes what is under way when the address changes', async () => {
    const backend = createDocdbBackend({ env: {} });
    const url = (query: string) => ({
      'storage.docdb.url': 'mongo://moved/signed?id_field=name',
      'storage.docdb.mongo-server-url': `${server()}${query}`,
    });
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const request = await storeRequest({ data: url(index % 3 === 0 ? '' : '?appName=moved') });
        request.artifact.shortKey = `taskrun-${index}`;
        await backend.store(request, soon());
      }),
    );
    expect(await documents('moved')).toHaveLength(12);
  });

  it('writes one document when twenty write it at once', async () => {
    const data = { 'storage.docdb.url': 'mongo://crowd/signed?id_field=name' };
    const backend = createDocdbBackend({ env: { MONGO_SERVER_URL: server() } });
    await Promise.all(Array.from({ length: 20 }, async () => backend.store(await storeRequest({ data }), soon())));
    expect(await documents('crowd')).toHaveLength(1);
  });
});

describe('docdb in DynamoDB', () => {
  let dynamo: Server;
  let client: DynamoDBClient;
  let endpoint: string;
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

  beforeAll(async () => {
    Object.assign(process.env, credentials);
    // It has no types: a name that is not a literal is not looked up.
    const dynalitePackage: string = 'dynalite';
    const { default: dynalite } = (await import(dynalitePackage)) as { default: (options: object) => Server };
    dynamo = dynalite({ createTableMs: 0 });
    await new Promise<void>((resolve) => dynamo.listen(0, address, resolve));
    endpoint = `http://${address}:${(dynamo.address() as AddressInfo).port}`;
    client = new DynamoDBClient({ endpoint, region: 'eu-central-1' });
  });
  afterAll(async () => {
    for (const name of Object.keys(credentials)) delete process.env[name];
    client.destroy();
    await new Promise((resolve) => dynamo.close(resolve));
  });

  const table = async (name: string, ...keys: string[]) => {
    const schema = keys.map((AttributeName, index) => ({
      AttributeName,
      KeyType: index === 0 ? ('HASH' as const) : ('RANGE' as const),
    }));
    await client.send(
      new CreateTableCommand({
        TableName: name,
        KeySchema: schema,
        AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName: name });
  };
  const url = (name: string, key: string) => ({
    'storage.docdb.url': `dynamodb://${name}?partition_key=${key}&region=eu-central-1&endpoint=${encodeURIComponent(endpoint)}`,
  });

  it("writes docstore's item, once", async () => {
    await table('signed', 'Name');
    const backend = createDocdbBackend({ env: {} });
    await backend.store(await storeRequest({ data: url('signed', 'Name') }), soon());
    const request = await storeRequest({ data: url('signed', 'Name') });
    await backend.store(request, soon());
    const { Items = [] } = await client.send(new ScanCommand({ TableName: 'signed' }));
    expect(Items).toHaveLength(1);
    const { Signed, Object: object, ...texts } = Items[0] ?? {};
    expect(texts).toEqual({
      Name: { S: 'taskrun-u1' },
      Signature: { S: signatureContent(request.signature).toString('base64') },
      Cert: { NULL: true },
      Chain: { NULL: true },
    });
    expect(Buffer.from(Signed?.B ?? [])).toEqual(request.artifact.payload.json);
    const parameters = object?.M?.predicate?.M?.invocation?.M?.parameters?.M;
    expect(parameters).toEqual({
      count: { N: '3' },
      ratio: { N: '0.5' },
      text: { NULL: true },
      list: { L: [] },
      word: { S: 'größe' },
    });
  });

  it('writes the key as the table calls it', async () => {
    await table('lower', 'name');
    await createDocdbBackend({ env: {} }).store(await storeRequest({ data: url('lower', 'name') }), soon());
    const { Items = [] } = await client.send(new ScanCommand({ TableName: 'lower' }));
    expect(Items).toMatchObject([{ name: { S: 'taskrun-u1' }, Name: { S: 'taskrun-u1' } }]);
  });

  it.each([
    {
      name: 'a table that is not there',
      table: 'none',
      retryable: true,
      error: /DynamoDB table none: ResourceNotFoundException.*create the table/,
    },
    {
      name: 'a table with another key',
      table: 'sorted',
      retryable: false,
      error: /DynamoDB table sorted: ValidationException.*the table must have the partition key Name alone/,
    },
  ])('names $name', async ({ table: name, retryable, error }) => {
    if (name === 'sorted') await table(name, 'Name', 'Place');
    await expect(
      createDocdbBackend({ env: {} }).store(await storeRequest({ data: url(name, 'Name') }), soon()),
    ).rejects.toMatchObject({ backend: 'docdb', retryable, message: expect.stringMatching(error) });
  });
});

describe('kafka', () => {
  const data = (topic = 'chains') => ({
    'storage.pubsub.provider': 'kafka',
    'storage.pubsub.topic': topic,
    'storage.pubsub.kafka.bootstrap.servers': `${address}:${ports.kafka}`,
  });
  const received = async (topic: string, count: number) => {
    const consumer = new Consumer<string, Buffer, string, Buffer>({
      groupId: `test-${Math.random()}`,
      clientId: 'test',
      bootstrapBrokers: [`${address}:${ports.kafka}`],
      deserializers: { key: stringDeserializer, headerKey: stringDeserializer },
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
    const messages: { key: string | undefined; value: Buffer | undefined; headers: Record<string, unknown> }[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        setTimeout(() => reject(new Error(`only ${messages.length} of ${count} messages`)), 25_000).unref();
        stream.on('error', reject);
        stream.on('data', ({ key, value, headers }) => {
          messages.push({ key, value, headers: Object.fromEntries(headers) });
          if (messages.length >= count) setTimeout(resolve, 500); // one too many would come now
        });
      });
    } finally {
      await consumer.close(true);
    }
    return messages;
  };

  it("publishes upstream's message under both names, once for each payload and key", async () => {
    const request = await storeRequest({ data: data() });
    const image = await storeRequest({ data: { ...data(), 'storage.pubsub.provider': '' }, image: true });
    const pubsub = createPubsubBackend('pubsub');
    const kafka = createPubsubBackend('kafka');
    await pubsub.store(request, soon());
    await pubsub.store(await storeRequest({ data: data() }), soon());
    await kafka.store(image, soon());
    const messages = await received('chains', 2);
    expect(messages).toEqual(
      [request, image].map(({ artifact, signature }) => ({
        key: artifact.fullKey,
        value: signatureContent(signature),
        headers: {
          payload: Buffer.from(Buffer.from(artifact.payload.json).toString('base64')),
          signature: signatureContent(signature),
        },
      })),
    );
  });

  it('names a message that is too large for the broker', async () => {
    const request = await storeRequest({ data: data(), payload: { text: 'x'.repeat(1_000_000) } });
    const backend = createPubsubBackend('kafka');
    await expect(backend.store(request, soon())).rejects.toMatchObject({
      backend: 'kafka',
      retryable: false,
      message: expect.stringMatching(/raise max\.message\.bytes of the topic, or add another backend/),
    });
    // The producer is a new one, and works.
    await backend.store(await storeRequest({ data: data(), payload: { after: 'the large one' } }), soon());
  });

  it('names brokers that cannot be reached', async () => {
    const request = await storeRequest({
      data: { ...data(), 'storage.pubsub.kafka.bootstrap.servers': '127.0.0.1:1' },
    });
    await expect(createPubsubBackend('kafka').store(request, soon())).rejects.toMatchObject({
      backend: 'kafka',
      retryable: true,
      message: expect.stringMatching(
        /storage kafka, taskrun-u1: Kafka 127\.0\.0\.1:1, topic chains: .*ECONNREFUSED.*check storage\.pubsub\.kafka\.bootstrap\.servers/,
      ),
    });
  });
});
