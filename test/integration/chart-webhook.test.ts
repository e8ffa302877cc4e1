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
  metadata: { name: string };
  webhooks?: { clientConfig: { service: { path: string } }; rules: Rule[] }[];
  rules?: { resources: string[]; resourceNames?: string[] }[];
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
