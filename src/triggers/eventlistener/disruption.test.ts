import { describe, expect, it } from 'vitest';
import type { EventListener } from '../../api/triggers/objects.ts';
import type { Deployment, PodDisruptionBudget } from '../../kube/resources.ts';
import { listenersBeside, planBudget } from './disruption.ts';
import { listenerSettings, type ListenerSettings } from './settings.ts';

const settings: ListenerSettings = {
  ...listenerSettings({}).settings,
  image: 'example.com/tektite:test',
  events: 'disable',
  timeouts: { read: 5, handler: 30, interceptor: 30 },
};
const listener: EventListener = { metadata: { name: 'push', namespace: 'ci', uid: 'u-1' }, spec: {} };
const labels = { eventlistener: 'push', team: 'a' };
const owner = { apiVersion: 'triggers.tekton.dev/v1beta1', kind: 'EventListener', name: 'push', uid: 'u-1' };

const deployment = (replicas?: number) =>
  ({ metadata: {}, spec: { replicas, template: { metadata: { labels } } } }) as unknown as Deployment;

function budget(name: string, selector: object | undefined, metadata: object = {}): PodDisruptionBudget {
  return {
    metadata: { name, namespace: 'ci', generation: 1, ...metadata },
    spec: { ...(selector ? { selector } : {}) },
  };
}

const own = budget('el-push', { matchLabels: labels }, { ownerReferences: [{ ...owner, controller: true }] });
const earlier = { ownerReferences: [{ ...owner, uid: 'u-0', controller: true }] };

describe("the PodDisruptionBudget of a listener's pods", () => {
  it.each<[string, number | undefined, PodDisruptionBudget[], string]>([
    ['several pods', 2, [], 'make'],
    ['several pods that have it', 2, [own], 'make'],
    ['one pod', 1, [], 'leave'],
    ['as many pods as the API server makes of nothing', undefined, [], 'leave'],
    ['one pod that is left of several', 1, [own], 'remove'],
    ['none', 0, [own], 'remove'],
    ['pods that another selects by a label', 2, [budget('own', { matchLabels: { team: 'a' } })], 'leave'],
    ['pods that one of everything selects', 2, [budget('all', {})], 'leave'],
    ['pods that another selects as well by now', 2, [own, budget('own', { matchLabels: { team: 'a' } })], 'remove'],
    ['pods beside other pods', 2, [budget('web', { matchLabels: { team: 'b' } })], 'make'],
    ['pods beside a budget of nothing', 2, [budget('none', undefined)], 'make'],
    ['pods of which another namespace knows', 2, [budget('all', {}, { namespace: 'other' })], 'make'],
    ["a name that is somebody else's", 2, [budget('el-push', { matchLabels: { team: 'b' } })], 'leave'],
    ['a name that an earlier listener left', 2, [budget('el-push', { matchLabels: labels }, earlier)], 'leave'],
  ])('%s', (_name, replicas, budgets, wanted) => {
    expect(planBudget(listener, settings, deployment(replicas), budgets).kind).toBe(wanted);
  });

  it('lets one pod go at a time, and goes with its listener', () => {
    expect(planBudget(listener, settings, deployment(2), [])).toMatchObject({
      budget: {
        metadata: { name: 'el-push', namespace: 'ci', ownerReferences: [{ ...owner, controller: true }] },
        spec: { maxUnavailable: 1, selector: { matchLabels: { eventlistener: 'push' } } },
      },
    });
  });

  it('is looked at again when another one of the namespace comes, goes or changes', () => {
    const listeners = { entries: () => new Map([['ci/push', listener]]).entries() };
    const change = { key: 'ci/own', object: budget('own', {}), origin: 'watch' } as const;
    const keys = (more: object) => listenersBeside({ ...change, type: 'added', old: undefined, ...more }, listeners);
    expect(keys({})).toEqual(['ci/push']);
    expect(keys({ type: 'deleted' })).toEqual(['ci/push']);
    expect(keys({ type: 'updated', old: budget('own', {}, { generation: 0 }) })).toEqual(['ci/push']);
    expect(keys({ type: 'updated', old: budget('own', {}) })).toEqual([]);
    expect(keys({ object: budget('own', {}, { namespace: 'other' }) })).toEqual([]);
  });
});
