import { describe, expect, it } from 'vitest';
import { defaultTaskRun } from '../../api/pipeline/v1/defaults.ts';
import type { TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import { recorded } from '../digest/record.ts';
import { decideAtOnce, type Need } from '../need.ts';
import { commandless, factsOf, now, type Given } from './given.fake.ts';
import type { TaskRunFacts } from './facts.ts';
import { planTaskRun } from './plan.ts';
import { nothingFound, supplyOf } from './supply.fake.ts';

/** What the operator has set for runs that say nothing themselves. */
const defaults = {
  'default-service-account': 'builder',
  'default-timeout-minutes': '5',
  'default-pod-template': 'imagePullSecrets: [{ name: pull }]\nnodeSelector: { disk: fast }\n',
};
const silent: Given = { taskSpec: commandless, spec: { serviceAccountName: '' }, defaults };
const config = { digest: `sha256:${'1'.repeat(64)}`, commands: { 'linux/amd64': ['/x'] } };
const found = { ...nothingFound, images: new Map([['x', { kind: 'found' as const, config }]]) };

function planned(facts: TaskRunFacts) {
  const needs: Need[] = [];
  const answer = supplyOf({ start: found });
  const decision = decideAtOnce(planTaskRun(facts, now), (need) => {
    needs.push(need);
    return answer(need);
  });
  return { decision, needs };
}

function podOfPlan(spec: TaskRunSpec) {
  const { decision } = planned(factsOf({ ...silent, spec: { ...silent.spec, ...spec } }));
  const effect = decision.effects.find(({ type }) => type === 'createPod');
  return effect?.type === 'createPod' ? effect.pod.spec : undefined;
}

describe('a TaskRun that no webhook has seen', () => {
  it('is planned as the one that a webhook has given its defaults', () => {
    const facts = factsOf(silent);
    const admitted = { ...facts, taskRun: defaultTaskRun(facts.taskRun, facts.settings.defaults) };
    const [ours, theirs] = [planned(facts), planned(admitted)];
    expect(ours.needs).toEqual(theirs.needs);
    expect(ours.decision.effects).toEqual(theirs.decision.effects);
    expect(ours.decision.requeueAfterMs).toBe(theirs.decision.requeueAfterMs);
  });

  it('asks for its images with the secrets of the default pod template', () => {
    const { needs } = planned(factsOf(silent));
    expect(needs.filter(({ type }) => type === 'image')).toEqual([
      {
        type: 'image',
        image: 'x',
        credentials: { namespace: 'ns', serviceAccountName: 'builder', imagePullSecrets: ['pull'] },
      },
    ]);
  });

  it.each<[name: string, spec: TaskRunSpec, pod: object]>([
    ['says nothing', {}, { serviceAccountName: 'builder', nodeSelector: { disk: 'fast' }, activeDeadlineSeconds: 450 }],
    ['names an account', { serviceAccountName: 'own' }, { serviceAccountName: 'own' }],
    ['has a timeout', { timeout: '10m' }, { activeDeadlineSeconds: 900 }],
    ['has a timeout that is none', { timeout: 'soon' }, { activeDeadlineSeconds: 450 }],
    ['has an empty timeout', { timeout: '' }, { activeDeadlineSeconds: 450 }],
    ['has a pod template', { podTemplate: { nodeSelector: { disk: 'slow' } } }, { nodeSelector: { disk: 'slow' } }],
  ])('that %s', (_name, spec, pod) => {
    expect(podOfPlan(spec)).toMatchObject(pod);
  });

  it('keeps the digest of the spec as it is in the API server', () => {
    const digestOf = (given: Given) => recorded(planned(factsOf(given)).decision.status, 'spec');
    expect(digestOf(silent)).toContain('taskSpec');
    expect(digestOf(silent)).toBe(digestOf({ ...silent, defaults: {} }));
  });
});
