import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Pipeline } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { Task } from '../../src/api/pipeline/v1/task.ts';
import type { CustomRun } from '../../src/api/pipeline/v1beta1/customrun.ts';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { readPodRecord } from '../../src/core/digest/pod-record.ts';
import { recordAnnotations, recorded } from '../../src/core/digest/record.ts';
import { verifyPipelineRunRecord, verifyTaskRunRecord } from '../../src/core/digest/verify.ts';
import { settings } from '../../src/core/pipelinerun/simulation.fake.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { byController, controllerIndex } from '../../src/kube/owners.ts';
import {
  customResourceDefinitions,
  limitRanges,
  namespaces,
  pods,
  serviceAccounts,
  type CustomResourceDefinition,
  type LimitRange,
  type Pod,
} from '../../src/kube/resources.ts';
import { Store } from '../../src/kube/store.ts';
import { silentLogger } from '../../src/log.ts';
import { createPipelineRunReconciler } from '../../src/reconcilers/pipelinerun/reconciler.ts';
import { noIdentities } from '../../src/reconcilers/taskrun/identities.fake.ts';
import { createTaskRunReconciler } from '../../src/reconcilers/taskrun/reconciler.ts';
import { TestClient } from '../cluster-access/test-client.ts';

/**
 * Records through our CRDs on a real API server, which defaults and prunes what it stores: they arrive, they hold for
 * what is read back, and a crash between creation and status write is told from a stranger's work.
 */
const namespace = `records-${process.pid}`;
const taskRunResource = taskRuns;
const pipelineRunResource = pipelineRuns;
const indexes = { [byController]: controllerIndex };
const stores = {
  pipelineRuns: new Store<PipelineRun>({ freeze: true, indexes }),
  taskRuns: new Store<TaskRun>({ freeze: true, indexes }),
  customRuns: new Store<CustomRun>({ freeze: true, indexes }),
  pods: new Store<Pod>({ freeze: true, indexes }),
  pipelines: new Store<Pipeline>(),
  tasks: new Store<Task>(),
  limitRanges: new Store<LimitRange>(),
};
let client: KubeClient;

/** Fields that API server or CRD complete: a step without a name, a port without a protocol, amounts as numbers. */
const taskSpec: TaskRunSpec['taskSpec'] = {
  params: [{ name: 'ref', default: 'main' }],
  results: [{ name: 'r' }],
  steps: [
    {
      image: 'busybox',
      script: 'echo $(params.ref)',
      env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      computeResources: { requests: { cpu: 1, memory: '1024Mi' } },
    },
  ],
  sidecars: [
    { name: 'web', image: 'nginx', ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } } },
  ],
  volumes: [{ name: 'v', secret: { secretName: 's' } }],
};

async function installCrds(): Promise<void> {
  const folder = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const body = parse(readFileSync(join(folder, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply' as const, fieldManager: 'test', force: true, body };
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  const isEstablished = ({ status }: CustomResourceDefinition) =>
    status?.conditions?.some(({ type, status: state }) => type === 'Established' && state === 'True') === true;
  for (let round = 0; round < 100; round++) {
    if ((await client.list(customResourceDefinitions)).items.every(isEstablished)) return;
    await systemClock.sleep(100);
  }
  throw new Error('the CRDs were not established');
}

/** A controller that has just been started: its caches hold what the server has, and nothing else counts. */
async function restart(): Promise<void> {
  const load = async <T extends KubeObject>(resource: Resource<T>, store: Store<T>) => {
    const { items, resourceVersion } = await client.list(resource, { namespace });
    store.replace(items, resourceVersion);
  };
  await load(pipelineRunResource, stores.pipelineRuns);
  await load(taskRunResource, stores.taskRuns);
  await load(pods, stores.pods);
  await load(pipelines, stores.pipelines);
  await load(tasks, stores.tasks);
  await load(limitRanges, stores.limitRanges);
}

async function reconcile(kind: 'TaskRun' | 'PipelineRun', name: string): Promise<void> {
  await restart();
  const options = {
    client,
    stores,
    systemNamespace: namespace,
    settings: () => settings,
    events: { event: () => {} },
    clock: systemClock,
    log: silentLogger,
    imageLookup: () => Promise.reject(new Error('nobody asks for images here')),
    identities: noIdentities,
  };
  const reconciler = kind === 'TaskRun' ? createTaskRunReconciler(options) : createPipelineRunReconciler(options);
  await reconciler(`${namespace}/${name}`, new AbortController().signal);
}

/** What a process that is killed before its status write leaves behind. */
async function loseStatus<T extends TaskRun | PipelineRun>(resource: Resource<T>, name: string): Promise<void> {
  const { status: _status, ...run } = await client.get(resource, namespace, name);
  await client.replaceStatus(resource, run as T);
}

beforeAll(async () => {
  client = new TestClient(await loadClusterConfig({ kubeconfig: process.env['TEKTITE_TEST_KUBECONFIG'] ?? '' }), {
    userAgent: 'records-test',
  });
  await installCrds();
  await client.create(namespaces, { metadata: { name: namespace } });
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace } });
}, 60_000);

afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace);
  await client?.close(true);
});

const taskRun = (name: string, spec: TaskRunSpec): TaskRun => ({ metadata: { name, namespace }, spec });
const getTaskRun = (name: string) => client.get(taskRunResource, namespace, name);
const getPipelineRun = (name: string) => client.get(pipelineRunResource, namespace, name);

it('a TaskRun and its pod are recorded where only writers of status reach', async () => {
  await client.create(taskRunResource, taskRun('plain', { taskSpec, params: [{ name: 'ref', value: 'evil' }] }));
  await reconcile('TaskRun', 'plain');
  const run = await getTaskRun('plain');
  const pod = await client.get(pods, namespace, 'plain-pod');
  expect(Object.keys(run.status?.annotations ?? {}).sort()).toEqual([
    recordAnnotations.pod,
    recordAnnotations.resolvedSpec,
    recordAnnotations.spec,
  ]);
  expect(readPodRecord(recorded(run.status, 'pod'))).toMatchObject({ uid: pod.metadata.uid });
  expect(readPodRecord(recorded(run.status, 'pod'))?.changes).toBeUndefined();
  expect(verifyTaskRunRecord(run)).toEqual({ kind: 'sound' });
  const attempted = { ...run, status: { ...run.status, annotations: {} } };
  await client.replace(taskRunResource, attempted);
  expect(verifyTaskRunRecord(await getTaskRun('plain')), 'written through spec').toEqual({ kind: 'sound' });
});

it('a pod whose image is changed as it runs is noted by name', async () => {
  const body = [{ op: 'replace', path: '/spec/containers/0/image', value: 'evil' }];
  await client.patch(pods, namespace, 'plain-pod', { type: 'json', body });
  await reconcile('TaskRun', 'plain');
  expect(verifyTaskRunRecord(await getTaskRun('plain'))).toMatchObject({
    kind: 'changed',
    problems: [{ field: 'pod plain-pod spec.containers[step-unnamed-0].image' }],
  });
});

it('a pod made just before a crash is taken over, as the server completed it', async () => {
  await client.create(taskRunResource, taskRun('crashed', { taskSpec }));
  await reconcile('TaskRun', 'crashed');
  const { uid } = (await client.get(pods, namespace, 'crashed-pod')).metadata;
  await loseStatus(taskRunResource, 'crashed');
  await reconcile('TaskRun', 'crashed');
  const run = await getTaskRun('crashed');
  expect(run.status?.conditions).toMatchObject([{ status: 'Unknown' }]);
  expect(readPodRecord(recorded(run.status, 'pod'))?.uid).toBe(uid);
  expect(verifyTaskRunRecord(run)).toEqual({ kind: 'sound' });
});

it('a pod that was made by a user under the name and owner reference of the run is not', async () => {
  const { metadata } = await client.create(taskRunResource, taskRun('forged', { taskSpec }));
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'forged', uid: metadata.uid ?? '' };
  await client.create(pods, {
    metadata: { name: 'forged-pod', namespace, ownerReferences: [{ ...owner, controller: true }] },
    spec: { containers: [{ name: 'step-unnamed-0', image: 'evil' }] },
  });
  await reconcile('TaskRun', 'forged');
  const { status } = await getTaskRun('forged');
  expect(status?.conditions).toMatchObject([{ status: 'False', reason: 'PodCreationFailed' }]);
  expect(status?.conditions?.[0]?.message).toContain('makes: it differs in spec.');
  expect(recorded(status, 'pod')).toBeUndefined();
});

it('a PipelineRun and its children are recorded, and taken over after a crash', async () => {
  const spec: PipelineRunSpec = {
    pipelineSpec: {
      tasks: [
        { name: 'a', taskSpec, params: [{ name: 'ref', value: 'x' }] },
        { name: 'b', taskSpec, matrix: { params: [{ name: 'ref', value: ['1', '2'] }] } },
      ],
    },
  };
  await client.create(pipelineRunResource, { metadata: { name: 'pipeline', namespace }, spec });
  await reconcile('PipelineRun', 'pipeline');
  const names = ['pipeline-a', 'pipeline-b-0', 'pipeline-b-1'];
  const children = () => Promise.all(names.map(getTaskRun));
  expect(verifyPipelineRunRecord(await getPipelineRun('pipeline'), await children())).toEqual({ kind: 'sound' });
  const before = (await children()).map(({ metadata }) => metadata.uid);
  await loseStatus(pipelineRunResource, 'pipeline');
  await reconcile('PipelineRun', 'pipeline');
  const run = await getPipelineRun('pipeline');
  expect(run.status?.childReferences?.map(({ name }) => name)).toEqual(names);
  expect(recorded(run.status, 'ignored')).toBeUndefined();
  expect((await children()).map(({ metadata }) => metadata.uid)).toEqual(before);
  expect(verifyPipelineRunRecord(run, await children())).toEqual({ kind: 'sound' });
});
