import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { Pipeline } from '../api/pipeline/v1/pipeline.ts';
import type { Task } from '../api/pipeline/v1/task.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../api/pipeline/v1beta1/customrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../api/resources.ts';
import { resolutionRequests, type ResolutionRequest } from '../api/resolution/resolution-request.ts';
import { verificationPolicies, type VerificationPolicy } from '../api/resolution/verification-policy.ts';
import { isDone } from '../core/condition.ts';
import { labels } from '../core/labels.ts';
import { ownerOf } from '../core/retention/run.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer, type InformerOptions } from '../kube/informer.ts';
import { keyOf, type KubeObject, type Resource } from '../kube/object.ts';
import { limitRanges, pods, type LimitRange, type Pod } from '../kube/resources.ts';
import { cacheOf, type Cache } from '../kube/cache.ts';
import { byController, controllerId, controllerIndex, controllerKey } from '../kube/owners.ts';
import type { Logger } from '../log.ts';
import { unfinishedIn, unfinishedIndex } from '../reconcilers/pipelinerun/admission.ts';
import { customRunResource } from '../reconcilers/pipelinerun/children.ts';
import { isCut, keptPipelineRun, keptPod, keptRequest, keptTaskRun, type Surroundings } from './settled.ts';

/** Name of the index of runs that finds those of a namespace that are no part of another run. */
export const byOwnNamespace = 'ownNamespace';
const ownNamespaceIndex = ({ metadata }: KubeObject): string[] =>
  ownerOf(metadata) === undefined ? [metadata.namespace ?? ''] : [];

/** What the caches hold. */
interface CachesScope {
  namespaces: readonly string[];
  resyncMs?: number;
}

/** All caches of the controller and the watches that feed them. */
export class Caches {
  readonly taskRuns: Cache<TaskRun>;
  readonly pipelineRuns: Cache<PipelineRun>;
  readonly customRuns: Cache<CustomRun>;
  readonly tasks: Cache<Task>;
  readonly pipelines: Cache<Pipeline>;
  readonly pods: Cache<Pod>;
  readonly limitRanges: Cache<LimitRange>;
  readonly resolutionRequests: Cache<ResolutionRequest>;
  readonly verificationPolicies: Cache<VerificationPolicy>;
  /** In the order of their first lists: what decides how much is kept of others comes before them. */
  readonly #stages: Informer<KubeObject>[][] = [];
  readonly #client: KubeClient;
  readonly #namespaces: readonly string[];
  readonly #resyncMs: number | undefined;
  readonly #log: Logger;

  /** `namespaces` empty: all of them. Without `resyncMs` nothing is looked at again by the clock. */
  constructor(client: KubeClient, { namespaces, resyncMs }: CachesScope, log: Logger) {
    this.#client = client;
    this.#namespaces = namespaces;
    this.#resyncMs = resyncMs;
    this.#log = log;
    const around: Surroundings = {
      pipelineRun: (namespace, name) => this.pipelineRuns.find(namespace, name),
      taskRun: (namespace, name) => this.taskRuns.find(namespace, name),
      pod: (namespace, name) => this.pods.find(namespace, name),
    };
    this.#stages.push([]);
    this.pipelineRuns = this.#cache(pipelineRuns, {
      transform: (run) => keptPipelineRun(run, around),
      indexes: { [byOwnNamespace]: ownNamespaceIndex, [unfinishedIn]: unfinishedIndex },
    });
    this.tasks = this.#cache(tasks);
    this.pipelines = this.#cache(pipelines);
    this.limitRanges = this.#cache(limitRanges);
    this.customRuns = this.#cache(customRunResource);
    this.verificationPolicies = this.#cache(verificationPolicies);
    this.resolutionRequests = this.#cache(resolutionRequests, { transform: keptRequest });
    this.#stages.push([]);
    this.taskRuns = this.#cache(taskRuns, {
      transform: (run) => keptTaskRun(run, around),
      indexes: { [byOwnNamespace]: ownNamespaceIndex },
    });
    this.#stages.push([]);
    // Only pods of TaskRuns: a cluster's other pods are none of our business, and many.
    this.pods = this.#cache(pods, { labelSelector: labels.taskRun, transform: (pod) => keptPod(pod, around) });
    this.#trimWhatIsSettled();
  }

  /** Runs all watches until the signal is aborted. Rejects when a change handler threw. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const running: Promise<void>[] = [];
    try {
      for (const stage of this.#stages) {
        running.push(...stage.map((informer) => informer.run(either)));
        await Promise.race([this.#synced(stage, either), ...running]);
      }
      await Promise.all(running);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      ended.abort();
      await Promise.allSettled(running);
    }
  }

  /** Resolves when every cache holds its first list. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#stages.map((stage) => this.#synced(stage, signal)));
  }

  async #synced(stage: readonly Informer<KubeObject>[], signal: AbortSignal): Promise<void> {
    await Promise.all(stage.map((informer) => informer.synced(signal)));
  }

  /** A run that ends settles others: a PipelineRun its TaskRuns, a TaskRun its pods, a pod the TaskRun it served. */
  #trimWhatIsSettled(): void {
    this.pipelineRuns.subscribe(({ object }) => {
      if (!isDone(object.status)) return;
      this.#trim(this.taskRuns, 'PipelineRun', object);
      this.#trim(this.pipelineRuns, 'PipelineRun', object);
    });
    this.taskRuns.subscribe(({ object }) => {
      if (isDone(object.status)) this.#trim(this.pods, 'TaskRun', object);
    });
    this.pods.subscribe(({ object }) => {
      const owner = controllerKey(object, 'TaskRun');
      if (owner !== undefined && isDone(this.taskRuns.get(owner)?.status)) this.taskRuns.trim(owner);
    });
  }

  #trim<T extends KubeObject>(cache: Cache<T>, kind: string, { metadata: { uid } }: KubeObject): void {
    for (const child of cache.byIndex(byController, controllerId({ apiVersion: 'tekton.dev/v1', kind, uid })))
      if (!isCut(child)) cache.trim(keyOf(child));
  }

  #cache<T extends KubeObject>(
    resource: Resource<T>,
    options: Pick<InformerOptions<T>, 'labelSelector' | 'transform' | 'indexes'> = {},
  ): Cache<T> {
    const informer = (namespace: string | undefined) => {
      const made = new Informer<T>({
        client: this.#client,
        resource,
        namespace,
        ...options,
        indexes: { [byController]: controllerIndex, ...options.indexes },
        ...(this.#resyncMs === undefined ? {} : { resyncMs: this.#resyncMs }),
        log: this.#log,
      });
      this.#stages.at(-1)?.push(made as unknown as Informer<KubeObject>);
      return made.store;
    };
    return cacheOf(this.#namespaces, informer);
  }
}
