import { needsConversion } from '../api/kind.ts';
import { kinds } from '../api/kinds.ts';
import { isNotFound, type KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/object.ts';
import {
  customResourceDefinitions,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  type CustomResourceDefinition,
  type MutatingWebhookConfiguration,
  type ValidatingWebhookConfiguration,
} from '../kube/resources.ts';

const MANAGER = 'tekton-pipelines-webhook';

type Client = Pick<KubeClient, 'get' | 'patch'>;
type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

const configurations: { resource: Resource<Configuration>; name: string }[] = [
  { resource: mutatingWebhookConfigurations, name: 'webhook.pipeline.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'validation.webhook.pipeline.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'config.webhook.pipeline.tekton.dev' },
  // With Triggers.
  { resource: mutatingWebhookConfigurations, name: 'webhook.triggers.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'validation.webhook.triggers.tekton.dev' },
  // Only where the API server holds no ValidatingAdmissionPolicies.
  { resource: validatingWebhookConfigurations, name: 'gates.webhook.tektite.dev' },
];

const definitions = kinds.filter(needsConversion).map(({ plural, group }) => `${plural}.${group}`);

/**
 * Tells the API server whom to trust when it calls the webhook: `bundle` in every webhook configuration and every CRD
 * that is converted. What is there already is not written again. Rules and addresses are the installation's.
 * @returns what was written
 */
export async function registerBundle(client: Client, bundle: string, signal: AbortSignal): Promise<string[]> {
  const caBundle = Buffer.from(bundle).toString('base64');
  const written: string[] = [];
  for (const { resource, name } of configurations) {
    const found = await existing(client, resource, name, signal);
    const webhooks = found?.webhooks ?? [];
    if (webhooks.every((each) => each.clientConfig.caBundle === caBundle)) continue;
    const body = { webhooks: webhooks.map((each) => ({ name: each.name, clientConfig: { caBundle } })) };
    await apply(client, resource, name, body, signal);
    written.push(name);
  }
  for (const name of definitions) {
    const found = await existing<CustomResourceDefinition>(client, customResourceDefinitions, name, signal);
    const config = found?.spec.conversion?.webhook?.clientConfig;
    if (!config || config.caBundle === caBundle) continue;
    const body = { spec: { conversion: { webhook: { clientConfig: { caBundle } } } } };
    await apply(client, customResourceDefinitions, name, body, signal);
    written.push(name);
  }
  return written;
}

async function existing<T extends Configuration | CustomResourceDefinition>(
  client: Client,
  resource: Resource<T>,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get(resource, undefined, name, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Only the bundle is ours: everything else stays whose it is. */
async function apply<T extends Configuration | CustomResourceDefinition>(
  client: Client,
  resource: Resource<T>,
  name: string,
  fields: object,
  signal: AbortSignal,
): Promise<void> {
  const apiVersion = `${resource.group}/${resource.version}`;
  const body = { apiVersion, kind: resource.kind, metadata: { name }, ...fields };
  await client.patch(
    resource,
    undefined,
    name,
    { type: 'apply', body, force: true, fieldManager: MANAGER },
    { signal },
  );
}
