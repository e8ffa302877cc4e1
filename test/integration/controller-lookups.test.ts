import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { stepActions, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { configMaps, pods, type Pod } from '../../src/kube/resources.ts';
import { signatureV4 } from '../../src/registry/cloud/aws-signature.fake.ts';
import type { Heard } from '../../src/registry/registry.fake.ts';
import { isTriedAgain } from '../cluster-access/test-client.ts';
import { LoadedController } from '../load/controller.ts';
import { FaultProxy } from '../load/fault-proxy.ts';
import { kubeconfigOf } from '../load/faults.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import { CloudRegistries, hosts } from './cloud-registries.ts';
import type { ControlPlane } from './kube-control-plane.ts';

/**
 * What the controller finds out before it makes a pod, as a process on a control plane: what images of its cloud run,
 * what an older API server lacks, StepActions, no more at once than it may.
 */
const namespace = 'lookups';
const systemNamespace = 'tekton-pipelines';
const held = 'stepactions';
let plane: ControlPlane;
let client: KubeClient;
let proxy: FaultProxy;
let clouds: CloudRegistries;
let controller: LoadedController;
let folder: string;
/** Reads of StepActions that go on, and the most of them that did. */
let [reading, mostReading] = [0, 0];

/** An API server of 1.28, slow with StepActions. */
async function instead({ method, path: asked }: { method: string; path: string }): Promise<string | undefined> {
  if (asked === '/version') return JSON.stringify({ major: '1', minor: '28', gitVersion: 'v1.28.15' });
  if (method !== 'GET' || !asked.includes(`/${held}/`)) return undefined;
  mostReading = Math.max(mostReading, (reading += 1));
  await new Promise((resolve) => setTimeout(resolve, 100));
  reading -= 1;
  return undefined;
}

beforeAll(async () => {
  ({ plane, client } = await loadPlane(`lookups-${process.pid}`));
  await makeNamespace(client, namespace);
  await Promise.all(['feature-flags', 'config-defaults'].map((name) => configure(name, {})));
  proxy = new FaultProxy(await loadClusterConfig({ kubeconfig: plane.kubeconfig }), 0);
  proxy.instead = instead;
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-lookups-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(await proxy.listen()));
  clouds = await CloudRegistries.start();
  controller = await LoadedController.prepare({ kubeconfig, env: clouds.environment });
  await controller.start();
}, 240_000);

afterAll(async () => {
  await controller?.end();
  await clouds?.stop();
  await proxy?.close();
  await client?.close(true);
  await plane?.down();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function configure(name: string, data: Record<string, string>): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  await client.patch(configMaps, systemNamespace, name, { type: 'apply', fieldManager: 'test', force: true, body });
}

/** A run of this spec, as soon as it is as wanted. */
async function follow(spec: TaskRunSpec, reached: (run: TaskRun) => boolean): Promise<TaskRun> {
  const metadata = { generateName: 'run-', namespace };
  const run = await client.create(taskRuns, { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata, spec });
  for (let left = 300; left > 0; left -= 1) {
    const current = await client.get(taskRuns, namespace, run.metadata.name ?? '');
    if (reached(current)) return current;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing became of the run:\n${controller.log}`);
}

/** @throws the run's message where no pod is made */
async function podOf(spec: TaskRunSpec): Promise<Pod> {
  const { status } = await follow(spec, (run) => Boolean(run.status?.podName) || isDone(run.status));
  if (isDone(status)) throw new Error(succeededCondition(status)?.message);
  return client.get(pods, namespace, status?.podName ?? '');
}

const image = 'busybox';
const containersOf = ({ spec }: Pod) =>
  [spec?.initContainers, spec?.containers].map((of) => of?.map(({ name }) => name));

describe("an image without a command in a registry of the controller's own cloud", () => {
  const line = ({ method, path: asked, headers, query, body }: Heard) =>
    [
      `${method} ${headers.host}${asked}${query.size > 0 ? `?${query}` : ''}`,
      headers.authorization ?? headers['x-identity-header'] ?? headers['metadata-flavor'],
      body,
    ]
      .filter(Boolean)
      .join(' ');
  const read = (host: string, authorization: string) =>
    ['manifests/1', `blobs/${configDigest()}`].map((what) => `GET ${host}/v2/team/app/${what} ${authorization}`);
  const configDigest = () =>
    clouds.registries.heard.map(({ path: asked }) => /blobs\/(sha256:\w+)/.exec(asked)?.[1]).find(Boolean) ?? '';
  const scope = 'repository:team/app:pull';
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
  const anonymous = (host: string) => `GET ${host}/v2/team/app/manifests/1`;
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  // What the controller has asked and heard it remembers: a second try has one of its own.
  beforeEach(async ({ task }) => {
    if (!isTriedAgain(task)) return;
    await controller.end();
    await controller.start();
    clouds.registries.heard.length = 0;
    clouds.identities.heard.length = 0;
  });

  it.each<[string, string, () => string[], () => string[]]>([
    [
      'ECR',
      hosts.ecr,
      () => {
        const asked = clouds.identities.heard.find(({ headers }) => headers['x-amz-target']);
        const signature = asked && signatureV4(asked, 'AKID', 'SECRET', 'eu-west-1', 'ecr');
        return [`POST ${clouds.identities.host}/ ${signature} {"registryIds":["123456789012"]}`];
      },
      () => [anonymous(hosts.ecr), anonymous(hosts.ecr), ...read(hosts.ecr, basic('AWS:of-ecr'))],
    ],
    [
      'Artifact Registry',
      hosts.gar,
      () => [
        `GET ${clouds.identities.host}/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent('https://www.googleapis.com/auth/cloud-platform')} Google`,
      ],
      () => [
        anonymous(hosts.gar),
        `GET ${hosts.gar}/v2/token?${form({ service: hosts.gar, scope })}`,
        anonymous(hosts.gar),
        `GET ${hosts.gar}/v2/token?${form({ service: hosts.gar, scope })} ${basic('oauth2accesstoken:of-google')}`,
        ...read(hosts.gar, 'Bearer of-gar'),
      ],
    ],
    [
      'ACR',
      hosts.acr,
      () => [
        `GET ${clouds.identities.host}/msi/token?${form({ 'api-version': '2019-08-01', resource: 'https://management.azure.com' })} of-the-platform`,
      ],
      () => [
        anonymous(hosts.acr),
        `GET ${hosts.acr}/oauth2/token?${form({ service: hosts.acr, scope })}`,
        `POST ${hosts.acr}/oauth2/exchange ${form({ grant_type: 'access_token', service: hosts.acr, access_token: 'of-entra' })}`,
        anonymous(hosts.acr),
        `POST ${hosts.acr}/oauth2/token ${form({ grant_type: 'refresh_token', refresh_token: 'of-acr-for-long', service: hosts.acr, client_id: 'tektite', scope })}`,
        ...read(hosts.acr, 'Bearer of-acr'),
      ],
    ],
  ])('%s: is read with the identity of the controller, and pinned', async (_name, host, identities, registry) => {
    const before = clouds.identities.heard.length;
    const pod = await podOf({ taskSpec: { steps: [{ name: 's', image: `${host}/team/app:1` }] } });
    expect(pod.spec?.containers[0]).toMatchObject({
      image: `${host}/team/app@${clouds.digest}`,
      env: [{ name: 'TEKTON_PLATFORM_COMMANDS', value: JSON.stringify({ 'linux/amd64': ['/app', 'serve'] }) }],
    });
    expect(clouds.registries.heard.filter(({ headers }) => headers.host === host).map(line)).toEqual(registry());
    // Google's library looks first whether it is there.
    const asked = clouds.identities.heard
      .slice(before)
      .filter(({ path: at, method }) => !(method === 'GET' && !at.endsWith('/token')));
    expect(asked.map(line)).toEqual(identities());
  });
});

describe('on an API server without native sidecars', () => {
  const plain = { taskSpec: { steps: [{ name: 's', image, command: ['true'] }] } };
  const run = (more: object) =>
    podOf({
      taskSpec: {
        sidecars: [{ name: 'db', image, command: ['serve'], ...more }],
        ...plain.taskSpec,
      },
    });
  const ordinary = [['prepare'], ['step-s', 'sidecar-db']];

  it('one that asks for it is an ordinary sidecar, for which the steps wait', async () => {
    const pod = await run({ restartPolicy: 'Always' });
    expect(containersOf(pod)).toEqual(ordinary);
    expect(pod.metadata.annotations?.['tekton.dev/ready']).toBeUndefined();
  });

  it('all are where the operator asks for native ones', async () => {
    await configure('feature-flags', { 'enable-kubernetes-sidecar': 'true' });
    const seen = async () => {
      const { status } = await follow(plain, (run) => run.status?.provenance !== undefined);
      return status?.provenance?.featureFlags?.['enableKubernetesSidecar'];
    };
    await expect.poll(seen, { timeout: 20_000 }).toBe(true);
    expect(containersOf(await run({}))).toEqual(ordinary);
  });
});

describe('default-step-ref-concurrency-limit', () => {
  const names = Array.from({ length: 9 }, (_, index) => `action-${index}`);
  beforeAll(async () => {
    const make = (name: string) =>
      client.create(stepActions, {
        apiVersion: 'tekton.dev/v1beta1',
        kind: 'StepAction',
        metadata: { name, namespace },
        spec: { image, command: ['true'] },
      });
    await Promise.all(names.map(make));
  });

  /** How many StepActions of one run were read at once. */
  async function atOnce(): Promise<number> {
    mostReading = 0;
    const pod = await podOf({ taskSpec: { steps: names.map((name) => ({ name, ref: { name } })) } });
    expect(containersOf(pod)).toEqual([['prepare'], names.map((name) => `step-${name}`)]);
    return mostReading;
  }

  it('is 5, and counts from the next run on where the operator changes it', async () => {
    await configure('config-defaults', {});
    await expect.poll(atOnce, { timeout: 20_000 }).toBe(5);
    await configure('config-defaults', { 'default-step-ref-concurrency-limit': '2' });
    await expect.poll(atOnce, { timeout: 20_000 }).toBe(2);
    await configure('config-defaults', { 'default-step-ref-concurrency-limit': '20' });
    await expect.poll(atOnce, { timeout: 20_000 }).toBe(9);
  });
});
