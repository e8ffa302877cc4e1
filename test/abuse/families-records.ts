import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun, TaskRunStatus } from '../../src/api/pipeline/v1/taskrun.ts';
import { parseImageDigest } from '../../src/chains/artifacts/image.ts';
import { parseDigest } from '../../src/chains/artifacts/digest.ts';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import { settings as formatSettings } from '../../src/chains/formats/fixture.fake.ts';
import { artifactsOf } from '../../src/chains/formats/index.ts';
import { canonicalQuantity } from '../../src/chains/formats/quantity.ts';
import { needsJournal, planArtifacts, startedOver } from '../../src/chains/plan/artifacts.ts';
import { inRegistryForm } from '../../src/chains/plan/images.ts';
import { completed, decodeJournal, encodeJournal } from '../../src/chains/plan/journal.ts';
import { markOf } from '../../src/chains/plan/mark.ts';
import { childrenOfKind, planRun } from '../../src/chains/plan/run.ts';
import { createSeal } from '../../src/chains/plan/seal.ts';
import { finalizersAfter, settle, undone } from '../../src/chains/plan/settle.ts';
import { formatChildren, childRecord } from '../../src/core/digest/children.ts';
import { changesAtCreation, changesSince, podRecord, readPodRecord } from '../../src/core/digest/pod-record.ts';
import { recordAnnotations, runSpecDigest } from '../../src/core/digest/record.ts';
import { asRecorded, lostMessage } from '../../src/core/digest/spec-change.ts';
import { verifyPipelineRunRecord, verifyTaskRunRecord } from '../../src/core/digest/verify.ts';
import { readViolations } from '../../src/core/digest/violations.ts';
import { specRecord } from '../../src/core/digest/fields.ts';
import { checkEnums } from '../../src/core/params/check.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { childOf } from '../../src/core/pipelinerun/child/child.ts';
import { checkEnumSubsets } from '../../src/core/pipelinerun/enums.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import { statusInstead as pipelineStatusInstead } from '../../src/core/pipelinerun/draft.ts';
import { failureOf } from '../../src/core/podstatus/failure.ts';
import { isOnItsWay } from '../../src/core/podstatus/progress.ts';
import { platformCommands } from '../../src/core/pod/image.ts';
import { buildPod } from '../../src/core/pod/build.ts';
import { podInputOf, podOf, settingsOf } from '../../src/core/pod/pod.fake.ts';
import { parseQuantity } from '../../src/core/pod/quantity.ts';
import { planTaskRun, statusInstead } from '../../src/core/taskrun/plan.ts';
import { withPodRecord, withoutPodRecord } from '../../src/core/taskrun/record.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import { matchesDigest } from '../../src/registry/digest.ts';
import { candidateUrls, registryUrl } from '../../src/registry/hosts.ts';
import { keychainOfAnnotatedSecret, keychainOfDockerConfig } from '../../src/registry/keychain.ts';
import { range, named, texts, type Family } from './family.ts';
import { notFound } from './plan.ts';
import { signedResults } from './signed-results.ts';

/** Runs that have begun or ended: what is recorded of them, how they are stopped, and what Chains decides. */

const now = new Date('2026-01-01T00:05:00Z');
const settings = settingsOf();
const { config } = parseChainsConfig(undefined);
const seal = createSeal(new Uint8Array(32).fill(7), new Date('2020-01-01T00:00:00Z'));
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const hex = 'a'.repeat(64);

/** n tasks of one Task, which allows n values of a param that they all are handed on. */
function handedOn(n: number): () => unknown {
  const values = named('v', n);
  const declared = { params: [...named('q', n).map((name) => ({ name })), { name: 'p', enum: values }] };
  const tasks = named('t', n).map((name) => ({ name, params: [{ name: 'p', value: '$(params.v)' }] }));
  return () => checkEnumSubsets({ params: [{ name: 'v', enum: values }], tasks }, () => declared);
}

/** A run whose pod of n sidecars cannot start, and which its user cancels. */
function stopped(n: number, more: TaskRun['spec']): () => unknown {
  const sidecars = named('c', n).map((name) => ({ name, image: 'i' }));
  const spec = { steps: [{ name: 's', image: 'i', command: ['c'] }], sidecars };
  const waiting = { waiting: { reason: 'ErrImagePull', message: 'no' } };
  const containers = [
    { name: 'step-s', state: waiting },
    ...sidecars.map(({ name }) => ({ name: `sidecar-${name}`, state: waiting })),
  ];
  const pod = podOf(spec, { phase: 'Pending', containerStatuses: containers });
  const status: TaskRunStatus = {
    taskSpec: spec,
    podName: pod.metadata.name ?? '',
    startTime: metadata.creationTimestamp,
  };
  const facts = {
    taskRun: { metadata, spec: more, status },
    pods: [pod],
    settings,
  };
  return () => [decideAtOnce(planTaskRun(facts, now), supplyOf()), statusInstead(status, 'too large', now)];
}

/** A pod of n containers that failed. */
function failedPod(n: number): () => unknown {
  const spec = {
    steps: [{ name: 's', image: 'i', command: ['c'] }],
    sidecars: named('c', n).map((name) => ({ name, image: 'i' })),
  };
  const terminated = { exitCode: 1, reason: 'Error' };
  const sent = podOf(spec);
  const pod = podOf(spec, {
    phase: 'Failed',
    containerStatuses: [
      { name: 'step-s', state: { terminated } },
      ...named('c', n).map((name) => ({ name: `sidecar-${name}`, state: { terminated } })),
    ],
  });
  const status: TaskRunStatus = {
    taskSpec: spec,
    podName: pod.metadata.name ?? '',
    startTime: metadata.creationTimestamp,
    annotations: { [recordAnnotations.spec]: 'x' },
  };
  const facts = {
    taskRun: { metadata, spec: {}, status },
    pods: [pod],
    settings,
  };
  return () => {
    const record = readPodRecord(podRecord(sent, pod));
    return [
      failureOf(pod),
      isOnItsWay({ ...pod, status: { ...pod.status, phase: 'Running' } }, facts.settings.flags),
      decideAtOnce(planTaskRun(facts, now), supplyOf()),
      record && changesSince(record, pod),
      record && changesAtCreation(record, ['spec.volumes', 'metadata.labels']),
      withoutPodRecord(withPodRecord(status, sent, pod)),
    ];
  };
}

/** A pod that ended well, with n results in the log of its sidecar. */
function loggedResults(n: number): () => unknown {
  const results = named('r', n).map((name) => ({ name, type: 'string' as const }));
  const spec = { steps: [{ name: 's', image: 'i', command: ['c'], results }], results };
  const asked = settingsOf({ 'results-from': 'sidecar-logs' });
  const terminated = { exitCode: 0, reason: 'Completed', finishedAt: now.toISOString() };
  const names = ['step-s', 'sidecar-tekton-log-results'];
  const containerStatuses = names.map((name) => ({ name, state: { terminated } }));
  const pod = podOf(spec, { phase: 'Succeeded', containerStatuses }, { settings: asked });
  const lines = results.flatMap(({ name }) => [
    { name, value: '{"a":1', type: 'task' },
    { name: `step-s.${name}`, value: 'v', type: 'step' },
  ]);
  const log = [...lines, { name: '', value: String(lines.length), type: 'end' }]
    .map((line) => JSON.stringify(line))
    .join('\n');
  const status: TaskRunStatus = {
    taskSpec: spec,
    podName: pod.metadata.name ?? '',
    startTime: metadata.creationTimestamp,
  };
  const facts = { taskRun: { metadata, spec: {}, status }, pods: [pod], settings: asked };
  return () => [
    decideAtOnce(planTaskRun(facts, now), supplyOf({ log })),
    buildPod(podInputOf(spec, { settings: asked })),
  ];
}

/** A pod that failed, whose log of n pieces is nothing but beginnings of escape sequences. */
function quotedLog(n: number): () => unknown {
  const spec = { steps: [{ name: 's', image: 'i', command: ['c'] }] };
  const asked = settingsOf({ 'failed-step-log-lines': '50' });
  const terminated = { exitCode: 1, reason: 'Error', finishedAt: now.toISOString() };
  const containerStatuses = [{ name: 'step-s', state: { terminated } }];
  const pod = podOf(spec, { phase: 'Failed', containerStatuses }, { settings: asked });
  const status: TaskRunStatus = { taskSpec: spec, podName: pod.metadata.name ?? '' };
  const facts = { taskRun: { metadata, spec: {}, status }, pods: [pod], settings: asked };
  const log = '\u001b[1;1;1;1  \u0007 '.repeat(n);
  return () => decideAtOnce(planTaskRun(facts, now), supplyOf({ log }));
}

/** A TaskRun whose spec of n params was changed after it was recorded. */
function changedSpec(n: number): () => unknown {
  const spec = { params: named('p', n).map((name) => ({ name, value: 'v' })), timeout: '1h' };
  const status = {
    annotations: {
      [recordAnnotations.spec]: specRecord(spec),
      [recordAnnotations.violations]: named('f', n)
        .map((name) => `${name}: m`)
        .join('\n'),
    },
  };
  const run: TaskRun = { metadata, spec: { ...spec, timeout: '2h', params: spec.params.slice(1) }, status };
  return () => {
    const { change } = asRecorded(structuredClone(run));
    return [
      change && lostMessage('TaskRun', change),
      verifyTaskRunRecord(run),
      runSpecDigest(run.spec),
      readViolations(status.annotations[recordAnnotations.violations]),
    ];
  };
}

/** A PipelineRun of n tasks whose TaskRuns were made, but not written down. */
function lostChildren(n: number): () => unknown {
  const pipelineSpec = {
    tasks: range(n).map((index) => ({ name: `t${index}`, taskSpec: { steps: [{ image: 'i', script: 'x' }] } })),
  };
  const fresh: PipelineRun = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata, spec: { pipelineSpec } };
  const first = decideAtOnce(planPipelineRun({ run: fresh, children: [], settings }, now), notFound);
  const made = first.effects.flatMap((effect) => (effect.type === 'createChild' ? [effect.child as TaskRun] : []));
  const taskRuns = made.map((taskRun, index) => ({
    ...taskRun,
    metadata: { ...taskRun.metadata, uid: `uid-${index}` },
  }));
  const { childReferences: _lost, ...status } = first.status;
  const run: PipelineRun = { ...fresh, status };
  return () => {
    const facts = { run, children: taskRuns.map((child) => childOf('TaskRun', child)), settings };
    const records = formatChildren(taskRuns.map(childRecord));
    const recorded = {
      ...run,
      status: { ...status, annotations: { ...status.annotations, [recordAnnotations.children]: records } },
    };
    return [
      decideAtOnce(planPipelineRun(facts, now), notFound),
      verifyPipelineRunRecord(recorded, taskRuns),
      pipelineStatusInstead(status, 'too large', now),
    ];
  };
}

/** Everything that Chains plans for a run that names n images. */
function attempt(n: number): () => unknown {
  const list = range(n)
    .map((index) => `r.io/a/b${index}@sha256:${hex}`)
    .join('\n');
  const run: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata,
    spec: {},
    status: { results: [{ name: 'IMAGES', type: 'string', value: list }] },
  };
  const signature = {
    signature: new Uint8Array(64),
    publicKeyPem: 'p',
    keyId: 'k',
    algorithm: 'a',
    scheme: 'ecdsa' as const,
  };
  return () => {
    const artifacts = inRegistryForm(artifactsOf(run, [], formatSettings('slsa/v2alpha4')).artifacts, config);
    const work = planArtifacts({ artifacts, journal: [], runAnnotations: {}, config, afresh: false, now });
    needsJournal(work);
    const problem = { artifact: 'a', at: 'signing', reason: 'r' } as const;
    const outcomes = work.map((one) => ({
      ...undone(startedOver(one, { config, runAnnotations: {} }), [problem]),
      signature: completed(signature, one.artifact.payload),
      signer: 's',
    }));
    const common = {
      kind: 'taskrun',
      uid: 'uid',
      seal,
      runAnnotations: {},
      config,
      notes: [],
      missing: [],
      now,
      random: 0.5,
    } as const;
    const journal = encodeJournal([], 1_000, { uid: 'uid', seal });
    return [
      settle({ ...common, attempt: 1, outcomes }),
      settle({ ...common, attempt: 99, outcomes }),
      decodeJournal(journal, { uid: 'uid', seal }),
    ];
  };
}

/** What Chains does with a PipelineRun of n children. */
function observed(n: number): () => unknown {
  const conditions = [{ type: 'Succeeded', status: 'True' as const }];
  const children = range(n).map((index) => ({
    metadata: {
      ...metadata,
      name: `c${index}`,
      annotations: { 'chains.tekton.dev/sign': 'false' },
      finalizers: ['chains.tekton.dev'],
    },
    spec: {},
    status: { conditions },
  }));
  const childReferences = children.map(({ metadata: { name } }) => ({ kind: 'TaskRun', name }));
  const run = {
    kind: 'PipelineRun',
    metadata: { ...metadata, finalizers: named('f', n) },
    spec: {},
    status: { conditions, childReferences },
  };
  return () => [
    planRun({ kind: 'pipelinerun', run, children, config, seal, now }),
    childrenOfKind(run, 'TaskRun'),
    finalizersAfter(run, 'pipelinerun', 'drop'),
    markOf(run.metadata, seal),
  ];
}

const digits = (n: number) => '9'.repeat(n);

export const recordFamilies: readonly Family[] = [
  {
    name: 'TaskRun: cancelled while its pod of many sidecars waits',
    size: 300,
    prepare: (n) => stopped(n, { status: 'TaskRunCancelled' }),
  },
  { name: 'TaskRun: its pod of many sidecars cannot start', size: 300, prepare: (n) => stopped(n, {}) },
  { name: 'TaskRun: its pod of many sidecars failed', size: 150, prepare: failedPod },
  { name: 'TaskRun: results in the log of a sidecar', size: 300, prepare: loggedResults },
  { name: 'TaskRun: the log of a failed step', size: 5_000, prepare: quotedLog },
  { name: 'TaskRun: a spec that was changed', size: 1_500, prepare: changedSpec },
  { name: 'PipelineRun: children that were not written down', size: 60, prepare: lostChildren },
  { name: 'Chains: images of a run', size: 300, prepare: attempt },
  { name: 'Chains: children of a run', size: 2_000, prepare: observed },
  {
    name: 'params: enums',
    size: 5_000,
    prepare: (n) => () =>
      checkEnums(
        named('p', n).map((name) => ({ name, enum: ['a', 'b'] })),
        named('p', n).map((name) => ({ name, value: 'a' })),
      ),
  },
  { name: 'PipelineRun: enums of a Task that many tasks refer to', size: 3_000, prepare: handedOn },
  { name: 'results that a step signed', size: 40, prepare: signedResults },
  {
    name: 'image: platforms',
    size: 5_000,
    prepare: (n) => () =>
      platformCommands(
        { digest: 'd', commands: Object.fromEntries(named('p', n).map((name) => [name, ['c']])) },
        false,
      ),
  },
  texts(
    'quantity: digits',
    200_000,
    (n) => `${digits(n)}.${digits(n)}`,
    (text) => [parseQuantity(text), canonicalQuantity(text)],
  ),
  texts(
    'digest: hex',
    200_000,
    (n) => `sha256:${digits(n)}`,
    (text) => [parseDigest(text), matchesDigest(Buffer.from('x'), text)],
  ),
  texts('image: dashes', 200_000, (n) => `r.io/${'a-'.repeat(n / 2)}@sha256:${hex}`, parseImageDigest),
  texts(
    'host: digits',
    200_000,
    (n) => `10.${digits(n)}`,
    (text) => [registryUrl(text), candidateUrls(text)],
  ),
  texts(
    'docker config: entries',
    2_000,
    (n) =>
      JSON.stringify({
        auths: Object.fromEntries(named('h', n).map((host) => [host, { username: 'u', password: 'p' }])),
      }),
    keychainOfDockerConfig,
  ),
  {
    name: 'secret: annotations',
    size: 10_000,
    prepare: (n) => () =>
      keychainOfAnnotatedSecret({
        metadata: { annotations: Object.fromEntries(named('tekton.dev/docker-', n).map((name) => [name, name])) },
        data: { username: 'dQ==', password: 'cA==' },
      }),
  },
];
