import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { unlessExists, type KubeClient } from '../../src/kube/client.ts';
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

/** Works on a control plane of its own, and takes it down afterwards: also when the work fails or is interrupted. */
export async function onPlane(
  name: string,
  work: (plane: ControlPlane, client: KubeClient, interrupted: AbortSignal) => Promise<void>,
): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(new Error(signal)));
  const { plane, client } = await loadPlane(name);
  const interrupted = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(interrupt.signal.reason as Error);
    if (interrupt.signal.aborted) stop();
    else interrupt.signal.addEventListener('abort', stop, { once: true });
  });
  const working = work(plane, client, interrupt.signal);
  try {
    await Promise.race([working, interrupted]);
  } finally {
    // What the work started ends first: a controller without its server would only complain.
    if (interrupt.signal.aborted) await Promise.race([working.catch(() => undefined), delay(10_000)]);
    await client.close(true);
    await plane.down();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** A namespace with the ServiceAccount that a controller manager would make. */
export async function makeNamespace(client: KubeClient, name: string): Promise<string> {
  await client.create(namespaces, { metadata: { name } }).catch(unlessExists);
  return withAccount(client, name);
}

/** The same with a name that begins so, new at each call: a second try of a row finds nothing of the first. */
export async function newNamespace(client: KubeClient, prefix: string): Promise<string> {
  const { metadata } = await client.create(namespaces, { metadata: { generateName: `${prefix}-` } });
  return withAccount(client, metadata.name ?? '');
}

async function withAccount(client: KubeClient, namespace: string): Promise<string> {
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace } }).catch(unlessExists);
  return namespace;
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
