import { describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import { readPodRecord } from '../../core/digest/pod-record.ts';
import { recorded } from '../../core/digest/record.ts';
import { verifyTaskRunRecord } from '../../core/digest/verify.ts';
import { container } from '../../core/pod/pod.fake.ts';
import { pods, type Pod } from '../../kube/resources.ts';
import { taskRunResource } from './apply.ts';
import { Scene, scene, spec } from './scene.fake.ts';

const { running, ended } = container;

async function edit(one: Scene, change: (spec: TaskRunSpec) => TaskRunSpec): Promise<void> {
  const run = await one.stored();
  await one.client.replace(taskRunResource, { ...run, spec: change(run.spec) });
  await one.sync();
}

async function editPod(one: Scene, change: (pod: Pod) => Pod): Promise<void> {
  await one.client.replace(pods, change(await one.client.get(pods, 'ns', 'run-pod')));
  await one.sync();
}

async function finish(one: Scene, name = 'run-pod'): Promise<TaskRun> {
  await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one')] }, name);
  await one.reconcile();
  return one.stored();
}

const problemsOf = (run: TaskRun) => {
  const verdict = verifyTaskRunRecord(run);
  return verdict.kind === 'changed' ? verdict.problems.map(({ field }) => field) : verdict.kind;
};

describe('what is recorded', () => {
  it('the run, the Task and the pod, in the one write that names them', async () => {
    const one = await scene();
    await one.reconcile();
    expect(one.writes).toEqual(['create pods run-pod', 'update taskruns/status run']);
    const run = await one.stored();
    const pod = await one.client.get(pods, 'ns', 'run-pod');
    expect(readPodRecord(recorded(run.status, 'pod'))?.uid).toBe(pod.metadata.uid);
    expect(problemsOf(run)).toBe('sound');
    expect(problemsOf(await finish(one))).toBe('sound');
  });

  it('a run that fails its validation too', async () => {
    const one = await scene((it) => it.run({ taskSpec: { steps: [] }, timeout: 'nonsense' }));
    await one.reconcile();
    expect(await one.reason()).toMatch(/^False/);
    expect(problemsOf(await one.stored())).toBe('sound');
  });

  it('of a retry the pod of the present attempt', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec, retries: 1 }));
    await one.reconcile();
    await one.podBecomes({ phase: 'Failed', containerStatuses: [ended('step-one', 1)] });
    await one.reconcile();
    expect(recorded((await one.stored()).status, 'pod')).toBeUndefined();
    await one.reconcile();
    const pod = await one.client.get(pods, 'ns', 'run-pod-retry1');
    expect(readPodRecord(recorded((await one.stored()).status, 'pod'))?.uid).toBe(pod.metadata.uid);
    expect(problemsOf(await finish(one, 'run-pod-retry1'))).toBe('sound');
  });

  it('of a pod that was evicted the one that took its place', async () => {
    const one = await scene();
    await one.reconcile();
    await one.client.delete(pods, 'ns', 'run-pod');
    await one.sync();
    await one.reconcile();
    const pod = await one.client.get(pods, 'ns', 'run-pod');
    expect(readPodRecord(recorded((await one.stored()).status, 'pod'))?.uid).toBe(pod.metadata.uid);
    expect(problemsOf(await finish(one))).toBe('sound');
  });

  it('nothing of a run that a controller without records began', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec }, { startTime: '2026-01-01T00:00:00Z', conditions: [] }));
    await one.reconcile();
    expect(problemsOf(await finish(one))).toBe('unrecorded');
  });
});

describe('a spec that is changed after the run has begun', () => {
  it('has no effect, is told once, and spoils the attestation only', async () => {
    const one = await scene((it) =>
      it.run({ taskSpec: spec, params: [{ name: 'ref', value: 'evil' }], timeout: '1h' }),
    );
    await one.reconcile();
    await edit(one, (now) => ({ ...now, params: [{ name: 'ref', value: 'main' }], timeout: '0' }));
    await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one')] });
    expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 3_600_000 });
    await one.reconcile();
    const run = await finish(one);
    expect(one.events).toEqual([
      'Normal Started',
      'Warning ChangedAfterStart',
      'Warning ChangedAfterStart',
      'Normal Succeeded',
    ]);
    expect(await one.reason()).toBe('True Succeeded');
    expect(problemsOf(run)).toEqual(expect.arrayContaining(['spec.params', 'spec.timeout']));
  });

  it('makes no pod: the run ends and names the field', async () => {
    const long = { steps: [{ name: 'one', image: 'x', command: ['y'.repeat(100)] }] };
    const one = await scene((it) => it.run({ taskSpec: long, status: 'TaskRunPending' }));
    await one.reconcile();
    await edit(one, ({ status: _status, ...now }) => ({ ...now, taskSpec: spec }));
    await one.reconcile();
    expect((await one.stored()).status?.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'TaskRunValidationFailed',
      message:
        '[User error] spec.taskSpec was changed after the TaskRun had begun, and nothing is made from a changed spec; create a new TaskRun instead',
    });
    expect((await one.client.list(pods)).items).toEqual([]);
  });

  it('does not take the run away from its controller', async () => {
    const one = await scene();
    await one.reconcile();
    await edit(one, (now) => ({ ...now, managedBy: 'example.com/other' }));
    expect(problemsOf(await finish(one))).toEqual(['spec.managedBy']);
    expect(await one.reason()).toBe('True Succeeded');
  });

  it('cancelling is no such change', async () => {
    const one = await scene();
    await one.reconcile();
    await edit(one, (now) => ({ ...now, status: 'TaskRunCancelled', statusMessage: 'enough' }));
    await one.reconcile();
    expect(await one.reason()).toBe('False TaskRunCancelled');
    expect(problemsOf(await one.stored())).toBe('sound');
  });
});

describe('a pod that is changed while it runs', () => {
  const withImage = (image: string) => (pod: Pod) =>
    ({
      ...pod,
      spec: { ...pod.spec, containers: (pod.spec?.containers ?? []).map((one) => ({ ...one, image })) },
    }) as Pod;

  it.each<[string, (pod: Pod) => Pod, string]>([
    ['another image', withImage('evil'), 'pod run-pod spec.containers[step-one].image'],
    ['the image that stops sidecars', withImage('tektite/nop:v1'), 'pod run-pod spec.containers[step-one].image'],
    [
      'a debug container',
      (pod) => ({ ...pod, spec: { ...pod.spec, ephemeralContainers: [{ name: 'debug' }] } }) as Pod,
      'pod run-pod spec.ephemeralContainers[debug]',
    ],
  ])('%s is noted and told; the outcome is that of the pod', async (_name, change, field) => {
    const one = await scene();
    await one.reconcile();
    await editPod(one, change);
    const run = await finish(one);
    expect(await one.reason()).toBe('True Succeeded');
    expect(problemsOf(run)).toEqual([field]);
    expect(one.events).toContain('Warning ChangedAfterStart');
  });

  it('what the run does itself to stop its sidecars is no change', async () => {
    const one = await scene((it) => it.run({ taskSpec: { ...spec, sidecars: [{ name: 's', image: 'nginx' }] } }));
    await one.reconcile();
    await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one'), running('sidecar-s')] });
    await one.reconcile();
    await one.podBecomes({ phase: 'Running', containerStatuses: [ended('step-one'), running('sidecar-s')] });
    await one.reconcile();
    await one.reconcile();
    await one.sync();
    await one.reconcile();
    expect((await one.client.get(pods, 'ns', 'run-pod')).spec?.containers[1]?.image).toBe('tektite/nop:v1');
    expect(problemsOf(await one.stored())).toBe('sound');
  });
});

describe('a pod that somebody made under the name and the owner reference of the run', () => {
  const forged = (uid: string | undefined): Pod =>
    ({
      metadata: {
        name: 'run-pod',
        namespace: 'ns',
        ownerReferences: [{ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'run', uid, controller: true }],
      },
      spec: { containers: [{ name: 'step-one', image: 'evil' }] },
      status: { phase: 'Succeeded', containerStatuses: [ended('step-one')] },
    }) as unknown as Pod;

  it('is not taken over: the run says so and names the way out', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec, status: 'TaskRunPending' }));
    await one.reconcile();
    one.client.seed(pods, forged((await one.stored()).metadata.uid));
    await edit(one, ({ status: _status, ...now }) => now);
    await one.reconcile();
    const { status } = await one.stored();
    expect(status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'PodCreationFailed' });
    expect(status?.conditions?.[0]?.message).toMatch(
      /^pod ns\/run-pod exists already and is not the one that this TaskRun makes: it differs in .*; delete the pod and create the TaskRun anew$/,
    );
    expect(recorded(status, 'pod')).toBeUndefined();
    expect(status?.steps).toBeUndefined();
  });

  it('goes with a run that ends before it has a pod', async () => {
    const one = await scene((it) => it.run({ taskSpec: spec, status: 'TaskRunPending' }));
    await one.reconcile();
    one.client.seed(pods, forged((await one.stored()).metadata.uid));
    await edit(one, (now) => ({ ...now, status: 'TaskRunCancelled' }));
    await one.reconcile();
    expect(await one.reason()).toBe('False TaskRunCancelled');
    expect((await one.client.list(pods)).items).toEqual([]);
  });

  it('does not count when it takes the place of the pod that was recorded', async () => {
    const one = await scene();
    await one.reconcile();
    await one.client.delete(pods, 'ns', 'run-pod');
    one.client.seed(pods, forged((await one.stored()).metadata.uid));
    await one.sync();
    await one.reconcile();
    expect(await one.reason()).toBe('False PodCreationFailed');
  });
});

it('a crash after any call is not taken for a change, and the pod is recorded in the end', async () => {
  for (let survived = 0; survived < 5; survived++) {
    const one = await scene((it) => it.run({ taskSpec: spec }, undefined, { labels: {}, annotations: {} }));
    let left = survived;
    one.client.intercept = (call) => {
      if (['create', 'update', 'patch'].includes(call.verb) && left-- <= 0) throw new Error('killed');
    };
    await one.reconcile().catch(() => undefined);
    one.client.intercept = undefined;
    // What happens to the pod meanwhile is seen by nobody.
    const made = (await one.client.list(pods)).items.length > 0;
    if (made) await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one')] });
    const again = new Scene();
    Object.assign(again, { client: one.client });
    await again.sync();
    const first = await again.reconcile();
    if (made && first.kind === 'requeueAfter' && first.ms === 0) await again.reconcile();
    const run = await finish(again);
    expect(problemsOf(run), `after ${survived} calls`).toBe('sound');
    expect(recorded(run.status, 'pod'), `after ${survived} calls`).toBeDefined();
    expect((await one.client.list(pods)).items).toHaveLength(1);
  }
});
