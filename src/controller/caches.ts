import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { Pipeline } from '../api/pipeline/v1/pipeline.ts';
import type { Task } from '../api/pipeline/v1/task.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../api/resources.ts';
import { labels } from '../core/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { limitRanges, pods, type LimitRange, type Pod } from '../kube/resources.ts';
import { NamespacesCache, type Cache } from '../kube/cache.ts';
import { byController, controllerIndex } from '../kube/owners.ts';
import type { Logger } from '../log.ts';

/** All caches of the controller and the watches that feed them. */
export class Caches {
  readonly taskRuns: Cache<TaskRun>;
  readonly pipelineRuns: Cache<PipelineRun>;
  readonly tasks: Cache<Task>;
  readonly pipelines: Cache<Pipeline>;
  readonly pods: Cache<Pod>;
  readonly limitRanges: Cache<LimitRange>;
  readonly #informers: Informer<KubeObject>[] = [];
  readonly #client: KubeClient;
  readonly #namespaces: readonly string[];
  readonly #log: Logger;

  /** `namespaces` empty: all of them. */
  constructor(client: KubeClient, namespaces: readonly string[], log: Logger) {
    this.#client = client;
    this.#namespaces = namespaces;
    this.#log = log;
    this.taskRuns = this.#cache(taskRuns as Resource<TaskRun>);
    this.pipelineRuns = this.#cache(pipelineRuns as Resource<PipelineRun>);
    this.tasks = this.#cache(tasks as Resource<Task>);
    this.pipelines = this.#cache(pipelines as Resource<Pipeline>);
    // Only pods of TaskRuns: a cluster's other pods are none of our business, and many.
    this.pods = this.#cache(pods, labels.taskRun);
    this.limitRanges = this.#cache(limitRanges);
  }

  /** Runs all watches until the signal is aborted. Rejects when a change handler threw. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  /** Resolves when every cache holds its first list. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }

  #cache<T extends KubeObject>(resource: Resource<T>, labelSelector?: string): Cache<T> {
    const informer = (namespace: string | undefined) => {
      const made = new Informer<T>({
        client: this.#client,
        resource,
        namespace,
        labelSelector,
        indexes: { [byController]: controllerIndex },
        log: this.#log,
      });
      this.#informers.push(made as unknown as Informer<KubeObject>);
      return made.store;
    };
    const [only, ...others] = this.#namespaces;
    if (only === undefined || others.length === 0) return informer(only);
    return new NamespacesCache(new Map(this.#namespaces.map((namespace) => [namespace, informer(namespace)])));
  }
}
