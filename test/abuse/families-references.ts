import { defaultTaskRun } from '../../src/api/pipeline/v1/defaults.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { leftoversOf } from '../../src/core/pipelinerun/leftovers.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import type { PipelineRunNeed } from '../../src/core/pipelinerun/types.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import type { Resolved } from '../../src/core/reference/resolved.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import { named, type Family } from './family.ts';

const now = new Date('2026-01-01T00:05:00Z');
const settings = settingsOf();
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const steps = [{ image: 'i', command: ['c'] }];
const verdict = { kind: 'warned', message: 'no signature' } as const;

function found(need: PipelineRunNeed): Resolved {
  if (need.type !== 'definition') throw new Error('nothing limits these runs, and they repeat none');
  const { reference } = need;
  const spec = reference.ofKind === 'Pipeline' ? { tasks: [{ name: 'a', taskSpec: { steps } }] } : { steps };
  return { kind: 'found', definition: { name: 'd', metadata: {}, spec }, verdict };
}

/** A run whose Pipeline is fetched with n params of its own. */
function remotePipeline(n: number): () => unknown {
  const params = named('p', n).map((name) => ({ name, value: 'v' }));
  const resolver = params.map(({ name }) => ({ name, value: `$(params.${name})` }));
  const run: PipelineRun = { metadata, spec: { params, pipelineRef: { resolver: 'git', params: resolver } } };
  const facts = { run, children: [], settings };
  return () => decideAtOnce(planPipelineRun(facts, now), found);
}

/** A pipeline of n tasks, each fetched by another reference, with n words in all their params. */
function remoteTasks(n: number): () => unknown {
  const tasks = named('t', n).map((name) => ({
    name,
    taskRef: { resolver: 'git', params: [{ name: 'pathInRepo', value: name }] },
  }));
  const facts = { run: { metadata, spec: { pipelineSpec: { tasks } } }, children: [], settings };
  return () => decideAtOnce(planPipelineRun(facts, now), found);
}

/** A TaskRun whose Task is fetched with n params of its own. */
function remoteTask(n: number): () => unknown {
  const params = named('p', n).map((name) => ({ name, value: 'v' }));
  const resolver = params.map(({ name }) => ({ name, value: `$(params.${name})` }));
  const taskRun = { metadata, spec: { params, taskRef: { resolver: 'git', params: resolver } } };
  const task = { kind: 'found', definition: { name: 'd', metadata: {}, spec: { steps } } } as const;
  return () => decideAtOnce(planTaskRun({ taskRun, pods: [], settings }, now), supplyOf({ task }));
}

/** A rerun with n volumes of the run that failed. */
function rerunVolumes(n: number): () => unknown {
  const workspaces = named('w', n).map((name) => ({ name, volumeClaimTemplate: { spec: {} } }));
  const pipelineSpec = {
    workspaces: workspaces.map(({ name }) => ({ name })),
    tasks: [{ name: 'a', taskSpec: { steps } }],
  };
  const failed: PipelineRun = {
    metadata: { ...metadata, name: 'first', uid: 'uid-first' },
    spec: { pipelineSpec, workspaces },
    status: { pipelineSpec, conditions: [{ type: 'Succeeded', status: 'False' }] },
  };
  const annotations = { 'tektite.dev/rerun-from-failure': 'first' };
  const run: PipelineRun = { metadata: { ...metadata, annotations }, spec: { pipelineSpec, workspaces } };
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'first', uid: 'uid-first' };
  return () => {
    const { status } = decideAtOnce(planPipelineRun({ run, children: [], settings }, now), (need) => {
      if (need.type === 'earlierPipelineRun') return failed;
      return need.type === 'claim' ? { ownerReferences: [owner] } : found(need);
    });
    return decideAtOnce(planPipelineRun({ run: { ...run, status }, children: [], settings }, now), found);
  };
}

/** A TaskRun of a rerun with n params, which did its work before. */
function rerunParams(n: number): () => unknown {
  const params = named('p', n).map((name) => ({ name, value: 'v' }));
  const spec = { params, taskSpec: { params: named('p', n).map((name) => ({ name })), steps } };
  // As a PipelineRun makes it.
  const bare = defaultTaskRun({ metadata, spec }, settings.defaults);
  const { podName: _pod, ...status } = decideAtOnce(
    planTaskRun({ taskRun: bare, pods: [], settings }, now),
    supplyOf(),
  ).status;
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'first', uid: 'uid-first', controller: true };
  const earlier: TaskRun = {
    ...bare,
    metadata: { ...bare.metadata, name: 'first-a', ownerReferences: [owner] },
    status: { ...status, conditions: [{ type: 'Succeeded', status: 'True' }] },
  };
  const annotations = { 'tektite.dev/inherit-from': 'first-a uid-first' };
  const taskRun = { ...bare, metadata: { ...bare.metadata, annotations } };
  return () => decideAtOnce(planTaskRun({ taskRun, pods: [], settings }, now), supplyOf({ earlier }));
}

/** A run of n custom tasks, which fails while they run. */
function customTasks(n: number): () => unknown {
  const tasks = named('t', n).map((name) => ({ name, taskRef: { apiVersion: 'x.dev/v1', kind: 'X', name } }));
  const run: PipelineRun = { metadata, spec: { pipelineSpec: { tasks } } };
  const facts = { run, children: [], settings };
  return () => {
    const { effects } = decideAtOnce(planPipelineRun(facts, now), found);
    const outcomes = effects.map((effect) => ({ effect, kind: 'applied' as const }));
    const conditions = [{ type: 'Succeeded', status: 'False' as const }];
    return leftoversOf(facts, { conditions }, outcomes);
  };
}

export const referenceFamilies: readonly Family[] = [
  { name: 'PipelineRun: params of a remote Pipeline', size: 400, prepare: remotePipeline },
  { name: 'PipelineRun: remote Tasks', size: 100, prepare: remoteTasks },
  { name: 'PipelineRun: custom tasks', size: 100, prepare: customTasks },
  { name: 'TaskRun: params of a remote Task', size: 400, prepare: remoteTask },
  { name: 'PipelineRun: volumes of a rerun', size: 200, prepare: rerunVolumes },
  { name: 'TaskRun: params of a rerun', size: 400, prepare: rerunParams },
];
