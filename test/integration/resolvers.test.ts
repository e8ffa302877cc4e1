import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { resolutionRequests, resolverTypeLabel } from '../../src/api/resolution/resolution-request.ts';
import { verificationPolicies } from '../../src/api/resolution/verification-policy.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { main as controller } from '../../src/controller/main.ts';
import type { FakeServer } from '../../src/http/http-server.fake.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import {
  configMaps,
  customResourceDefinitions,
  namespaces,
  pods,
  serviceAccounts,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { requestName } from '../../src/resolvers/contract/name.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { main as resolvers } from '../../src/resolvers/role/main.ts';
import { toSign, type Definition } from '../../src/resolvers/trust/signed-forms.ts';
import { difference, readWrites } from '../bench/api-writes.ts';
import { ControlPlane } from './kube-control-plane.ts';
import {
  badReferences,
  goodReferences,
  params,
  prepareNamespace,
  resolverSettings,
  type Surroundings,
} from '../remote/references.ts';
import { startResolverServers, task, type ResolverServers } from '../remote/servers.ts';
import { sized } from '../long.ts';

/** The controller and the resolvers on a real API server, with a real git server and plain HTTP servers. */
const plane = 'resolvers-test';
const system = 'tekton-pipelines-resolvers';
const team = 'team';
const end = new AbortController();
const running: Promise<unknown>[] = [];
let controlPlane: ControlPlane;
let client: KubeClient;
let servers: ResolverServers;
let git: GitBackend;
let web: FakeServer;
let registries: Surroundings['registries'];

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function signed(yaml: string): string {
  const { definition, digest } = toSign(parse(yaml) as Definition);
  const signature = sign('sha256', digest, privateKey).toString('base64');
  return stringify({
    ...definition,
    metadata: { ...definition.metadata, annotations: { 'tekton.dev/signature': signature } },
  });
}

async function installCrds(): Promise<void> {
  const folder = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const body = parse(readFileSync(join(folder, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply', fieldManager: 'test', force: true, body } as const;
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  await until('the CRDs are established', async () => {
    const { items } = await client.list(customResourceDefinitions);
    const established = (crd: CustomResourceDefinition) =>
      crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
    return items.every(established) || undefined;
  });
}

async function until<T>(what: string, look: () => Promise<T | undefined>, rounds = 600): Promise<T> {
  for (let round = 0; round < rounds; round += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await systemClock.sleep(50);
  }
  throw new Error(`not within its time: ${what}`);
}

beforeAll(async () => {
  controlPlane = await ControlPlane.up(plane);
  client = await controlPlane.client({ qps: 500, burst: 1000 });
  await installCrds();
  for (const name of [system, team, 'tekton-pipelines']) {
    await client.create(namespaces, { metadata: { name } });
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace: name } }).catch(() => undefined);
  }
  servers = await startResolverServers({
    '/signed.yaml': signed(task('signed')),
    '/changed.yaml': signed(task('signed')).replace('hello', 'hallo'),
  });
  ({ git, web } = servers);
  const open = { 'block-private-ips': 'false' };
  for (const [name, data] of Object.entries(resolverSettings))
    await client.create(configMaps, { metadata: { name, namespace: system }, data: { ...open, ...data } });
  const flags = { metadata: { name: 'feature-flags', namespace: 'tekton-pipelines' } };
  await client.create(configMaps, { ...flags, data: { 'enable-concise-resolver-syntax': 'true' } });
  registries = { private: servers.registry.host, slow: new URL(servers.web.url).host };
  await prepareNamespace(client, team, registries.private);
  commitFiles(git, { 'pipeline.yaml': pipeline() });
  const limits = ['--kube-api-qps=500', '--kube-api-burst=1000'];
  const common = ['--kubeconfig', controlPlane.kubeconfig, '--disable-ha', ...limits];
  const env = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', LOG_LEVEL: 'fatal' };
  running.push(
    resolvers(common, { ...env, SYSTEM_NAMESPACE: system }, end.signal),
    controller(
      [...common, '--entrypoint-image=registry.invalid/entrypoint', '--nop-image=registry.invalid/nop'],
      { ...env, SYSTEM_NAMESPACE: 'tekton-pipelines' },
      end.signal,
    ),
  );
}, 180_000);

afterAll(async () => {
  end.abort();
  await Promise.allSettled(running);
  await servers?.close();
  await client?.close(true);
  await controlPlane?.down();
}, 60_000);

function pipeline(): string {
  return stringify({
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'remote' },
    spec: {
      tasks: [
        { name: 'first', taskRef: { resolver: 'http', params: params({ url: `${web.url}/task.yaml` }) } },
        {
          name: 'second',
          taskRef: {
            resolver: 'git',
            params: params({ url: git.url, revision: git.git('rev-parse', 'HEAD'), pathInRepo: 'task/hello.yaml' }),
          },
        },
      ],
    },
  });
}

function taskRun(name: string, resolver: string, values: Readonly<Record<string, string>>): Promise<TaskRun> {
  const spec = { taskRef: { resolver, params: params(values) }, params: [{ name: 'path', value: 'task/hello.yaml' }] };
  return client.create(taskRuns, { metadata: { name, namespace: team }, spec });
}

const seen = (name: string) => client.get(taskRuns, team, name);
const condition = (run: TaskRun | PipelineRun, type = 'Succeeded') =>
  run.status?.conditions?.find((each) => each.type === type);
const started = (name: string) =>
  until(`${name} has a pod`, async () => {
    const run = await seen(name);
    return run.status?.podName || condition(run)?.status === 'False' ? run : undefined;
  });
const ended = (name: string) =>
  until(`${name} is over`, async () => {
    const run = await seen(name);
    return condition(run)?.status === 'False' ? run : undefined;
  });

const surroundings = (): Surroundings => ({ servers, namespace: team, registries });

describe('a Task from elsewhere', () => {
  it('is fetched, converted to v1, run, and named in the provenance', async () => {
    await taskRun('by-git', 'git', { url: git.url, revision: 'main', pathInRepo: '$(params.path)' });
    const run = await started('by-git');
    expect(condition(run)?.message).not.toMatch(/error/);
    expect(run.status?.taskSpec?.steps?.[0]?.computeResources).toEqual({ limits: { memory: '64Mi' } });
    expect(run.status?.provenance?.refSource).toEqual({
      uri: `git+${git.url}`,
      digest: { sha1: git.git('rev-parse', 'HEAD') },
      entryPoint: 'task/hello.yaml',
    });
    expect(run.metadata.labels?.['from']).toBe('remote');
  });

  it('costs a request that upstream would make, with its answer in one write', async () => {
    const run = await seen('by-git');
    const resolverParams = params({ url: git.url, revision: 'main', pathInRepo: 'task/hello.yaml' });
    const name = requestName({ resolver: 'git', namespace: team, name: 'by-git', params: resolverParams });
    const request = await client.get(resolutionRequests, team, name);
    expect(request.metadata.labels).toEqual({ [resolverTypeLabel]: 'git' });
    expect(request.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'tekton.dev/v1',
        kind: 'TaskRun',
        name: 'by-git',
        uid: run.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(Buffer.from(request.status?.data ?? '', 'base64').toString()).toBe(task('hello'));
    expect(request.status?.conditions).toEqual([expect.objectContaining({ type: 'Succeeded', status: 'True' })]);
    const writers = (request.metadata as { managedFields?: { subresource?: string }[] }).managedFields ?? [];
    expect(writers.filter(({ subresource }) => subresource === 'status')).toHaveLength(1);
  });

  it.each(goodReferences)('$name runs', async ({ name, resolver, values, says }) => {
    await taskRun(name, resolver, values(surroundings()));
    const run = await started(name);
    expect(condition(run)?.message).not.toMatch(/error/);
    expect(run.status?.provenance?.refSource?.uri).toMatch(says);
    expect(Object.values(run.status?.provenance?.refSource?.digest ?? {})[0]).toMatch(/^[0-9a-f]{40,64}$/);
  });

  it('may be named by its address alone', async () => {
    const taskRef = { resolver: 'http', name: `${web.url}/task.yaml` };
    await client.create(taskRuns, { metadata: { name: 'by-address', namespace: team }, spec: { taskRef } });
    const run = await started('by-address');
    expect(run.status?.podName).toBeTruthy();
    expect(run.status?.provenance?.refSource?.uri).toBe(`${web.url}/task.yaml`);
  });

  it('that a secret unlocked is not served from the cache to who lacks the secret', async () => {
    const revision = servers.privateGit.git('rev-parse', 'HEAD');
    const values = { url: servers.privateGit.url, revision, pathInRepo: 'task.yaml' };
    const token = { gitToken: 'login', gitTokenKey: 'git' };
    const asked = () => servers.privateGit.sent.requests.length;
    await taskRun('unlocks', 'git', { ...values, ...token });
    expect((await started('unlocks')).status?.podName).toBeTruthy();
    const before = asked();
    await taskRun('unlocks-again', 'git', { ...values, ...token });
    expect((await started('unlocks-again')).status?.podName).toBeTruthy();
    expect(asked()).toBe(before);
    await taskRun('without', 'git', values);
    expect(condition(await ended('without'))?.message).toMatch(/name a secret with a/);
    await taskRun('with-another', 'git', { ...values, ...token, gitTokenKey: 'not-git' });
    expect(condition(await ended('with-another'))?.message).toMatch(/the token .* is not enough/);
  });

  it('is answered by a resolver of somebody else, who writes the data only', async () => {
    await taskRun('by-stranger', 'custom', { a: 'b' });
    const name = requestName({ resolver: 'custom', namespace: team, name: 'by-stranger', params: params({ a: 'b' }) });
    const found = await until('it is asked for', () =>
      client.get(resolutionRequests, team, name).catch(() => undefined),
    );
    expect(found.spec?.params).toEqual(params({ a: 'b' }));
    const body = {
      status: { data: Buffer.from(task('strange')).toString('base64'), refSource: { uri: 'strange://x' } },
    };
    await client.patch(resolutionRequests, team, name, { type: 'merge', body, subresource: 'status' });
    const run = await started('by-stranger');
    expect(run.status?.provenance?.refSource).toEqual({ uri: 'strange://x' });
    const request = await until('it is called a success', async () => {
      const latest = await client.get(resolutionRequests, team, name);
      return latest.status?.conditions ? latest : undefined;
    });
    expect(request.status?.conditions?.[0]?.status).toBe('True');
  });
});

describe('what cannot be had', () => {
  // All at once: some of them take as long as they may.
  beforeAll(async () => {
    for (const { name, resolver, values } of badReferences) await taskRun(name, resolver, values(surroundings()));
  });

  it.each(badReferences)('$name ends with what is wrong', async ({ name, says }) => {
    const run = await ended(name);
    expect(condition(run)?.reason).toBe('TaskRunResolutionFailed');
    expect(condition(run)?.message).toMatch(says);
  });
});

describe('a StepAction from elsewhere', () => {
  it('is what its step runs, and named in the provenance of the step', async () => {
    const ref = { resolver: 'git', params: params({ url: git.url, revision: 'main', pathInRepo: 'step.yaml' }) };
    const spec = { taskSpec: { steps: [{ name: 'greet', ref, params: params({ who: 'team' }) }] } };
    await client.create(taskRuns, { metadata: { name: 'by-step', namespace: team }, spec });
    const run = await started('by-step');
    const pod = await client.get(pods, team, run.status?.podName ?? '');
    expect(pod.spec?.containers?.[0]).toMatchObject({
      name: 'step-greet',
      env: expect.arrayContaining([{ name: 'WHO', value: 'team' }]) as unknown,
    });
    expect(run.status?.steps?.[0]).toMatchObject({
      name: 'greet',
      provenance: { refSource: { uri: `git+${git.url}`, entryPoint: 'step.yaml' } },
    });
  });

  it('that is not there ends the run with what is wrong', async () => {
    const ref = { resolver: 'git', params: params({ url: git.url, revision: 'main', pathInRepo: 'none.yaml' }) };
    const spec = { taskSpec: { steps: [{ name: 'greet', ref }] } };
    await client.create(taskRuns, { metadata: { name: 'no-step', namespace: team }, spec });
    const run = await ended('no-step');
    expect(condition(run)?.message).toMatch(/error opening file "none.yaml": file does not exist/);
  });
});

describe('a server that is away', () => {
  it('fails no run that names what was fetched before and cannot change', async () => {
    const other = await startGitBackend({ config: ['uploadpack.allowFilter=true'] });
    const pinned = commitFiles(other, { 'task.yaml': task('kept') });
    const values = { url: other.url, revision: pinned, pathInRepo: 'task.yaml' };
    await taskRun('before', 'git', values);
    await started('before');
    // What was kept is too old to be the answer without asking.
    await client.create(configMaps, {
      metadata: { name: 'resolver-cache-config', namespace: system },
      data: { ttl: '1ms' },
    });
    await systemClock.sleep(500);
    other.close();
    await taskRun('after', 'git', values);
    const run = await started('after');
    expect(run.status?.podName).toBeTruthy();
    expect(run.status?.provenance?.refSource?.digest).toEqual({ sha1: pinned });
    await client.delete(configMaps, system, 'resolver-cache-config');
  });
});

describe('trusted resources', () => {
  it('run a signed Task under an enforcing policy, and not one that was changed by a byte', async () => {
    await client.create(verificationPolicies, {
      metadata: { name: 'web', namespace: team },
      spec: {
        resources: [{ pattern: `${web.url}/.*ed.yaml` }],
        authorities: [{ name: 'key', key: { data: publicKey.export({ format: 'pem', type: 'spki' }).toString() } }],
      },
    });
    // The watch of policies must have it.
    await systemClock.sleep(500);
    await taskRun('trusted', 'http', { url: `${web.url}/signed.yaml` });
    await taskRun('untrusted', 'http', { url: `${web.url}/changed.yaml` });
    const good = await started('trusted');
    expect(good.status?.podName).toBeTruthy();
    expect(condition(good, 'TrustedResourcesVerified')?.status).toBe('True');
    const bad = await ended('untrusted');
    expect(condition(bad)?.reason).toBe('ResourceVerificationFailed');
    expect(condition(bad)?.message).toMatch(/resource verification failed: resource signed .* it was changed since/);
    expect(condition(bad, 'TrustedResourcesVerified')?.status).toBe('False');
    const made = await client.list(pods, { namespace: team, labelSelector: 'tekton.dev/taskRun=untrusted' });
    expect(made.items).toEqual([]);
  });
});

const MANY = sized(20, 200);

describe(`${MANY} runs of a pinned Pipeline with ten pinned Tasks`, () => {
  it('start with one fetch of each definition, and two writes for each reference of a run', async () => {
    const files = Array.from({ length: 10 }, (_each, index) => `many/${index}.yaml`);
    // Nobody has seen this commit: a second try fetches anew.
    const mark = `# ${randomUUID()}\n`;
    const pinned = commitFiles(
      git,
      Object.fromEntries(files.map((file, index) => [file, mark + task(`many-${index}`)])),
    );
    const tasks = files.map((pathInRepo, index) => ({
      name: `task-${index}`,
      // One after the other: each run begins with one TaskRun, and asks for all definitions before.
      ...(index > 0 ? { runAfter: [`task-${index - 1}`] } : {}),
      taskRef: { resolver: 'git', params: params({ url: git.url, revision: pinned, pathInRepo }) },
    }));
    const pipeline = { apiVersion: 'tekton.dev/v1', kind: 'Pipeline', metadata: { name: 'many' }, spec: { tasks } };
    const revision = commitFiles(git, { 'many.yaml': stringify(pipeline) });
    const of = params({ url: git.url, revision, pathInRepo: 'many.yaml' });
    const names = Array.from({ length: MANY }, (_each, index) => `many-${index}`);
    git.sent.requests.length = 0;
    const before = await readWrites(client, AbortSignal.timeout(30_000));
    await Promise.all(
      names.map((name) =>
        client.create(pipelineRuns, {
          metadata: { name, namespace: team },
          spec: { pipelineRef: { resolver: 'git', params: of } },
        }),
      ),
    );
    const started = async () => {
      const { items } = await client.list(pipelineRuns, { namespace: team });
      const mine = items.filter(({ metadata }) => names.includes(metadata.name ?? ''));
      const failed = mine.find((run) => condition(run)?.status === 'False');
      if (failed) throw new Error(condition(failed)?.message);
      return mine.filter(({ status }) => (status?.childReferences?.length ?? 0) > 0).length;
    };
    for (let seen = 0; seen < MANY; seen = await started()) await systemClock.sleep(1_000);
    expect(git.sent.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1 + tasks.length);
    const writes = difference(await readWrites(client, AbortSignal.timeout(30_000)), before);
    const ofRequests = [...writes].filter(([key]) => key.includes('resolution.tekton.dev/resolutionrequests'));
    const written = ofRequests.reduce((sum, [, times]) => sum + times, 0);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(2 * MANY * (1 + tasks.length));
  }, 400_000);
});
