import type { Condition } from '../../src/api/meta.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';

export type Run = TaskRun | PipelineRun;

const resources: Record<string, Resource> = {
  TaskRun: taskRuns as unknown as Resource,
  PipelineRun: pipelineRuns as unknown as Resource,
};

export function runResource(kind: string): Resource {
  const resource = resources[kind];
  if (!resource) throw new Error(`${kind} is not a kind of run; runs are ${Object.keys(resources).join(' and ')}`);
  return resource;
}

/**
 * Watches one run until `reached` holds and returns it as it was then.
 * @throws when the signal is aborted first: the error says what the run's condition was.
 */
export async function waitForRun(
  client: KubeClient,
  run: { kind: string; namespace: string; name: string },
  reached: (run: Run) => boolean,
  signal: AbortSignal,
): Promise<Run> {
  const resource = runResource(run.kind);
  let last: Condition | undefined;
  try {
    for (;;) {
      const current = await client.get(resource, run.namespace, run.name, { signal });
      const found = await watchRun(client, resource, current, reached, signal, (condition) => (last = condition));
      if (found) return found;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`${run.kind} ${run.namespace}/${run.name} did not get there in time; it says: ${describe(last)}`, { cause: error });
  }
}

async function watchRun(
  client: KubeClient,
  resource: Resource,
  current: KubeObject,
  reached: (run: Run) => boolean,
  signal: AbortSignal,
  seen: (condition: Condition | undefined) => void,
): Promise<Run | undefined> {
  const { namespace, name, resourceVersion = '' } = current.metadata;
  const asRun = (object: KubeObject) => object as unknown as Run;
  seen(succeededCondition(asRun(current).status));
  if (reached(asRun(current))) return asRun(current);
  const selection = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion, signal };
  for await (const event of client.watch(resource, selection)) {
    if (event.type === 'DELETED') throw new Error(`${resource.kind} ${namespace}/${name} was deleted`);
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    const object = asRun(event.object as unknown as KubeObject);
    seen(succeededCondition(object.status));
    if (reached(object)) return object;
  }
  return undefined;
}

export function waitForEnd(client: KubeClient, run: { kind: string; namespace: string; name: string }, signal: AbortSignal): Promise<Run> {
  return waitForRun(client, run, (current) => isDone(current.status), signal);
}

/** A condition in one line. */
export function describe(condition: Condition | undefined): string {
  if (!condition) return 'no condition yet: is the controller running?';
  return `${condition.status} ${condition.reason ?? ''}: ${condition.message ?? ''}`;
}
