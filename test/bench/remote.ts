/**
 * `npm run bench -- --remote`: how long a PipelineRun that names a Pipeline in git, with a Task in git, takes from its
 * creation to its first TaskRun: fetched each time, and from the cache. On a control plane without a node, with the
 * controller and the resolvers in this process and git's own server. --runs 20 sets how often.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { main as controller } from '../../src/controller/main.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import {
  configMaps,
  customResourceDefinitions,
  namespaces,
  serviceAccounts,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { main as resolvers } from '../../src/resolvers/role/main.ts';
import { ControlPlane } from '../integration/kube-control-plane.ts';
import { createNamespace } from '../cluster-access/namespaces.ts';

const system = { controller: 'tekton-pipelines', resolvers: 'tekton-pipelines-resolvers' };
const goalMs = 100;

async function install(client: KubeClient): Promise<void> {
  const folder = path.join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const body = parse(readFileSync(path.join(folder, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply', fieldManager: 'bench', force: true, body } as const;
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  await served(client);
  for (const name of Object.values(system)) await client.create(namespaces, { metadata: { name } });
  const data = { 'block-private-ips': 'false' };
  await client.create(configMaps, { metadata: { name: 'git-resolver-config', namespace: system.resolvers }, data });
}

/** New kinds are served a moment after they were made. */
async function served(client: KubeClient): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { items } = await client.list(customResourceDefinitions);
    const isEstablished = (crd: CustomResourceDefinition) =>
      crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
    if (items.every(isEstablished)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the CRDs are not served within 20 s');
}

function references(git: GitBackend): object {
  const params = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => ({ name, value }));
  const steps = [{ name: 's', image: 'busybox', command: ['true'] }];
  const task = { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 't' }, spec: { steps } };
  const of = (revision: string, pathInRepo: string) => ({
    resolver: 'git',
    params: params({ url: git.url, revision, pathInRepo }),
  });
  const first = commitFiles(git, { 'task.yaml': stringify(task) });
  const spec = { tasks: [{ name: 'only', taskRef: of(first, 'task.yaml') }] };
  const pipeline = { apiVersion: 'tekton.dev/v1', kind: 'Pipeline', metadata: { name: 'p' }, spec };
  return of(commitFiles(git, { 'pipeline.yaml': stringify(pipeline) }), 'pipeline.yaml');
}

/** Milliseconds until the API server tells of the run's TaskRun. */
async function timeToFirstTaskRun(client: KubeClient, namespace: string, pipelineRef: object): Promise<number> {
  const begun = performance.now();
  const made = await client.create(pipelineRuns, {
    metadata: { generateName: 'remote-', namespace },
    spec: { pipelineRef },
  } as unknown as PipelineRun);
  const labelSelector = `tekton.dev/pipelineRun=${made.metadata.name}`;
  for (let tries = 0; tries < 10_000; tries += 1) {
    const { items } = await client.list(taskRuns, { namespace, labelSelector });
    if (items.length > 0) return performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const run = await client.get(pipelineRuns, namespace, made.metadata.name ?? '');
  throw new Error(`${made.metadata.name} has no TaskRun: ${JSON.stringify(run.status?.conditions)}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function setCache(client: KubeClient, mode: string): Promise<void> {
  const body = { data: { 'default-cache-mode': mode } };
  await client.patch(configMaps, system.resolvers, 'git-resolver-config', { type: 'merge', body });
  // The watch must have it.
  await new Promise((resolve) => setTimeout(resolve, 500));
}

async function measure(client: KubeClient, count: number, pipelineRef: object): Promise<boolean> {
  const namespace = await createNamespace(client, 'remote', AbortSignal.timeout(30_000));
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace } }).catch(() => undefined);
  const medians: number[] = [];
  for (const [name, mode] of [
    ['fetched', 'never'],
    ['cached', 'always'],
  ] as const) {
    await setCache(client, mode);
    // The first fills connections and the cache.
    await timeToFirstTaskRun(client, namespace, pipelineRef);
    const times: number[] = [];
    for (let run = 0; run < count; run += 1) times.push(await timeToFirstTaskRun(client, namespace, pipelineRef));
    medians.push(median(times));
    const [least, most] = [Math.min(...times), Math.max(...times)].map((ms) => ms.toFixed(0));
    console.log(`${name.padEnd(8)} | median ${median(times).toFixed(0)} ms | ${least} to ${most} ms`);
  }
  const reached = (medians[1] ?? Infinity) < goalMs;
  console.log(`goal: cached below ${goalMs} ms: ${reached ? 'reached' : 'missed'}`);
  return reached;
}

/** @returns whether the goal was reached */
export async function benchRemote(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { remote: { type: 'boolean' }, runs: { type: 'string', default: '20' } },
  });
  const plane = await ControlPlane.up('bench-remote');
  const end = new AbortController();
  const client = await plane.client();
  const git = await startGitBackend({ config: ['uploadpack.allowFilter=true'] });
  const roles: Promise<unknown>[] = [];
  try {
    await install(client);
    const env = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', LOG_LEVEL: 'fatal' };
    const common = ['--kubeconfig', plane.kubeconfig, '--disable-ha'];
    const images = ['--entrypoint-image=registry.invalid/entrypoint', '--nop-image=registry.invalid/nop'];
    roles.push(
      resolvers(common, { ...env, SYSTEM_NAMESPACE: system.resolvers }, end.signal),
      controller([...common, ...images], { ...env, SYSTEM_NAMESPACE: system.controller }, end.signal),
    );
    return await measure(client, Math.max(1, Number(values.runs)), references(git));
  } finally {
    end.abort();
    await Promise.allSettled(roles);
    git.close();
    await client.close(true);
    await plane.down();
  }
}
