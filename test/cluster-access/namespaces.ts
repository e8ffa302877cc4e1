import { randomBytes } from 'node:crypto';
import { unlessNotFound } from '../../src/kube/api-error.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';

/** Makes a namespace of its own for a test, with the default ServiceAccount in place. */
export async function createNamespace(client: KubeClient, prefix: string, signal: AbortSignal): Promise<string> {
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  await client.create(namespaces, { metadata: { name } }, { signal });
  return name;
}

/** Begins to delete it, when it is still there. */
export async function deleteNamespace(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  await client.delete(namespaces, undefined, name, { signal, propagationPolicy: 'Background' }).catch(unlessNotFound);
}
