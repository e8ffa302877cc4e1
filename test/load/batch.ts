import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { isDone, isSuccessful } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { silentLogger } from '../../src/log.ts';

export const pipelineRunResource = pipelineRuns;

/** Creates at the same time; more would only wait for connections. */
const CREATORS = 16;

/** Follows PipelineRuns to their end. */
export class RunFollower {
  /** Seconds from the follower's start to the end of each run, by key. */
  readonly ends = new Map<string, number>();
  readonly failed: string[] = [];
  readonly #informer: Informer<PipelineRun>;
  readonly #began = performance.now();
  readonly #stop = new AbortController();

  /** Without a namespace: the runs of all. */
  constructor(client: KubeClient, namespace?: string) {
    this.#informer = new Informer<PipelineRun>({
      client,
      namespace,
      resource: pipelineRunResource,
      transform: ({ metadata: { name, namespace, uid, resourceVersion }, status }) => ({
        metadata: { name, namespace, uid, resourceVersion },
        spec: {},
        status: { conditions: status?.conditions },
      }),
      log: silentLogger,
    });
    this.#informer.onChange(({ type, key, object }) => {
      if (type === 'deleted' || !isDone(object.status) || this.ends.has(key)) return;
      this.ends.set(key, (performance.now() - this.#began) / 1000);
      if (!isSuccessful(object.status)) this.failed.push(`${key}: ${JSON.stringify(object.status?.conditions)}`);
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(AbortSignal.any([signal, this.#stop.signal]));
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Waits until so many runs have ended. */
  async ended(count: number, timeoutMs: number): Promise<void> {
    for (const end = Date.now() + timeoutMs; Date.now() < end;) {
      if (this.ends.size >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${this.ends.size} of ${count} PipelineRuns ended within ${timeoutMs / 1000} s`);
  }
}

/** Creates many PipelineRuns as fast as the API server takes them. */
export async function createMany(
  client: KubeClient,
  count: number,
  make: (index: number) => PipelineRun,
): Promise<void> {
  let next = 0;
  const creator = async () => {
    while (next < count) await client.create(pipelineRunResource, make(next++));
  };
  await Promise.all(Array.from({ length: CREATORS }, creator));
}
