import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { bundledProgram } from '../../hack/built-sources.ts';
import { command } from '../../hack/command.ts';
import { accessFlags, programPath, type Target } from '../../hack/deploy/pick-cluster.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { controllerSelector } from './installation.ts';

const deployment = 'deployment/tekton-pipelines-controller';

/**
 * The controller as a process of this machine, with the rights of its ServiceAccount, in place of the Deployment: only
 * so can a test kill it as often as it likes (kubelet would back off between restarts).
 */
export class ControllerProcess {
  readonly #target: Target;
  readonly #folder: string;
  readonly #program: string;
  readonly #kubectl: string;
  readonly #images: string[];
  #child: ChildProcess | undefined;
  #log = '';
  starts = 0;

  private constructor(target: Target, folder: string, program: string, kubectl: string, images: string[]) {
    this.#target = target;
    this.#folder = folder;
    this.#program = program;
    this.#kubectl = kubectl;
    this.#images = images;
  }

  /** Stops the Deployment's pods and prepares a process in their place. */
  static async takeOver(target: Target): Promise<ControllerProcess> {
    const kubectl = await programPath(target, 'kubectl');
    const call = (...args: string[]) =>
      command([kubectl, ...accessFlags(target, 'kubectl'), '--namespace', systemNamespace, ...args]);
    const args = JSON.parse(
      await call('get', deployment, '-o', 'jsonpath={.spec.template.spec.containers[0].args}'),
    ) as string[];
    await call('scale', deployment, '--replicas=0');
    await call('wait', 'pods', `--selector=${controllerSelector}`, '--for=delete', '--timeout=60s');
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-controller-'));
    const token = (await call('create', 'token', 'tekton-pipelines-controller', '--duration=1h')).trim();
    await writeFile(
      path.join(folder, 'kubeconfig'),
      withToken(await call('config', 'view', '--raw', '--minify', '-o', 'json'), token),
      { mode: 0o600 },
    );
    return new ControllerProcess(
      target,
      folder,
      await bundledProgram(),
      kubectl,
      args.filter((arg) => arg.includes('-image=') || arg.includes('-mirror=')),
    );
  }

  /** Starts the process; it holds the leases of the one before, so that it goes on at once. */
  start(): void {
    this.starts += 1;
    const env = {
      ...process.env,
      SYSTEM_NAMESPACE: systemNamespace,
      POD_NAME: 'controller-process',
      METRICS_PROMETHEUS_PORT: '0',
      PROBES_PORT: '0',
    };
    const args = [
      this.#program,
      'controller',
      `--kubeconfig=${path.join(this.#folder, 'kubeconfig')}`,
      ...this.#images,
    ];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString('utf8')).slice(-2_000_000)));
    this.#child = child;
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends the process with the given signal and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) throw new Error(`the controller ended by itself:\n${this.#log}`);
    const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    this.#child = undefined;
    return gone;
  }

  /** Ends the process, if any, and gives the work back to the Deployment. */
  async handBack(): Promise<void> {
    if (this.#child) await this.end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
    const call = [this.#kubectl, ...accessFlags(this.#target, 'kubectl'), '--namespace', systemNamespace];
    await command([...call, 'scale', deployment, '--replicas=1']);
    await command([...call, 'rollout', 'status', deployment, '--timeout=120s']);
  }

  get log(): string {
    return this.#log;
  }
}

interface Kubeconfig {
  users: { name: string; user: Record<string, unknown> }[];
}

function withToken(kubeconfig: string, token: string): string {
  const parsed = JSON.parse(kubeconfig) as Kubeconfig;
  return stringify({ ...parsed, users: parsed.users.map(({ name }) => ({ name, user: { token } })) });
}
