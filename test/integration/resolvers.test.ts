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
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { main as controller } from '../../src/controller/main.ts';
import { startServer, type FakeServer } from '../../src/http/http-server.fake.ts';
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
import { ControlPlane } from './kube-control-plane.ts';

/** The controller and the resolvers on a real API server, with a real git server and plain HTTP servers. */
const plane = 'resolvers-test';
const system = 'tekton-pipelines-resolvers';
const team = 'team';
const end = new AbortController();
const running: Promise<unknown>[] = [];
let controlPlane: ControlPlane;
let client: KubeClient;
let git: GitBackend;
let web: FakeServer;
let commit: string;

const task = (name: string, more = '') => `
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: { name: ${name}, labels: { from: remote } }
spec:
  params: [{ name: who, default: world }]
  steps:
    - name: greet
      image: busybox
      resources: { limits: { memory: 64Mi } }
      script: echo hello $(params.who)${more}
`;
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

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let round = 0; round < 600; round += 1) {
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
  for (const name of ['git-resolver-config', 'http-resolver-config'])
    await client.create(configMaps, { metadata: { name, namespace: system }, data: { 'block-private-ips': 'false' } });
  git = await startGitBackend({ config: ['uploadpack.allowFilter=true'] });
  web = await startServer(({ path }) => {
    if (path === '/signed.yaml') return { body: signed(task('signed')) };
    if (path === '/changed.yaml') return { body: signed(task('signed')).replace('hello', 'hallo') };
    if (path === '/pipeline-task.yaml') return { body: task('by-http') };
    if (path === '/unknown-field.yaml') return { body: task('odd').replace('steps:', 'stepz:') };
    return { status: 404 };
  });
  commit = commitFiles(git, { 'task/hello.yaml': task('hello') });
  commit = commitFiles(git, { 'pipeline.yaml': pipeline() });
  const common = ['--kubeconfig', controlPlane.kubeconfig, '--disable-ha'];
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
  git?.close();
  await web?.close();
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
            params: params({ url: git.url, revision: commit, pathInRepo: 'task/hello.yaml' }),
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

  it.each<[name: string, resolver: string, values: Record<string, string>, message: RegExp]>([
    [
      'missing-file',
      'git',
      { revision: 'main', pathInRepo: 'none.yaml' },
      /error requesting remote resource: error getting "Git" "team\/git-.*": error opening file "none.yaml": file does not exist/,
    ],
    ['bad-params', 'http', {}, /invalid resource request "team\/http-.*": missing required http resolver params: url/],
    ['bad-field', 'http', { url: 'unknown-field.yaml' }, /unknown field "stepz"/],
    ['not-found', 'http', { url: 'none.yaml' }, /is not found: .* answered 404; correct the address/],
    [
      'not-a-task',
      'git',
      { revision: 'main', pathInRepo: 'pipeline.yaml' },
      /resource is not a task: it is a Pipeline/,
    ],
  ])('%s ends with what is wrong', async (name, resolver, values, message) => {
    const url = resolver === 'git' ? git.url : values['url'] && `${web.url}/${values['url']}`;
    await taskRun(name, resolver, { ...values, ...(url ? { url } : {}) });
    const run = await ended(name);
    expect(condition(run)?.reason).toBe('TaskRunResolutionFailed');
    expect(condition(run)?.message).toMatch(message);
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

describe('many runs of a pinned Pipeline with pinned Tasks', () => {
  it('start with one fetch of each definition', async () => {
    await client.patch(configMaps, system, 'http-resolver-config', {
      type: 'merge',
      body: { data: { 'default-cache-mode': 'always' } },
    });
    const of = params({ url: git.url, revision: commit, pathInRepo: 'pipeline.yaml' });
    const names = Array.from({ length: 40 }, (_each, index) => `many-${index}`);
    web.requests.length = 0;
    git.sent.requests.length = 0;
    await Promise.all(
      names.map((name) =>
        client.create(pipelineRuns, {
          metadata: { name, namespace: team },
          spec: { pipelineRef: { resolver: 'git', params: of } },
        } as PipelineRun),
      ),
    );
    for (const name of names)
      await until(`${name} has both children`, async () => {
        const run = await client.get(pipelineRuns, team, name);
        if (condition(run)?.status === 'False') throw new Error(condition(run)?.message);
        return run.status?.childReferences?.length === 2 ? run : undefined;
      });
    expect(web.requests.filter(({ path }) => path === '/pipeline-task.yaml')).toHaveLength(1);
    expect(git.sent.requests.filter((line) => line.startsWith('GET'))).toHaveLength(2);
  }, 120_000);
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
