import { spawn, type ChildProcess } from 'node:child_process';
import { command, root } from '../../hack/command.ts';
import { ensureNetworkPolicyPackages } from '../../hack/one-node/debian.ts';
import { tool } from '../../hack/one-node/binaries.ts';
import { accessFlags, programPath, type Target } from '../../hack/deploy/pick-cluster.ts';

/** What answers on the address of the clouds' metadata servers, in the node's own network. */
export const METADATA = { address: '169.254.169.254', answer: 'cloud credentials' };

const HEALTH = 20_244;

type OwnTarget = Extract<Target, { kind: 'own' }>;

async function kubectl(target: Target, words: readonly string[], input?: string): Promise<string> {
  const program = await programPath(target, 'kubectl');
  return command([program, ...accessFlags(target, 'kubectl'), ...words], input === undefined ? {} : { input });
}

/** The chart's values that turn its NetworkPolicies on, on our own node. */
export async function policyValues(target: Target): Promise<Record<string, string>> {
  // Names are looked up at the node here, not at a pod of kube-system.
  const slices = ['--namespace', 'kube-system', 'get', 'endpointslices', '-l', 'kubernetes.io/service-name=kube-dns'];
  const dns = await kubectl(target, [...slices, '-o', 'jsonpath={.items[0].endpoints[0].addresses[0]}']);
  return {
    'networkPolicy.enabled': 'true',
    'networkPolicy.dns.to[0].ipBlock.cidr': `${dns}/32`,
  };
}

/** Closes a namespace to everything that no policy opens, in both directions: a role that the chart forgot is stuck. */
export async function closeNamespace(target: Target, namespace: string): Promise<void> {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny', namespace },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  };
  await kubectl(target, ['apply', '--filename', '-'], JSON.stringify(policy));
}

/**
 * Enforces NetworkPolicies on our own node, which has no network plugin that does: kube-router as its firewall alone,
 * in the node's network namespace. Beside it a stand-in for a cloud's metadata server, so that it is seen to be out of
 * reach and not merely absent.
 */
export class PolicyEnforcer {
  readonly #cluster: string;
  readonly #processes: ChildProcess[] = [];
  readonly #router: string;
  #log = '';

  private constructor(cluster: string, router: string) {
    this.#cluster = cluster;
    this.#router = router;
  }

  static async start(target: OwnTarget): Promise<PolicyEnforcer> {
    const { cluster, kubeconfig } = target;
    await ensureNetworkPolicyPackages();
    const nodeName = await kubectl(target, ['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']);
    const enforcer = new PolicyEnforcer(cluster, await tool('kube-router'));
    await enforcer.#onNode(['ip', 'address', 'replace', `${METADATA.address}/32`, 'dev', 'lo']);
    enforcer.#spawn([process.execPath, '-e', metadataServer]);
    const only = ['--run-router=false', '--run-service-proxy=false', '--run-firewall=true', '--enable-cni=false'];
    enforcer.#spawn([
      enforcer.#router,
      ...only,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${nodeName}`,
      `--health-port=${HEALTH}`,
      '--iptables-sync-period=10s',
    ]);
    await enforcer.#untilHealthy();
    return enforcer;
  }

  get log(): string {
    return this.#log;
  }

  /** Ends it and takes its rules away: the next test meets the node as it was. */
  async stop(): Promise<void> {
    for (const process of this.#processes) {
      const gone = new Promise((resolve) => process.once('exit', resolve));
      // With the shell and the nsenter around it.
      if (process.exitCode !== null || process.pid === undefined) continue;
      globalThis.process.kill(-process.pid, 'SIGTERM');
      await gone;
    }
    await this.#onNode([this.#router, '--cleanup-config']).catch((error: unknown) => {
      this.#log += `\n${String(error)}`;
    });
    await this.#onNode(['ip', 'address', 'delete', `${METADATA.address}/32`, 'dev', 'lo']);
  }

  get #around() {
    return { env: { ...process.env, TEKTITE_CLUSTER: this.#cluster } };
  }

  #onNode(words: readonly string[]): Promise<string> {
    return command(['hack/cluster', 'exec', '--', ...words], this.#around);
  }

  #spawn(words: readonly string[]): void {
    const child = spawn('hack/cluster', ['exec', '--', ...words], {
      ...this.#around,
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString('utf8')).slice(-20_000)));
    this.#processes.push(child);
  }

  async #untilHealthy(): Promise<void> {
    for (let left = 120; left > 0; left -= 1) {
      const ended = this.#processes.find((child) => child.exitCode !== null);
      if (ended) throw new Error(`the policies' enforcer ended:\n${this.#log}`);
      const answer = await this.#onNode([process.execPath, '-e', health]).catch(() => '');
      if (answer.includes('OK')) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`the policies' enforcer does not get healthy:\n${this.#log}`);
  }
}

const metadataServer = `
require('node:http').createServer((_, response) => response.end(${JSON.stringify(METADATA.answer)}))
  .listen(80, ${JSON.stringify(METADATA.address)});
process.on('SIGTERM', () => process.exit());
`;

const health = `fetch('http://127.0.0.1:${HEALTH}/healthz').then((answer) => answer.text()).then(console.log)`;
