import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPairSync, sign } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { Param } from '../../src/api/pipeline/v1/params.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { resolutionRequests, resolverTypeLabel } from '../../src/api/resolution/resolution-request.ts';
import { verificationPolicies } from '../../src/api/resolution/verification-policy.ts';
import { pipelineRuns, taskRuns, tasks } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { main as controller } from '../../src/controller/main.ts';
import type { FakeServer } from '../../src/http/http-server.fake.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import {
  configMaps,
  customResourceDefinitions,
  namespaces,
  pods,
  secrets,
  serviceAccounts,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import { requestName } from '../../src/resolvers/contract/name.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { main as resolvers } from '../../src/resolvers/role/main.ts';
import { toSign, type Definition } from '../../src/resolvers/trust/signed-forms.ts';
import { difference, readWrites } from '../bench/api-writes.ts';
import { ControlPlane } from './kube-control-plane.ts';
import { base64, startResolverServers, task, type ResolverServers } from './resolver-servers.ts';

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
    '/unknown-field.yaml': task('odd').replace('steps:', 'stepz:'),
  });
  ({ git, web } = servers);
  const open = { 'block-private-ips': 'false' };
  const settings: Readonly<Record<string, Record<string, string>>> = {
    'git-resolver-config': { ...open, 'hasty.fetch-timeout': '3s' },
    'http-resolver-config': { ...open, 'fetch-timeout': '10s' },
    'hubresolver-config': { ...open, 'fetch-timeout': '10s', 'artifact-hub-urls': `- ${servers.hub.url}` },
    'bundleresolver-config': { 'fetch-timeout': '10s' },
    'cluster-resolver-config': { 'blocked-namespaces': 'closed' },
  };
  for (const [name, data] of Object.entries(settings))
    await client.create(configMaps, { metadata: { name, namespace: system }, data });
  await client.create(secrets, {
    metadata: { name: 'login', namespace: team },
    data: {
      password: base64('right'),
      wrong: base64('wrong'),
      git: base64('right'),
      'not-git': base64('wrong'),
    },
  });
  for (const password of ['right', 'wrong']) {
    const auths = { [servers.registry.host]: { auth: base64(`robot:${password}`) } };
    await client.create(secrets, {
      metadata: { name: `registry-${password}`, namespace: team },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
    });
  }
  await client.create(tasks, {
    metadata: { name: 'inside', namespace: team },
    spec: { steps: [{ name: 's', image: 'busybox', command: ['true'] }] },
  });
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
        { name: 'first', taskRef: { resolver: 'http', params: params({ url: `${web.url}/pipeline-task.yaml` }) } },
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

function params(values: Readonly<Record<string, string>>): Param[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function taskRun(name: string, resolver: string, values: Readonly<Record<string, string>>): Promise<TaskRun> {
  const spec = { taskRef: { resolver, params: params(values) }, params: [{ name: 'path', value: 'task/hello.yaml' }] };
  return client.create(taskRuns, { metadata: { name, namespace: team }, spec } as unknown as TaskRun);
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

const login = { 'http-username': 'me', 'http-password-secret': 'login' };
const privateTask = () => ({ url: servers.privateGit.url, pathInRepo: 'task.yaml', gitToken: 'login' });
const bundle = (reference: string) =>
  `${servers.registry.host}/team/catalog${reference.startsWith('@') ? reference : `:${reference}`}`;

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

  it.each<[name: string, resolver: string, values: () => Record<string, string>, uri: RegExp]>([
    ['by-login', 'http', () => ({ url: `${web.url}/private.yaml`, ...login }), /private.yaml$/],
    ['by-hub', 'hub', () => ({ name: 'greet', version: '>=0.1.0' }), /greet\/0.2.0$/],
    [
      'by-hub-url',
      'hub',
      () => ({ name: 'greet', version: '0.2', type: 'tekton', url: servers.hub.url }),
      /0.2\/yaml$/,
    ],
    ['by-git-token', 'git', () => ({ ...privateTask(), gitTokenKey: 'git' }), /^git\+http/],
    ['by-bundle', 'bundles', () => ({ bundle: bundle('1.0'), name: 'greet', secret: 'registry-right' }), /catalog$/],
    ['by-cluster', 'cluster', () => ({ name: 'inside', namespace: team }), /task\/inside@/],
  ])('%s runs', async (name, resolver, values, uri) => {
    await taskRun(name, resolver, values());
    const run = await started(name);
    expect(condition(run)?.message).not.toMatch(/error/);
    expect(run.status?.provenance?.refSource?.uri).toMatch(uri);
    expect(Object.values(run.status?.provenance?.refSource?.digest ?? {})[0]).toMatch(/^[0-9a-f]{40,64}$/);
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
  const http = (path: string, more: Record<string, string> = {}) => ({ url: `${web.url}/${path}`, ...more });
  const inGit = (more: Record<string, string>) => ({ url: git.url, revision: 'main', ...more });
  const inHub = (name: string, version: string, more: Record<string, string> = {}) => ({ name, version, ...more });
  const inBundle = (reference: string, more: Record<string, string> = {}) => ({
    bundle: bundle(reference),
    name: 'greet',
    secret: 'registry-right',
    ...more,
  });
  const otherLogin = /answered 401 .* wants other credentials/;
  const late = (seconds: string) =>
    new RegExp(`resolution took longer than the time limit of ${seconds} \\(fetch-timeout in`);
  type Row = [name: string, resolver: string, values: () => Record<string, string>, message: RegExp];
  const rows: Row[] = [
    [
      'missing-file',
      'git',
      () => inGit({ pathInRepo: 'none.yaml' }),
      /error requesting remote resource: error getting "Git" "team\/git-.*": error opening file "none.yaml": file does not exist/,
    ],
    ['no-commit', 'git', () => inGit({ revision: 'f'.repeat(40), pathInRepo: 'large.yaml' }), /not our ref f{40}/],
    ['bad-revision', 'git', () => inGit({ revision: '-x', pathInRepo: 'a' }), /invalid revision "-x": must not begin/],
    ['slow-git', 'git', () => ({ ...http('slow.git'), pathInRepo: 'a.yaml', configKey: 'hasty' }), late('3s')],
    ['large-git', 'git', () => inGit({ pathInRepo: 'large.yaml' }), /has \d+ bytes; at most 1048576 can be handed on/],
    ['wrong-git-token', 'git', () => ({ ...privateTask(), gitTokenKey: 'not-git' }), /the token .* is not enough/],
    ['no-git-token', 'git', () => ({ url: servers.privateGit.url, pathInRepo: 'task.yaml' }), /name a secret with a/],
    ['not-a-task', 'git', () => inGit({ pathInRepo: 'pipeline.yaml' }), /resource is not a task: it is a Pipeline/],
    [
      'bad-params',
      'http',
      () => ({}),
      /invalid resource request "team\/http-.*": missing required http .* params: url/,
    ],
    ['bad-field', 'http', () => http('unknown-field.yaml'), /unknown field "stepz"/],
    ['not-found', 'http', () => http('none.yaml'), /is not found: .* answered 404; correct the address/],
    ['too-large', 'http', () => http('large.yaml'), /response body exceeds maximum allowed size of 1048576 bytes/],
    ['too-slow', 'http', () => http('slow.yaml'), late('10s')],
    [
      'wrong-digest',
      'http',
      () => http('pipeline-task.yaml', { digest: `sha256:${'a'.repeat(64)}` }),
      /error validating digest: SHA mismatch, expected a{64}, got [0-9a-f]{64}/,
    ],
    ['no-login', 'http', () => http('private.yaml'), otherLogin],
    ['wrong-login', 'http', () => http('private.yaml', { ...login, 'http-password-secret-key': 'wrong' }), otherLogin],
    [
      'no-secret',
      'http',
      () => http('private.yaml', { ...login, 'http-password-secret': 'none' }),
      /secret none not found in namespace team/,
    ],
    ['not-on-hub', 'hub', () => inHub('none', '0.1'), /not found on hub: .* answered 404/],
    ['no-version', 'hub', () => inHub('greet', '>1.0'), /no version found for constraint >1.0/],
    ['slow-hub', 'hub', () => inHub('greet', '0.1', { url: `${web.url}/slow` }), late('10s')],
    ['large-hub', 'hub', () => inHub('large', '0.1'), /response body exceeds maximum allowed size of \d+ bytes/],
    ['no-bundle', 'bundles', () => inBundle('none'), /cannot retrieve the oci image: .*team\/catalog:none/],
    ['no-entry', 'bundles', () => inBundle('1.0', { name: 'none' }), /could not find object in image with kind: task/],
    ['slow-bundle', 'bundles', () => ({ bundle: `${new URL(web.url).host}/slow/x:1`, name: 'a' }), late('10s')],
    ['large-bundle', 'bundles', () => inBundle('large'), /cannot retrieve the oci image: .*bytes/],
    ['wrong-bundle-login', 'bundles', () => inBundle('1.0', { secret: 'registry-wrong' }), /the credentials are from/],
    ['no-bundle-digest', 'bundles', () => inBundle(`@sha256:${'a'.repeat(64)}`), /cannot retrieve the oci image/],
    [
      'not-in-cluster',
      'cluster',
      () => ({ name: 'none', namespace: team }),
      /"none" not found: namespace team has none/,
    ],
    [
      'closed',
      'cluster',
      () => ({ name: 'a', namespace: 'closed' }),
      /access to specified namespace closed is blocked/,
    ],
  ];
  // All at once: some of them take as long as they may.
  beforeAll(async () => {
    for (const [name, resolver, values] of rows) await taskRun(name, resolver, values());
  });

  it.each(rows)('%s ends with what is wrong', async (name, _resolver, _values, message) => {
    const run = await ended(name);
    expect(condition(run)?.reason).toBe('TaskRunResolutionFailed');
    expect(condition(run)?.message).toMatch(message);
  });
});

describe('a StepAction from elsewhere', () => {
  it('is what its step runs, and named in the provenance of the step', async () => {
    const ref = { resolver: 'git', params: params({ url: git.url, revision: 'main', pathInRepo: 'step.yaml' }) };
    const spec = { taskSpec: { steps: [{ name: 'greet', ref, params: params({ who: 'team' }) }] } };
    await client.create(taskRuns, { metadata: { name: 'by-step', namespace: team }, spec } as unknown as TaskRun);
    const run = await started('by-step');
    const pod = await client.get(pods, team, run.status?.podName ?? '');
    const [step] = pod.spec?.containers ?? [];
    expect(step).toMatchObject({ name: 'step-greet', image: 'greeter:remote' });
    expect(step?.args?.slice(-2)).toEqual(['--', 'team']);
    expect(run.status?.steps?.[0]).toMatchObject({
      name: 'greet',
      provenance: { refSource: { uri: `git+${git.url}`, entryPoint: 'step.yaml' } },
    });
  });

  it('that is not there ends the run with what is wrong', async () => {
    const ref = { resolver: 'git', params: params({ url: git.url, revision: 'main', pathInRepo: 'none.yaml' }) };
    const spec = { taskSpec: { steps: [{ name: 'greet', ref }] } };
    await client.create(taskRuns, { metadata: { name: 'no-step', namespace: team }, spec } as unknown as TaskRun);
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

describe('200 runs of a pinned Pipeline with ten pinned Tasks', () => {
  it('start with one fetch of each definition, and two writes for each reference of a run', async () => {
    const count = 200;
    const files = Array.from({ length: 10 }, (_each, index) => `many/${index}.yaml`);
    const pinned = commitFiles(git, Object.fromEntries(files.map((file, index) => [file, task(`many-${index}`)])));
    const tasks = files.map((pathInRepo, index) => ({
      name: `task-${index}`,
      // One after the other: each run begins with one TaskRun, and asks for all definitions before.
      ...(index > 0 ? { runAfter: [`task-${index - 1}`] } : {}),
      taskRef: { resolver: 'git', params: params({ url: git.url, revision: pinned, pathInRepo }) },
    }));
    const pipeline = { apiVersion: 'tekton.dev/v1', kind: 'Pipeline', metadata: { name: 'many' }, spec: { tasks } };
    const revision = commitFiles(git, { 'many.yaml': stringify(pipeline) });
    const of = params({ url: git.url, revision, pathInRepo: 'many.yaml' });
    const names = Array.from({ length: count }, (_each, index) => `many-${index}`);
    git.sent.requests.length = 0;
    const before = await readWrites(client, AbortSignal.timeout(30_000));
    await Promise.all(
      names.map((name) =>
        client.create(pipelineRuns, {
          metadata: { name, namespace: team },
          spec: { pipelineRef: { resolver: 'git', params: of } },
        } as PipelineRun),
      ),
    );
    const started = async () => {
      const { items } = await client.list(pipelineRuns, { namespace: team });
      const mine = items.filter(({ metadata }) => names.includes(metadata.name ?? ''));
      const failed = mine.find((run) => condition(run)?.status === 'False');
      if (failed) throw new Error(condition(failed)?.message);
      return mine.filter(({ status }) => (status?.childReferences?.length ?? 0) > 0).length;
    };
    const begun = performance.now();
    for (let seen = 0; seen < count; seen = await started()) await systemClock.sleep(1_000);
    console.log(`200 runs had their first TaskRun within ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    expect(git.sent.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1 + tasks.length);
    const writes = difference(await readWrites(client, AbortSignal.timeout(30_000)), before);
    const ofRequests = [...writes].filter(([key]) => key.includes('resolution.tekton.dev/resolutionrequests'));
    console.log(ofRequests);
    const written = ofRequests.reduce((sum, [, times]) => sum + times, 0);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(2 * count * (1 + tasks.length));
  }, 400_000);
});
