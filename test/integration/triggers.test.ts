import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { clusterInterceptors, eventListeners } from '../../src/api/triggers/objects.ts';
import { KubeClient, isAlreadyExists } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import {
  customResourceDefinitions,
  deployments,
  namespaces,
  secrets,
  serviceAccounts,
  services,
} from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { main as triggersController } from '../../src/triggers/controller.ts';
import { main as interceptors } from '../../src/triggers/interceptors/role/main.ts';
import { main as sink } from '../../src/triggers/sink/main.ts';
import { freePort } from '../free-port.ts';

/** A listener of GitHub's pushes on a real API server, its sink with the rights that the chart's roles give. */
const root = path.resolve(import.meta.dirname, '../..');
const kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'] ?? '';
const namespace = `triggers-${process.pid}`;
const system = `tektite-triggers-${process.pid}`;
const runs = pipelineRuns as Resource<PipelineRun>;
const fieldManager = 'triggers-test';
const secret = 'It is a secret to everybody';
const ends: AbortController[] = [];
const ended: Promise<number>[] = [];
let client: KubeClient;
let folder = '';
let port = 0;

function start(main: typeof sink, args: string[], env: Record<string, string> = {}): void {
  const end = new AbortController();
  ends.push(end);
  ended.push(
    main(
      args,
      { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', SYSTEM_NAMESPACE: system, LOG_LEVEL: 'error', ...env },
      end.signal,
    ),
  );
}

async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come about`);
}

function rbac(plural: string, kind: string, namespaced: boolean): Resource {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced };
}

async function apply(resource: Resource, object: KubeObject, where?: string): Promise<void> {
  const body = { ...object, metadata: { ...object.metadata, ...(where ? { namespace: where } : {}) } };
  await client.patch(resource, where, object.metadata.name ?? '', { type: 'apply', body, fieldManager, force: true });
}

const plurals: Record<string, string> = {
  TriggerBinding: 'triggerbindings',
  TriggerTemplate: 'triggertemplates',
  EventListener: 'eventlisteners',
};

async function applyManifests(): Promise<void> {
  const text = readFileSync(path.join(import.meta.dirname, 'triggers/github-push.yaml'), 'utf8');
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeObject & { kind: string };
    const plural = plurals[object.kind] ?? '';
    await apply(
      { group: 'triggers.tekton.dev', version: 'v1beta1', plural, kind: object.kind, namespaced: true },
      object,
      namespace,
    );
  }
}

/** The chart's ClusterRoles, bound as a user of the walkthrough binds them. */
async function grantRights(): Promise<void> {
  const { stdout: helm } = await promisify(execFile)(path.join(root, 'hack/cluster'), ['tool', 'helm']);
  const args = [
    'template',
    'tektite',
    'config/chart',
    '-n',
    system,
    '--set',
    'triggers.enabled=true',
    '--show-only',
    'templates/triggers.yaml',
  ];
  const { stdout } = await promisify(execFile)(helm.trim(), args, { cwd: root });
  for (const document of parseAllDocuments(stdout)) {
    const object = document.toJS() as (KubeObject & { kind: string }) | null;
    if (object?.kind === 'ClusterRole') await apply(rbac('clusterroles', 'ClusterRole', false), object);
  }
  await apply(
    serviceAccounts,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'tekton-triggers-sa' } },
    namespace,
  );
  const subjects = [{ kind: 'ServiceAccount', name: 'tekton-triggers-sa', namespace }];
  const binding = (kind: string, role: string) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name: `${namespace}-listener` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects,
  });
  await apply(
    rbac('rolebindings', 'RoleBinding', true),
    binding('RoleBinding', 'tekton-triggers-eventlistener-roles'),
    namespace,
  );
  await apply(
    rbac('clusterrolebindings', 'ClusterRoleBinding', false),
    binding('ClusterRoleBinding', 'tekton-triggers-eventlistener-clusterroles'),
  );
}

/** A kubeconfig of the listener's own ServiceAccount. */
async function accountConfig(): Promise<string> {
  const answer = JSON.parse(
    await client.raw('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/tekton-triggers-sa/token`, {
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } }),
      contentType: 'application/json',
    }),
  ) as { status: { token: string } };
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { users: { name: string; user: object }[] };
  for (const user of config.users) user.user = { token: answer.status.token };
  const file = path.join(folder, 'kubeconfig');
  await writeFile(file, stringify(config));
  return file;
}

async function applyCrds(): Promise<void> {
  const crds = path.join(root, 'crds');
  for (const name of readdirSync(crds).filter((file) => file.endsWith('.yaml'))) {
    const crd = parse(readFileSync(path.join(crds, name), 'utf8')) as KubeObject;
    await apply(customResourceDefinitions, crd);
    await eventually(async () => {
      const { status } = await client.get(customResourceDefinitions, undefined, crd.metadata.name ?? '');
      return status?.conditions?.find(({ type, status: is }) => type === 'Established' && is === 'True');
    }, name);
  }
}

beforeAll(async () => {
  client = new KubeClient(await loadClusterConfig({ kubeconfig }));
  folder = await mkdtemp(path.join(tmpdir(), 'triggers-'));
  await applyCrds();
  for (const name of [namespace, system])
    await client.create(namespaces, { metadata: { name } }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  await grantRights();
  const data = { secretToken: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { name: 'github-webhook-secret', namespace }, data });
  const interceptorPort = await freePort();
  start(interceptors, [`--kubeconfig=${kubeconfig}`, `--port=${interceptorPort}`, '--drain-seconds=0'], {
    INTERCEPTOR_TLS_SVC_NAME: 'localhost',
  });
  start(triggersController, [`--kubeconfig=${kubeconfig}`, '--el-image=example.com/tektite:test', '--disable-ha']);
  // No name of a Service is known on this machine.
  for (const name of ['github', 'cel']) {
    const body = { spec: { clientConfig: { url: `https://localhost:${interceptorPort}/${name}`, service: null } } };
    await eventually(() => client.patch(clusterInterceptors, undefined, name, { type: 'merge', body }), name);
  }
  await applyManifests();
  port = await freePort();
  start(sink, [
    `--kubeconfig=${await accountConfig()}`,
    '--el-name=github-listener',
    `--el-namespace=${namespace}`,
    `--port=${port}`,
    '--drain-seconds=0',
  ]);
  await eventually(async () => ((await fetch(`http://127.0.0.1:${port}/live`)).ok ? true : undefined), 'the sink');
}, 120_000);

afterAll(async () => {
  for (const end of ends) end.abort(new Error('the test is over'));
  expect(await Promise.all(ended)).toEqual(ended.map(() => 0));
  for (const name of [namespace, system]) await client.delete(namespaces, undefined, name);
  await client.delete(rbac('clusterrolebindings', 'ClusterRoleBinding', false), undefined, `${namespace}-listener`);
  await client.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const push = (ref: string, after: string) =>
  JSON.stringify({
    ref,
    after,
    repository: { full_name: 'acme/widget-api', clone_url: 'https://github.com/acme/widget-api.git' },
    sender: { login: 'ann' },
  });

interface Posted {
  status: number;
  answer: {
    eventID?: string;
    eventListener?: string;
    errorMessage?: string;
    triggers?: { outcome: string; message?: string; interceptor?: string; created?: { name: string }[] }[];
  };
}

async function post(body: string, more: Record<string, string> = {}): Promise<Posted> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': signature,
    ...more,
  };
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers });
  const text = await response.text();
  return { status: response.status, answer: (text === '' ? {} : JSON.parse(text)) as Posted['answer'] };
}

/** What a body is answered with that is only announced. */
function announced(length: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': length };
    const asked = request({ port, host: '127.0.0.1', method: 'POST', headers }, (response) => {
      resolve(response.statusCode);
      asked.destroy();
    });
    asked.on('error', reject);
    asked.flushHeaders();
  });
}

async function annotate(annotations: Record<string, string | null>): Promise<void> {
  const body = { metadata: { annotations } };
  const { metadata } = await client.patch(eventListeners, namespace, 'github-listener', { type: 'merge', body });
  // The sink has heard of it.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(metadata.name).toBe('github-listener');
}

const of = async (eventId: string) =>
  (await client.list(runs, { namespace, labelSelector: `triggers.tekton.dev/triggers-eventid=${eventId}` })).items;

describe('the controller', () => {
  it('makes a Deployment and a Service, and says where the listener is', async () => {
    const listener = await eventually(async () => {
      const found = await client.get(eventListeners, namespace, 'github-listener');
      return found.status?.address?.url ? found : undefined;
    }, 'the status');
    expect(listener.status).toMatchObject({
      address: { url: `http://el-github-listener.${namespace}.svc.cluster.local:8080` },
      configuration: { generatedName: 'el-github-listener' },
    });
    const types = listener.status?.conditions?.map(({ type, status }) => `${type} ${status}`);
    expect(types).toEqual(expect.arrayContaining(['Deployment True', 'Service True', 'Ready False']));
    const deployment = await client.get(deployments, namespace, 'el-github-listener');
    expect(deployment.spec?.template.spec).toMatchObject({
      serviceAccountName: 'tekton-triggers-sa',
      containers: [{ name: 'event-listener', image: 'example.com/tektite:test' }],
    });
    const { spec } = await client.get(services, namespace, 'el-github-listener');
    expect(spec?.ports?.map(({ name, port: number }) => [name, number])).toEqual([
      ['http-listener', 8080],
      ['http-metrics', 9000],
    ]);
  });

  it('leaves replicas to whoever scales', async () => {
    const scale = { spec: { replicas: 3 } };
    await client.patch(deployments, namespace, 'el-github-listener', { type: 'merge', body: scale });
    await annotate({ 'example.com/touched': 'yes' });
    await eventually(async () => {
      const { metadata, spec } = await client.get(deployments, namespace, 'el-github-listener');
      return metadata.annotations?.['example.com/touched'] === 'yes' && spec?.replicas === 3 ? true : undefined;
    }, 'the annotation');
  });
});

describe('a push', () => {
  it('that GitHub signed creates one PipelineRun of the template', async () => {
    const { status, answer } = await post(push('refs/heads/main', '5f71df9'), { 'x-github-delivery': 'd-1' });
    expect([status, answer]).toEqual([
      202,
      {
        eventListener: 'github-listener',
        namespace,
        eventListenerUID: expect.any(String) as string,
        eventID: expect.any(String) as string,
      },
    ]);
    const [run] = await eventually(async () => {
      const found = await of(answer.eventID ?? '');
      return found.length > 0 ? found : undefined;
    }, 'the run');
    expect(run?.metadata).toMatchObject({
      labels: { 'triggers.tekton.dev/eventlistener': 'github-listener', 'triggers.tekton.dev/trigger': 'github-push' },
      annotations: {
        'triggers.tektite.dev/event-type': 'push',
        'triggers.tektite.dev/delivery-id': 'd-1',
        'triggers.tektite.dev/sender': 'ann',
        'triggers.tektite.dev/repository': 'acme/widget-api',
        'triggers.tektite.dev/revision': '5f71df9',
      },
    });
    expect(run?.metadata.name).toMatch(/^build-and-push-[a-z0-9]{8}$/);
    expect(run?.spec.params).toEqual([
      { name: 'repo-url', value: 'https://github.com/acme/widget-api.git' },
      { name: 'image-ref', value: 'registry.acme.io/widget-api:5f71df9' },
    ]);
  });

  it('that may not start anything creates none, and the answer says why when asked to', async () => {
    await annotate({ 'triggers.tektite.dev/answer': 'outcome' });
    const rows: [string, Posted, object][] = [
      [
        'another branch',
        await post(push('refs/heads/other', 'a')),
        {
          outcome: 'stopped',
          interceptor: 'cel',
          message: "expression body.ref == 'refs/heads/main' did not return true",
        },
      ],
      [
        'another event',
        await post(push('refs/heads/main', 'b'), { 'x-github-event': 'ping' }),
        { outcome: 'stopped', interceptor: 'github', message: 'event type ping is not allowed' },
      ],
      [
        'a wrong signature',
        await post(push('refs/heads/main', 'c'), { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }),
        { outcome: 'stopped', interceptor: 'github', message: 'payload signature check failed' },
      ],
      [
        'nothing to bind',
        await post('{"ref":"refs/heads/main"}'),
        {
          outcome: 'failed',
          message: expect.stringContaining('failed to replace JSONPath value for param repo-url') as string,
        },
      ],
    ];
    for (const [name, { status, answer }, outcome] of rows) {
      expect([name, status, answer.triggers]).toEqual([name, 202, [{ trigger: 'github-push', namespace, ...outcome }]]);
      expect(await of(answer.eventID ?? '')).toEqual([]);
    }
  });

  it('that is delivered again creates nothing twice, where the listener says so', async () => {
    await annotate({ 'triggers.tektite.dev/answer': 'outcome', 'triggers.tektite.dev/redelivery': 'ignore' });
    const delivery = { 'x-github-delivery': 'd-again' };
    const first = await post(push('refs/heads/main', 'd'), delivery);
    const second = await post(push('refs/heads/main', 'd'), delivery);
    // Anyone may write the header: the signature covers the body.
    const renamed = await post(push('refs/heads/main', 'd'), { 'x-github-delivery': 'd-other' });
    const other = await post(push('refs/heads/main', 'e'), delivery);
    const outcomes = [first, second, renamed, other].map(({ answer }) => answer.triggers?.[0]);
    const [name] = outcomes.map((outcome) => outcome?.created?.[0]?.name);
    expect(outcomes.map((outcome) => outcome?.outcome)).toEqual(['created', 'repeated', 'repeated', 'created']);
    expect(outcomes[1]?.message).toBe(`this event was taken before: it made PipelineRun ${name}`);
    expect((await of(first.answer.eventID ?? '')).length).toBe(1);
    expect(await of(second.answer.eventID ?? '')).toEqual([]);
  });

  it('that does not fit is told so', async () => {
    expect(await post('[]')).toMatchObject({
      status: 400,
      answer: { errorMessage: 'Invalid event body format: it is no JSON object' },
    });
    expect(await post('')).toMatchObject({ status: 400 });
    expect(await post('{"a":'.repeat(1_000))).toMatchObject({ status: 400 });
    expect(await announced(26 * 1024 * 1024)).toBe(413);
  });

  it('as a CloudEvent is answered with one', async () => {
    await annotate({ 'triggers.tektite.dev/answer': null });
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-type': 't',
      'ce-source': 's',
      'content-type': 'application/json',
    };
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}', headers });
    expect([response.status, response.headers.get('ce-type')]).toEqual([202, 'dev.tekton.event.triggers.accepted.v1']);
  });
});
