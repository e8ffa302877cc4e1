import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { decideAtOnce, type TrustBundleAnswer } from '../need.ts';
import { podOf, settingsOf } from '../pod/pod.fake.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import type { TerminationEntry } from '../podstatus/termination.ts';
import { spireServer, statedMessage } from '../spire/spire.fake.ts';
import { stepIdentity } from '../spire/statement.ts';
import { begun, factsOf, type Given } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import { settle, type TaskRunOutcome } from './settle.ts';
import { supplyOf } from './supply.fake.ts';

const flags = { 'enforce-nonfalsifiability': 'spire' };
const spec: TaskSpec = {
  results: [{ name: 'commit' }],
  steps: [{ name: 'one', image: 'x', command: ['y'], results: [{ name: 'own' }] }],
};
const server = spireServer();
const svid = server.issue('URI:spiffe://example.org/ns/ns/taskrun/run');
const trustBundle: TrustBundleAnswer = {
  kind: 'read',
  bundle: { authorities: [server.authority.certificate], trustDomain: 'example.org' },
};
const end = new Date(svid.certificate.validFromDate.getTime() + 3_600_000);
const reports: TerminationEntry[] = [
  { key: 'commit', value: 'aa79', type: 1 },
  { key: 'own', value: 'mine', type: 4 },
];
const signed = statedMessage(svid, stepIdentity('run-uid', 'run-pod', 'step-one'), reports);
const pod = (status: PodStatus, more: object = {}) => {
  const made = podOf(spec, status, { settings: settingsOf(flags) });
  return { ...made, spec: { ...made.spec, ...more } };
};
const ended = (message: string, exitCode = 0): PodStatus => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [
    {
      name: 'step-one',
      ready: false,
      state: { terminated: { exitCode, message, finishedAt: end.toISOString() } },
    },
  ],
});
const given = (status: PodStatus, more: Given = {}): Given =>
  begun(status, { taskSpec: spec, flags, pods: [pod(status)], reason: 'Running', trustBundle, ...more });
function decide(of: Given, secondsAfterEnd = 1) {
  const facts = factsOf(of);
  const now = new Date(end.getTime() + secondsAfterEnd * 1000);
  const decision = decideAtOnce(planTaskRun(facts, now), supplyOf(of));
  const conditions = (decision.status.conditions ?? []).map(
    ({ type, status, reason, message }) => `${type} ${status} ${reason ?? ''}: ${message ?? ''}`,
  );
  return { ...decision, conditions, facts, now };
}

describe('results that steps signed', () => {
  it('are the run\u2019s, without their proof, and a condition says that they were verified', () => {
    const { status, conditions } = decide(given(ended(signed)));
    expect(conditions).toEqual([
      'Succeeded True Succeeded: All Steps have completed executing',
      'SignedResultsVerified True TaskRunResultsVerified: Successfully verified all spire signed taskrun results',
    ]);
    expect(status.results).toEqual([{ name: 'commit', type: 'string', value: 'aa79' }]);
    expect(status.steps?.[0]?.results).toEqual([{ name: 'own', type: 'string', value: 'mine' }]);
    expect(status.steps?.[0]?.terminated?.message).toContain('RESULT_STATEMENT');
  });

  it('of a failed run are verified as well', () => {
    const { status, conditions } = decide(given(ended(signed, 3)));
    expect(conditions).toEqual([
      'Succeeded False StepFailed: "step-one" exited with code 3',
      expect.stringContaining('SignedResultsVerified True'),
    ]);
    expect(status.results).toMatchObject([{ value: 'aa79' }]);
  });

  it.each([
    ['changed', signed.replace('aa79', 'evil'), 'result commit of step one is not what was signed'],
    ['not signed', '[{"key":"commit","value":"evil","type":1}]', 'step one signed nothing'],
    ['not there at all', '', 'step one signed nothing'],
  ])('%s: the run fails, and nothing of them is used', (_name, message, text) => {
    const { status, conditions } = decide(given(ended(message)));
    expect(conditions).toEqual([
      expect.stringMatching(/^Succeeded False TaskRunResultsVerificationFailed: the results could not be verified: /),
      expect.stringMatching(/^SignedResultsVerified False TaskRunResultsVerificationFailed: /),
    ]);
    expect(conditions[1]).toContain(text);
    expect(status.results).toBeUndefined();
    expect(status.steps?.[0]?.results).toBeUndefined();
  });

  it('changed in a run that failed: it keeps its reason, and they are not used', () => {
    const { status, conditions } = decide(given(ended(signed.replace('aa79', 'evil'), 3)));
    expect(conditions).toEqual([
      'Succeeded False StepFailed: "step-one" exited with code 3',
      expect.stringContaining('SignedResultsVerified False'),
    ]);
    expect(status.results).toBeUndefined();
  });

  it('wait for a trust bundle that cannot be read, and are given up after five minutes', () => {
    const lost: Given = { trustBundle: { kind: 'unreadable', message: 'the agent is away' } };
    const waiting = decide(given(ended(signed), lost));
    expect(waiting.conditions).toEqual([expect.stringMatching(/^Succeeded Unknown Running: .*the agent is away/)]);
    expect(waiting.requeueAfterMs).toBe(5_000);
    const { status, conditions } = decide(given(ended(signed), lost), 300);
    expect(conditions[0]).toMatch(/^Succeeded False TaskRunResultsVerificationFailed: .*the agent is away/);
    expect(status.results).toBeUndefined();
  });

  it('are those of the pod as it was made: the flag may have changed since', () => {
    expect(decide(given(ended(signed), { flags: {} })).conditions).toHaveLength(2);
    const unsigned = podOf(
      { ...spec, steps: [{ name: 'one', image: 'x', command: ['y'], args: ['-enable_spire'] }] },
      ended('[{"key":"commit","value":"v","type":1}]'),
    );
    expect(decide(given({}, { pods: [unsigned] })).conditions).toEqual([expect.stringContaining('Succeeded True')]);
  });

  it('of the next attempt say nothing of this one', () => {
    const { conditions } = decide(given(ended(''), { spec: { retries: 1 } }));
    expect(conditions).toEqual([expect.stringMatching(/^Succeeded Unknown ToBeRetried/)]);
  });

  it('may not have the names of proof', () => {
    const named: TaskSpec = { ...spec, results: [{ name: 'a' }, { name: 'SVID' }] };
    const { conditions } = decide({ taskSpec: named, flags });
    expect(conditions).toEqual([
      expect.stringMatching(/^Succeeded False TaskRunValidationFailed: .*results\[1\]\.name: "SVID" is a name/),
    ]);
    expect(decide({ taskSpec: named }).effects).toContainEqual(expect.objectContaining({ type: 'createPod' }));
  });
});

describe('the identity of a pod', () => {
  const runs: PodStatus = {
    phase: 'Running',
    containerStatuses: [{ name: 'step-one', ready: true, state: { running: {} } }],
  };
  const effectsOf = (of: Given) =>
    decide(of).effects.filter(({ type }) => type === 'registerIdentity' || type === 'removeIdentity');
  const timed = { spec: { timeout: '20000h' } };
  const register = {
    type: 'registerIdentity',
    identity: {
      namespace: 'ns',
      taskRun: 'run',
      pod: 'run-pod',
      podUid: 'pod-uid',
      node: 'n1',
      containers: ['step-one'],
      expiresAt: Date.parse('2026-01-01T00:00:00Z') / 1000 + 20_000 * 3600 * 1.5,
    },
  };
  const onNode = (status: PodStatus, more: Given = {}) =>
    given(status, { ...timed, pods: [pod(status, { nodeName: 'n1' })], ...more });

  const leaving = (one: Pod): Pod => ({
    ...one,
    metadata: { ...one.metadata, deletionTimestamp: '2026-01-01T00:00:05Z' },
  });
  const withInjected = (one: Pod): Pod => ({
    ...one,
    spec: { ...one.spec, containers: [...one.spec.containers, { name: 'istio-proxy', image: 'x' }] },
  });

  it.each<[string, Given, unknown[]]>([
    ['is registered once it has a node', onNode(runs), [register]],
    ['is not before', given({ phase: 'Pending' }, timed), []],
    ['is taken away with the end', onNode(ended(signed)), [expect.objectContaining({ type: 'removeIdentity' })]],
    [
      'is taken away when the run is cancelled',
      onNode(runs, { spec: { ...timed.spec, status: 'TaskRunCancelled' } }),
      [expect.objectContaining({ type: 'removeIdentity' })],
    ],
    [
      'without a timeout ends by being taken away alone',
      onNode(runs, { spec: { timeout: '0' } }),
      [{ ...register, identity: { ...register.identity, expiresAt: 0 } }],
    ],
    ['is none for a pod on its way out', onNode(runs, { pods: [leaving(pod(runs, { nodeName: 'n1' }))] }), []],
    [
      'is of its steps, not of what was put beside them',
      onNode(runs, { pods: [withInjected(pod(runs, { nodeName: 'n1' }))] }),
      [register],
    ],
    ['is nothing to a pod that signs nothing', onNode(runs, { pods: [podOf(spec, runs)] }), []],
  ])('%s', (_name, of, effects) => expect(effectsOf(of)).toEqual(effects));

  const failing = (of: Given) => {
    const { facts, now, ...decision } = decide(of);
    const outcomes = decision.effects.map((effect): TaskRunOutcome =>
      effect.type === 'registerIdentity' || effect.type === 'removeIdentity'
        ? { effect, kind: 'failed', status: 0, reason: '', message: 'SPIRE server s:8081: it is away' }
        : { effect, kind: 'applied' },
    );
    return settle(facts, decision, outcomes, now);
  };

  it('that SPIRE does not take is tried again, and the condition says so', () => {
    const { status, requeueAfterMs } = failing(onNode(runs));
    expect(status.conditions).toMatchObject([
      { status: 'Unknown', reason: 'Running', message: expect.stringContaining('SPIRE server s:8081: it is away') },
    ]);
    expect(requeueAfterMs).toBe(5_000);
  });

  it('that SPIRE does not let go of is told, and changes nothing about the end', () => {
    const { status, effects } = failing(onNode(ended(signed)));
    expect(status.conditions).toMatchObject([{ status: 'True' }, { status: 'True' }]);
    expect(effects.map((effect) => (effect.type === 'event' ? effect.reason : effect.type))).toEqual([
      'removeIdentity',
      'Succeeded',
      'IdentityNotRemoved',
    ]);
  });
});
