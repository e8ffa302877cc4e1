import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { TestClient } from '../cluster-access/test-client.ts';

const cluster = path.resolve(import.meta.dirname, '../../hack/cluster');
const run = promisify(execFile);

interface Part {
  name: string;
  pid: number;
}

/**
 * A control plane of a test's own (etcd and API server), because it is going to be killed: the one that other tests
 * share must not be.
 */
export class ControlPlane {
  readonly name: string;
  readonly kubeconfig: string;

  private constructor(name: string, kubeconfig: string) {
    this.name = name;
    this.kubeconfig = kubeconfig;
  }

  static async up(name: string): Promise<ControlPlane> {
    await run(cluster, ['up', '--control-plane', '--name', name], { timeout: 110_000 });
    const { stdout } = await run(cluster, ['kubeconfig', '--name', name]);
    return new ControlPlane(name, stdout.trim());
  }

  async down(): Promise<void> {
    await run(cluster, ['down', '--name', this.name]);
  }

  async client(options: ConstructorParameters<typeof KubeClient>[1] = {}): Promise<KubeClient> {
    return new TestClient(await loadClusterConfig({ kubeconfig: this.kubeconfig }), {
      userAgent: 'kube-test',
      ...options,
    });
  }

  /** Ends the API server with this signal and starts it again; SIGKILL: without any farewell. */
  async restartApiServer(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (signal === 'SIGKILL') process.kill(await this.pid('kube-apiserver'), 'SIGKILL');
    await run(cluster, ['restart', 'kube-apiserver', '--name', this.name], { timeout: 60_000 });
  }

  /** The process of a part of it. */
  async pid(name: string): Promise<number> {
    const { stdout } = await run(cluster, ['status', '--json', '--name', this.name]).catch(
      (error: { stdout: string }) => error,
    );
    const part = (JSON.parse(stdout) as { parts: Part[] }).parts.find((p) => p.name === name);
    if (!part?.pid) throw new Error(`${name} of ${this.name} does not run`);
    return part.pid;
  }
}
