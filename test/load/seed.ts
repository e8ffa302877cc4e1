import { readFile } from 'node:fs/promises';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { Pod } from '../../src/kube/resources.ts';
import type { ControlPlane } from '../integration/kube-control-plane.ts';

/** Operations of a transaction; etcd's own limit is 128. */
const PER_TRANSACTION = 100;
const TASKS = ['clone', 'build', 'test'] as const;

interface Entry {
  key: string;
  object: KubeObject;
}

/**
 * Puts finished objects straight into etcd, as the API server stores them: through the server each would take two
 * writes, and tens of thousands of them minutes.
 */
export async function seedEtcd(plane: ControlPlane, entries: Iterable<Entry>): Promise<number> {
  const commandLine = (await readFile(`/proc/${await plane.pid('etcd')}/cmdline`, 'utf8')).split('\0');
  const url = commandLine.find((word) => word.startsWith('--advertise-client-urls='))?.split('=')[1];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  let count = 0;
  let operations: object[] = [];
  const send = async () => {
    const body = JSON.stringify({ success: operations });
    const answer = await fetch(`${url}/v3/kv/txn`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`etcd: ${answer.status} ${await answer.text()}`);
    count += operations.length;
    operations = [];
  };
  for (const { key, object } of entries) {
    operations.push({ requestPut: { key: base64(key), value: base64(JSON.stringify(object)) } });
    if (operations.length === PER_TRANSACTION) await send();
  }
  if (operations.length > 0) await send();
  return count;
}

/** Kept PipelineRuns of three TaskRuns with their pods, all finished, spread over namespaces. */
export function* finishedFleet(count: number, namespaces: readonly string[]): Generator<Entry> {
  for (let i = 0; i < count; i++) {
    const namespace = namespaces[i % namespaces.length] ?? 'default';
    const run = pipelineRun(i, namespace);
    yield entry('tekton.dev/pipelineruns', run);
    for (const task of TASKS) {
      const child = taskRun(run, task);
      yield entry('tekton.dev/taskruns', child);
      yield entry('pods', pod(child));
    }
  }
}

const entry = (folder: string, object: KubeObject): Entry => ({
  key: `/registry/${folder}/${object.metadata.namespace}/${object.metadata.name}`,
  object,
});

const times = { startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:01:00Z' };
const succeeded = {
  type: 'Succeeded' as const,
  status: 'True' as const,
  reason: 'Succeeded',
  message: 'Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0',
  lastTransitionTime: times.completionTime,
};

/** A spec of some 2 KB, as a Task with a script or two has it. */
const taskSpec = {
  params: [{ name: 'revision', type: 'string' as const, description: 'What to check out' }],
  results: [{ name: 'commit', type: 'string' as const, description: 'The commit that was checked out' }],
  steps: ['fetch', 'report'].map((name) => ({
    name,
    image: 'registry.example.com/team/builder:1.2.3',
    script: `#!/bin/sh\nset -eu\n${'echo "one of the many lines of a script"\n'.repeat(20)}`,
    env: [{ name: 'HOME', value: '/tekton/home' }],
  })),
};

function metadata(name: string, namespace: string, owner?: { kind: string; metadata: KubeObject['metadata'] }) {
  const uid = `00000000-0000-4000-8000-${Buffer.from(`${namespace}/${name}`).toString('hex').slice(-12)}`;
  return {
    name,
    namespace,
    uid,
    creationTimestamp: times.startTime,
    labels: { 'app.kubernetes.io/managed-by': 'tekton-pipelines', team: namespace },
    annotations: { 'pipeline.tekton.dev/release': 'v0.1.0' },
    ...(owner
      ? {
          ownerReferences: [
            {
              apiVersion: 'tekton.dev/v1',
              kind: owner.kind,
              name: owner.metadata.name ?? '',
              uid: owner.metadata.uid ?? '',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        }
      : {}),
  };
}

function pipelineRun(i: number, namespace: string): PipelineRun {
  const name = `run-${String(i).padStart(6, '0')}`;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { ...metadata(name, namespace), generation: 1 },
    spec: { pipelineSpec: { tasks: TASKS.map((task) => ({ name: task, taskSpec })) } },
    status: {
      ...times,
      conditions: [succeeded],
      pipelineSpec: { tasks: TASKS.map((task) => ({ name: task, taskSpec })) },
      childReferences: TASKS.map((task) => ({
        apiVersion: 'tekton.dev/v1',
        kind: 'TaskRun',
        name: `${name}-${task}`,
        pipelineTaskName: task,
      })),
    },
  };
}

function taskRun(parent: PipelineRun, task: string): TaskRun {
  const { name = '', namespace = '' } = parent.metadata;
  const own = metadata(`${name}-${task}`, namespace, { kind: 'PipelineRun', metadata: parent.metadata });
  const labels = { ...own.labels, 'tekton.dev/pipelineRun': name, 'tekton.dev/pipelineTask': task };
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { ...own, labels, generation: 1 },
    spec: { taskSpec, params: [{ name: 'revision', value: 'main' }], serviceAccountName: 'default', timeout: '1h0m0s' },
    status: {
      ...times,
      conditions: [succeeded],
      podName: `${name}-${task}-pod`,
      taskSpec,
      results: [{ name: 'commit', type: 'string', value: '5f71df9fd1965f71df9fd1965f71df9fd1965f71' }],
      steps: taskSpec.steps.map((step) => ({
        name: step.name,
        container: `step-${step.name}`,
        imageID: `registry.example.com/team/builder@sha256:${'a'.repeat(64)}`,
        terminated: { exitCode: 0, reason: 'Completed', startedAt: times.startTime, finishedAt: times.completionTime },
      })),
    },
  };
}

function pod(run: TaskRun): Pod {
  const { name = '', namespace = '' } = run.metadata;
  const own = metadata(`${name}-pod`, namespace, { kind: 'TaskRun', metadata: run.metadata });
  const container = ({ name: step, image, script, env }: (typeof taskSpec.steps)[number]) => ({
    name: `step-${step}`,
    image,
    command: ['/tekton/bin/entrypoint'],
    args: ['-post_file', '/tekton/run/0/out', '-entrypoint', '/tekton/scripts/script', '--', script],
    env,
    resources: {},
    terminationMessagePath: '/tekton/termination',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    volumeMounts: ['run', 'bin', 'home', 'results', 'steps'].map((volume) => ({
      name: `tekton-internal-${volume}`,
      mountPath: `/tekton/${volume}`,
    })),
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...own, labels: { ...own.labels, 'tekton.dev/taskRun': name } },
    spec: {
      containers: taskSpec.steps.map(container),
      restartPolicy: 'Never',
      serviceAccountName: 'default',
      volumes: ['run', 'bin', 'home', 'results', 'steps'].map((volume) => ({
        name: `tekton-internal-${volume}`,
        emptyDir: {},
      })),
    },
    status: {
      phase: 'Succeeded',
      startTime: times.startTime,
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: times.startTime }],
      containerStatuses: taskSpec.steps.map(({ name: step, image }) => ({
        name: `step-${step}`,
        image,
        imageID: `registry.example.com/team/builder@sha256:${'a'.repeat(64)}`,
        ready: false,
        restartCount: 0,
        state: { terminated: { exitCode: 0, reason: 'Completed', ...timesOfContainer } },
      })),
    },
  };
}

const timesOfContainer = { startedAt: times.startTime, finishedAt: times.completionTime };
