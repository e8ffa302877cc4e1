import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../src/api/resources.ts';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import type { StoreRequest } from '../../src/chains/storage/backend.ts';
import { createTektonBackend } from '../../src/chains/storage/tekton/backend.ts';
import { annotationLimit, annotationReserve } from '../../src/chains/storage/tekton/annotations.ts';
import { systemClock } from '../../src/clock.ts';
import { isNotFound, type KubeClient } from '../../src/kube/client.ts';
import { customResourceDefinitions, namespaces, type CustomResourceDefinition } from '../../src/kube/resources.ts';
import { ControlPlane } from './kube-control-plane.ts';

/**
 * The tekton backend on a real API server: server-side apply is the API server's own logic, and so is the annotation
 * limit.
 */
const resource = taskRuns;
const signal = AbortSignal.timeout(110_000);
let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await ControlPlane.up('chains-tekton-test');
  client = await plane.client();
  const crd = parse(
    readFileSync(path.join(import.meta.dirname, '../../crds', crdFile()), 'utf8'),
  ) as CustomResourceDefinition;
  await client.patch(customResourceDefinitions, undefined, crd.metadata.name ?? '', {
    type: 'apply',
    fieldManager: 'test',
    force: true,
    body: crd,
  });
  await client.create(namespaces, { metadata: { name: 'chains' } });
  for (let round = 0; round < 100; round += 1) {
    if (
      await client.list(resource, { namespace: 'chains' }).then(
        () => true,
        () => false,
      )
    )
      return;
    await systemClock.sleep(100);
  }
});
afterAll(async () => {
  await client.close(true);
  await plane.down();
});

function crdFile(): string {
  return 'tekton.dev_taskruns.yaml';
}

async function newRun(name: string, annotations: Record<string, string> = {}): Promise<TaskRun> {
  const run = {
    metadata: { name, namespace: 'chains', annotations },
    spec: { taskSpec: { steps: [{ name: 's', image: 'busybox', script: 'true' }] } },
  } as unknown as TaskRun;
  return { ...(await client.create(resource, run)), apiVersion: 'tekton.dev/v1', kind: 'TaskRun' };
}

function requestFor(run: TaskRun, shortKey: string, payload = '{}'): StoreRequest {
  return {
    run,
    config: parseChainsConfig({}).config,
    artifact: {
      kind: 'taskrun',
      shortKey,
      fullKey: shortKey,
      payload: { json: Buffer.from(payload), payloadType: 'application/vnd.in-toto+json', wrap: false, subjects: [] },
    },
    signature: { signature: Buffer.from('sig'), publicKeyPem: '', keyId: 'k', algorithm: 'a', scheme: 'ecdsa' },
  };
}

const annotationsNow = async (name: string) => (await client.get(resource, 'chains', name)).metadata.annotations ?? {};

it('stores all artifacts of a run at once, and keeps what others write meanwhile', async () => {
  const run = await newRun('many', { user: 'kept' });
  const backend = createTektonBackend({ client });
  const keys = Array.from({ length: 8 }, (_, index) => `key-${index}`);
  const others = async () => {
    for (let round = 0; round < 20; round += 1)
      await client.patch(resource, 'chains', 'many', {
        type: 'merge',
        body: { metadata: { annotations: { 'chains.tekton.dev/pending': String(round) } } },
      });
  };
  await Promise.all([others(), ...keys.map((key) => backend.store(requestFor(run, key), signal))]);
  const found = await annotationsNow('many');
  expect(
    Object.keys(found)
      .filter((key) => key.startsWith('chains.tekton.dev/payload-'))
      .sort(),
  ).toEqual(keys.map((key) => `chains.tekton.dev/payload-${key}`));
  expect(found).toMatchObject({ user: 'kept', 'chains.tekton.dev/pending': '19', 'chains.tekton.dev/cert-key-3': '' });
});

it('keeps what this field manager (upstream Chains) applied before', async () => {
  const run = await newRun('upstream');
  const applied = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'upstream', namespace: 'chains', annotations: { 'chains.tekton.dev/retries': '1' } },
  };
  await client.patch(resource, 'chains', 'upstream', {
    type: 'apply',
    fieldManager: 'tekton-chains-controller',
    body: applied,
  });
  await createTektonBackend({ client }).store(requestFor(run, 'key'), signal);
  expect(await annotationsNow('upstream')).toMatchObject({
    'chains.tekton.dev/retries': '1',
    'chains.tekton.dev/payload-key': 'e30=',
  });
});

it('takes over annotations that another manager wrote', async () => {
  const run = await newRun('taken', { 'chains.tekton.dev/payload-key': 'b2xk' });
  await createTektonBackend({ client }).store(requestFor(run, 'key'), signal);
  expect(await annotationsNow('taken')).toMatchObject({ 'chains.tekton.dev/payload-key': 'e30=' });
});

it('writes what just fits, and refuses more in its own words', async () => {
  const run = await newRun('large');
  const backend = createTektonBackend({ client });
  const largest = Math.floor((annotationLimit - annotationReserve - 500) / 4) * 3;
  await backend.store(requestFor(run, 'key', 'x'.repeat(largest)), signal);
  await expect(backend.store(requestFor(run, 'second'), signal)).resolves.toBeUndefined();
  await expect(backend.store(requestFor(run, 'third', 'x'.repeat(6000)), signal)).rejects.toThrow(
    /storage tekton, third: payload and signature need \d+ bytes/,
  );
  const all = await annotationsNow('large');
  await expect(
    client.patch(resource, 'chains', 'large', {
      type: 'merge',
      body: { metadata: { annotations: { more: 'x'.repeat(8000) } } },
    }),
  ).rejects.toThrow(/annotations|Too long/);
  expect(Object.keys(all)).toHaveLength(8);
});

it('does not bring back a run that was deleted', async () => {
  const run = await newRun('gone');
  await client.delete(resource, 'chains', 'gone');
  await expect(createTektonBackend({ client }).store(requestFor(run, 'key'), signal)).rejects.toThrow(
    'TaskRun chains/gone is gone',
  );
  await expect(client.get(resource, 'chains', 'gone')).rejects.toSatisfy(isNotFound);
});
