import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { clusterInterceptors } from '../../src/api/triggers/objects.ts';
import { unlessExists, type KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { configMaps, customResourceDefinitions, namespaces, serviceAccounts } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { clusterRoleBindings, clusterRoles, rbacGroup, roleBindings, roles } from '../rbac.ts';
import { main as interceptors } from '../../src/triggers/interceptors/role/main.ts';
import { main as sink } from '../../src/triggers/sink/main.ts';
import { freePort } from '../free-port.ts';
import { TestClient } from '../cluster-access/test-client.ts';

const root = path.resolve(import.meta.dirname, '../..');
const kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'] ?? '';
const fieldManager = 'triggers-test';
/** The ServiceAccount of listeners. */
const account = 'tekton-triggers-sa';

/** Waits half a minute for what `look` finds. */
export async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come about`);
}

const plurals: Record<string, string> = {
  Trigger: 'triggers',
  TriggerBinding: 'triggerbindings',
  TriggerTemplate: 'triggertemplates',
  EventListener: 'eventlisteners',
};

type Main = typeof sink;

/** Triggers' roles in this process on a real API server, sinks with the rights that the chart's roles give. */
export class TriggersWorld {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly system: string;
  readonly kubeconfig = kubeconfig;
  readonly #folder: string;
  readonly #namespaces: string[] = [];
  readonly #ends: AbortController[] = [];
  readonly #ended: Promise<number>[] = [];

  private constructor(client: KubeClient, name: string, folder: string) {
    this.client = client;
    this.namespace = `${name}-${process.pid}`;
    this.system = `tektite-${name}-${process.pid}`;
    this.#folder = folder;
  }

  /** Namespaces, CRDs and rights; the interceptors that come along, where they can be reached from here. */
  static async open(name: string): Promise<TriggersWorld> {
    const client = new TestClient(await loadClusterConfig({ kubeconfig }));
    const world = new TriggersWorld(client, name, await mkdtemp(path.join(tmpdir(), `${name}-`)));
    await world.#applyCrds();
    for (const each of [world.namespace, world.system])
      await client.create(namespaces, { metadata: { name: each } }).catch(unlessExists);
    await world.#grantRights();
    return world;
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end.abort(new Error('the test is over'));
    expect(await Promise.all(this.#ended)).toEqual(this.#ended.map(() => 0));
    for (const name of [this.namespace, ...this.#namespaces])
      await this.client.delete(clusterRoleBindings, undefined, `${name}-listener`);
    for (const name of [this.namespace, this.system, ...this.#namespaces])
      await this.client.delete(namespaces, undefined, name);
    await this.client.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs a role until the end; the returned function ends it at once, and says how. */
  start(main: Main, args: string[], env: Record<string, string> = {}): () => Promise<number> {
    const end = new AbortController();
    const roleEnv = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', SYSTEM_NAMESPACE: this.system };
    const ended = main(args, { ...roleEnv, LOG_LEVEL: 'error', ...env }, end.signal);
    this.#ends.push(end);
    this.#ended.push(ended);
    return () => {
      end.abort(new Error('the test ends it'));
      return ended;
    };
  }

  /** The interceptors role, and its ClusterInterceptors led to it: no name of a Service is known on this machine. */
  async startInterceptors(names: readonly string[]): Promise<void> {
    const port = await freePort();
    this.start(interceptors, [`--kubeconfig=${kubeconfig}`, `--port=${port}`, '--drain-seconds=0'], {
      INTERCEPTOR_TLS_SVC_NAME: 'localhost',
    });
    for (const name of names) {
      const body = { spec: { clientConfig: { url: `https://localhost:${port}/${name}`, service: null } } };
      await eventually(() => this.client.patch(clusterInterceptors, undefined, name, { type: 'merge', body }), name);
    }
  }

  /** A sink with its listener's own ServiceAccount. Returns its port, and what ends it. */
  async startSink(
    listener: string,
    more: string[] = [],
    isLive = async (port: number) => (await fetch(`http://127.0.0.1:${port}/live`)).ok,
  ): Promise<{ port: number; end: () => Promise<number> }> {
    const port = await freePort();
    const end = this.start(sink, [
      `--kubeconfig=${await this.accountConfig(this.namespace, account)}`,
      `--el-name=${listener}`,
      `--el-namespace=${this.namespace}`,
      `--port=${port}`,
      '--drain-seconds=0',
      ...more,
    ]);
    await eventually(async () => ((await isLive(port)) ? true : undefined), 'the sink');
    return { port, end };
  }

  /** Applies Triggers' objects of a YAML text in the world's namespace, whatever version they are in. */
  async apply(text: string, where = this.namespace): Promise<void> {
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject & { kind: string; apiVersion: string };
      const [group = '', version = ''] = object.apiVersion.split('/');
      const plural = plurals[object.kind] ?? '';
      await this.#apply({ group, version, plural, kind: object.kind, namespaced: true }, object, where);
    }
  }

  async #apply(resource: Resource, object: KubeObject, where?: string): Promise<void> {
    const body = { ...object, metadata: { ...object.metadata, ...(where ? { namespace: where } : {}) } };
    const patch = { type: 'apply', body, fieldManager, force: true } as const;
    await this.client.patch(resource, where, object.metadata.name ?? '', patch);
  }

  async #applyCrds(): Promise<void> {
    const crds = path.join(root, 'crds');
    for (const name of readdirSync(crds).filter((file) => file.endsWith('.yaml'))) {
      const crd = parse(readFileSync(path.join(crds, name), 'utf8')) as KubeObject;
      await this.#apply(customResourceDefinitions, crd);
      await eventually(async () => {
        const { status } = await this.client.get(customResourceDefinitions, undefined, crd.metadata.name ?? '');
        return status?.conditions?.find(({ type, status: is }) => type === 'Established' && is === 'True');
      }, name);
    }
  }

  /** A further namespace, with a ServiceAccount of that name that has the chart's rights of listeners there. */
  async openNamespace(name: string, serviceAccount: string): Promise<void> {
    await this.client.create(namespaces, { metadata: { name } }).catch(unlessExists);
    this.#namespaces.push(name);
    await this.#bindRoles(name, serviceAccount);
  }

  /** What a template of the chart renders to, with these values. */
  async render(template: string, ...values: string[]): Promise<(KubeObject & { kind: string })[]> {
    const { stdout: helm } = await promisify(execFile)(path.join(root, 'hack/cluster'), ['tool', 'helm']);
    const chart = ['template', 'tektite', 'config/chart', '-n', this.system];
    const set = ['triggers.enabled=true', ...values].flatMap((value) => ['--set', value]);
    const only = ['--show-only', `templates/${template}`];
    const { stdout } = await promisify(execFile)(helm.trim(), [...chart, ...set, ...only], { cwd: root });
    return parseAllDocuments(stdout).flatMap(
      (document) => (document.toJS() as (KubeObject & { kind: string }) | null) ?? [],
    );
  }

  /** Makes objects of the kinds that rights and settings are made of, where they say. */
  async install(objects: readonly (KubeObject & { kind: string })[]): Promise<void> {
    const kinds: Record<string, Resource> = {
      ClusterRole: clusterRoles,
      Role: roles,
      RoleBinding: roleBindings,
      ServiceAccount: serviceAccounts,
      ConfigMap: configMaps,
    };
    for (const object of objects) {
      const resource = kinds[object.kind];
      if (resource) await this.#apply(resource, object, object.metadata.namespace);
    }
  }

  /** The chart's ClusterRoles, bound as users bind them. */
  async #grantRights(): Promise<void> {
    const rendered = await this.render('triggers.yaml');
    await this.install(rendered.filter(({ kind }) => kind === 'ClusterRole'));
    await this.#bindRoles(this.namespace, account);
  }

  async #bindRoles(namespace: string, serviceAccount: string): Promise<void> {
    const metadata = { name: serviceAccount };
    await this.#apply(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, namespace);
    const binding = (kind: string, role: string) => ({
      apiVersion: `${rbacGroup}/v1`,
      kind,
      metadata: { name: `${namespace}-listener` },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
    });
    const roleBinding = binding('RoleBinding', 'tekton-triggers-eventlistener-roles');
    await this.#apply(roleBindings, roleBinding, namespace);
    const clusterBinding = binding('ClusterRoleBinding', 'tekton-triggers-eventlistener-clusterroles');
    await this.#apply(clusterRoleBindings, clusterBinding);
  }

  /** A kubeconfig of a ServiceAccount. */
  async accountConfig(namespace: string, account: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
    const place = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const options = { body: JSON.stringify(request), contentType: 'application/json' };
    const answer = JSON.parse(await this.client.raw('POST', place, options)) as { status: { token: string } };
    const config = parse(readFileSync(kubeconfig, 'utf8')) as { users: { name: string; user: object }[] };
    for (const user of config.users) user.user = { token: answer.status.token };
    const file = path.join(this.#folder, `${namespace}-${account}.kubeconfig`);
    await writeFile(file, stringify(config));
    return file;
  }
}
