import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeEnvironment } from '../environment.fake.ts';

const golden = path.join(import.meta.dirname, '../../resolvers/trust/golden');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signing-'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(at('key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await writeFile(at('key.pub'), publicKey.export({ format: 'pem', type: 'spki' }));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);

async function run(line: string): Promise<{ status: number; text: string }> {
  const environment = new FakeEnvironment();
  const status = await environment.run(line);
  return { status, text: (environment.out + environment.err).replaceAll(folder, '.') };
}

describe.each([
  ['task', 'Task', 'image: busybox'],
  ['pipeline', 'Pipeline', 'value: https://example.com'],
])('%s sign and verify', (word, kind, part) => {
  it('agree, until the file is changed', async () => {
    const [file, signed] = [path.join(golden, `everything-${word}.yaml`), at(`${word}.yaml`)];
    expect(await run(`${word} sign ${file} -K ${at('key.pem')} -f ${signed}`)).toEqual({
      status: 0,
      text: `${kind} ${file} is signed successfully \n`,
    });
    expect(await run(`${word} verify ${signed} -K ${at('key.pub')}`)).toEqual({
      status: 0,
      text: `${kind} ./${word}.yaml passes verification \n`,
    });
    await writeFile(signed, (await readFile(signed, 'utf8')).replace(part, `${part}x`));
    const changed = await run(`${word} verify ${signed} -K ${at('key.pub')}`);
    expect(changed.status).toBe(1);
    expect(changed.text).toMatch(new RegExp(`^Error: error verifying ${kind}: resource verification failed`));
  });
});

describe('verify', () => {
  it.each(['task', 'pipeline'])('takes what tkn %s sign wrote', async (word) => {
    const file = path.join(golden, `signed-${word}.yaml`);
    expect(await run(`${word} verify ${file} -K ${path.join(golden, `${word}.pub`)}`)).toMatchObject({ status: 0 });
  });

  it.each<[line: string, text: RegExp]>([
    ['task verify none.yaml -K key.pub', /^Error: error reading file: /],
    [`task verify ${golden}/signed-pipeline.yaml -K key.pub`, /holds no Task/],
    [`task verify ${golden}/signed-task.yaml`, /either --key-file or --kms-key/],
    [`task sign ${golden}/signed-task.yaml -K ${golden}/task.pub -f /dev/null`, /^Error: error signing Task: /],
    [`task sign ${golden}/signed-task.yaml -K x`, /--file-name/],
  ])('%s says what is wrong', async (line, text) => {
    const result = await run(line);
    expect(result.status).toBe(1);
    expect(result.text).toMatch(text);
  });
});
