import { rm, writeFile } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command } from '../../hack/command.ts';
import { accessFlags, programPath, type Target } from '../../hack/deploy/pick-cluster.ts';
import { systemNamespace, untilAdmitted } from '../../hack/deploy/install.ts';
import { sealSecretName } from '../../src/chains/role/seal-key.ts';
import { signingSecretName } from '../../src/chains/signing/file-key.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { pods, type Pod } from '../../src/kube/resources.ts';
import { testCluster } from './setup.ts';

const deployment = 'deployment/tekton-pipelines-controller';
/** The controller's pods; Triggers has one of that name too. */
export const controllerSelector = 'app.kubernetes.io/name=controller,app.kubernetes.io/part-of=tekton-pipelines';

/** Tektite as it is installed on the test cluster, and the operator's tools to change that. */
export class Installation {
  readonly target: Target;
  readonly #kubectl: string;
  readonly #helm: string;
  readonly #folder: string;
  /** The values that the end-to-end setup installed with. */
  readonly values: string;

  private constructor(target: Target, programs: { kubectl: string; helm: string }, folder: string, values: string) {
    this.target = target;
    this.#kubectl = programs.kubectl;
    this.#helm = programs.helm;
    this.#folder = folder;
    this.values = values;
  }

  static async open(): Promise<Installation> {
    const target = await testCluster();
    const [kubectl, helm] = await Promise.all([programPath(target, 'kubectl'), programPath(target, 'helm')]);
    const values = await command([
      helm,
      ...accessFlags(target, 'helm'),
      'get',
      'values',
      'tektite',
      '--namespace',
      systemNamespace,
      '--output',
      'yaml',
    ]);
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-e2e-'));
    await writeFile(path.join(folder, 'values.yaml'), values);
    return new Installation(target, { kubectl, helm }, folder, values);
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  /** kubectl in the system namespace (a later --namespace wins). */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return command(
      [this.#kubectl, ...accessFlags(this.target, 'kubectl'), '--namespace', systemNamespace, ...args],
      input === undefined ? {} : { input },
    );
  }

  /** kubectl with a file of objects that each name their namespace: the resolvers have one of their own. */
  kubectlOn(file: string, args: readonly string[], input?: string): Promise<string> {
    return command(
      [this.#kubectl, ...accessFlags(this.target, 'kubectl'), ...args, '--filename', file],
      input === undefined ? {} : { input },
    );
  }

  helm(...args: string[]): Promise<string> {
    return command([this.#helm, ...accessFlags(this.target, 'helm'), '--namespace', systemNamespace, ...args]);
  }

  /** Upgrades the release to the setup's values and these; without any, back to what the setup left. */
  async upgrade(values: Readonly<Record<string, string | object>> = {}, chart = 'config/chart'): Promise<void> {
    const set = Object.entries(values).flatMap(([key, value]) =>
      typeof value === 'string' ? ['--set', `${key}=${value}`] : ['--set-json', `${key}=${JSON.stringify(value)}`],
    );
    await this.helm(
      'upgrade',
      '--install',
      'tektite',
      chart,
      '--take-ownership',
      '--force-conflicts',
      '--wait',
      '--timeout',
      '3m',
      // It reads all of them each time.
      '--history-max',
      '2',
      '--values',
      path.join(this.#folder, 'values.yaml'),
      ...set,
    );
    await this.settled();
  }

  /** As the README says of taking Chains away for good: nobody else takes its finalizers off the runs that it holds. */
  async releaseRuns(): Promise<void> {
    const access = accessFlags(this.target, 'kubectl');
    await command([process.execPath, 'src/cli.ts', ...access, 'chains', 'release', '--all-namespaces']);
  }

  /**
   * Back to what the setup left, after tests that gave Chains a key. Without its seal Chains is as it was installed: it
   * touches no run of other tests, and holds none that they delete.
   */
  async upgradeWithoutKey(): Promise<void> {
    const inChains = (...args: string[]) => this.kubectl(['--namespace', 'tekton-chains', ...args]);
    await inChains('delete', 'secret', signingSecretName, sealSecretName, '--ignore-not-found');
    // cosign made it anew, and immutable: an upgrade leaves such a one alone.
    await inChains('create', 'secret', 'generic', signingSecretName);
    await this.upgrade();
    await inChains('rollout', 'restart', 'deployment/tekton-chains-controller');
    await inChains('rollout', 'status', 'deployment/tekton-chains-controller', '--timeout=120s');
    await this.releaseRuns();
  }

  /** Waits until controller and webhook have rolled out, the webhook answers, and replaced controllers are gone. */
  async settled(): Promise<void> {
    const webhook = await this.kubectl([
      'get',
      'deployment/tekton-pipelines-webhook',
      '--ignore-not-found',
      '-o',
      'name',
    ]);
    for (const name of [deployment, webhook.trim()].filter(Boolean))
      await this.kubectl(['rollout', 'status', name, '--timeout=120s']);
    await untilAdmitted(this.target);
    const wanted = Number(await this.kubectl(['get', deployment, '-o', 'jsonpath={.spec.replicas}']));
    for (let left = 240; left > 0; left -= 1) {
      const names = (await this.kubectl(['get', 'pods', '--selector', controllerSelector, '-o', 'name']))
        .trim()
        .split('\n')
        .filter(Boolean);
      if (names.length === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`the controller's old pods did not go within a minute`);
  }
}

/** The controller's pods that are not going. */
export async function controllerPods(client: KubeClient): Promise<Pod[]> {
  const { items } = await client.list(pods, { namespace: systemNamespace, labelSelector: controllerSelector });
  return items.filter((pod) => !pod.metadata.deletionTimestamp);
}

/** One metric's samples: labels in braces as Prometheus writes them, "" without. */
export type Samples = Map<string, number>;

/**
 * Reads /metrics of every controller pod through the API server and adds the replicas' samples up, by name and labels.
 */
export async function scrape(client: KubeClient): Promise<Samples> {
  const total: Samples = new Map();
  for (const pod of await controllerPods(client)) {
    const text = await throughProxy(client, pod, 9090, '/metrics');
    for (const line of text.split('\n')) {
      const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) ([^ ]+)$/.exec(line);
      if (match?.[1]) total.set(match[1], (total.get(match[1]) ?? 0) + Number(match[2]));
    }
  }
  return total;
}

export function throughProxy(client: KubeClient, pod: Pod, port: number, pathname: string): Promise<string> {
  return client.raw('GET', `/api/v1/namespaces/${systemNamespace}/pods/${pod.metadata.name}:${port}/proxy${pathname}`, {
    accept: '*/*',
  });
}

/** The sum of a metric's samples whose labels hold all of these. */
export function sum(samples: Samples, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return [...samples]
    .filter(
      ([sample]) =>
        (sample === name || sample.startsWith(`${name}{`)) &&
        wanted.every((label) => new RegExp(`[{,]${label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[,}]`).test(sample)),
    )
    .reduce((total, [, value]) => total + value, 0);
}
