import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { bundledProgram } from '../../hack/built-sources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { pathOf, type KubeObject, type Resource } from '../../src/kube/object.ts';
import { configMaps, namespaces, secrets, serviceAccounts } from '../../src/kube/resources.ts';
import { rbacKinds } from '../rbac.ts';
import type { ControlPlane } from './kube-control-plane.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
export const systemNamespace = 'tekton-chains';

const installed: Readonly<Record<string, Resource>> = {
  ...rbacKinds,
  Namespace: namespaces,
  Secret: secrets,
  ConfigMap: configMaps,
  ServiceAccount: serviceAccounts,
};

/** What the chart installs for Chains, its pods aside (there is no kubelet here). */
export async function installChains(client: KubeClient): Promise<void> {
  const { stdout: helm } = await run(path.join(root, 'hack/cluster'), ['tool', 'helm'], { timeout: 110_000 });
  const { stdout } = await run(
    helm.trim(),
    [
      'template',
      'tektite',
      'config/chart',
      '--namespace',
      'tekton-pipelines',
      '--set',
      'chains.enabled=true',
      '--show-only',
      'templates/chains.yaml',
    ],
    { cwd: root },
  );
  for (const document of parseAllDocuments(stdout)) {
    const object = document.toJS() as KubeObject | null;
    const resource = installed[object?.kind ?? ''];
    if (!object || !resource) continue;
    await client.patch(resource, object.metadata.namespace, object.metadata.name ?? '', {
      type: 'apply',
      body: object,
      fieldManager: 'test',
      force: true,
    });
  }
}

/** The chains role as a process of its own, with the rights of its ServiceAccount. */
export class ChainsProcess {
  readonly #folder: string;
  readonly #program: string;
  #child: ChildProcess | undefined;
  #log = '';
  #signed = 0;
  /** Of the process, over the test's own; read when it starts. */
  environment: Readonly<Record<string, string>> = {};

  private constructor(folder: string, program: string) {
    this.#folder = folder;
    this.#program = program;
  }

  static async prepare(plane: ControlPlane, client: KubeClient): Promise<ChainsProcess> {
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-chains-'));
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const account = { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true };
    const answer = await client.raw('POST', pathOf(account, systemNamespace, 'tekton-chains-controller', 'token'), {
      body: JSON.stringify(request),
      contentType: 'application/json',
    });
    const {
      status: { token },
    } = JSON.parse(answer) as { status: { token: string } };
    const { server } = await loadClusterConfig({ kubeconfig: plane.kubeconfig });
    const ca = /certificate-authority-data: (\S+)/.exec(readFileSync(plane.kubeconfig, 'utf8'))?.[1];
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [
        {
          name: 'c',
          cluster: {
            server: server.href,
            ...(ca ? { 'certificate-authority-data': ca } : { 'insecure-skip-tls-verify': true }),
          },
        },
      ],
      users: [{ name: 'u', user: { token } }],
    };
    await writeFile(path.join(folder, 'kubeconfig'), stringify(kubeconfig), { mode: 0o600 });
    // As users run it: the sources would need the memory of a compiler.
    return new ChainsProcess(folder, await bundledProgram());
  }

  /** Starts it; it holds the leases of the one before. */
  start(...flags: string[]): void {
    const env = {
      ...process.env,
      SYSTEM_NAMESPACE: systemNamespace,
      POD_NAME: 'chains-process',
      METRICS_PROMETHEUS_PORT: '0',
      PROBES_PORT: '0',
      ...this.environment,
    };
    const child = spawn(
      process.execPath,
      [this.#program, 'chains', `--kubeconfig=${path.join(this.#folder, 'kubeconfig')}`, ...flags],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#signed = 0;
    createInterface(child.stdout).on('line', (line) => {
      if (line.includes('"message":"signed"')) this.#signed += 1;
      this.#log = `${this.#log}${line}\n`.slice(-200_000);
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#log += chunk.toString('utf8')));
    this.#child = child;
  }

  /** Runs signed since the last start. */
  get signed(): number {
    return this.#signed;
  }
  get log(): string {
    return this.#log;
  }

  async ready(): Promise<void> {
    for (const end = Date.now() + 30_000; Date.now() < end;) {
      if (this.#log.includes('"ready"')) return;
      if (this.#child?.exitCode !== null) throw new Error(`chains ended:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`chains does not get ready:\n${this.#log}`);
  }

  /** The most memory it has had, in MiB. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  /** Processor time it has used, in seconds. */
  processorTime(): number {
    const fields = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    if (child.exitCode !== null) throw new Error(`chains ended by itself:\n${this.#log}`);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
