import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { customResourceDefinitions, namespaces } from '../../src/kube/resources.ts';
import type { CustomResourceDefinition } from '../../src/kube/resources.ts';
import { TestClient } from '../cluster-access/test-client.ts';

const folder = path.resolve(import.meta.dirname, '../../crds');

/** The kubeconfig of the API server that the contract is checked against. */
export function testKubeconfig(): string {
  const kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'];
  if (!kubeconfig)
    throw new Error(
      'set TEKTITE_TEST_KUBECONFIG to the kubeconfig of a test API server (hack/cluster up --control-plane)',
    );
  return kubeconfig;
}

/** A client, our CRDs on the server, and a namespace of this test's own. */
export async function prepare(namespace: string): Promise<KubeClient> {
  const client = new TestClient(await loadClusterConfig({ kubeconfig: testKubeconfig() }), {
    userAgent: 'tkn-contract',
    qps: 200,
    burst: 300,
  });
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  for (const file of files) {
    const definition = parse(await readFile(path.join(folder, file), 'utf8')) as CustomResourceDefinition;
    await client.patch(customResourceDefinitions, undefined, definition.metadata.name ?? '', {
      type: 'apply',
      body: definition,
      fieldManager: 'tkn-contract',
      force: true,
    });
    await established(client, definition.metadata.name ?? '');
  }
  await client.create(namespaces, { metadata: { name: namespace } });
  return client;
}

async function established(client: KubeClient, name: string): Promise<void> {
  for (let left = 100; left > 0; left--) {
    const definition = await client.get(customResourceDefinitions, undefined, name);
    if (definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await sleep(100);
  }
  throw new Error(`${name} was not established within 10 s`);
}

/** Creates a run and gives it this status, as a controller would. */
export async function createRun<T extends KubeObject & (PipelineRun | TaskRun)>(
  client: KubeClient,
  resource: Resource<T>,
  run: T,
): Promise<T> {
  const created = await client.create(resource, run);
  return run.status ? client.replaceStatus(resource, { ...created, status: run.status }) : created;
}
