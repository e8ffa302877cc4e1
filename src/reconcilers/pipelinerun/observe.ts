import type { Pipeline } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Task } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import { needsPipeline } from '../../core/pipelinerun/pipeline.ts';
import { tasksToResolve } from '../../core/pipelinerun/plan.ts';
import type { PipelineRunFacts, Resolution } from '../../core/pipelinerun/types.ts';
import type { Settings } from '../../core/settings.ts';
import { isNotFound, type KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { byController } from '../../kube/owners.ts';
import type { Store } from '../../kube/store.ts';

export interface PipelineRunStores {
  pipelineRuns: Pick<Store<PipelineRun>, 'get' | 'observeWrite'>;
  taskRuns: Pick<Store<TaskRun>, 'byIndex' | 'observeWrite'>;
  pipelines: Pick<Store<Pipeline>, 'find'>;
  tasks: Pick<Store<Task>, 'find'>;
}

export interface Observing {
  client: Pick<KubeClient, 'get'>;
  stores: PipelineRunStores;
  settings: Settings;
  now: Date;
}

/**
 * Everything that planning needs to know of a run, as the controller began to act on it: from the caches, in time that
 * grows with the run's own children only.
 */
export async function observe(
  storedRun: PipelineRun,
  { client, stores, settings, now }: Observing,
  signal: AbortSignal,
): Promise<PipelineRunFacts> {
  const { run, change } = asRecorded(storedRun);
  const { namespace, uid = '' } = run.metadata;
  const begun = run.status?.startTime !== undefined;
  const name = needsPipeline(run);
  const pipeline =
    name === undefined
      ? undefined
      : await find(
          client,
          begun ? stores.pipelines : undefined,
          pipelines as Resource<Pipeline>,
          [namespace, name],
          signal,
        );
  const facts = {
    run,
    ...(change ? { specChange: change } : {}),
    settings,
    ...(pipeline === undefined
      ? {}
      : { pipeline: map(pipeline, ({ metadata, spec }) => ({ name: metadata.name ?? '', metadata, spec })) }),
    taskRuns: stores.taskRuns.byIndex(byController, uid),
  };
  const resolutions = await Promise.all(
    tasksToResolve(facts, now).map(async (task) => {
      const found = await find(
        client,
        begun ? stores.tasks : undefined,
        tasks as Resource<Task>,
        [namespace, task],
        signal,
      );
      return [task, map(found, ({ metadata, spec }) => ({ name: metadata.name ?? '', metadata, spec }))] as const;
    }),
  );
  return { ...facts, tasks: new Map(resolutions) };
}

/**
 * From the cache, but for a run that has not begun from the API server: a definition that was changed a moment before
 * its run was created must count. What the cache lacks may only be too new for it.
 */
async function find<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  store: Pick<Store<T>, 'find'> | undefined,
  resource: Resource<T>,
  [namespace, name]: [string | undefined, string],
  signal: AbortSignal,
): Promise<Resolution<T>> {
  const cached = store?.find(namespace, name);
  if (cached !== undefined) return { kind: 'resolved', value: cached };
  try {
    return { kind: 'resolved', value: await client.get(resource, namespace, name, { signal }) };
  } catch (error) {
    if (isNotFound(error)) return { kind: 'failed', message: error.message };
    throw error;
  }
}

function map<T, R>(resolution: Resolution<T>, change: (value: T) => R): Resolution<R> {
  return resolution.kind === 'resolved' ? { kind: 'resolved', value: change(resolution.value) } : resolution;
}
