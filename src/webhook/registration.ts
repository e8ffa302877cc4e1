import { needsConversion } from '../api/kind.ts';
import { kinds } from '../api/kinds.ts';
import { isNotFound, type KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/object.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from '../kube/resources.ts';
import { configurations, type Configuration } from './configurations.ts';

const MANAGER = 'tekton-pipelines-webhook';

type Client = Pick<KubeClient, 'get' | 'patch'>;
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
    const fields = configurationTrusting(caBundle, await existing(client, resource, name, signal));
    if (fields === undefined) continue;
    await apply(client, { resource, name, fields }, signal);
    written.push(name);
  }
  const resource = customResourceDefinitions;
  for (const name of definitions) {
    const fields = definitionTrusting(caBundle, await existing(client, resource, name, signal));
    if (fields === undefined) continue;
    await apply(client, { resource, name, fields }, signal);
    written.push(name);
  }
  return written;
}

/** What is to be applied; undefined when every webhook has the bundle. */
function configurationTrusting(caBundle: string, found: Configuration | undefined): object | undefined {
  const webhooks = found?.webhooks ?? [];
  if (webhooks.every((each) => each.clientConfig.caBundle === caBundle)) return undefined;
  return { webhooks: webhooks.map((each) => ({ name: each.name, clientConfig: { caBundle } })) };
}

/** What is to be applied; undefined when the conversion has the bundle, or needs none. */
function definitionTrusting(caBundle: string, found: CustomResourceDefinition | undefined): object | undefined {
  const config = found?.spec.conversion?.webhook?.clientConfig;
  if (!config || config.caBundle === caBundle) return undefined;
  return { spec: { conversion: { webhook: { clientConfig: { caBundle } } } } };
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
  { resource, name, fields }: { resource: Resource<T>; name: string; fields: object },
  signal: AbortSignal,
): Promise<void> {
  const apiVersion = `${resource.group}/${resource.version}`;
  const body = { apiVersion, kind: resource.kind, metadata: { name }, ...fields };
  await client.patch(resource, undefined, name, { type: 'apply', body, force: true, fieldManager: MANAGER, signal });
}
