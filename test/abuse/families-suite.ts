import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { parseFeatureFlags } from '../../src/api/config/feature-flags.ts';
import { prunerMaps } from '../../src/api/config/pruner-limits.ts';
import { hasBegun } from '../../src/core/condition.ts';
import { annotations } from '../../src/core/labels.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { childOf } from '../../src/core/pipelinerun/child/child.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import { queueOf } from '../../src/core/queue/queue.ts';
import { formatSlots, parseSlots, slotsKey, slotsName } from '../../src/core/queue/slots.ts';
import {
  compareTurns,
  holderOf,
  isWaiting,
  priorityOf,
  standingOf,
  supersededBy,
} from '../../src/core/queue/standing.ts';
import { lostMessage, waitingIn, waitingMessage } from '../../src/core/queue/waiting-message.ts';
import { readGlobalMap, readNamespaceMap } from '../../src/core/retention/maps.ts';
import { planPruning, protectionText, reasonText, titleOf } from '../../src/core/retention/plan.ts';
import type { FinishedRun } from '../../src/core/retention/run.ts';
import { policyOf } from '../../src/core/retention/schedule.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import { named, range, texts, type Family } from './family.ts';
import { halfDone } from './half-done.ts';
import { notFound } from './plan.ts';

/** Pipelines in pipelines, StepActions, and what is pruned. */

const now = new Date('2026-01-01T00:05:00Z');
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const settings = settingsOf();
const alpha = { ...settings, flags: parseFeatureFlags({ 'enable-api-fields': 'alpha' }).flags };

/** A PipelineRun of n embedded pipelines, each of which uses a param of the outer one. */
function nested(n: number, more: Partial<PipelineRun['spec']>, startTime?: string): () => unknown {
  const inner = { tasks: [{ name: 't', taskSpec: { steps: [{ image: 'i', script: '$(params.p)' }] } }] };
  const tasks = named('t', n).map((name) => ({ name, pipelineSpec: inner as never }));
  const run: PipelineRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata,
    spec: {
      params: [{ name: 'p', value: 'v' }],
      workspaces: [{ name: 'w', emptyDir: {} }],
      pipelineSpec: { params: [{ name: 'p' }], workspaces: [{ name: 'w' }], tasks },
      ...more,
    },
    ...(startTime === undefined ? {} : { status: { startTime } }),
  };
  const children = startTime === undefined ? [] : range(n).map((index) => childRun(index));
  return () => decideAtOnce(planPipelineRun({ run, children, settings: alpha }, now), notFound);
}

function childRun(index: number) {
  const labels = { 'tekton.dev/pipelineTask': `t${index}`, 'tekton.dev/pipelineRun': 'run' };
  const ownerReferences = [
    { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'run', uid: 'uid', controller: true },
  ];
  return childOf('PipelineRun', {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { ...metadata, name: `run-t${index}`, uid: `c${index}`, labels, ownerReferences },
    spec: {},
  });
}

/** A TaskRun of n steps that take one StepAction, with a param each. */
function actions(n: number): () => unknown {
  const steps = named('s', n).map((name) => ({
    name,
    ref: { name: 'act' },
    params: [{ name: 'p', value: '$(params.p)' }],
  }));
  const taskRun: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata,
    spec: { params: [{ name: 'p', value: 'v' }], taskSpec: { params: [{ name: 'p' }], steps } },
  };
  const spec = { params: [{ name: 'p' }], image: 'i', script: 'echo $(params.p)' };
  const act = { kind: 'found' as const, definition: { name: 'act', metadata: {}, spec } };
  return () => decideAtOnce(planTaskRun({ taskRun, pods: [], settings }, now), supplyOf({ actions: { act } }));
}

/** A StepAction of n params that a step gives. */
function actionParams(n: number): () => unknown {
  const names = named('p', n);
  const params = names.map((name) => ({ name, value: 'v' }));
  const steps = [{ name: 's', ref: { name: 'act' }, params }];
  const taskRun: TaskRun = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata, spec: { taskSpec: { steps } } };
  const script = names.map((name) => `$(params.${name})`).join(' ');
  const spec = { params: names.map((name) => ({ name })), image: 'i', script };
  const act = { kind: 'found' as const, definition: { name: 'act', metadata: {}, spec } };
  return () => decideAtOnce(planTaskRun({ taskRun, pods: [], settings }, now), supplyOf({ actions: { act } }));
}

const finished = (index: number): FinishedRun => ({
  kind: 'pipelinerun',
  metadata: {
    ...metadata,
    name: `r${index}`,
    uid: `r${index}`,
    labels: { 'tekton.dev/pipeline': `p${index % 7}`, app: 'x' },
    ...(index % 5 === 0 ? { finalizers: ['example.com/held'] } : {}),
  },
  status: {
    conditions: [{ type: 'Succeeded', status: index % 3 === 0 ? 'False' : 'True' }],
    completionTime: new Date(now.getTime() - index * 1000).toISOString(),
  },
});

/** n finished runs under limits, and under a schedule. */
function pruning(n: number): () => unknown {
  const runs = range(n).map(finished);
  const entries = [{ name: 'p1', successfulHistoryLimit: 3 }, { selector: [{ matchLabels: { app: 'x' } }] }];
  const maps = {
    global: { ttlSecondsAfterFinished: 10, historyLimit: 5, namespaces: { ns: { pipelineRuns: entries } } },
  };
  const rules = { waitForSignatureMs: 0, finalizersOnDeletion: [] };
  const facts = { namespace: 'ns', runs, maps, rules, now };
  const defaults = {
    disabled: false,
    schedule: '0 8 * * *',
    resources: ['pipelinerun' as const],
    keep: 3,
    perResource: false,
  };
  return () => {
    const read = policyOf(defaults, {});
    const scheduled = read.kind === 'policy' ? { policy: read.policy, firing: now } : undefined;
    const plans = [planPruning(facts), planPruning({ ...facts, maps: {}, scheduled })];
    return plans.flatMap(({ doomed, held }) => [
      ...doomed.map(({ run, reason }) => `${titleOf(run.kind)} ${reasonText(reason)}`),
      ...held.map(({ protection }) => protectionText(protection)),
    ]);
  };
}

/** n runs of one queue, every other of which has begun; the newest replaces the others. */
function queued(n: number): () => unknown {
  const runs = named('r', n).map((name, index): PipelineRun => ({
    metadata: { ...metadata, name, uid: name, annotations: { [annotations.queuePriority]: String(index % 7) } },
    spec: {},
    ...(index % 2 === 0 ? {} : { status: { startTime: metadata.creationTimestamp } }),
  }));
  const newest = runs.at(-1);
  const queue = { limit: 3, whenFull: 'cancel-running' as const };
  return () => {
    if (newest === undefined) return [];
    const holders = runs.filter(hasBegun).map(holderOf);
    const first = runs.filter(isWaiting).toSorted(compareTurns).slice(0, 1);
    const standing = standingOf(newest, runs, holders, queue);
    const told = waitingMessage('r', { ...queue, key: '', title: 'q' }, standing);
    return [first.map(priorityOf), waitingIn(told), supersededBy(newest, runs, standing, queue)];
  };
}

const limitsMap = (type: string, text: string) => ({
  metadata: { labels: { 'app.kubernetes.io/part-of': 'tekton-pruner', 'pruner.tekton.dev/config-type': type } },
  data: { [prunerMaps.global.key]: text, [prunerMaps.namespace.key]: text },
});

export const suiteFamilies: readonly Family[] = [
  { name: 'PipelineRun: tasks in rows, half of them done', size: 150, prepare: halfDone },
  { name: 'PipelineRun: pipelines in it', size: 80, prepare: (n) => nested(n, {}) },
  {
    name: 'PipelineRun: pipelines in it, cancelled',
    size: 200,
    prepare: (n) => nested(n, { status: 'Cancelled' }, metadata.creationTimestamp),
  },
  {
    name: 'PipelineRun: pipelines in it, out of time',
    size: 200,
    prepare: (n) => nested(n, { timeouts: { pipeline: '1m' } }, metadata.creationTimestamp),
  },
  { name: 'TaskRun: steps of one StepAction', size: 60, prepare: actions },
  { name: 'TaskRun: params of a StepAction', size: 800, prepare: actionParams },
  { name: 'queue: runs', size: 2_000, prepare: queued },
  {
    name: 'queue: a param in the key',
    size: 200_000,
    prepare: (n) => {
      const own = { [annotations.concurrencyLimit]: '1', [annotations.concurrencyKey]: 'param:p' };
      const spec = { params: [{ name: 'p', value: 'x'.repeat(n) }] };
      return () => {
        const found = queueOf({ metadata: { ...metadata, annotations: own }, spec }, []);
        return found.kind === 'queue' ? [slotsKey(found.queue.key), slotsName('ns')] : found;
      };
    },
  },
  texts(
    'queue: what a condition tells',
    3_000,
    (n) => lostMessage('r', { key: '', title: ', limit 1; running: '.repeat(n / 24), limit: 1, whenFull: 'queue' }, ''),
    waitingIn,
  ),
  texts(
    'queue: slots',
    2_000,
    (n) => JSON.stringify(Object.fromEntries(named('q', n).map((name) => [name, [{ name, uid: name }]]))),
    (text) => formatSlots(parseSlots(text)),
  ),
  { name: 'pruning: finished runs', size: 2_000, prepare: pruning },
  {
    name: 'pruning: annotations of a namespace',
    size: 20_000,
    prepare: (n) => {
      const annotations = {
        'operator.tekton.dev/prune.schedule': '* '.repeat(n),
        'operator.tekton.dev/prune.keep': '3',
      };
      const defaults = { disabled: false, schedule: '', resources: ['pipelinerun' as const], perResource: false };
      return () => policyOf(defaults, annotations);
    },
  },
  texts(
    'pruning: a map of limits',
    2_000,
    (n) =>
      `pipelineRuns:\n${named('p', n)
        .map((name) => `- name: ${name}\n  historyLimit: 3\n`)
        .join('')}`,
    (text) => [
      readGlobalMap(limitsMap('global', text)),
      readNamespaceMap(limitsMap('namespace', text), 'ns', undefined),
    ],
  ),
];
