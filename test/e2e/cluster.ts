import { afterAll, beforeAll } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { runCommand } from '../../src/commands/main.ts';
import { systemEnvironment } from '../../src/commands/environment.ts';
import { isDone } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { TestClient } from '../cluster-access/test-client.ts';
import { createNamespace, deleteNamespace } from '../cluster-access/namespaces.ts';
import { waitForRun, type Run } from '../cluster-access/runs.ts';

/** A namespace of its own on the test cluster, for one test file. */
export interface Workbench {
  client: KubeClient;
  namespace: string;
  /** Creates an object in the namespace. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: Omit<T, 'metadata'> & { metadata: T['metadata'] },
  ): Promise<T>;
  /** Creates a TaskRun and waits for its end. */
  runTask(spec: TaskRun['spec'], metadata?: TaskRun['metadata']): Promise<TaskRun>;
  /** Creates a PipelineRun and waits for its end. */
  runPipeline(spec: PipelineRun['spec'], metadata?: PipelineRun['metadata']): Promise<PipelineRun>;
  startTask(spec: TaskRun['spec'], metadata?: TaskRun['metadata']): Promise<TaskRun>;
  startPipeline(spec: PipelineRun['spec'], metadata?: PipelineRun['metadata']): Promise<PipelineRun>;
  waitFor<T extends Run>(run: T, reached?: (run: T) => boolean, seconds?: number): Promise<T>;
  /** Runs a tektite command line and returns its exit status and texts. */
  tektite(...args: string[]): Promise<{ status: number; out: string; err: string }>;
}

const defaultSeconds = 60;

/** Opens a workbench before the tests of a file and removes its namespace after them. */
export function openWorkbench(prefix: string): Workbench {
  const bench = {} as Workbench;
  beforeAll(async () => {
    const client = new TestClient(await loadClusterConfig(), { userAgent: 'tektite-e2e' });
    const namespace = await createNamespace(client, prefix, AbortSignal.timeout(30_000));
    Object.assign(bench, workbench(client, namespace));
  });
  afterAll(async () => {
    if (process.env['TEKTITE_KEEP_NAMESPACES'] !== '1')
      await deleteNamespace(bench.client, bench.namespace, AbortSignal.timeout(30_000));
    await bench.client.close(true);
  });
  return bench;
}

function workbench(client: KubeClient, namespace: string): Workbench {
  const signal = () => AbortSignal.timeout(30_000);
  const create: Workbench['create'] = (resource, object) =>
    client.create(resource, { ...object, metadata: { namespace, ...object.metadata } } as never, { signal: signal() });
  const startTask: Workbench['startTask'] = (spec, metadata = { generateName: 'task-' }) =>
    create(taskRuns, { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata, spec });
  const startPipeline: Workbench['startPipeline'] = (spec, metadata = { generateName: 'pipeline-' }) =>
    create(pipelineRuns, { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata, spec });
  const waitFor: Workbench['waitFor'] = async (
    run,
    reached = (current) => isDone(current.status),
    seconds = defaultSeconds,
  ) => {
    const kind = run.kind ?? '';
    const found = await waitForRun(
      client,
      { kind, namespace, name: run.metadata.name ?? '' },
      (current) => reached(current as typeof run),
      AbortSignal.timeout(seconds * 1000),
    );
    return found as typeof run;
  };
  return {
    client,
    namespace,
    create,
    startTask,
    startPipeline,
    waitFor,
    runTask: async (spec, metadata) => waitFor(await startTask(spec, metadata)),
    runPipeline: async (spec, metadata) => waitFor(await startPipeline(spec, metadata), undefined, 2 * defaultSeconds),
    tektite: (...args) => tektite(namespace, args),
  };
}

async function tektite(namespace: string, args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const environment = systemEnvironment('test');
  const terminal = {
    ...environment.terminal,
    colour: false,
    interactive: false,
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
  };
  const status = await runCommand(
    [...args, '--namespace', namespace],
    { ...environment, terminal },
    AbortSignal.timeout(defaultSeconds * 1000),
  );
  return { status, ...said };
}
