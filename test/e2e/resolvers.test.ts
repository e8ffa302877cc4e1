import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { verificationPolicies } from '../../src/api/resolution/verification-policy.ts';
import { pipelineRuns, taskRuns, tasks } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { startServer, type SeenRequest } from '../../src/http/http-server.fake.ts';
import { configMaps, secrets } from '../../src/kube/resources.ts';
import { commitFiles, startGitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { parse } from 'yaml';
import {
  badReferences,
  goodReferences,
  params,
  prepareNamespace,
  resolverSettings,
  type ReferenceRow,
  type Surroundings,
} from '../remote/references.ts';
import { startResolverServers, type ResolverServers } from '../remote/servers.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { testCluster } from './setup.ts';
import { bundle, greeting, image, signersKey, startRemoteServers, type RemoteServers } from './remote-servers.ts';

/** Definitions from elsewhere on the node: every resolver, a signed Task, what Chains says of where they came from. */
const bench = openWorkbench('resolvers');
let installation: Installation;
let servers: RemoteServers;
/** Of the table of references. */
let others: ResolverServers;
const registries: Surroundings['registries'] = { private: 'private.example.com', slow: 'slow.example.com' };

const reference = (resolver: string, values: Readonly<Record<string, string>>) => ({
  resolver,
  params: params(values),
});
const startRemote = (resolver: string, values: Readonly<Record<string, string>>): Promise<TaskRun> =>
  bench.startTask({ taskRef: reference(resolver, values) });
const runRemote = async (resolver: string, values: Readonly<Record<string, string>>): Promise<TaskRun> =>
  bench.waitFor(await startRemote(resolver, values));

async function setData(map: string, data: Record<string, string | null>): Promise<void> {
  await bench.client.patch(configMaps, systemNamespace, map, { type: 'merge', body: { data } });
}

beforeAll(async () => {
  installation = await Installation.open();
  const { registry } = await testCluster();
  servers = await startRemoteServers(registry);
  others = await startResolverServers({}, servers.host);
  await prepareNamespace(bench.client, bench.namespace, registries.private);
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
      ...resolverSettings,
      'git-resolver-config': { ...resolverSettings['git-resolver-config'], ...inside },
      'http-resolver-config': { ...resolverSettings['http-resolver-config'], ...inside },
      'hubresolver-config': {
        ...resolverSettings['hubresolver-config'],
        ...inside,
        'artifact-hub-urls': `- ${servers.hub.url}`,
      },
    },
    'resolvers.registryMirrors': {
      '*': `http://${registry}`,
      [registries.private]: `http://${others.registry.host}`,
      [registries.slow]: others.web.url,
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
  await installation?.upgradeWithoutKey();
  await Promise.all([servers?.close(), others?.close()]);
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
});

describe('a reference', () => {
  const runs = new Map<string, TaskRun>();
  // Their pods are all on one node.
  const ended = ({ name }: ReferenceRow) => bench.waitFor(runs.get(name) as TaskRun, undefined, 150);
  // All at once: some of them take as long as they may.
  beforeAll(async () => {
    for (const { name, resolver, values } of [...badReferences, ...goodReferences]) {
      const surroundings = { servers: others, namespace: bench.namespace, registries };
      runs.set(name, await startRemote(resolver, values(surroundings)));
    }
  });

  it.each(goodReferences)('that can be had runs: $name', async (row) => {
    const { status } = await ended(row);
    expect(succeededCondition(status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(status?.provenance?.refSource?.uri).toMatch(row.says);
    expect(Object.values(status?.provenance?.refSource?.digest ?? {})[0]).toMatch(/^[0-9a-f]{40,64}$/);
  });

  it.each(badReferences)('that cannot be had ends with what is wrong: $name', async (row) => {
    const { status } = await ended(row);
    expect(succeededCondition(status)).toMatchObject({
      status: 'False',
      reason: 'TaskRunResolutionFailed',
      message: expect.stringMatching(row.says) as string,
    });
    expect(status?.podName ?? '').toBe('');
  });

  it('runs when its server was away for a moment', async () => {
    let isAway = true;
    const answer = ({ socket }: { socket: { destroy(): unknown } }) => {
      if (isAway) socket.destroy();
      return isAway;
    };
    const git = await startGitBackend({ config: ['uploadpack.allowFilter=true'], host: servers.host, answer });
    try {
      commitFiles(git, { 'task.yaml': greeting('late') });
      const run = await startRemote('git', { url: git.url, revision: 'main', pathInRepo: 'task.yaml' });
      await vi.waitFor(() => expect(git.sent.requests.length).toBeGreaterThan(2), { timeout: 30_000, interval: 100 });
      const { status } = await bench.waitFor(run, (current) => succeededCondition(current.status) !== undefined);
      expect(succeededCondition(status)).toMatchObject({ status: 'Unknown', reason: 'ResolvingTaskRef' });
      isAway = false;
      const { status: last } = await bench.waitFor(run);
      expect(succeededCondition(last)).toMatchObject({ status: 'True' });
      expect(last?.results).toEqual([expect.objectContaining({ name: 'from', value: 'late' })]);
    } finally {
      git.close();
    }
  });
});

describe('a StepAction from elsewhere', () => {
  const stepAction = (name: string) =>
    `{ apiVersion: tekton.dev/v1beta1, kind: StepAction, metadata: { name: ${name} }, spec: { image: '${image}', command: ['true'] } }`;
  const step = (pathInRepo: string) =>
    bench.runTask({
      taskSpec: {
        results: [{ name: 'said', value: '$(steps.greet.results.greeting)' }],
        steps: [
          {
            name: 'greet',
            ref: reference('git', { url: others.git.url, revision: 'main', pathInRepo }),
            params: params({ who: 'team' }),
          },
        ],
      },
    });

  it('is what its step runs, and named in the provenance of the step', async () => {
    const { status } = await step('step.yaml');
    expect(succeededCondition(status)).toMatchObject({ status: 'True' });
    expect(status?.results).toEqual([expect.objectContaining({ name: 'said', value: 'hello team' })]);
    expect(status?.steps?.[0]?.provenance?.refSource).toEqual({
      uri: `git+${others.git.url}`,
      digest: { sha1: others.git.git('rev-parse', 'HEAD') },
      entryPoint: 'step.yaml',
    });
  });

  it('is fetched beside no more others than default-step-ref-concurrency-limit says now', async () => {
    let [open, most] = [0, 0];
    const slow = async ({ path }: SeenRequest) => {
      most = Math.max(most, (open += 1));
      await new Promise((resolve) => setTimeout(resolve, 500));
      open -= 1;
      return { body: stepAction(path.slice(1)) };
    };
    const web = await startServer(slow, servers.host);
    const limited = (limit: string | null) =>
      setData('config-defaults', { 'default-step-ref-concurrency-limit': limit });
    const names = Array.from({ length: 6 }, (_, index) => `s${index}`);
    const steps = names.map((name) => ({ name, ref: reference('http', { url: `${web.url}/${name}` }) }));
    /** How many were asked for at once of a run with six. */
    const atOnce = async () => {
      most = 0;
      const started = await bench.startTask({ taskSpec: { steps } });
      const run = await bench.waitFor(started, ({ status }) => Boolean(status?.podName));
      await bench.tektite('taskrun', 'cancel', run.metadata.name ?? '');
      return most;
    };
    try {
      await limited('2');
      // The controller sees the map within moments.
      await expect.poll(atOnce, { timeout: 30_000 }).toBe(2);
      await limited(null);
      await expect.poll(atOnce, { timeout: 30_000 }).toBe(5);
    } finally {
      await limited(null);
      await web.close();
    }
  });

  it('that is not there ends the run with what is wrong', async () => {
    const { status } = await step('none.yaml');
    expect(succeededCondition(status)).toMatchObject({
      status: 'False',
      message: expect.stringMatching(/error opening file "none.yaml": file does not exist/) as string,
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
    run = await bench.runPipeline(spec);
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

  // Nobody has a policy about it.
  it.each([
    ['warn', ['True', 'Succeeded', 'False']],
    ['fail', ['False', 'ResourceVerificationFailed', 'False']],
  ])('trusted-resources-verification-no-match-policy: %s', async (policy, expected) => {
    const flag = 'trusted-resources-verification-no-match-policy';
    const setFlag = (value: string | null) => setData('feature-flags', { [flag]: value });
    const said = async () => {
      const run = await runRemote('http', { url: `${servers.web.url}/task.yaml` });
      const condition = succeededCondition(run.status);
      return [condition?.status, condition?.reason, trust(run)?.status];
    };
    try {
      await setFlag(policy);
      // The controller sees the map within moments.
      await expect.poll(said, { timeout: 30_000 }).toEqual(expected);
    } finally {
      await setFlag(null);
    }
  });
});
