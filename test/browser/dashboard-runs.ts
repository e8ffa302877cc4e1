import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { PipelineSpec } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRunStatus } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { StepState, TaskRunStatus } from '../../src/api/pipeline/v1/taskrun.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { labels } from '../../src/core/labels.ts';
import { runReference } from '../../src/core/owner.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';

/** Runs as a controller would leave them, written to a real API server that has no controller. */

export type Outcome = 'succeeded' | 'failed' | 'running' | 'cancelled';

export interface TaskPlan {
  name: string;
  after?: readonly string[];
  /** Missing: it has not begun. */
  outcome?: Outcome;
  steps?: readonly string[];
  /** Of what runs it; missing: a TaskRun. */
  kind?: 'CustomRun' | 'PipelineRun';
  /** What keeps it from having a pod. */
  waits?: { reason: string; message: string };
  /** How many runs of a matrix. */
  fanOut?: number;
  skipped?: string;
  /** Attempts that failed before. */
  failedBefore?: number;
  /** Seconds after the start of the run, and how long. */
  from?: number;
  seconds?: number;
}

export interface RunPlan {
  name: string;
  pipeline?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  params?: { name: string; value: string }[];
  results?: { name: string; value: string }[];
  tasks: readonly TaskPlan[];
  finally?: readonly TaskPlan[];
  /** Missing: it has not begun. */
  outcome?: Outcome;
  message?: string;
  /** When it began, in seconds before now. */
  ago?: number;
}

const conditions = {
  succeeded: { status: 'True', reason: 'Succeeded' },
  failed: { status: 'False', reason: 'Failed' },
  running: { status: 'Unknown', reason: 'Running' },
  cancelled: { status: 'False', reason: 'Cancelled' },
} as const;

export async function installCrds(client: KubeClient): Promise<void> {
  const folder = path.join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const body = parse(readFileSync(path.join(folder, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply', fieldManager: 'test', force: true, body } as const;
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  for (const give = Date.now() + 30_000; ; await sleep(200)) {
    const isServed = await client.list(pipelineRuns as Resource).then(
      () => true,
      () => false,
    );
    if (isServed) return;
    if (Date.now() > give) throw new Error('the API server does not serve PipelineRuns 30 s after it got the CRDs');
  }
}

/** Writes a run and its TaskRuns, with their statuses. */
export async function writeRun(client: KubeClient, namespace: string, plan: RunPlan): Promise<void> {
  const start = Date.now() - (plan.ago ?? 60) * 1000;
  const all = [...plan.tasks, ...(plan.finally ?? [])];
  const children = all.flatMap((task) =>
    task.outcome === undefined ? [] : childNames(plan, task).map((name) => ({ name, task })),
  );
  const pipelineSpec = specOf(plan);
  const metadata = {
    namespace,
    name: plan.name,
    labels: { ...(plan.pipeline ? { 'tekton.dev/pipeline': plan.pipeline } : {}), ...plan.labels },
    annotations: plan.annotations ?? {},
  };
  const spec = {
    ...(plan.pipeline ? { pipelineRef: { name: plan.pipeline } } : { pipelineSpec }),
    ...(plan.params ? { params: plan.params } : {}),
  };
  const run = await client.create(pipelineRuns, { metadata, spec } as KubeObject);
  await Promise.all(children.map(({ name, task }) => writeChild(client, namespace, { name, run, task, start })));
  if (plan.outcome === undefined) return;
  const ends = all.map(({ from = 0, seconds = 5 }) => from + seconds);
  const status: PipelineRunStatus = {
    startTime: time(start),
    ...(plan.outcome === 'running' ? {} : { completionTime: time(start + Math.max(...ends) * 1000) }),
    conditions: [
      {
        type: 'Succeeded',
        ...conditions[plan.outcome],
        message: plan.message ?? 'as planned',
        lastTransitionTime: time(start),
      },
    ],
    pipelineSpec,
    childReferences: children.map(({ name, task }) => ({
      apiVersion: task.kind === 'CustomRun' ? 'tekton.dev/v1beta1' : 'tekton.dev/v1',
      kind: task.kind ?? 'TaskRun',
      name,
      pipelineTaskName: task.name,
    })),
    skippedTasks: all.flatMap(({ name, skipped }) => (skipped === undefined ? [] : [{ name, reason: skipped }])),
    ...(plan.results ? { results: plan.results } : {}),
  };
  await writeStatus(client, pipelineRuns, { namespace, name: plan.name, status });
}

export async function writeStatus(
  client: KubeClient,
  resource: Resource,
  { namespace, name, status }: { namespace: string; name: string; status: unknown },
): Promise<void> {
  await client.patch(resource, namespace, name, { type: 'merge', body: { status }, subresource: 'status' });
}

function childNames({ name }: RunPlan, { name: task, fanOut }: TaskPlan): string[] {
  const base = `${name}-${task
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')}`;
  return fanOut === undefined ? [base] : Array.from({ length: fanOut }, (_, at) => `${base}-${at}`);
}

function specOf({ tasks, finally: last = [] }: RunPlan): PipelineSpec {
  const task = ({ name, after = [], steps = ['run'] }: TaskPlan) => ({
    name,
    ...(after.length > 0 ? { runAfter: [...after] } : {}),
    taskSpec: { steps: steps.map((step) => ({ name: step, image: 'busybox' })) },
  });
  return { tasks: tasks.map(task), ...(last.length > 0 ? { finally: last.map(task) } : {}) };
}

interface ChildPlan {
  name: string;
  run: KubeObject;
  task: TaskPlan;
  start: number;
}

/** As the controller ties what it makes to its run. */
function childMetadata({ name, run, task }: ChildPlan): KubeObject['metadata'] {
  const { metadata } = run;
  return {
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name,
    labels: { [labels.pipelineRun]: metadata.name ?? '', [labels.pipelineTask]: task.name },
    ownerReferences: [runReference('PipelineRun', metadata)],
  };
}

async function writeChild(client: KubeClient, namespace: string, plan: ChildPlan): Promise<void> {
  const { name, task, start } = plan;
  if (task.kind === undefined) return writeTaskRun(client, namespace, plan);
  const metadata = childMetadata(plan);
  const { outcome = 'running', waits } = task;
  const status = {
    startTime: time(start),
    conditions: [{ type: 'Succeeded', ...conditions[outcome], message: 'as planned', ...waits }],
  };
  const of = { apiVersion: 'example.dev/v1', kind: 'Approval' };
  const [resource, spec] =
    task.kind === 'CustomRun'
      ? ([customRuns, { customRef: of }] as const)
      : ([pipelineRuns, { pipelineRef: { name: task.name } }] as const);
  await client.create(resource, { metadata, spec } as KubeObject);
  await writeStatus(client, resource, { namespace, name, status });
}

async function writeTaskRun(client: KubeClient, namespace: string, plan: ChildPlan): Promise<void> {
  const { name, task, start } = plan;
  const taskSpec = { steps: (task.steps ?? ['run']).map((step) => ({ name: step, image: 'busybox' })) };
  await client.create(taskRuns, { metadata: childMetadata(plan), spec: { taskSpec } } as KubeObject);
  const began = start + (task.from ?? 0) * 1000;
  const retriesStatus = Array.from({ length: task.failedBefore ?? 0 }, (_, at) =>
    taskRunStatus(`${name}-pod-${at}`, { ...task, outcome: 'failed' }, began),
  );
  const status =
    task.waits === undefined
      ? { ...taskRunStatus(`${name}-pod`, task, began), taskSpec, retriesStatus }
      : { taskSpec, conditions: [{ type: 'Succeeded', ...conditions.running, ...task.waits }] };
  await writeStatus(client, taskRuns, { namespace, name, status });
}

function taskRunStatus(
  podName: string,
  { outcome = 'running', steps = ['run'], seconds = 5 }: TaskPlan,
  start: number,
): TaskRunStatus {
  const end = start + seconds * 1000;
  const last = steps.length - 1;
  const state = (step: string, at: number): StepState => {
    const base = { name: step, container: `step-${step}` };
    if (outcome === 'running' && at === last) return { ...base, running: { startedAt: time(start) } };
    const exitCode = outcome !== 'succeeded' && outcome !== 'running' && at === last ? 1 : 0;
    return {
      ...base,
      terminated: {
        exitCode,
        reason: exitCode === 0 ? 'Completed' : 'Error',
        startedAt: time(start),
        finishedAt: time(end),
      },
    };
  };
  return {
    podName,
    startTime: time(start),
    ...(outcome === 'running' ? {} : { completionTime: time(end) }),
    conditions: [{ type: 'Succeeded', ...conditions[outcome], message: 'as planned', lastTransitionTime: time(start) }],
    steps: steps.map(state),
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
