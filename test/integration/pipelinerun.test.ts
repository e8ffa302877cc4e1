import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { messageOf } from '../../src/errors.ts';
import { isDone, succeededCondition, timestamp } from '../../src/core/condition.ts';
import { settings, task } from '../../src/core/pipelinerun/simulation.fake.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { runController } from '../../src/kube/controller.ts';
import { Informer } from '../../src/kube/informer.ts';
import { joinKey, type KubeObject, type Resource } from '../../src/kube/object.ts';
import { WorkQueue } from '../../src/kube/queue.ts';
import {
  customResourceDefinitions,
  namespaces,
  validatingWebhookConfigurations,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { silentLogger } from '../../src/log.ts';
import { byController, controllerIndex } from '../../src/kube/owners.ts';
import { customRunResource } from '../../src/reconcilers/pipelinerun/children.ts';
import { createPipelineRunReconciler } from '../../src/reconcilers/pipelinerun/reconciler.ts';
import { ControlPlane } from './kube-control-plane.ts';

/**
 * The PipelineRun reconciler on a real API server with our CRDs; TaskRuns succeed at once. What the server drops or
 * changes of a status would show here as writes that never end.
 */
const plane = 'pipelinerun-test';
const namespace = 'pipelinerun-test';
const end = new AbortController();
const requests: string[] = [];
/** When the creation of a TaskRun failed with 500, milliseconds. */
const refusals: number[] = [];
const running: Promise<unknown>[] = [];
let current = settings;
let controlPlane: ControlPlane;
let client: KubeClient;

const runs = pipelineRuns;
const children = taskRuns;

async function installCrds(): Promise<void> {
  const folder = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const crd = parse(readFileSync(join(folder, file), 'utf8')) as CustomResourceDefinition;
    await client.patch(customResourceDefinitions, undefined, crd.metadata.name ?? '', {
      type: 'apply',
      fieldManager: 'test',
      force: true,
      body: crd,
    });
  }
  const established = (crd: CustomResourceDefinition) =>
    crd.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') ===
    true;
  for (let round = 0; round < 100; round++) {
    if ((await client.list(customResourceDefinitions)).items.every(established)) return;
    await systemClock.sleep(100);
  }
  throw new Error('the CRDs were not established');
}

function inform<T extends KubeObject>(resource: Resource<T>): Informer<T> {
  const informer = new Informer<T>({
    client,
    resource,
    log: silentLogger,
    freeze: true,
    indexes: { [byController]: controllerIndex },
  });
  running.push(informer.run(end.signal));
  return informer;
}

/** Ends every new TaskRun with the results that its spec declares. */
async function succeed(taskRun: TaskRun): Promise<void> {
  const results = (taskRun.spec.taskSpec?.results ?? []).map(({ name }) => ({
    name,
    type: 'string' as const,
    value: 'x',
  }));
  const conditions = [
    { type: 'Succeeded', status: 'True' as const, reason: 'Succeeded', lastTransitionTime: timestamp(new Date()) },
  ];
  await client
    .replaceStatus(children, { ...taskRun, status: { conditions, ...(results.length > 0 ? { results } : {}) } })
    .catch(() => undefined);
}

beforeAll(async () => {
  controlPlane = await ControlPlane.up(plane);
  client = await controlPlane.client({
    onRequest: ({ verb, resource, status }) => {
      requests.push(`${verb} ${resource} ${status}`);
      if (verb === 'create' && resource === 'taskruns' && status === 500) refusals.push(Date.now());
    },
  });
  await installCrds();
  await client.create(namespaces, { metadata: { name: namespace } }).catch(() => undefined);
  const [pipelineRunInformer, taskRunInformer, customRunInformer, pipelineInformer, taskInformer] = [
    inform(runs),
    inform(children),
    inform(customRunResource),
    inform(pipelines),
    inform(tasks),
  ];
  await Promise.all(
    [pipelineRunInformer, taskRunInformer, customRunInformer, pipelineInformer, taskInformer].map((informer) =>
      informer.synced(end.signal),
    ),
  );
  const queue = new WorkQueue({ name: 'pipelinerun' });
  customRunInformer.store.subscribe(({ object }) => {
    const owner = object.metadata.ownerReferences?.[0]?.name;
    if (owner) queue.add(joinKey(object.metadata.namespace, owner));
  });
  pipelineRunInformer.store.subscribe(({ key }) => queue.add(key));
  taskRunInformer.store.subscribe(({ object, type, origin }) => {
    const owner = object.metadata.ownerReferences?.[0]?.name;
    if (owner) queue.add(joinKey(object.metadata.namespace, owner));
    if (type === 'added' && origin !== 'list' && object.status === undefined)
      setTimeout(() => void succeed(object), 200);
  });
  const stores = {
    pipelineRuns: pipelineRunInformer.store,
    taskRuns: taskRunInformer.store,
    customRuns: customRunInformer.store,
    pipelines: pipelineInformer.store,
    tasks: taskInformer.store,
  };
  const reconcile = createPipelineRunReconciler({
    client,
    stores,
    systemNamespace: namespace,
    settings: () => current,
    events: { event: () => {} },
    clock: systemClock,
    log: silentLogger,
  });
  running.push(runController({ name: 'pipelinerun', queue, reconcile, log: silentLogger }, end.signal));
}, 120_000);

afterAll(async () => {
  end.abort();
  await Promise.allSettled(running);
  await client?.close(true);
  await controlPlane?.down();
}, 60_000);

async function complete(spec: PipelineRun['spec'], name: string): Promise<PipelineRun> {
  await client.create(runs, { metadata: { name, namespace }, spec });
  for (let round = 0; round < 200; round++) {
    const run = await client.get(runs, namespace, name);
    if (isDone(run.status)) return run;
    await systemClock.sleep(50);
  }
  throw new Error(
    `${name} does not end: ${JSON.stringify((await client.get(runs, namespace, name)).status?.conditions)}`,
  );
}

describe('a PipelineRun on a real API server', () => {
  it('with every kind of field ends with one metadata patch and four status writes, none refused', async () => {
    requests.length = 0;
    const run = await complete(
      {
        params: [{ name: 'who', value: ['a', 'b'] }],
        pipelineSpec: {
          params: [
            { name: 'who', type: 'array' },
            { name: 'o', type: 'object', properties: { k: {} }, default: { k: 'v' } },
          ],
          tasks: [
            task(
              'one',
              {
                params: [
                  { name: 'all', value: '$(params.who[*])' },
                  { name: 'o', value: '$(params.o[*])' },
                ],
              },
              'r',
            ),
            task('never', { when: [{ input: '$(tasks.one.results.r)', operator: 'notin', values: ['x'] }] }),
            task(
              'two',
              {
                displayName: 'two of $(tasks.one.results.r)',
                when: [{ input: '$(tasks.one.results.r)', operator: 'in', values: ['x'] }],
              },
              'r',
            ),
          ],
          finally: [task('last', { params: [{ name: 's', value: '$(tasks.status)' }] })],
          results: [{ name: 'out', value: '$(tasks.two.results.r)' }],
        },
      },
      'all-fields',
    );
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'True',
      reason: 'Completed',
      message: 'Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 1',
    });
    expect(run.status).toMatchObject({
      results: [{ name: 'out', value: 'x' }],
      skippedTasks: [
        {
          name: 'never',
          reason: 'When Expressions evaluated to false',
          whenExpressions: [{ input: 'x', operator: 'notin', values: ['x'] }],
        },
      ],
      childReferences: [
        { name: 'all-fields-one', pipelineTaskName: 'one' },
        { name: 'all-fields-two', displayName: 'two of x', whenExpressions: [{ input: 'x' }] },
        { name: 'all-fields-last' },
      ],
    });
    await systemClock.sleep(500);
    const writes = requests.filter((request) => !/^(get|list|watch|update taskruns)/.test(request)).sort();
    expect(writes).toEqual([
      'create pipelineruns 201',
      'create taskruns 201',
      'create taskruns 201',
      'create taskruns 201',
      'patch pipelineruns 200',
      'update pipelineruns/status 200',
      'update pipelineruns/status 200',
      'update pipelineruns/status 200',
      'update pipelineruns/status 200',
    ]);
  });

  it('fifty at once end without a refused write', async () => {
    requests.length = 0;
    const spec = {
      pipelineSpec: {
        tasks: [
          task('a', {}, 'r'),
          task('b', { params: [{ name: 'p', value: '$(tasks.a.results.r)' }] }),
          task('c', { runAfter: ['b'] }),
        ],
      },
    };
    // A second try finds nothing of the first.
    const attempt = randomBytes(3).toString('hex');
    const names = Array.from({ length: 50 }, (_, index) => `many-${attempt}-${index}`);
    const ended = await Promise.all(names.map((name) => complete(spec, name)));
    expect(ended.map(({ status }) => succeededCondition(status)?.status)).toEqual(
      Array.from({ length: 50 }, () => 'True'),
    );
    expect(requests.filter((request) => / [45]\d\d$/.test(request))).toEqual([]);
    // Four each; one less where two things happened before either was written.
    const writes = requests.filter((request) => request.startsWith('update pipelineruns/status')).length;
    expect(writes).toBeGreaterThan(150);
    expect(writes).toBeLessThanOrEqual(200);
  });

  it("a child that somebody's webhook does not answer for is tried by the back-off, and made when it can be", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const webhook = await client.create(validatingWebhookConfigurations, {
      metadata: { name: 'silent' },
      webhooks: [
        {
          name: 'silent.example.dev',
          clientConfig: { url: `https://127.0.0.1:${(silent.address() as AddressInfo).port}/` },
          rules: [{ apiGroups: ['tekton.dev'], apiVersions: ['*'], operations: ['CREATE'], resources: ['taskruns'] }],
          failurePolicy: 'Fail',
          timeoutSeconds: 1,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    current = { ...settings, creationBackOff: { durationMs: 400, factor: 2, jitter: 0, steps: 1, capMs: 0 } };
    try {
      // The API server takes a moment to know a new webhook.
      const taskRun = () =>
        client.create(children, {
          metadata: { generateName: 'probe-', namespace },
          spec: { taskSpec: task('a').taskSpec ?? {} },
        });
      await expect
        .poll(() => taskRun().catch(messageOf), { timeout: 20_000 })
        .toMatch(/failed calling webhook.*timeout/);
      refusals.length = 0;
      const spec = { pipelineSpec: { tasks: [task('a')] } };
      const run = await client.create(runs, { metadata: { generateName: 'unanswered-', namespace }, spec });
      const succeeded = async () =>
        succeededCondition((await client.get(runs, namespace, run.metadata.name ?? '')).status)?.status;
      await expect.poll(() => refusals.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
      expect(await succeeded()).toBe('Unknown');
      await client.delete(validatingWebhookConfigurations, undefined, webhook.metadata.name ?? '');
      // Each try takes the webhook's second beside the wait; the status that was written brings the run back at once.
      const waits = refusals.slice(1, 4).map((time, index) => time - (refusals[index] ?? 0) - 1_000);
      expect(waits.slice(1).map((ms) => ms >= 750)).toEqual([true, true]);
      await expect.poll(succeeded, { timeout: 20_000 }).toBe('True');
    } finally {
      current = settings;
      silent.close();
    }
  });
});
