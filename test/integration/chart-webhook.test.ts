import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { command } from '../../hack/command.ts';
import { needsConversion } from '../../src/api/kind.ts';
import { kinds } from '../../src/api/kinds.ts';

/** What of the chart makes the API server ask the webhook; no cluster is touched. */
let helm: string;
beforeAll(async () => {
  helm = (await command(['hack/cluster', 'tool', 'helm'])).trim();
});

interface Rule {
  apiGroups: string[];
  resources: string[];
  scope: string;
}
interface Rendered {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  webhooks?: { clientConfig: { service: { path: string } }; rules: Rule[] }[];
  rules?: { resources: string[]; resourceNames?: string[]; verbs: string[] }[];
}

async function render(...set: string[]): Promise<Rendered[]> {
  const values = set.flatMap((pair) => ['--set', pair]);
  const text = await command([helm, 'template', 'tektite', 'config/chart', '--namespace', 'ci', ...values]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** Every kind that a path of the webhook is asked for, as GROUP/PLURAL SCOPE. */
function asked(rendered: Rendered[], pathOfWebhook: string): string[] {
  return rendered
    .flatMap(({ webhooks = [] }) => webhooks)
    .filter(({ clientConfig }) => clientConfig.service.path === pathOfWebhook)
    .flatMap(({ rules }) => rules)
    .flatMap(({ apiGroups, resources, scope }) => resources.map((each) => `${apiGroups.join()}/${each} ${scope}`))
    .sort();
}

const wanted = (groups: (group: string) => boolean) =>
  kinds
    .filter(({ group }) => groups(group))
    .map(({ group, plural }) => `${group}/${plural} ${group.startsWith('triggers.') ? '*' : 'Namespaced'}`)
    .sort();

describe.each(['/defaulting', '/resource-validation'])('%s', (pathOfWebhook) => {
  it('is asked about every kind', async () => {
    expect(asked(await render(), pathOfWebhook)).toEqual(wanted(() => true));
  });

  it("leaves another suite's Triggers alone", async () => {
    expect(asked(await render('triggers.enabled=false'), pathOfWebhook)).toEqual(
      wanted((group) => !group.startsWith('triggers.')),
    );
  });
});

it('can be reached for reviews, and for nothing else, under NetworkPolicies', async () => {
  const rendered = await render('networkPolicy.enabled=true');
  const policy = rendered.find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'tekton-pipelines-webhook',
  );
  expect(policy).toMatchObject({
    spec: {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'webhook' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: 'https-webhook', protocol: 'TCP' }] }],
    },
  });
});

it('the webhook may tell each of its configurations and converted CRDs whom to trust', async () => {
  const rendered = await render();
  const role = rendered.find(({ metadata }) => metadata.name === 'tekton-pipelines-webhook-cluster-access');
  const named = (plural: string) =>
    role?.rules?.find(({ resources }) => resources.includes(plural))?.resourceNames ?? [];
  expect([...named('customresourcedefinitions')].sort()).toEqual(
    kinds
      .filter(needsConversion)
      .map(({ plural, group }) => `${plural}.${group}`)
      .sort(),
  );
  const configurations = rendered.filter(({ webhooks }) => webhooks !== undefined);
  expect(configurations.length).toBeGreaterThanOrEqual(5);
  for (const { kind, metadata } of configurations) expect(named(`${kind.toLowerCase()}s`)).toContain(metadata.name);
});

/** The only object of its kind that is called as the webhook's. */
function ofWebhook(rendered: Rendered[], kind: string): Rendered | undefined {
  return rendered.find((object) => object.kind === kind && object.metadata.name === 'tekton-pipelines-webhook');
}

describe('replicas', () => {
  const minimum = { spec: { minReplicas: 2, maxReplicas: 5 } };

  it("are two, and up to five by upstream's measure; one of them stays when nodes are drained", async () => {
    const rendered = await render();
    expect(ofWebhook(rendered, 'HorizontalPodAutoscaler')).toMatchObject({
      spec: {
        ...minimum.spec,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tekton-pipelines-webhook' },
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } },
        ],
      },
    });
    // The autoscaler's to say: an upgrade would set it back.
    expect(ofWebhook(rendered, 'Deployment')).not.toHaveProperty('spec.replicas');
    expect(ofWebhook(rendered, 'Deployment')).toMatchObject({
      spec: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } },
    });
    expect(ofWebhook(rendered, 'PodDisruptionBudget')).toMatchObject({
      spec: { minAvailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': 'webhook' } } },
    });
  });

  it.each([
    { set: ['webhook.autoscaling.enabled=false', 'webhook.replicas=3'], replicas: 3, scaler: undefined, budget: true },
    { set: ['webhook.replicas=1'], replicas: undefined, scaler: { spec: { minReplicas: 1 } }, budget: false },
    { set: ['webhook.podDisruptionBudget.enabled=false'], replicas: undefined, scaler: minimum, budget: false },
  ])('by $set', async ({ set, replicas, scaler, budget }) => {
    const rendered = await render(...set);
    expect((ofWebhook(rendered, 'Deployment') as { spec?: { replicas?: number } }).spec?.replicas).toBe(replicas);
    const found = ofWebhook(rendered, 'HorizontalPodAutoscaler');
    if (scaler) expect(found).toMatchObject(scaler);
    else expect(found).toBeUndefined();
    expect(ofWebhook(rendered, 'PodDisruptionBudget') !== undefined).toBe(budget);
  });

  it('more than the autoscaler may have are refused', async () => {
    await expect(render('webhook.replicas=6')).rejects.toThrow(
      'webhook.autoscaling.maxReplicas is smaller than webhook.replicas',
    );
  });
});

describe('certificates', () => {
  const argsOf = (rendered: Rendered[]) =>
    (ofWebhook(rendered, 'Deployment') as { spec?: { template: { spec: { containers: { args: string[] }[] } } } }).spec
      ?.template.spec.containers[0]?.args ?? [];
  const secretVerbs = (rendered: Rendered[]) =>
    ofWebhook(rendered, 'Role')?.rules?.find(({ resources }) => resources.includes('secrets'))?.verbs;

  it("are the webhook's own: it may write them, and nobody else is asked for any", async () => {
    const rendered = await render();
    expect(rendered.filter(({ kind }) => ['Certificate', 'Issuer'].includes(kind))).toEqual([]);
    expect(argsOf(rendered)).not.toContain('--external-certificates');
    expect(secretVerbs(rendered)).toEqual(['get', 'update']);
  });

  it.each([
    { set: [], issuerRef: { name: 'tekton-pipelines-webhook', kind: 'Issuer' }, issuers: 1 },
    {
      set: ['webhook.certManager.issuerRef.name=company', 'webhook.certManager.issuerRef.kind=ClusterIssuer'],
      issuerRef: { name: 'company', kind: 'ClusterIssuer' },
      issuers: 0,
    },
  ])("are cert-manager's by a setting, of $issuerRef.kind $issuerRef.name", async ({ set, issuerRef, issuers }) => {
    const rendered = await render('webhook.certManager.enabled=true', ...set);
    expect(ofWebhook(rendered, 'Certificate')).toMatchObject({
      spec: {
        secretName: 'webhook-certs',
        dnsNames: ['tekton-pipelines-webhook.ci.svc', 'tekton-pipelines-webhook.ci.svc.cluster.local'],
        issuerRef,
      },
    });
    expect(rendered.filter(({ kind }) => kind === 'Issuer')).toHaveLength(issuers);
    expect(argsOf(rendered)).toContain('--external-certificates');
    // It only reads what cert-manager writes, and cert-manager tells the API server whom to trust.
    expect(secretVerbs(rendered)).toEqual(['get']);
    expect(rendered.some(({ kind, metadata }) => kind === 'Secret' && metadata.name === 'webhook-certs')).toBe(false);
    for (const { metadata } of rendered.filter(({ webhooks }) => webhooks !== undefined))
      expect(metadata.annotations).toEqual({ 'cert-manager.io/inject-ca-from': 'ci/tekton-pipelines-webhook' });
  });
});
