import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Param } from '../../src/api/pipeline/v1/params.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { verificationPolicies } from '../../src/api/resolution/verification-policy.ts';
import { pipelineRuns, taskRuns, tasks } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { secrets } from '../../src/kube/resources.ts';
import { parse } from 'yaml';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { testCluster } from './setup.ts';
import { bundle, greeting, signersKey, startRemoteServers, type RemoteServers } from './remote-servers.ts';

/** Definitions from elsewhere on the node: every resolver, a signed Task, what Chains says of where they came from. */
const bench = openWorkbench('resolvers');
let installation: Installation;
let servers: RemoteServers;

const params = (values: Readonly<Record<string, string>>): Param[] =>
  Object.entries(values).map(([name, value]) => ({ name, value }));
const reference = (resolver: string, values: Readonly<Record<string, string>>) => ({
  resolver,
  params: params(values),
});
const runRemote = (resolver: string, values: Readonly<Record<string, string>>): Promise<TaskRun> =>
  bench.runTask({ taskRef: reference(resolver, values) } as TaskRun['spec']);

beforeAll(async () => {
  installation = await Installation.open();
  servers = await startRemoteServers((await testCluster()).registry);
  const inside = { 'allowed-private-hosts': servers.host };
  const format = 'slsa/v2alpha4';
  await installation.upgrade({
    'chains.enabled': 'true',
    'chains.config': {
      'artifacts.taskrun.format': format,
      'artifacts.taskrun.storage': 'tekton',
      'artifacts.pipelinerun.format': format,
      'artifacts.pipelinerun.storage': 'tekton',
    },
    'resolvers.config': {
      'git-resolver-config': inside,
      'http-resolver-config': inside,
      'hubresolver-config': { ...inside, 'artifact-hub-urls': `- ${servers.hub.url}` },
    },
  });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  await bench.client.patch(secrets, 'tekton-chains', 'signing-secrets', {
    type: 'merge',
    body: { data: { 'x509.pem': Buffer.from(pem).toString('base64') } },
  });
}, 300_000);

afterAll(async () => {
  await bench.client
    .patch(secrets, 'tekton-chains', 'signing-secrets', { type: 'merge', body: { data: { 'x509.pem': null } } })
    .catch(() => undefined);
  await installation?.upgrade();
  await servers?.close();
  await installation?.close();
}, 300_000);

describe('a Task from elsewhere', () => {
  it.each<[resolver: string, values: () => Record<string, string>, refSource: () => object]>([
    [
      'git',
      () => ({ url: servers.git.url, revision: 'main', pathInRepo: 'task/git.yaml' }),
      () => ({ uri: `git+${servers.git.url}`, digest: { sha1: servers.commit }, entryPoint: 'task/git.yaml' }),
    ],
    [
      'http',
      () => ({ url: `${servers.web.url}/task.yaml` }),
      () => ({
        uri: `${servers.web.url}/task.yaml`,
        digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      }),
    ],
    [
      'bundles',
      () => ({ bundle, name: 'bundles', kind: 'task' }),
      () => ({
        uri: 'ghcr.io/e2e/catalog',
        digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
        entryPoint: 'bundles',
      }),
    ],
    [
      'cluster',
      () => ({ kind: 'task', name: 'cluster', namespace: bench.namespace }),
      () => ({
        uri: expect.stringContaining(`/namespaces/${bench.namespace}/task/cluster@`) as string,
        digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      }),
    ],
  ])('runs: %s', async (resolver, values, refSource) => {
    if (resolver === 'cluster') {
      const task = parse(greeting('cluster')) as { metadata: { name: string } };
      await bench.create(tasks, { ...task, metadata: { ...task.metadata, namespace: bench.namespace } } as never);
    }
    const run = await runRemote(resolver, values());
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(run.status?.results).toEqual([expect.objectContaining({ name: 'from', value: resolver })]);
    expect(run.status?.provenance?.refSource).toEqual(refSource());
  });

  it('ends with what is wrong when it is not there', async () => {
    const run = await runRemote('http', { url: `${servers.web.url}/none.yaml` });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'TaskRunResolutionFailed',
      message: expect.stringContaining('answered 404') as string,
    });
  });
});

describe('a Pipeline in git with Tasks of a hub', () => {
  let run: PipelineRun;
  beforeAll(async () => {
    const spec = {
      pipelineRef: reference('git', { url: servers.git.url, revision: servers.commit, pathInRepo: 'pipeline.yaml' }),
      params: [{ name: 'text', value: 'twelve bytes' }],
      workspaces: [
        {
          name: 'shared',
          volumeClaimTemplate: {
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
          },
        },
      ],
      taskRunTemplate: { podTemplate: { securityContext: { fsGroup: 65532 } } },
    };
    run = await bench.runPipeline(spec as unknown as PipelineRun['spec']);
  }, 150_000);

  it('runs, its v1beta1 Tasks as v1', () => {
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True' });
    expect(run.status?.results).toEqual([{ name: 'length', value: '12' }]);
  });

  it('says in each run where its definition came from', async () => {
    expect(run.status?.provenance?.refSource).toEqual({
      uri: `git+${servers.git.url}`,
      digest: { sha1: servers.commit },
      entryPoint: 'pipeline.yaml',
    });
    const { items } = await bench.client.list(taskRuns, {
      namespace: bench.namespace,
      labelSelector: `tekton.dev/pipelineRun=${run.metadata.name}`,
    });
    const sources = items.map(({ status }) => status?.provenance?.refSource);
    expect(sources.toSorted((left, right) => (left?.uri ?? '').localeCompare(right?.uri ?? ''))).toEqual([
      { uri: hubAddress('measure'), digest: { sha256: servers.digests.measure } },
      { uri: hubAddress('write'), digest: { sha256: servers.digests.write } },
    ]);
  });

  it('has them all among the resolvedDependencies of its attestation', async () => {
    const dependencies = await vi.waitFor(async () => resolvedDependencies(await latest(run)), {
      timeout: 60_000,
      interval: 500,
    });
    expect(dependencies).toEqual(
      expect.arrayContaining([
        { name: 'pipeline', uri: `git+${servers.git.url}`, digest: { sha1: servers.commit } },
        { name: 'pipelineTask', uri: hubAddress('write'), digest: { sha256: servers.digests.write } },
        { name: 'pipelineTask', uri: hubAddress('measure'), digest: { sha256: servers.digests.measure } },
      ]),
    );
  });
});

const hubAddress = (name: string) =>
  `${servers.hub.url}/api/v1/packages/tekton-task/tekton-catalog-tasks/${name}/0.9.0`;

function latest(run: PipelineRun): Promise<PipelineRun> {
  return bench.client.get(pipelineRuns, bench.namespace, run.metadata.name ?? '');
}

/** @throws while the run is not signed. */
function resolvedDependencies({ metadata }: PipelineRun): unknown {
  const text = metadata.annotations?.[`chains.tekton.dev/signature-pipelinerun-${metadata.uid}`];
  if (text === undefined) throw new Error(`not signed: ${JSON.stringify(metadata.annotations)}`);
  const unpacked = (base64: string) => JSON.parse(Buffer.from(base64, 'base64').toString()) as unknown;
  const { payload } = unpacked(text) as { payload: string };
  const statement = unpacked(payload) as { predicate: { buildDefinition: { resolvedDependencies: unknown } } };
  return statement.predicate.buildDefinition.resolvedDependencies;
}

const trust = ({ status }: TaskRun) => status?.conditions?.find(({ type }) => type === 'TrustedResourcesVerified');

describe('an enforcing VerificationPolicy', () => {
  beforeAll(async () => {
    await bench.create(verificationPolicies, {
      apiVersion: 'tekton.dev/v1alpha1',
      kind: 'VerificationPolicy',
      metadata: { name: 'web', namespace: bench.namespace },
      spec: {
        resources: [{ pattern: `${servers.web.url}/.*ed.yaml` }],
        authorities: [{ name: 'key', key: { data: signersKey } }],
        mode: 'enforce',
      },
    });
    // The controller's watch must have it.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  });

  it('lets a signed Task run', async () => {
    const run = await runRemote('http', { url: `${servers.web.url}/signed.yaml` });
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True' });
    expect(trust(run)).toMatchObject({ status: 'True' });
  });

  it('refuses one that was changed by a byte, before there is a pod', async () => {
    const run = await runRemote('http', { url: `${servers.web.url}/changed.yaml` });
    expect(succeededCondition(run.status)).toMatchObject({ status: 'False', reason: 'ResourceVerificationFailed' });
    expect(trust(run)).toMatchObject({ status: 'False' });
    expect(run.status?.podName ?? '').toBe('');
  });
});
