import type { Condition } from '../../src/api/meta.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';

export type Run = TaskRun | PipelineRun;

const resources: Record<string, Resource> = {
  TaskRun: taskRuns,
  PipelineRun: pipelineRuns,
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
      for await (const state of states(client, resource, current, signal)) {
        last = succeededCondition(state.status);
        if (reached(state)) return state;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`${run.kind} ${run.namespace}/${run.name} did not get there in time; it says: ${describe(last)}`, {
      cause: error,
    });
  }
}

/** The run as it is now and after each change, until the watch ends. */
async function* states(
  client: KubeClient,
  resource: Resource,
  current: KubeObject,
  signal: AbortSignal,
): AsyncGenerator<Run> {
  const { namespace, name, resourceVersion = '' } = current.metadata;
  yield current as unknown as Run;
  for await (const event of client.watch(resource, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
    signal,
  })) {
    if (event.type === 'DELETED') throw new Error(`${resource.kind} ${namespace}/${name} was deleted`);
    if (event.type === 'ADDED' || event.type === 'MODIFIED') yield event.object as unknown as Run;
  }
}

export function waitForEnd(
  client: KubeClient,
  run: { kind: string; namespace: string; name: string },
  signal: AbortSignal,
): Promise<Run> {
  return waitForRun(client, run, (current) => isDone(current.status), signal);
}

/** A condition in one line. */
export function describe(condition: Condition | undefined): string {
  if (!condition) return 'no condition yet: is the controller running?';
  return `${condition.status} ${condition.reason ?? ''}: ${condition.message ?? ''}`;
}
