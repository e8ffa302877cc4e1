import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tool } from '../../hack/one-node/binaries.ts';
import { attempt, command } from '../../hack/command.ts';
import { accessFlags, programPath, type Target } from '../../hack/deploy/pick-cluster.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { freePort } from '../free-port.ts';
import { attributesDriver, startCsiDriver, type CsiDriver, type InlineDriver } from './csi-driver.ts';
import { hostBeside } from './remote-servers.ts';
import { driverName, socketName } from './spiffe-agent.ts';

export const trustDomain = 'example.org';
/** As the documentation calls it. */
const clusterName = 'example-cluster';

const objects = (node: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: spire }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: spire-agent, namespace: spire }
---
# The agent runs beside the node; this pod is what its token is bound to, by which the server knows the node.
apiVersion: v1
kind: Pod
metadata: { name: spire-agent, namespace: spire }
spec:
  serviceAccountName: spire-agent
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  containers: [{ name: agent, image: docker.io/library/busybox:1.36, command: [sleep, infinity] }]
`;

/** A SPIRE server and the agent of the test node, both real, and what makes the agent's socket a volume. */
export class Spire {
  readonly address: string;
  readonly #folder: string;
  readonly #kubectl: (args: readonly string[], input?: string) => Promise<string>;
  readonly #programs = new Map<string, ChildProcess>();
  #driver: CsiDriver | undefined;
  readonly #port: number;
  readonly #target: Extract<Target, { kind: 'own' }>;
  readonly #client: KubeClient;

  private constructor(
    target: Extract<Target, { kind: 'own' }>,
    found: { folder: string; port: number; kubectl: string; client: KubeClient },
  ) {
    this.#target = target;
    this.#client = found.client;
    this.#folder = found.folder;
    this.#port = found.port;
    this.address = `${hostBeside(target.registry)}:${found.port}`;
    this.#kubectl = (args, input) =>
      command([found.kubectl, ...accessFlags(target, 'kubectl'), ...args], input === undefined ? {} : { input });
  }

  static async start(target: Extract<Target, { kind: 'own' }>, client: KubeClient): Promise<Spire> {
    const folder = await mkdtemp(path.join(tmpdir(), 'spire-'));
    const kubectl = await programPath(target, 'kubectl');
    const spire = new Spire(target, { folder, port: await freePort(), kubectl, client });
    try {
      await spire.#up();
    } catch (error) {
      await spire.stop();
      throw error;
    }
    return spire;
  }

  /** What an administrator types; the words behind `spire-server`, with its socket. Returns what it prints. */
  async server(...args: string[]): Promise<string> {
    return command([await tool('spire-server'), ...args, '-socketPath', this.#path('server.sock')]);
  }

  /** The agent ends, as on a node whose agent is broken: its socket stays, and nobody listens. */
  stopAgent(): Promise<void> {
    return this.#end('spire-agent');
  }

  async startAgent(): Promise<void> {
    await this.#run('spire-agent', this.#agentConfiguration());
    const agent = await tool('spire-agent');
    const health = [agent, 'healthcheck', '-socketPath', this.#path('agent', socketName)];
    await until('the SPIRE agent', async () => (await attempt(health)).status === 0);
    await chmod(this.#path('agent', socketName), 0o777);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#programs.keys()].map((name) => this.#end(name)));
    await this.#kubectl(['delete', 'namespace', 'spire', '--ignore-not-found']);
    await this.#driver?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #up(): Promise<void> {
    const node = (await this.#kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}'])).trim();
    await this.#kubectl(['apply', '--filename', '-'], objects(node));
    await mkdir(this.#path('agent'));
    await chmod(this.#folder, 0o755);
    const where = { cluster: this.#target.cluster, client: this.#client };
    this.#driver = await startCsiDriver(where, this.#socketVolumes());
    await this.#run('spire-server', this.#serverConfiguration());
    const health = [await tool('spire-server'), 'healthcheck', '-socketPath', this.#path('server.sock')];
    await until('the SPIRE server', async () => (await attempt(health)).status === 0);
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'spire-agent'];
    const audience = ['--audience', 'spire-server', '--duration', '1h', '--namespace', 'spire'];
    await writeFile(
      this.#path('token'),
      await this.#kubectl(['create', 'token', 'spire-agent', ...audience, ...bound]),
    );
    await this.startAgent();
  }

  /** Each volume is the folder of the agent's socket. */
  #socketVolumes(): InlineDriver {
    return {
      name: driverName,
      publish: async (target) => {
        await mkdir(target, { recursive: true });
        await command(['mount', '--bind', '--options', 'ro', this.#path('agent'), target]);
      },
      unpublish: async (target) => {
        await attempt(['umount', target]);
        await attributesDriver.unpublish(target);
      },
    };
  }

  #serverConfiguration(): string {
    return `
server {
  bind_address = "${this.address.split(':')[0]}"
  bind_port = ${this.#port}
  socket_path = "${this.#path('server.sock')}"
  trust_domain = "${trustDomain}"
  data_dir = "${this.#path('server')}"
}
plugins {
  DataStore "sql" {
    plugin_data { database_type = "sqlite3", connection_string = "${this.#path('entries.sqlite3')}" }
  }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "k8s_psat" {
    plugin_data {
      clusters = {
        "${clusterName}" = {
          service_account_allow_list = ["spire:spire-agent"]
          kube_config_file = "${this.#target.kubeconfig}"
        }
      }
    }
  }
}`;
  }

  /** The kubelet asks for a certificate: the cluster's administrator's. */
  #agentConfiguration(): string {
    const certificates = path.join(path.dirname(this.#target.kubeconfig), 'pki');
    return `
agent {
  server_address = "${this.address.split(':')[0]}"
  server_port = ${this.#port}
  socket_path = "${this.#path('agent', socketName)}"
  trust_domain = "${trustDomain}"
  insecure_bootstrap = true
  data_dir = "${this.#path('agent-data')}"
}
plugins {
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "k8s_psat" {
    plugin_data { cluster = "${clusterName}", token_path = "${this.#path('token')}" }
  }
  WorkloadAttestor "k8s" {
    plugin_data {
      skip_kubelet_verification = true
      node_name = "${this.#target.registry.replace(/:\d+$/, '')}"
      certificate_path = "${certificates}/admin.crt"
      private_key_path = "${certificates}/admin.key"
    }
  }
}`;
  }

  #path(...names: string[]): string {
    return path.join(this.#folder, ...names);
  }

  async #run(program: 'spire-agent' | 'spire-server', configuration: string): Promise<void> {
    const file = this.#path(`${program}.conf`);
    await writeFile(file, configuration);
    const argv = ['run', '-config', file];
    const child = spawn(await tool(program), argv, { stdio: ['ignore', 'inherit', 'inherit'], cwd: this.#folder });
    this.#programs.set(program, child);
  }

  async #end(program: string): Promise<void> {
    const child = this.#programs.get(program);
    this.#programs.delete(program);
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
}

async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
  for (let left = 120; left > 0; left -= 1) {
    if (await isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`${what} did not start within a minute`);
}
