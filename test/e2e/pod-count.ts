import type { KubeClient } from '../../src/kube/client.ts';
import { pods } from '../../src/kube/resources.ts';

/** Watches a namespace and counts the pods ever made for each TaskRun. */
export class PodCount {
  readonly #stop = new AbortController();
  readonly #uids = new Map<string, Set<string>>();
  readonly #counting: Promise<void>;

  constructor(client: KubeClient, namespace: string) {
    this.#counting = this.#count(client, namespace);
    this.#counting.catch(() => undefined); // reported by end()
  }

  /**
   * Stops counting: how many pods each TaskRun ever had. Rejects when the watch broke, as something may have been
   * missed.
   */
  async end(): Promise<Record<string, number>> {
    this.#stop.abort();
    await this.#counting;
    return Object.fromEntries([...this.#uids].map(([taskRun, uids]) => [taskRun, uids.size]));
  }

  async #count(client: KubeClient, namespace: string): Promise<void> {
    try {
      for await (const event of client.watch(pods, { namespace, resourceVersion: '0', signal: this.#stop.signal })) {
        if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
        const taskRun = event.object.metadata.labels?.['tekton.dev/taskRun'] ?? '';
        this.#uids.set(taskRun, (this.#uids.get(taskRun) ?? new Set()).add(event.object.metadata.uid ?? ''));
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
    if (!this.#stop.signal.aborted) throw new Error('the watch of pods ended before the test');
  }
}
