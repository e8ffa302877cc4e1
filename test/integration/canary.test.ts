import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { timestamp } from '../../src/core/condition.ts';
import { unlessExists, type KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { configMaps, events, leases, secrets, serviceAccounts } from '../../src/kube/resources.ts';
import { LoadedController } from '../load/controller.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import { ChainsProcess, installChains, systemNamespace } from './chains-process.ts';
import type { ControlPlane } from './kube-control-plane.ts';
import { TATTLED, TattlingServer } from './tattling-server.ts';

/**
 * A canary in every place where a secret enters, servers that repeat in their errors whatever they are sent, and then a
 * look at everything that comes out: logs at debug level, events, annotations, statuses, metrics.
 */
const runs = taskRuns;
let plane: ControlPlane;
let client: KubeClient;
let server: TattlingServer;
let controller: LoadedController;
let chains: ChainsProcess;
let folder = '';
let chainsMetrics = 0;
/** What the controller had measured when it ended. */
let controllerMetrics: string | undefined;

/** Where each canary was put. */
const canaries = new Map<string, string>();
function canary(place: string): string {
  const value = `canary${randomBytes(9).toString('hex')}`;
  canaries.set(value, place);
  return value;
}

/** A canary as it may be written: also inside of base64, wherever it begins there. */
function spellings(value: string): string[] {
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.from(' '.repeat(before) + value).toString('base64');
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  return [value, Buffer.from(value).toString('hex'), ...inBase64];
}

async function tokenFile(place: string): Promise<string> {
  const file = path.join(folder, place);
  await writeFile(file, canary(place));
  return file;
}

async function putConfigMap(namespace: string, name: string, data: Record<string, string>): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
  await client.patch(configMaps, namespace, name, { type: 'apply', fieldManager: 'canary', force: true, body });
}

/** A namespace whose ServiceAccount has a password for the tattling server, in each of the forms there are. */
async function tenant(name: string): Promise<string> {
  await makeNamespace(client, name);
  const password = canary(`${name}: registry password`);
  const auth = Buffer.from(`robot:${canary(`${name}: auth of a registry`)}`).toString('base64');
  const auths = {
    [server.host]: { username: 'robot', password },
    [`${server.host}/encoded`]: { auth },
    [`${server.host}/identity`]: { identitytoken: canary(`${name}: identity token of a registry`) },
  };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  const secret = { metadata: { name: 'registry', namespace: name }, type: 'kubernetes.io/dockerconfigjson', data };
  await client.create(secrets, secret).catch(unlessExists);
  await client.patch(serviceAccounts, name, 'default', {
    type: 'merge',
    body: { secrets: [{ name: 'registry' }], imagePullSecrets: [{ name: 'registry' }] },
  });
  return name;
}

async function everythingOfTheCluster(): Promise<[string, string][]> {
  const kinds = [taskRuns, pipelineRuns, events, leases] as unknown as Resource<KubeObject & { spec?: unknown }>[];
  const found = await Promise.all(
    kinds.map(async (kind): Promise<[string, string][]> =>
      // Specs of runs are what the user wrote.
      (await client.list(kind)).items.map((object) => [
        `${kind.kind} ${object.metadata.namespace}/${object.metadata.name}`,
        JSON.stringify({ ...object, spec: undefined }),
      ]),
    ),
  );
  return found.flat();
}

const reported = new Set<string>();

/** Every canary that got out since the last look, as "place of the secret -> where it was seen". */
async function escaped(): Promise<string[]> {
  const all = (await seenOutside()).filter((escape) => !reported.has(escape));
  for (const escape of all) reported.add(escape);
  return [...new Set(all)];
}

async function seenOutside(): Promise<string[]> {
  const out: [string, string][] = [
    ...(await everythingOfTheCluster()),
    ["the controller's log", controller.log],
    ["the controller's metrics", controllerMetrics ?? (await controller.metrics())],
    ["Chains' log", chains.log],
    ["Chains' metrics", await (await fetch(`http://127.0.0.1:${chainsMetrics}/metrics`)).text()],
  ];
  const wanted = [
    ...[...canaries].flatMap(([value, place]) => spellings(value).map((spelling) => ({ spelling, place }))),
    { spelling: TATTLED, place: "a foreign server's answer" },
  ];
  return out.flatMap(([where, text]) =>
    wanted.filter(({ spelling }) => text.includes(spelling)).map(({ place }) => `${place} -> ${where}`),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'canary-'));
  server = await TattlingServer.start();
  server.token = canary('token that a registry hands out');
  ({ plane, client } = await loadPlane(`canary-${process.pid}`));
  await putConfigMap('tekton-pipelines', 'config-defaults', { 'default-pasword': canary('config-defaults') });
  await putConfigMap('tekton-pipelines', 'feature-flags', { 'my-token': canary('feature-flags') });
  await putConfigMap('tekton-pipelines', 'config-observability', { 'otlp.token': canary('config-observability') });
  const proxy = `http://robot:${canary('HTTPS_PROXY')}@127.0.0.1:1`;
  const env = { HTTPS_PROXY: proxy, NO_PROXY: '127.0.0.1,localhost', LOG_LEVEL: 'debug' };
  const mirror = `--registry-mirror=mirrored.example=http://robot:${canary('--registry-mirror')}@${server.host}`;
  controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, flags: [mirror], env });
  await controller.start();
  await makeNamespace(client, systemNamespace);
  await installChains(client);
  chains = await ChainsProcess.prepare(plane, client);
  chainsMetrics = 20_000 + (process.pid % 20_000);
  chains.environment = { ...env, METRICS_PROMETHEUS_PORT: String(chainsMetrics) };
  chains.start(mirror);
  await chains.ready();
}, 240_000);

afterAll(async () => {
  await chains?.remove();
  await controller?.end();
  await client?.close(true);
  await plane?.down();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the controller', () => {
  it.each([
    ['an image of a registry with a password', () => `${server.host}/app:1`],
    ['an image whose credentials are encoded', () => `${server.host}/encoded/app:1`],
    ['an image with an identity token', () => `${server.host}/identity/app:1`],
    ['an image whose registry redirects with what it was sent', () => `${server.host}/moved/app:1`],
    ['an image of a mirror with a password in its address', () => 'mirrored.example/app:1'],
    ['an image behind a proxy with a password', () => 'unreachable.example/app:1'],
  ])('tells nothing about %s', { timeout: 90_000 }, async (_name, image) => {
    const namespace = await tenant('puller');
    const step = { name: 's', image: image() };
    const run = await client.create(runs, {
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      metadata: { generateName: 'pull-', namespace },
      spec: { taskSpec: { steps: [step] } },
    });
    const message = async () =>
      (await client.get(runs, namespace, run.metadata.name ?? '')).status?.conditions?.[0]?.message ?? '';
    // It says what is wrong, with the image's name, and no more.
    await expect.poll(message, { timeout: 80_000, interval: 500 }).toContain(image());
    expect(await escaped()).toEqual([]);
  });
});

describe('Chains', () => {
  // The runs here end by hand: nobody may run them meanwhile.
  beforeAll(async () => {
    controllerMetrics = await controller.metrics();
    await controller.end();
  });

  const key = () =>
    String(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const userinfo = (place: string) => `http://robot:${canary(place)}@${server.host}`;
  interface Row {
    secret?: Record<string, string>;
    config: Record<string, string>;
  }
  const oci = { 'artifacts.oci.storage': 'oci', 'artifacts.taskrun.storage': 'oci' };
  const store = (name: string) => ({ 'artifacts.taskrun.storage': name });
  it.each<[name: string, row: () => Promise<Row> | Row]>([
    ['a key that cannot be read', () => ({ secret: { 'x509.pem': canary('x509.pem') }, config: {} })],
    [
      'a cosign key and its password',
      () => ({ secret: { 'cosign.key': canary('cosign.key'), 'cosign.password': canary('password') }, config: {} }),
    ],
    [
      'a token of Vault',
      () => ({
        config: {
          'artifacts.taskrun.signer': 'kms',
          'signers.kms.kmsref': 'hashivault://key',
          'signers.kms.auth.address': userinfo('signers.kms.auth.address'),
          'signers.kms.auth.token': canary('signers.kms.auth.token'),
        },
      }),
    ],
    [
      'a token of Vault in a file, and a Vault that redirects',
      async () => ({
        config: {
          'artifacts.taskrun.signer': 'kms',
          'signers.kms.kmsref': 'hashivault://key',
          'signers.kms.auth.address': `${userinfo('signers.kms.auth.address, redirecting')}/moved`,
          'signers.kms.auth.token-path': await tokenFile('signers.kms.auth.token-path'),
        },
      }),
    ],
    [
      "Fulcio's identity token",
      async () => ({
        config: {
          'signers.x509.fulcio.enabled': 'true',
          'signers.x509.fulcio.address': userinfo('signers.x509.fulcio.address'),
          'signers.x509.fulcio.provider': 'filesystem',
          'signers.x509.identity.token.file': await tokenFile('signers.x509.identity.token.file'),
        },
      }),
    ],
    [
      'the run credentials for a registry',
      () => ({ secret: { 'x509.pem': key() }, config: { ...oci, 'storage.oci.repository': `${server.host}/signed` } }),
    ],
    [
      'a transparency log with a password',
      () => ({
        secret: { 'x509.pem': key() },
        config: {
          'transparency.enabled': 'true',
          'transparency.url': userinfo('transparency.url'),
          'transparency.timestamp-url': userinfo('transparency.timestamp-url'),
        },
      }),
    ],
    [
      'Archivista with a password',
      () => ({
        secret: { 'x509.pem': key() },
        config: { ...store('archivista'), 'storage.archivista.url': userinfo('storage.archivista.url') },
      }),
    ],
    [
      'MongoDB with a password',
      () => ({
        secret: { 'x509.pem': key() },
        config: {
          ...store('docdb'),
          'storage.docdb.url': 'mongo://db/signed?id_field=name',
          'storage.docdb.mongo-server-url': `mongodb://robot:${canary('mongo-server-url')}@127.0.0.1:1/?connectTimeoutMS=500&serverSelectionTimeoutMS=500`,
        },
      }),
    ],
    [
      'keys that are misspelt',
      () => ({
        secret: { 'x509.pem': key() },
        config: {
          'signers.kms.auth.tokn': canary('signers.kms.auth.tokn'),
          'mongo-server-uri': `mongodb://robot:${canary('mongo-server-uri')}@db/`,
        },
      }),
    ],
  ])('tells nothing about %s', { timeout: 60_000 }, async (_name, row) => {
    const { secret = { 'x509.pem': key() }, config } = await row();
    const encoded = Object.fromEntries(
      ['x509.pem', 'cosign.key', 'cosign.password'].map((name) => [
        name,
        secret[name] === undefined ? null : Buffer.from(secret[name]).toString('base64'),
      ]),
    );
    await client.patch(secrets, systemNamespace, 'signing-secrets', { type: 'merge', body: { data: encoded } });
    await putConfigMap(systemNamespace, 'chains-config', {
      'artifacts.unrecorded': 'sign',
      ...store('tekton'),
      ...config,
    });
    const namespace = await tenant('signer');
    const run = await finishedRun(namespace);
    // Signed, or tried in vain and said so.
    const seen = async () => {
      const { metadata } = await client.get(runs, namespace, run);
      const notes = Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith('chains.tekton.dev/'));
      const told = (await client.list(events, { namespace })).items.filter(
        ({ involvedObject }) => involvedObject?.name === run,
      );
      return notes.length + told.length + (chains.log.includes(`${namespace}/${run}`) ? 1 : 0);
    };
    await expect.poll(seen, { timeout: 50_000, interval: 200 }).toBeGreaterThan(0);
    expect(await escaped()).toEqual([]);
  });

  async function finishedRun(namespace: string): Promise<string> {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const results = [
      { name: 'IMAGE_URL', type: 'string', value: `${server.host}/app:1` },
      { name: 'IMAGE_DIGEST', type: 'string', value: digest },
    ];
    const taskSpec = { steps: [{ name: 's', image: 'busybox', command: ['true'] }] };
    const run = await client.create(runs, {
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      metadata: { generateName: 'signed-', namespace },
      spec: { taskSpec },
    });
    const now = timestamp(new Date());
    const succeeded = { type: 'Succeeded', status: 'True', reason: 'Succeeded', lastTransitionTime: now };
    const status = { conditions: [succeeded], startTime: now, completionTime: now, taskSpec, results };
    const body = { status };
    await client.patch(runs, namespace, run.metadata.name ?? '', {
      type: 'merge',
      subresource: 'status',
      body,
    } as never);
    return run.metadata.name ?? '';
  }
});

it('the server was asked, and what it says is looked for where it would be', async () => {
  expect(server.asked.some((url) => url.startsWith('/v2/'))).toBe(true);
  expect(server.asked.some((url) => url.startsWith('/token'))).toBe(true);
  expect(server.asked.some((url) => url.startsWith('/v1/transit'))).toBe(true);
  expect(canaries.size).toBeGreaterThan(20);
  const event = { apiVersion: 'v1', kind: 'Event', metadata: { generateName: 'leak-', namespace: 'puller' } };
  const [value = '', place] = [...canaries].at(-1) ?? [];
  await client.create(events, {
    ...event,
    involvedObject: { namespace: 'puller' },
    message: `leaked ${Buffer.from(`robot:${value}`).toString('base64')}`,
  });
  expect(await escaped()).toEqual([expect.stringContaining(`${place} -> Event puller/leak-`)]);
});
