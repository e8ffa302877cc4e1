import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { bundle } from './bundle.ts';
import { command, root } from './command.ts';

it('gives the names of CommonJS packages to whoever imports them dynamically', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tektite-bundle-'));
  try {
    const entry = join(folder, 'entry.ts');
    const source = (path: string) => JSON.stringify(join(root, 'src', path));
    await writeFile(
      entry,
      `
      const { mongoDocument } = await import(${source('chains/storage/docdb/mongo.ts')});
      const { itemOf, dynamoDatabase } = await import(${source('chains/storage/docdb/dynamodb.ts')});
      const { googleAccessToken } = await import(${source('chains/signing/identity/google.ts')});
      const { kafkaTopic } = await import(${source('chains/storage/pubsub/kafka.ts')});
      const message = { key: 'k', body: new Uint8Array([1]), metadata: { payload: new Uint8Array([1]), signature: new Uint8Array([1]) } };
      const document = { Signed: new Uint8Array([1]), Signature: '', Cert: '', Chain: '', Object: { n: 1 }, Name: 'a' };
      const { _id, Object: { n } } = await mongoDocument(document, 'name');
      const failure = (work) => work.then(() => 'done', (error) => error.message);
      console.log(JSON.stringify([_id, n._bsontype,
        await failure(dynamoDatabase({ kind: 'dynamodb', table: 't', keyField: 'Name', sortField: '', region: 'eu', endpoint: 'http://127.0.0.1:1' }).put(document, AbortSignal.timeout(10000))),
        await failure(googleAccessToken()()),
        await failure(kafkaTopic('127.0.0.1:1', 't', { debug() {} }).publish(message, AbortSignal.timeout(1000)))]));
      process.exit();
    `,
    );
    for (const { path, body } of await bundle(root, { entry })) {
      await mkdir(dirname(join(folder, 'out', path)), { recursive: true });
      await writeFile(join(folder, 'out', path), body);
    }
    const env = {
      PATH: process.env['PATH'],
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'none.json'),
    };
    const stdout = await command([process.execPath, join(folder, 'out/tektite.mjs')], { env, bareEnvironment: true });
    expect(JSON.parse(stdout)).toEqual([
      'a',
      'Double',
      expect.stringContaining('ECONNREFUSED'),
      expect.stringContaining('none.json'),
      expect.stringMatching(/ECONNREFUSED|aborted due to timeout/),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
