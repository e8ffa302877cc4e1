import { expect, vi } from 'vitest';
import type { KubeClient } from '../../src/kube/client.ts';
import { nodes, pods, type Pod } from '../../src/kube/resources.ts';
import type { Workbench } from './cluster.ts';
import type { Installation } from './installation.ts';

const label = 'dying';
const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/** For a pod that wants the node, takes another when it must, and is evicted at once, not after five minutes. */
export const podTemplateForIt = {
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, preference: { matchExpressions: [{ key: label, operator: 'Exists' }] } },
      ],
    },
  },
  tolerations: [
    { key: label, operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 },
  ],
};

/**
 * A node that dies while a step runs on it. The test is its kubelet, up to the moment of its death: a second real one
 * would need a machine of its own. All that comes after is the cluster's own doing: the node controller misses the
 * kubelet and taints the node, the pod is evicted from it, and the collector of pods removes it.
 */
export class DyingNode {
  readonly name = `dying-${process.pid}`;
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #installation: Installation;

  constructor({ client, namespace }: Workbench, installation: Installation) {
    this.#client = client;
    this.#namespace = namespace;
    this.#installation = installation;
  }

  /** It can take pods from now on. */
  async begin(): Promise<void> {
    await this.end();
    const labels = { 'kubernetes.io/hostname': this.name, [label]: 'yes' };
    // Pods of tests beside this one would die with it.
    const spec = { taints: [{ key: label, effect: 'NoSchedule' }] };
    await this.#client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: this.name, labels }, spec });
    const room = { cpu: '4', memory: '8Gi', pods: '10', 'ephemeral-storage': '10Gi' };
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now() };
    await this.#patchStatus('node', this.name, { capacity: room, allocatable: room, conditions: [ready] });
    // The cluster's own taint of a node that is not ready is gone.
    const taints = async () => (await this.#client.get(nodes, '', this.name)).spec?.taints?.map(({ key }) => key);
    await vi.waitFor(async () => expect(await taints()).toEqual([label]), { timeout: 30_000, interval: 200 });
  }

  /** The last that is heard of it: its pod's only step runs. */
  async lastWords(podName: string, step: string): Promise<void> {
    await vi.waitFor(async () => expect((await this.#pod(podName)).spec?.nodeName).toBe(this.name), {
      timeout: 20_000,
      interval: 200,
    });
    const said = (name: string, state: object) => ({
      ...{ name, state, image: 'x', imageID: '', restartCount: 0, ready: true },
      started: 'running' in state,
    });
    await this.#patchStatus('pod', podName, {
      phase: 'Running',
      startTime: now(),
      conditions: ['Initialized', 'Ready', 'PodScheduled'].map((type) => ({ type, status: 'True' })),
      initContainerStatuses: [said('prepare', { terminated: { exitCode: 0, reason: 'Completed' } })],
      containerStatuses: [said(step, { running: { startedAt: now() } })],
    });
  }

  /** The cluster gives it up, and evicts the pod. */
  async missed(podName: string): Promise<void> {
    const isEvicted = async () => expect((await this.#pod(podName)).metadata.deletionTimestamp).toBeDefined();
    await vi.waitFor(isEvicted, { timeout: 150_000, interval: 500 });
  }

  /** What whoever has switched the machine off tells the cluster, which then need not wait for its kubelet. */
  async switchedOff(): Promise<void> {
    await this.#installation.kubectl(['taint', 'node', this.name, 'node.kubernetes.io/out-of-service=off:NoExecute']);
  }

  async end(): Promise<void> {
    await this.#client.delete(nodes, '', this.name).catch(() => undefined);
  }

  #pod(name: string): Promise<Pod> {
    return this.#client.get(pods, this.#namespace, name);
  }

  async #patchStatus(kind: string, name: string, status: object): Promise<void> {
    await this.#installation.kubectl([
      ...['--namespace', this.#namespace, 'patch', kind, name, '--subresource=status', '--type=merge'],
      ...['--patch', JSON.stringify({ status })],
    ]);
  }
}
