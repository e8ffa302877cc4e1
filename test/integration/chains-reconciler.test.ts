import { generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchContent, pushTinyImage, startRegistry } from '../../hack/sigstore/local-registry.ts';
import { stopServices } from '../../hack/sigstore/services.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { annotations, finalizers } from '../../src/chains/annotations.ts';
import { preAuthEncoding, type DsseEnvelope } from '../../src/chains/signing/dsse.ts';
import { systemClock } from '../../src/clock.ts';
import { timestamp } from '../../src/core/condition.ts';
import { isNotFound, type KubeClient } from '../../src/kube/client.ts';
import type { OwnerReference } from '../../src/kube/object.ts';
import {
  configMaps,
  customResourceDefinitions,
  events,
  leases,
  namespaces,
  secrets,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { sized } from '../long.ts';
import { ChainsProcess, installChains, systemNamespace } from './chains-process.ts';
import { ControlPlane } from './kube-control-plane.ts';

/** The chains role as a process with its ServiceAccount's rights, on a real API server, with a real registry. */
/** A new one for each test and each try, so that names are free. */
let namespace = '';
const runs = taskRuns;
const pipelines = pipelineRuns;
let plane: ControlPlane;
let client: KubeClient;
let chains: ChainsProcess;
let publicKey: KeyObject;
let registryFolder = '';
let registry = '';

async function installCrds(): Promise<void> {
  const folder = path.join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const crd = parse(readFileSync(path.join(folder, file), 'utf8')) as CustomResourceDefinition;
    await client.patch(customResourceDefinitions, undefined, crd.metadata.name ?? '', {
      type: 'apply',
      fieldManager: 'test',
      force: true,
      body: crd,
    });
  }
  const isEstablished = (crd: CustomResourceDefinition) =>
    crd.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') ===
    true;
  await until('the CRDs are established', async () =>
    (await client.list(customResourceDefinitions)).items.every(isEstablished),
  );
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>, ms = 20_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end;) {
    const found = await look();
    if (found) return found;
    await systemClock.sleep(20);
  }
  throw new Error(`it does not come true that ${what}; chains says:\n${chains?.log.slice(-4000)}`);
}

async function putKey(): Promise<KeyObject> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await client.patch(secrets, systemNamespace, 'signing-secrets', {
    type: 'merge',
    body: { data: { 'x509.pem': Buffer.from(pem).toString('base64') } },
  });
  return pair.publicKey;
}

async function configure(data: Record<string, string>): Promise<void> {
  const { metadata, data: before } = await client.get(configMaps, systemNamespace, 'chains-config');
  const cleared = Object.fromEntries(Object.keys(before ?? {}).map((key) => [key, null]));
  await client.patch(configMaps, metadata.namespace, 'chains-config', {
    type: 'merge',
    // Nobody runs these runs: there is no record of them.
    body: { data: { ...cleared, 'artifacts.unrecorded': 'sign', ...data } },
  });
  await systemClock.sleep(150);
}

const ended = (more: object = {}) => ({
  conditions: [
    { type: 'Succeeded', status: 'True' as const, reason: 'Succeeded', lastTransitionTime: timestamp(new Date()) },
  ],
  startTime: timestamp(new Date()),
  completionTime: timestamp(new Date()),
  ...more,
});
const step = { name: 's', image: 'busybox', script: 'true' };

async function createTaskRun(name: string, metadata: Partial<TaskRun['metadata']> = {}): Promise<TaskRun> {
  return client.create(runs, {
    metadata: { name, namespace, ...metadata },
    spec: { taskSpec: { steps: [step] } },
  });
}

async function finish(run: TaskRun, results: { name: string; value: string }[] = []): Promise<void> {
  await until(`${run.metadata.name} is finished`, async () => {
    const live = await client.get(runs, namespace, run.metadata.name ?? '');
    return client
      .replaceStatus(runs, {
        ...live,
        status: ended({
          taskSpec: { steps: [step] },
          results: results.map((result) => ({ type: 'string', ...result })),
        }),
      })
      .catch(() => undefined);
  });
}

const repositoryOf = (name: string) => `${namespace}/${name}`;

const signedRun = (name: string, value = 'true', ms?: number) =>
  until(
    `${name} is marked ${value}`,
    async () => {
      const run = await client.get(runs, namespace, name);
      return run.metadata.annotations?.[annotations.signed] === value && run;
    },
    ms,
  );

function verified(
  run: TaskRun | PipelineRun,
  kind: string,
  key: KeyObject,
): { predicateType: string; subject?: { name: string }[] } {
  const envelope = JSON.parse(
    Buffer.from(
      run.metadata.annotations?.[`chains.tekton.dev/signature-${kind}-${run.metadata.uid}`] ?? '',
      'base64',
    ).toString(),
  ) as DsseEnvelope;
  const payload = Buffer.from(envelope.payload, 'base64');
  expect(
    verify(
      'sha256',
      preAuthEncoding(envelope.payloadType, payload),
      key,
      Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64'),
    ),
  ).toBe(true);
  return JSON.parse(payload.toString()) as { predicateType: string };
}

beforeAll(async () => {
  plane = await ControlPlane.up(`chains-${process.pid}`);
  client = await plane.client({ qps: 2000, burst: 4000 });
  await installCrds();
  await installChains(client);
  publicKey = await putKey();
  registryFolder = await mkdtemp(path.join(tmpdir(), 'tektite-chains-registry-'));
  registry = await startRegistry('distribution', {
    folder: registryFolder,
    outlive: false,
    signal: AbortSignal.timeout(100_000),
  });
  await configure({});
  chains = await ChainsProcess.prepare(plane, client);
  chains.start();
  await chains.ready();
}, 180_000);

beforeEach(async () => {
  namespace = `chains-${Math.random().toString(36).slice(2, 8)}`;
  await client.create(namespaces, { metadata: { name: namespace } });
});

afterAll(async () => {
  await chains?.remove();
  if (registryFolder) await stopServices(registryFolder);
  await rm(registryFolder, { recursive: true, force: true });
  await client?.close(true);
  await plane?.down();
}, 60_000);

const KILLED = sized(30, 100);
const BACKLOG = sized(200, 1_000);

describe('Chains on a real API server', () => {
  it("competes for leases under upstream's names", async () => {
    const names = await until('the leases are held', async () => {
      const { items } = await client.list(leases, { namespace: systemNamespace });
      return (
        items.length === 2 &&
        items.every((lease) => lease.spec?.holderIdentity === 'chains-process') &&
        items.map(({ metadata }) => metadata.name)
      );
    });
    expect(names).toEqual([
      'watcher.github.com.tektoncd.chains.pkg.reconciler.pipelinerun.reconciler.00-of-01',
      'watcher.github.com.tektoncd.chains.pkg.reconciler.taskrun.reconciler.00-of-01',
    ]);
  });

  it('signs TaskRuns within a second of their end', async () => {
    const milliseconds: number[] = [];
    for (let index = 0; index < 5; index++) {
      await finish(await createTaskRun(`simple-${index}`));
      const begin = performance.now();
      await signedRun(`simple-${index}`);
      milliseconds.push(performance.now() - begin);
    }
    // Other tests' servers are started meanwhile, on the same two cores: one of five may meet that.
    expect(milliseconds.sort((a, b) => a - b)[3]).toBeLessThan(1000);
  });

  it('signs with the key of the Secret, and leaves signature, payload and certificates on the run', async () => {
    const run = await createTaskRun('simple');
    await finish(run);
    const signed = await signedRun('simple');
    expect(verified(signed, 'taskrun', publicKey).predicateType).toBe('https://slsa.dev/provenance/v0.2');
    expect(
      Object.keys(signed.metadata.annotations ?? {})
        .filter((name) => name.startsWith('chains.tekton.dev/'))
        .map((name) => name.replace(`-${run.metadata.uid}`, '')),
    ).toEqual(
      expect.arrayContaining([
        annotations.signed,
        'chains.tekton.dev/cert-taskrun',
        'chains.tekton.dev/chain-taskrun',
        'chains.tekton.dev/payload-taskrun',
        'chains.tekton.dev/signature-taskrun',
      ]),
    );
    expect(signed.metadata.annotations).not.toHaveProperty(annotations.pending);
    expect(signed.metadata.finalizers).toBeUndefined();
  });

  it('protects a run that goes on, signs it although it is deleted, and lets it go', async () => {
    const run = await createTaskRun('deleted');
    await until('the run is protected', async () =>
      (await client.get(runs, namespace, 'deleted')).metadata.finalizers?.includes(finalizers.taskrun),
    );
    await configure({ 'artifacts.taskrun.storage': 'oci' });
    const { digest } = await pushTinyImage(registry, repositoryOf('deleted'), 'deleted');
    await finish(run, [
      { name: 'IMAGE_URL', value: `${registry}/${repositoryOf('deleted')}` },
      { name: 'IMAGE_DIGEST', value: digest },
    ]);
    await client.delete(runs, namespace, 'deleted').catch(() => undefined);
    await until('the run is gone', async () => client.get(runs, namespace, 'deleted').then(() => false, isNotFound));
    for (const suffix of ['sig', 'att']) expect(await layers(repositoryOf('deleted'), digest, suffix)).toHaveLength(1);
    await configure({});
  });

  it('lets a run go that is deleted while it runs', async () => {
    await createTaskRun('running');
    await until('the run is protected', async () =>
      (await client.get(runs, namespace, 'running')).metadata.finalizers?.includes(finalizers.taskrun),
    );
    await client.delete(runs, namespace, 'running');
    await until('the run is gone', async () => client.get(runs, namespace, 'running').then(() => false, isNotFound));
  });

  it('waits with a PipelineRun for its TaskRuns and leaves out the pruned one', async () => {
    const parent = await client.create(pipelines, {
      metadata: { name: 'pipe', namespace },
      spec: { pipelineSpec: { tasks: [{ name: 'one', taskSpec: { steps: [step] } }] } },
    });
    const owner: OwnerReference = {
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      name: 'pipe',
      uid: parent.metadata.uid ?? '',
      controller: true,
    };
    const child = await createTaskRun('pipe-one', {
      ownerReferences: [owner],
      labels: { 'tekton.dev/pipelineTask': 'one' },
    });
    const childReferences = ['pipe-one', 'pipe-pruned'].map((name) => ({
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      name,
      pipelineTaskName: 'one',
    }));
    await client.replaceStatus(pipelines, {
      ...parent,
      status: ended({ childReferences, pipelineSpec: parent.spec.pipelineSpec }),
    });
    await systemClock.sleep(500);
    expect((await client.get(pipelines, namespace, 'pipe')).metadata.annotations ?? {}).not.toHaveProperty(
      annotations.signed,
    );
    await finish(child);
    const signed = await until('pipe is signed', async () => {
      const run = await client.get(pipelines, namespace, 'pipe');
      return run.metadata.annotations?.[annotations.signed] === 'true' && run;
    });
    verified(signed, 'pipelinerun', publicKey);
    expect(signed.metadata.annotations?.[annotations.problems]).toContain('pipe-pruned');
  });

  it('leaves out who opted out, and signs again who lost the mark', async () => {
    await finish(await createTaskRun('out', { annotations: { [annotations.sign]: 'false' } }));
    await finish(await createTaskRun('again'));
    const first = await signedRun('again');
    await client.patch(runs, namespace, 'again', {
      type: 'merge',
      body: { metadata: { annotations: { [annotations.signed]: null } } },
    });
    const second = await until('it is signed again', async () => {
      const run = await client.get(runs, namespace, 'again');
      const name = `chains.tekton.dev/signature-taskrun-${run.metadata.uid}`;
      return (
        run.metadata.annotations?.[annotations.signed] === 'true' &&
        run.metadata.annotations[name] !== first.metadata.annotations?.[name] &&
        run
      );
    });
    verified(second, 'taskrun', publicKey);
    expect((await client.get(runs, namespace, 'out')).metadata.annotations).toEqual({ [annotations.sign]: 'false' });
  });

  it('tells a bad key of chains-config by name and goes by the others', async () => {
    await configure({
      'artifacts.taskrun.format': 'slsa/v9',
      'artifacts.taskrun.storage': 'tekton',
      'builder.id': 'https://builder.example',
    });
    const event = await until('an event tells it', async () =>
      (await client.list(events, { namespace: systemNamespace })).items.find(
        ({ reason, involvedObject }) => reason === 'InvalidConfiguration' && involvedObject.name === 'chains-config',
      ),
    );
    expect(event.message).toContain('artifacts.taskrun.format');
    await finish(await createTaskRun('configured'));
    expect(verified(await signedRun('configured'), 'taskrun', publicKey)).toMatchObject({
      predicate: { builder: { id: 'https://builder.example' } },
    });
    await configure({});
  });

  it('signs with a new key as soon as the Secret has it', async () => {
    const next = await putKey();
    await systemClock.sleep(300);
    await finish(await createTaskRun('rotated'));
    verified(await signedRun('rotated'), 'taskrun', next);
    publicKey = next;
  });

  it('tells on the run, in an event and by "failed" why it cannot be signed', { timeout: 90_000 }, async () => {
    await configure({
      'artifacts.taskrun.storage': 'archivista',
      'storage.archivista.url': 'http://127.0.0.1:1',
      'signing.attempts': '2',
    });
    await finish(await createTaskRun('failing'));
    const run = await signedRun('failing', 'failed', 60_000);
    expect(JSON.parse(run.metadata.annotations?.[annotations.problems] ?? '')).toMatchObject({
      failedAttempts: 2,
      problems: [
        {
          artifact: `taskrun-${run.metadata.uid}`,
          at: 'storage archivista',
          reason: expect.stringContaining('127.0.0.1:1') as string,
        },
      ],
    });
    await until('an event tells it', async () =>
      (await client.list(events, { namespace })).items.some(
        ({ reason, involvedObject }) => reason === 'SigningFailedForGood' && involvedObject.name === 'failing',
      ),
    );
    await configure({});
  });

  it(`killed at random moments signs each of ${KILLED} runs exactly once`, { timeout: 180_000 }, async () => {
    await configure({ 'artifacts.taskrun.storage': 'tekton,oci', 'artifacts.taskrun.format': 'slsa/v2alpha4' });
    const images = new Map<string, string>();
    let kills = 0;
    const killing = new AbortController();
    const killer = (async () => {
      while (!killing.signal.aborted) {
        await systemClock.sleep(1200 + Math.random() * 1500);
        await chains.end('SIGKILL');
        chains.start();
        kills += 1;
      }
    })();
    for (let index = 0; index < KILLED; index++) {
      const name = `kill-${index}`;
      const { digest } = await pushTinyImage(registry, repositoryOf(name), name);
      images.set(name, digest);
      await finish(await createTaskRun(name), [
        { name: 'IMAGE_URL', value: `${registry}/${repositoryOf(name)}` },
        { name: 'IMAGE_DIGEST', value: digest },
      ]);
    }
    await systemClock.sleep(3000);
    killing.abort();
    await killer;
    for (const [name, digest] of images) {
      const { metadata } = await signedRun(name, 'true', 60_000);
      expect(metadata.finalizers).toBeUndefined();
      expect(metadata.annotations).not.toHaveProperty(annotations.pending);
      for (const suffix of ['sig', 'att'])
        expect({ name, suffix, layers: (await layers(repositoryOf(name), digest, suffix)).length }).toEqual({
          name,
          suffix,
          layers: 1,
        });
    }
    expect(kills).toBeGreaterThan(sized(1, 3));
    await configure({});
  });

  it('logs and measures as the ConfigMaps of its namespace say now', async () => {
    const put = (name: string, data: Record<string, string>) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: systemNamespace }, data };
      const patch = { type: 'apply', fieldManager: 'observer', force: true, body } as const;
      return client.patch(configMaps, systemNamespace, name, patch);
    };
    const said = (text: string) => until(text, () => Promise.resolve(chains.log.includes(text)), 10_000);
    await put('config-logging', { 'loglevel.watcher': 'debug' });
    await said("the log's level is debug from now on");
    await put('config-logging', {});
    await said("the log's level is info from now on");
    await put('tekton-chains-config-observability', { 'metrics-protocol': 'grpc' });
    await said('metrics-endpoint is missing');
    await put('tekton-chains-config-observability', {});
  });

  it(`signs a backlog of ${BACKLOG} at 20 a second or more in less than 300 MB`, { timeout: 240_000 }, async () => {
    await chains.end('SIGTERM');
    const names = Array.from({ length: BACKLOG }, (_, index) => `backlog-${index}`);
    await inParallel(names, 16, async (name) => finish(await createTaskRun(name)));
    chains.start();
    await chains.ready();
    const begin = performance.now();
    await until('all are signed', async () => chains.signed >= BACKLOG, 200_000);
    const seconds = (performance.now() - begin) / 1000;
    const [busy = 0] = loadavg();
    console.log(
      `${BACKLOG} runs in ${seconds.toFixed(1)} s, ${(BACKLOG / seconds).toFixed(0)} a second, ${chains.processorTime().toFixed(1)} s of a processor, ${chains.peakMemory().toFixed(0)} MiB; load ${busy.toFixed(1)}`,
    );
    const { items } = await client.list(runs, { namespace });
    expect(
      items.filter(
        ({ metadata }) =>
          metadata.name?.startsWith('backlog-') && metadata.annotations?.[annotations.signed] === 'true',
      ),
    ).toHaveLength(BACKLOG);
    // What it needs itself leaves room for twice the rate beside an API server; the rate itself only counts on a
    // machine of one's own.
    expect(chains.processorTime()).toBeLessThan(25);
    if (busy < 2 * availableParallelism()) expect(BACKLOG / seconds).toBeGreaterThan(20);
    expect(chains.peakMemory()).toBeLessThan(300);
  });
});

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

async function layers(repository: string, digest: string, suffix: string): Promise<unknown[]> {
  const manifest = await fetchContent(registry, repository, 'manifests', `${digest.replace(':', '-')}.${suffix}`);
  return manifest ? (JSON.parse(manifest.toString()) as { layers: unknown[] }).layers : [];
}
