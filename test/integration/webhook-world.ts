import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments, stringify } from 'yaml';
import { bundledProgram } from '../../hack/built-sources.ts';
import { command, root } from '../../hack/command.ts';
import { findKind } from '../../src/api/kinds.ts';
import { Server, type Answer, type Json } from './https-server.ts';
import { ControlPlane } from './kube-control-plane.ts';
import { freePort } from '../free-port.ts';

export const systemNamespace = 'tekton-pipelines';

interface Document {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { conversion?: { webhook?: { clientConfig: ClientConfig } } };
  webhooks?: { clientConfig: ClientConfig }[];
}

interface ClientConfig {
  service?: { path: string };
  url?: string;
}

/** What of the chart is installed: everything but what makes pods. */
const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Secret: 'secrets',
  ConfigMap: 'configmaps',
  ServiceAccount: 'serviceaccounts',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  CustomResourceDefinition: 'customresourcedefinitions',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
};

/**
 * A control plane with the chart's webhook objects, and the webhook role as a process that runs with the rights of its
 * ServiceAccount. There are no Services without nodes: the API server calls it on loopback.
 */
export class WebhookWorld {
  readonly server: Server;
  readonly #controlPlane: ControlPlane;
  readonly #folder: string;
  readonly port: number;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(controlPlane: ControlPlane, folder: string, port: number) {
    this.#controlPlane = controlPlane;
    this.#folder = folder;
    this.port = port;
    this.server = new Server(controlPlane.kubeconfig);
  }

  /** @param values of the chart, beside webhook.enabled */
  static async up(name: string, ...values: string[]): Promise<WebhookWorld> {
    const controlPlane = await ControlPlane.up(`${name}-${process.pid}`);
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-webhook-'));
    const world = new WebhookWorld(controlPlane, folder, await freePort());
    await world.#install(values);
    await world.#account();
    return world;
  }

  /** The webhook beside a chart that is installed already: the API server is told to call it on loopback. */
  static async beside(controlPlane: ControlPlane): Promise<WebhookWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-webhook-'));
    const world = new WebhookWorld(controlPlane, folder, await freePort());
    await world.#redirect((clientConfig) => world.#onLoopback(clientConfig));
    await world.#account();
    return world;
  }

  async down(): Promise<void> {
    await this.leave();
    await this.#controlPlane.down();
  }

  /** Ends the webhook alone. */
  async leave(): Promise<void> {
    await this.stop('SIGTERM');
    await rm(this.#folder, { recursive: true });
  }

  /** The API server calls the Service again, which nobody is behind. */
  returnToService(): Promise<void> {
    return this.#redirect(() => ({
      url: null,
      service: { name: 'tekton-pipelines-webhook', namespace: systemNamespace },
    }));
  }

  get log(): string {
    return this.#log;
  }

  get kubeconfig(): string {
    return this.#controlPlane.kubeconfig;
  }

  /** Starts the role and waits until it has told the API server whom to trust. */
  async start(...flags: string[]): Promise<void> {
    this.#log = '';
    const env = {
      ...process.env,
      SYSTEM_NAMESPACE: systemNamespace,
      WEBHOOK_PORT: String(this.port),
      METRICS_PROMETHEUS_PORT: '0',
      PROBES_PORT: '0',
    };
    const kubeconfig = path.join(this.#folder, 'kubeconfig');
    const words = [
      await bundledProgram(),
      'webhook',
      `--kubeconfig=${kubeconfig}`,
      '--certificate-name=localhost',
      ...flags,
    ];
    const child = spawn(process.execPath, words, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log = `${this.#log}${chunk.toString('utf8')}`.slice(-200_000)));
    await this.until('the webhook is ready', () => {
      if (child.exitCode !== null) throw new Error(`the webhook ended:\n${this.#log}`);
      return this.#log.includes('"ready"');
    });
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  call(method: string, address: string, body?: unknown, as?: string): Promise<Answer> {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return this.server.call(method, address, { contentType, ...(body ? { body } : {}), ...(as ? { as } : {}) });
  }

  /** Creates an object as a client of its version does. */
  create(object: Json & { apiVersion: string; kind: string }, as?: string): Promise<Answer> {
    return this.call('POST', addressOf(object.apiVersion, object.kind), object, as);
  }

  get(apiVersion: string, kind: string, name: string): Promise<Answer> {
    return this.call('GET', `${addressOf(apiVersion, kind)}/${name}`);
  }

  async until(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt++) {
      if (await ask()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`after 30 s it is not so that ${what}; the webhook said:\n${this.#log}`);
  }

  async #install(values: readonly string[]): Promise<void> {
    const helm = (await command(['hack/cluster', 'tool', 'helm'])).trim();
    const set = ['webhook.enabled=true', 'namespace.create=true', ...values].flatMap((value) => ['--set', value]);
    // An API server without ValidatingAdmissionPolicies: the gates are the webhook's alone.
    const words = [
      helm,
      'template',
      'tektite',
      'config/chart',
      '-n',
      systemNamespace,
      '--kube-version',
      '1.29.0',
      ...set,
    ];
    const documents = parseAllDocuments(await command(words)).map((document) => document.toJS() as Document | null);
    const order = Object.keys(plurals);
    const known = documents.filter((object): object is Document => object !== null && object.kind in plurals);
    for (const object of known.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))) {
      this.#callOnLoopback(object);
      const { status, body } = await this.server.apply(pathOf(object), object, 'helm');
      if (status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${body.message}`);
      if (object.kind === 'CustomResourceDefinition') await this.server.established(object.metadata.name);
    }
  }

  #callOnLoopback(object: Document): void {
    const configs = [
      ...(object.webhooks ?? []),
      ...(object.spec?.conversion?.webhook ? [object.spec.conversion.webhook] : []),
    ];
    for (const { clientConfig } of configs) {
      Object.assign(clientConfig, this.#onLoopback(clientConfig));
      delete clientConfig.service;
    }
  }

  #onLoopback({ service }: ClientConfig): { url: string; service: null } {
    return { url: `https://localhost:${this.port}${service?.path}`, service: null };
  }

  /** Changes whom the API server calls, in all that is installed. */
  async #redirect(changed: (clientConfig: ClientConfig) => object): Promise<void> {
    const admission = '/apis/admissionregistration.k8s.io/v1';
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    for (const list of [`${admission}/mutatingwebhookconfigurations`, `${admission}/validatingwebhookconfigurations`])
      for (const { metadata, webhooks = [] } of await this.#listed(list)) {
        const body = webhooks.map((each) => ({ ...each, clientConfig: withoutNull(each.clientConfig, changed) }));
        await this.#patched(`${list}/${metadata.name}`, { webhooks: body });
      }
    for (const { metadata, spec } of await this.#listed(definitions)) {
      const clientConfig = spec?.conversion?.webhook?.clientConfig;
      if (!clientConfig) continue;
      const conversion = { webhook: { clientConfig: changed(clientConfig) } };
      await this.#patched(`${definitions}/${metadata.name}`, { spec: { conversion } });
    }
  }

  async #listed(address: string): Promise<Document[]> {
    return (await this.call('GET', address)).body['items'] as Document[];
  }

  async #patched(address: string, body: object): Promise<void> {
    const { status, body: answer } = await this.call('PATCH', address, body);
    if (status >= 300) throw new Error(`${address}: ${answer.message}`);
  }

  /** A kubeconfig with the ServiceAccount's token. */
  async #account(): Promise<void> {
    const address = `/api/v1/namespaces/${systemNamespace}/serviceaccounts/tekton-pipelines-webhook/token`;
    const { body } = await this.call('POST', address, { spec: { expirationSeconds: 3600 } });
    const { token } = body['status'] as { token: string };
    const config = new KubeConfig();
    config.loadFromFile(this.#controlPlane.kubeconfig);
    const { server, caData, caFile } = config.getCurrentCluster() ?? {};
    const ca = caData ?? readFileSync(caFile ?? '').toString('base64');
    const cluster = { server, 'certificate-authority-data': ca };
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token } }],
    };
    await writeFile(path.join(this.#folder, 'kubeconfig'), stringify(kubeconfig), { mode: 0o600 });
  }
}

/** Where objects of a kind are created; those of namespaces in `default`. */
export function addressOf(apiVersion: string, kind: string): string {
  const { plural, namespaced } = findKind(apiVersion, kind)?.kind ?? {
    plural: `${kind.toLowerCase()}s`,
    namespaced: true,
  };
  return `/apis/${apiVersion}${namespaced ? '/namespaces/default' : ''}/${plural}`;
}

function pathOf({ apiVersion, kind, metadata }: Document): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const namespace = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
  return `${base}${namespace}/${plurals[kind]}/${metadata.name}`;
}

/** A merge patch replaces a list whole: in it nothing is taken away by null. */
function withoutNull(clientConfig: ClientConfig, changed: (clientConfig: ClientConfig) => object): object {
  return Object.fromEntries(
    Object.entries({ ...clientConfig, ...changed(clientConfig) }).filter(([, value]) => value !== null),
  );
}
