import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { isAlreadyExists, type KubeClient } from '../../src/kube/client.ts';
import {
  customResourceDefinitions,
  namespaces,
  serviceAccounts,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { ControlPlane } from '../integration/kube-control-plane.ts';

const crds = path.resolve(import.meta.dirname, '../../crds');
const systemNamespace = 'tekton-pipelines';

/** A control plane of its own with our CRDs: API server and etcd, no node, no other controllers. */
export async function loadPlane(name: string): Promise<{ plane: ControlPlane; client: KubeClient }> {
  const plane = await ControlPlane.up(name);
  const client = await plane.client();
  for (const file of readdirSync(crds)) {
    const body = parse(readFileSync(path.join(crds, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply', fieldManager: 'load', force: true, body } as const;
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  await established(client);
  await makeNamespace(client, systemNamespace);
  return { plane, client };
}

/** A namespace with the ServiceAccount that a controller manager would make. */
export async function makeNamespace(client: KubeClient, name: string): Promise<string> {
  const ifMissing = (error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  };
  await client.create(namespaces, { metadata: { name } }).catch(ifMissing);
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace: name } }).catch(ifMissing);
  return name;
}

async function established(client: KubeClient): Promise<void> {
  for (let round = 0; round < 300; round++) {
    const { items } = await client.list(customResourceDefinitions);
    const ready = ({ status }: CustomResourceDefinition) =>
      status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
    if (items.length > 0 && items.every(ready)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the CRDs were not established');
}
