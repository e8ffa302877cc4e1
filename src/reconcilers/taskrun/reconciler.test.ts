import { describe, expect, it } from 'vitest';
import { parseBackOff } from '../../api/config/config-back-off.ts';
import type { TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import { tasks } from '../../api/resources.ts';
import { container } from '../../core/pod/pod.fake.ts';
import { type FakeCall } from '../../kube/client.fake.ts';
import { ApiError } from '../../kube/client.ts';
import {
  events as coreEvents,
  limitRanges,
  persistentVolumeClaims,
  pods,
  secrets,
  serviceAccounts,
  type Pod,
} from '../../kube/resources.ts';
import { taskRunResource } from './apply.ts';
import { Scene, scene, spec } from './scene.fake.ts';

const { running, ended } = container;

describe('a whole run', () => {
  it('takes one pod, three status writes and two events, without a conflict', async () => {
    const one = await scene();
    await one.reconcile();
    await one.podBecomes({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
    await one.reconcile();
    await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one')] });
    await one.reconcile();
    await one.reconcile();
    await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one')] });
    await one.reconcile();
    expect(await one.reconcile()).toEqual({ kind: 'done' });
    expect(one.writes).toEqual([
      'create pods run-pod',
      'update taskruns/status run',
      'update taskruns/status run',
      'update taskruns/status run',
    ]);
    expect(one.events).toEqual(['Normal Started', 'Normal Succeeded']);
    expect(one.logged).toEqual(
      ['Unknown Pending', 'Unknown Running', 'True Succeeded'].map(
        (said) => `Successfully reconciled taskrun run/ns with status: ${said}`,
      ),
    );
    expect((await one.stored()).status).toMatchObject({
      podName: 'run-pod',
      conditions: [{ status: 'True' }],
      completionTime: '2026-01-01T00:00:10Z',
      steps: [{ name: 'one' }],
    });
  });

  it("a run of a user's own gets its labels in one patch, and no conflict from it", async () => {
    const one = await scene((it) => {
      it.run({ taskRef: { name: 't' } }, undefined, { labels: {}, annotations: {} });
      it.client.seed(tasks, {
        metadata: { name: 't', namespace: 'ns', labels: { team: 'blue' } },
        spec,
      });
    });
    await one.reconcile();
    expect(one.writes).toEqual(['create pods run-pod', 'patch taskruns run', 'update taskruns/status run']);
    expect((await one.stored()).metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'tekton-pipelines',
      team: 'blue',
      'tekton.dev/task': 't',
    });
  });

  it('looks at what it wrote and not at a slower cache', async () => {
    const one = await scene();
    await one.reconcile();
    await one.reconcile();
    await one.reconcile();
    expect(one.writes).toEqual(['create pods run-pod', 'update taskruns/status run']);
  });

  it('tells what the kubelet warns of when a pod does not start', async () => {
    const one = await scene();
    await one.reconcile();
    await one.podBecomes({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
    const { uid } = (await one.client.get(pods, 'ns', 'run-pod')).metadata;
    one.client.seed(coreEvents, {
      metadata: { name: 'e', namespace: 'ns' },
      involvedObject: { uid },
      type: 'Warning',
      reason: 'FailedMount',
      message: 'configmap "ghost" not found',
    });
    expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 10_000 });
    expect((await one.stored()).status?.conditions?.[0]?.message).toBe('Pending');
    await one.clock.advance(10_000);
    await one.reconcile();
    expect((await one.stored()).status?.conditions?.[0]).toMatchObject({
      reason: 'Pending',
      message: 'the pod has not started yet: FailedMount: configmap "ghost" not found',
    });
    expect(one.client.calls.filter(({ verb, resource }) => verb === 'list' && resource === 'events')).toHaveLength(1);
  });

  it('asks to be called at its timeout', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec, timeout: '30s' }));
    expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 30_000 });
    await one.clock.advance(30_000);
    await one.reconcile();
    expect(one.writes.slice(2)).toEqual(['delete pods run-pod', 'update taskruns/status run']);
    expect(await one.reason()).toBe('False TaskRunTimeout');
  });

  it('goes on with another pod while retries are left', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec, retries: 1 }));
    await one.reconcile();
    await one.podBecomes({ phase: 'Failed', containerStatuses: [ended('step-one', 1)] });
    expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 0 });
    await one.reconcile();
    await one.podBecomes({ phase: 'Failed', containerStatuses: [ended('step-one', 1)] }, 'run-pod-retry1');
    await one.reconcile();
    expect(one.writes.filter((write) => write.includes('pods'))).toEqual([
      'create pods run-pod',
      'create pods run-pod-retry1',
    ]);
    expect(await one.reason()).toBe('False StepFailed');
    expect((await one.stored()).status?.retriesStatus).toHaveLength(1);
  });

  it('stops sidecars and notes their end', async () => {
    const one = await scene((it) => it.run({ taskSpec: { ...spec, sidecars: [{ name: 's', image: 'nginx' }] } }));
    await one.reconcile();
    await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one'), running('sidecar-s')] });
    await one.reconcile();
    await one.podBecomes({ phase: 'Running', containerStatuses: [ended('step-one'), running('sidecar-s')] });
    await one.reconcile();
    await one.reconcile();
    await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one'), ended('sidecar-s')] });
    await one.reconcile();
    await one.reconcile();
    expect(one.writes).toEqual([
      'create pods run-pod',
      'update taskruns/status run',
      'patch pods run-pod',
      'update taskruns/status run',
      'update taskruns/status run',
      'patch pods run-pod',
      'update taskruns/status run',
    ]);
    expect((await one.client.get(pods, 'ns', 'run-pod')).spec?.containers[1]?.image).toBe('tektite/nop:v1');
    expect((await one.stored()).status?.sidecars?.[0]?.terminated).toBeDefined();
  });
});

describe('nothing to do', () => {
  it.each<[string, (it: Scene) => void]>([
    ['gone', () => undefined],
    ["another controller's", (it) => it.run({ taskSpec: spec, managedBy: 'other' })],
    [
      'being deleted',
      (it) => it.run({ taskSpec: spec }, undefined, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] }),
    ],
  ])('%s', async (_name, prepare) => {
    const one = await scene(prepare);
    expect(await one.reconcile()).toEqual({ kind: 'skip' });
    expect(one.client.writes).toEqual([]);
  });
});

it('a run that is over costs no call at all, again and again', async () => {
  const one = await scene((it) => it.run({ taskRef: { name: 'nope' } }));
  await one.reconcile();
  await one.sync();
  const before = one.client.calls.length;
  expect(await one.reconcile()).toEqual({ kind: 'done' });
  expect(one.client.calls.length).toBe(before);
});

describe('what a pod needs', () => {
  it('finds credentials of the service account, and says which are missing', async () => {
    const one = await scene((it) => {
      it.run({ taskSpec: spec, serviceAccountName: 'builder' });
      it.client.seed(serviceAccounts, {
        metadata: { name: 'builder', namespace: 'ns' },
        secrets: [{ name: 'git' }, { name: 'gone' }],
      });
      it.client.seed(secrets, {
        metadata: { name: 'git', namespace: 'ns', annotations: { 'tekton.dev/git-0': 'https://github.com' } },
        type: 'kubernetes.io/basic-auth',
        data: { password: 'c2VjcmV0' },
      });
    });
    await one.reconcile();
    expect((await one.client.get(pods, 'ns', 'run-pod')).spec?.containers[0]?.args).toContain(
      '-basic-git=git=https://github.com',
    );
    expect(one.events).toContain('Warning FailedToRetrieveSecret');
  });

  it('looks up images only where a step has neither command nor script', async () => {
    const asked: string[] = [];
    const one = await scene((it) =>
      it.run({ taskSpec: { steps: [{ image: 'plain' }, { image: 'scripted', script: 'x' }] } }),
    );
    one.imageLookup = ({ image, credentials, run }) => {
      asked.push(`${image} ${credentials.namespace}/${credentials.serviceAccountName} ${run.key} ${run.uid}`);
      const config = { digest: 'sha256:1', commands: { 'linux/amd64': ['/run'] } };
      return Promise.resolve({ kind: 'found', config });
    };
    await one.reconcile();
    expect(asked).toEqual([`plain ns/default ns/run ${(await one.stored()).metadata.uid}`]);
    expect((await one.client.get(pods, 'ns', 'run-pod')).spec?.containers[0]).toMatchObject({
      image: 'plain@sha256:1',
      env: [{ name: 'TEKTON_PLATFORM_COMMANDS', value: '{"linux/amd64":["/run"]}' }],
    });
  });

  it('fails a run whose image cannot be read, waits for a registry that is away', async () => {
    const one = await scene((it) => it.run({ taskSpec: { steps: [{ image: 'plain' }] } }));
    one.imageLookup = () => Promise.resolve({ kind: 'failed', message: 'try later', retry: true });
    expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 5_000 });
    expect(await one.reason()).toBe('Unknown Pending');
    one.imageLookup = () => Promise.resolve({ kind: 'failed', message: 'denied', retry: false });
    await one.reconcile();
    expect(await one.reason()).toBe('False PodCreationFailed');
  });

  it('says once that it waits for a registry; its timeout and a cancellation are heeded meanwhile', async () => {
    const waiting = async (given: Partial<TaskRunSpec> = {}) => {
      const one = await scene((it) => it.run({ taskSpec: { steps: [{ image: 'plain' }] }, ...given }));
      one.imageLookup = () => Promise.resolve({ kind: 'pending' });
      return one;
    };
    const late = await waiting({ timeout: '10s' });
    expect(await late.reconcile()).toEqual({ kind: 'requeueAfter', ms: 10_000 });
    await (await late.sync()).reconcile();
    expect(late.writes).toEqual(['update taskruns/status run']);
    expect((await late.stored()).status?.conditions?.[0]).toMatchObject({
      status: 'Unknown',
      reason: 'Pending',
      message: 'waiting for the registry to say what image "plain" runs',
    });
    await late.clock.advance(10_000);
    await (await late.sync()).reconcile();
    expect(await late.reason()).toBe('False TaskRunTimeout');

    const unwanted = await waiting();
    expect(await unwanted.reconcile()).toEqual({ kind: 'requeueAfter', ms: 15_000 });
    const stored = await unwanted.stored();
    unwanted.client.seed(taskRunResource, { ...stored, spec: { ...stored.spec, status: 'TaskRunCancelled' } });
    await (await unwanted.sync()).reconcile();
    expect(await unwanted.reason()).toBe('False TaskRunCancelled');
  });

  it('shares a LimitRange among the steps', async () => {
    const one = await scene((it) => {
      it.run({
        taskSpec: {
          steps: [
            { image: 'x', command: ['a'] },
            { image: 'x', command: ['b'] },
          ],
        },
      });
      it.client.seed(
        limitRanges,
        {
          metadata: { name: 'l', namespace: 'ns' },
          spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '1' } }] },
        },
        {
          metadata: { name: 'o', namespace: 'other' },
          spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '100m' } }] },
        },
      );
    });
    await one.reconcile();
    expect((await one.client.get(pods, 'ns', 'run-pod')).spec?.containers.map((c) => c.resources?.requests)).toEqual([
      { cpu: '500m' },
      { cpu: '500m' },
    ]);
  });

  it('says what to do about a Task that is not there', async () => {
    const one = await scene((it) => it.run({ taskRef: { name: 'nope' } }));
    await one.reconcile();
    expect((await one.stored()).status?.conditions?.[0]).toMatchObject({
      reason: 'TaskRunResolutionFailed',
      message:
        'error when listing tasks for taskRun run: tasks "nope" not found; create Task nope in namespace ns or correct spec.taskRef.name',
    });
  });

  it('closes the gate of a pod into which a webhook put a container', async () => {
    const one = await scene();
    const create = one.client.create.bind(one.client);
    one.client.create = (resource, object, options) => {
      if (resource.plural === 'pods')
        (object as unknown as Pod).spec?.containers.push({ name: 'istio-proxy', image: 'istio' });
      return create(resource, structuredClone(object), options);
    };
    await one.reconcile();
    expect(one.writes).toEqual(['create pods run-pod', 'patch pods run-pod', 'update taskruns/status run']);
    expect((await one.client.get(pods, 'ns', 'run-pod')).metadata.annotations?.['tekton.dev/ready']).toBe('');
    await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one'), running('istio-proxy')] });
    await one.reconcile();
    expect((await one.client.get(pods, 'ns', 'run-pod')).metadata.annotations?.['tekton.dev/ready']).toBe('READY');
  });
});

describe('failures of the API server', () => {
  const failing = (verb: string, resource: string, error: Error) => (call: FakeCall) => {
    if (call.verb === verb && (call.subresource ? `${call.resource}/${call.subresource}` : call.resource) === resource)
      throw error;
  };

  it.each<[string, string, string, ApiError, string]>([
    [
      'quota',
      'create',
      'pods',
      new ApiError(403, { reason: 'Forbidden', message: 'exceeded quota: q' }),
      'Unknown ExceededResourceQuota',
    ],
    [
      'refused pod',
      'create',
      'pods',
      new ApiError(422, { reason: 'Invalid', message: 'spec.containers[0].image: Required value' }),
      'False PodCreationFailed',
    ],
    [
      'refused claim',
      'create',
      'persistentvolumeclaims',
      new ApiError(403, { reason: 'Forbidden', message: 'no' }),
      'False CouldntCreateWorkspacePVC',
    ],
    ['trouble', 'create', 'pods', new ApiError(503, { message: 'later' }), 'Unknown Pending'],
  ])('%s ends in the status', async (_name, verb, resource, error, expected) => {
    const one = await scene((it) =>
      it.run({
        taskSpec: { ...spec, workspaces: [{ name: 'w' }] },
        workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }],
      }),
    );
    one.client.intercept = failing(verb, resource, error);
    await one.reconcile();
    expect(await one.reason()).toBe(expected);
  });

  const late = 'failed calling webhook "w": Post "https://w/?timeout=10s": context deadline exceeded';

  it.each([
    ['waits a while without the flag', {}, late, { kind: 'requeueAfter', ms: 5_000 }],
    [
      'backs off with it, until it is over at the latest',
      { 'enable-wait-exponential-backoff': 'true' },
      late,
      { kind: 'backOff', backOff: parseBackOff({}).backOff, latestMs: 3_600_000 },
    ],
    [
      'waits as ever after other trouble',
      { 'enable-wait-exponential-backoff': 'true' },
      'etcdserver: no leader',
      { kind: 'requeueAfter', ms: 5_000 },
    ],
  ])('whose pod a webhook refused for its time %s', async (_name, flags, message, expected) => {
    const one = await scene((it) => {
      it.run();
      it.flags = flags;
    });
    one.client.intercept = failing('create', 'pods', new ApiError(500, { message }));
    expect(await one.reconcile()).toEqual(expected);
    expect(await one.reason()).toBe('Unknown Pending');
    one.client.intercept = undefined;
    await one.sync();
    expect(await one.reconcile()).not.toMatchObject({ kind: 'backOff' });
  });

  it('writes no status while a pod that must go is still there', async () => {
    const one = await scene();
    await one.reconcile();
    await one.clock.advance(3_700_000);
    one.client.intercept = failing('delete', 'pods', new ApiError(500, { message: 'no' }));
    await expect(one.reconcile()).rejects.toThrow('no');
    expect(await one.reason()).toBe('Unknown Pending');
  });

  it("takes over its own pod, never another's", async () => {
    const one = await scene();
    await one.reconcile();
    const other = await scene((it) => {
      it.run();
      it.client.seed(pods, {
        metadata: {
          name: 'run-pod',
          namespace: 'ns',
          ownerReferences: [{ apiVersion: 'v1', kind: 'Job', name: 'j', uid: 'u', controller: true }],
        },
        spec: { containers: [] },
      });
    });
    await other.reconcile();
    expect((await other.stored()).status?.conditions?.[0]?.message).toContain(
      'pod ns/run-pod exists already and belongs to Job j; delete it or give the TaskRun another name',
    );
    const earlier = await scene((it) => {
      it.run();
      it.client.seed(pods, {
        metadata: {
          name: 'run-pod',
          namespace: 'ns',
          ownerReferences: [
            { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'run', uid: 'old', controller: true },
          ],
        },
        spec: { containers: [] },
      });
    });
    expect(await earlier.reconcile()).toEqual({ kind: 'requeueAfter', ms: 1_000 });
    expect(await earlier.reason()).toBe('Unknown Pending');
  });

  it('a crash after any call makes no second pod and loses nothing', async () => {
    for (let survived = 0; survived < 6; survived++) {
      const one = await scene((it) =>
        it.run(
          {
            taskSpec: { ...spec, workspaces: [{ name: 'w' }] },
            workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }],
          },
          undefined,
          { annotations: {} },
        ),
      );
      let left = survived;
      one.client.intercept = (call) => {
        if (['create', 'update', 'patch'].includes(call.verb) && left-- <= 0) throw new Error('killed');
      };
      await one.reconcile().catch(() => undefined);
      one.client.intercept = undefined;
      const again = new Scene();
      Object.assign(again, { client: one.client });
      await again.sync();
      await again.reconcile();
      await again.reconcile();
      const made = await one.client.list(pods);
      expect(
        made.items.map(({ metadata }) => metadata.name),
        `after ${survived} calls`,
      ).toEqual(['run-pod']);
      expect((await one.client.list(persistentVolumeClaims)).items).toHaveLength(1);
      expect((await again.stored()).status).toMatchObject({
        podName: 'run-pod',
        conditions: [{ status: 'Unknown', reason: 'Pending' }],
      });
      expect((await again.stored()).metadata.annotations?.['pipeline.tekton.dev/release']).toBe('v0.1.0');
    }
  });

  it('passes an abort on', async () => {
    const one = await scene();
    const controller = new AbortController();
    one.client.intercept = () => {
      controller.abort(new DOMException('stop', 'AbortError'));
      throw controller.signal.reason as Error;
    };
    await expect(one.reconcile(controller.signal)).rejects.toThrow('stop');
  });
});
