import { describe, expect, it } from 'vitest';
import type { EventListener, EventListenerStatus } from '../../api/triggers/objects.ts';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Deployment } from '../../kube/resources.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import { replicasAnnotation } from './objects.ts';
import { listenerReconciler } from './reconciler.ts';
import { listenerSettings } from './settings.ts';

const template = { spec: { resourcetemplates: [{ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun' }] } };

function listener(replicas?: number): EventListener {
  const spec = {
    triggers: [{ name: 't', template }],
    ...(replicas === undefined ? {} : { resources: { kubernetesResource: { replicas } } }),
  };
  return { metadata: { name: 'push', namespace: 'ci', uid: 'u-1' }, spec };
}

interface Situation {
  given?: EventListener;
  live?: Partial<Deployment>;
  logging?: Record<string, string>;
  /** What the API server says to a kind, or to a manager of fields. */
  refused?: Record<string, ApiError>;
}

/** What a reconcile sends to the API server, and the status that it writes. */
async function reconciled({ given = listener(), live, logging, refused = {} }: Situation) {
  const sent: { kind: string; manager: string; replicas: number | undefined; body: KubeObject }[] = [];
  let status: EventListenerStatus | undefined;
  const reconcile = listenerReconciler({
    client: {
      patch: ((
        resource: Resource,
        _namespace: string,
        _name: string,
        patch: { body: KubeObject; fieldManager: string },
      ) => {
        const { replicas } = (patch.body as Deployment).spec ?? {};
        const manager = patch.fieldManager.replace('tekton-triggers-', '');
        sent.push({ kind: resource.kind, manager, replicas, body: patch.body });
        const failure = refused[resource.kind] ?? refused[manager];
        if (failure) return Promise.reject(failure);
        return Promise.resolve({
          ...patch.body,
          spec: { ...(patch.body as Deployment).spec, replicas: live?.spec?.replicas ?? replicas },
        });
      }) as never,
      delete: () => Promise.resolve(undefined),
      replaceStatus: ((_resource: unknown, object: EventListener) => {
        status = object.status;
        return Promise.resolve(object);
      }) as never,
    },
    find: () => given,
    deployments: { find: () => live as Deployment | undefined, observeWrite: () => undefined },
    sharedSink: {
      plan: () => Promise.resolve({ own: 'keep', selects: true, slices: 'leave', port: 'keep', wanted: [] }),
      finish: () => Promise.resolve(),
      forget: () => Promise.resolve(),
    },
    budgets: () => [],
    settings: () => ({
      ...listenerSettings({ logging }).settings,
      image: 'example.com/tektite:test',
      events: 'disable',
      timeouts: { read: 5, handler: 30, interceptor: 30 },
    }),
    clock: new FakeClock('2026-06-01T10:00:00Z'),
  });
  const outcome = await reconcile('ci/push', new AbortController().signal);
  return { sent, status, outcome };
}

const liveWith = (replicas: number, annotations: Record<string, string> = {}) =>
  ({ metadata: { annotations }, spec: { replicas } }) as unknown as Deployment;
const held = { [replicasAnnotation]: '3' };

describe('the replicas of a sink', () => {
  it.each<[string, Situation, (string | number | undefined)[][]]>([
    ['are what the listener says', { given: listener(3) }, [['controller', 3]]],
    ['are left alone where it says nothing', { live: liveWith(5) }, [['controller', undefined]]],
    [
      'stay where it says nothing any more',
      { live: liveWith(3, held) },
      [
        ['controller-replicas', 3],
        ['controller', undefined],
      ],
    ],
    [
      'are left to whoever has changed them meanwhile',
      { live: liveWith(3, held), refused: { 'controller-replicas': new ApiError(409, { reason: 'Conflict' }) } },
      [
        ['controller-replicas', 3],
        ['controller', undefined],
      ],
    ],
  ])('%s', async (_name, situation, wanted) => {
    const { sent } = await reconciled(situation);
    const ofDeployment = sent.filter(({ kind }) => kind === 'Deployment');
    expect(ofDeployment.map(({ manager, replicas }) => [manager, replicas])).toEqual(wanted);
  });
});

describe('the status of a listener', () => {
  it('names the level of its sinks, which is no part of their pods', async () => {
    const debug = await reconciled({ logging: { 'loglevel.eventlistener': 'debug' } });
    expect(debug.status?.annotations).toEqual({ 'triggers.tektite.dev/log-level': 'debug' });
    expect((await reconciled({})).status?.annotations).toEqual({ 'triggers.tektite.dev/log-level': 'info' });
    expect((await reconciled({ logging: { 'loglevel.eventlistener': 'debug' } })).sent).toEqual(
      (await reconciled({})).sent,
    );
  });

  it('says that a PodDisruptionBudget is refused, and it is tried again', async () => {
    const refused = { PodDisruptionBudget: new ApiError(403, { reason: 'Forbidden', message: 'not allowed' }) };
    const { status, outcome } = await reconciled({ given: listener(2), refused });
    const condition = status?.conditions?.find(({ type }) => type === 'PodDisruptionBudget');
    expect([condition?.status, outcome.kind]).toEqual(['False', 'requeueAfter']);
    expect(condition?.message).toContain('not allowed');
  });
});
