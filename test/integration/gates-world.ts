import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { command, root } from '../../hack/command.ts';
import { Server, type Answer, type Json } from './https-server.ts';
import { ControlPlane } from './kube-control-plane.ts';

/** Who acts: with every right that RBAC can give. */
export const users = {
  tenant: 'tenant',
  controller: 'system:serviceaccount:tekton-pipelines:tekton-pipelines-controller',
  chains: 'system:serviceaccount:tekton-chains:tekton-chains-controller',
  resolvers: 'system:serviceaccount:tekton-pipelines-resolvers:tekton-pipelines-resolvers',
  garbageCollector: 'system:serviceaccount:kube-system:generic-garbage-collector',
  resolver: 'system:serviceaccount:tekton-pipelines-resolvers:tekton-pipelines-resolvers',
  friend: 'system:serviceaccount:friends:controller',
} as const;
export type User = keyof typeof users;

export type Plural = 'taskruns' | 'pipelineruns' | 'customruns' | 'resolutionrequests' | 'pods';
const groups: Record<Plural, string> = {
  taskruns: '/apis/tekton.dev/v1',
  pipelineruns: '/apis/tekton.dev/v1',
  customruns: '/apis/tekton.dev/v1beta1',
  resolutionrequests: '/apis/resolution.tekton.dev/v1beta1',
  pods: '/api/v1',
};
const kinds: Record<Plural, string> = {
  taskruns: 'TaskRun',
  pipelineruns: 'PipelineRun',
  customruns: 'CustomRun',
  resolutionrequests: 'ResolutionRequest',
  pods: 'Pod',
};

export type Patch = Json[];

/** A control plane of a test's own, for the gates are the whole cluster's; the real helm puts the chart there. */
export class Gates {
  readonly #controlPlane: ControlPlane;
  readonly #helm: string;
  readonly server: Server;
  #serial = 0;

  private constructor(controlPlane: ControlPlane, helm: string) {
    this.#controlPlane = controlPlane;
    this.#helm = helm;
    this.server = new Server(controlPlane.kubeconfig);
  }

  static async up(name: string): Promise<Gates> {
    const controlPlane = await ControlPlane.up(`${name}-${process.pid}`);
    const gates = new Gates(controlPlane, (await command(['hack/cluster', 'tool', 'helm'])).trim());
    await gates.#grantEverything();
    await gates.#accountForPods();
    return gates;
  }

  down(): Promise<void> {
    return this.#controlPlane.down();
  }

  /**
   * Installs or upgrades the chart with these values. No node is there: nothing is waited for, and there is no webhook
   * that could answer. What refuses is the API server alone. Returns what helm says.
   */
  async install(...set: string[]): Promise<string> {
    const values = ['webhook.enabled=false', ...set].flatMap((pair) => ['--set', pair]);
    const said = await command([
      this.#helm,
      ...['--kubeconfig', this.#controlPlane.kubeconfig, 'upgrade', '--install', 'tektite', 'config/chart'],
      ...[
        '--namespace',
        'tekton-pipelines',
        '--create-namespace',
        '--force-conflicts',
        '--history-max',
        '2',
        ...values,
      ],
    ]);
    for (const name of ['taskruns.tekton.dev', 'pipelineruns.tekton.dev', 'resolutionrequests.resolution.tekton.dev'])
      await this.server.established(name);
    return said;
  }

  /** The project's CRDs, without their rules. */
  async applyDefinitionsWithoutRules(): Promise<void> {
    for (const file of readdirSync(path.join(root, 'crds'))) {
      const text = readFileSync(path.join(root, 'crds', file), 'utf8');
      const crd = JSON.parse(
        JSON.stringify(parse(text), (key, value: unknown) => (key === 'x-kubernetes-validations' ? undefined : value)),
      ) as { metadata: { name: string } };
      const address = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
      const { status, body } = await this.server.apply(address, crd, 'gates-test');
      if (status >= 300) throw new Error(`${file}: ${body.message}`);
      await this.server.established(crd.metadata.name);
    }
  }

  call(user: User | undefined, method: string, address: string, body?: unknown, contentType?: string): Promise<Answer> {
    return this.server.call(method, address, {
      ...(user === undefined ? {} : { as: users[user] }),
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    });
  }

  address(plural: Plural, name = ''): string {
    return `${groups[plural]}/namespaces/default/${plural}${name && `/${name}`}`;
  }

  create(user: User | undefined, plural: Plural, parts: { metadata?: Json; spec: Json }): Promise<Answer> {
    const object = {
      apiVersion: groups[plural].replace(/^\/apis?\//, ''),
      kind: kinds[plural],
      ...parts,
      metadata: { name: `${plural}-${++this.#serial}`, ...parts.metadata },
    };
    return this.call(user, 'POST', this.address(plural), object);
  }

  /** Creates what must be created, and returns its name. */
  async made(user: User | undefined, plural: Plural, parts: { metadata?: Json; spec: Json }): Promise<string> {
    const { status, body } = await this.create(user, plural, parts);
    if (status !== 201) throw new Error(`${plural} could not be made: ${body.message}`);
    return (body['metadata'] as { name: string }).name;
  }

  patch(user: User, plural: Plural, name: string, patch: Patch): Promise<Answer> {
    return this.call(user, 'PATCH', this.address(plural, name), patch, 'application/json-patch+json');
  }

  merge(user: User, plural: Plural, name: string, change: Json): Promise<Answer> {
    return this.call(user, 'PATCH', this.address(plural, name), change, 'application/merge-patch+json');
  }

  putStatus(user: User, plural: Plural, name: string, status: Json): Promise<Answer> {
    const address = `${this.address(plural, name)}/status`;
    return this.call(user, 'PATCH', address, { status }, 'application/merge-patch+json');
  }

  /** Waits until this is answered with the status: policies take effect a moment after they are written. */
  async until(status: number, ask: () => Promise<Answer>): Promise<void> {
    let last: Answer | undefined;
    for (let attempt = 0; attempt < 100; attempt++) {
      last = await ask();
      if (last.status === status) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`still ${last?.status} after 10 s: ${last?.body.message}`);
  }

  /** ServiceAccount admission wants it, and nobody makes it here. */
  async #accountForPods(): Promise<void> {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    const { status, body } = await this.call(undefined, 'POST', '/api/v1/namespaces/default/serviceaccounts', account);
    if (status !== 201 && status !== 409) throw new Error(`no ServiceAccount for pods: ${body.message}`);
  }

  /** RBAC is not what is tested: everybody may do everything with runs and pods. */
  async #grantEverything(): Promise<void> {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: ['tekton.dev', 'resolution.tekton.dev', ''], resources: ['*'], verbs: ['*'] }];
    const subjects = Object.values(users).map((name) => ({
      kind: 'User',
      name,
      apiGroup: 'rbac.authorization.k8s.io',
    }));
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'everything' };
    const metadata = { name: 'everything' };
    await this.call(undefined, 'POST', `${rbac}/clusterroles`, { metadata, rules });
    await this.call(undefined, 'POST', `${rbac}/clusterrolebindings`, { metadata, roleRef, subjects });
  }
}
