import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { pipelineRuns } from '../../src/api/resources.ts';
import type { DefinitionUses, RunChange, RunPage } from '../../src/dashboard/contract.ts';
import { main as dashboard } from '../../src/dashboard/main.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import {
  configMaps,
  customResourceDefinitions,
  namespaces,
  serviceAccounts,
  type CustomResourceDefinition,
} from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { freePort } from '../free-port.ts';
import { TestClient } from '../cluster-access/test-client.ts';

/** The dashboard's server before a real API server: whose rights count, what is refused, what streams. */
const kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'] ?? '';
const mine = `dashboard-mine-${process.pid}`;
const theirs = `dashboard-theirs-${process.pid}`;
const runs = pipelineRuns as Resource;
const ends: AbortController[] = [];
const ended: Promise<number>[] = [];
let client: KubeClient;
let open = 0;
let readOnly = 0;
let closed = 0;
let logs: ReturnType<typeof createServer>;
const tokens: Record<'reader' | 'nobody', string> = { reader: '', nobody: '' };

async function start(...args: string[]): Promise<number> {
  const port = await freePort();
  const end = new AbortController();
  ends.push(end);
  const env = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', LOG_LEVEL: 'fatal', INSTALLED_NAMESPACE: mine };
  const all = [`--port=${port}`, `--kubeconfig=${kubeconfig}`, '--drain-seconds=0', ...args];
  ended.push(dashboard(all, env, end.signal));
  // Until the lists are in, it says 503.
  await vi.waitFor(async () => expect([200, 401]).toContain((await get(port, '/v1/runs')).status), {
    timeout: 60_000,
    interval: 200,
  });
  return port;
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** One request with exactly these headers: fetch would not send all of them. */
function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

const get = (port: number, path: string, headers: Record<string, string> = {}) => ask(port, 'GET', path, headers);
const as = (user: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[user]}` });
const runsIn = (namespace: string) => `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`;

/** The lines of an answer as they come. */
async function* linesOf(port: number, path: string, headers: Record<string, string>, signal: AbortSignal) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest({ port, path, headers, signal }, resolve).on('error', reject).end();
  });
  response.on('error', () => undefined);
  let rest = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

async function nextLine(lines: AsyncGenerator<string>, form: RegExp): Promise<string> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the stream ended before a line of ${String(form)}`);
    if (form.test(value)) return value;
  }
}

/** What a handshake for a WebSocket is answered. */
function handshake(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    };
    const request = httpRequest({ port, path, headers: upgrade }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
    request.end();
  });
}

async function createRun(namespace: string, name: string, more: Partial<KubeObject['metadata']> = {}): Promise<void> {
  const spec = { pipelineSpec: { tasks: [{ name: 't', taskSpec: { steps: [{ name: 's', image: 'i' }] } }] } };
  await client.create(runs, { metadata: { namespace, name, ...more }, spec } as KubeObject);
}

async function tokenOf(user: keyof typeof tokens): Promise<string> {
  await client.create(serviceAccounts, { metadata: { name: user, namespace: mine } });
  const address = `/api/v1/namespaces/${mine}/serviceaccounts/${user}/token`;
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  const answer = JSON.parse(await client.raw('POST', address, { body })) as { status: { token: string } };
  return answer.status.token;
}

async function letRead(user: string): Promise<void> {
  const kind = (plural: string, name: string): Resource => ({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural,
    kind: name,
    namespaced: true,
  });
  const metadata = { name: 'reader', namespace: mine };
  const rules = [
    { apiGroups: ['tekton.dev'], resources: ['pipelineruns', 'taskruns'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  ];
  await client.create(kind('roles', 'Role'), { metadata, rules } as KubeObject);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
  const subjects = [{ kind: 'ServiceAccount', name: user, namespace: mine }];
  await client.create(kind('rolebindings', 'RoleBinding'), { metadata, roleRef, subjects } as KubeObject);
}

async function installCrds(): Promise<void> {
  const folder = path.join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(folder)) {
    const body = parse(readFileSync(path.join(folder, file), 'utf8')) as CustomResourceDefinition;
    const patch = { type: 'apply', fieldManager: 'test', force: true, body } as const;
    await client.patch(customResourceDefinitions, undefined, body.metadata.name ?? '', patch);
  }
  await vi.waitFor(() => client.list(runs), { timeout: 30_000, interval: 200 });
}

beforeAll(async () => {
  client = new TestClient(await loadClusterConfig({ kubeconfig }), { userAgent: 'dashboard-test' });
  await installCrds();
  for (const name of [mine, theirs]) await client.create(namespaces, { metadata: { name } });
  for (const user of ['reader', 'nobody'] as const) tokens[user] = await tokenOf(user);
  await letRead('reader');
  await createRun(mine, 'first', { labels: { team: 'a' } });
  await createRun(theirs, 'secret');
  logs = createServer((request, response) =>
    response.end(`${request.url} ${request.headers.authorization ?? 'no token'}`),
  );
  await new Promise<void>((resolve) => logs.listen(0, '127.0.0.1', resolve));
  const { port } = logs.address() as { port: number };
  open = await start(`--external-logs=http://127.0.0.1:${port}/old`);
  readOnly = await start('--read-only', '--logout-url=/out', `--namespaces=${mine}`);
  closed = await start('--require-credentials');
}, 120_000);

afterAll(async () => {
  for (const end of ends) end.abort();
  expect(await Promise.all(ended)).toEqual(ended.map(() => 0));
  for (const name of [mine, theirs]) await client.delete(namespaces, undefined, name);
  await client.close();
  logs.close();
}, 60_000);

describe('the API behind it', () => {
  it('is asked with the rights of the caller, and with its own where there is none', async () => {
    expect((await get(open, runsIn(mine), as('reader'))).status).toBe(200);
    expect((await get(open, runsIn(theirs), as('reader'))).status).toBe(403);
    expect((await get(open, runsIn(mine), as('nobody'))).status).toBe(403);
    expect((await get(open, runsIn(theirs))).status).toBe(200);
  });

  it('a wrong token is not made good by the rights of the dashboard', async () => {
    expect((await get(open, runsIn(mine), { authorization: 'Bearer wrong' })).status).toBe(401);
  });

  it('whom a token stands for is judged by the API server', async () => {
    const { status, body } = await get(open, runsIn(mine), { ...as('reader'), 'impersonate-user': 'system:admin' });
    expect([status, body]).toEqual([403, expect.stringContaining('cannot impersonate')]);
    expect((await get(open, runsIn(mine), { 'impersonate-user': 'system:admin' })).status).toBe(403);
  });

  it('answers are data, also when they are opened as a page', async () => {
    const { headers } = await get(open, runsIn(mine), { cookie: 'session=1' });
    expect(headers['content-security-policy']).toContain('sandbox');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each<[name: string, headers: Record<string, string>, status: number]>([
    ['without the header', {}, 403],
    ['with it', { 'tekton-client': 'tektoncd/dashboard' }, 201],
  ])('a ConfigMap is made only with the header Tekton-Client: %s', async (name, headers, status) => {
    const object = `${name.replaceAll(' ', '-')}-${randomUUID()}`;
    const body = JSON.stringify({ metadata: { name: object } });
    const path = `/api/v1/namespaces/${mine}/configmaps`;
    const answer = await ask(open, 'POST', path, { 'content-type': 'application/json', ...headers }, body);
    expect(answer.status).toBe(status);
    const read = client.get(configMaps, mine, object).then(
      () => true,
      () => false,
    );
    expect(await read).toBe(status === 201);
  });

  it('a body that the API server would not take is not taken either', async () => {
    const headers = { 'tekton-client': 'x', 'content-type': 'application/json' };
    const answer = await ask(open, 'POST', `/api/v1/namespaces/${mine}/configmaps`, headers, 'x'.repeat(3_200_000));
    expect(answer.status).toBe(413);
  });

  it('a watch streams, and ends at the API server when its reader goes', async () => {
    const gone = new AbortController();
    const lines = linesOf(open, `${runsIn(mine)}?watch=1`, as('reader'), gone.signal);
    expect(await nextLine(lines, /ADDED/)).toContain('"name":"first"');
    await createRun(mine, 'second');
    expect(await nextLine(lines, /"name":"second"/)).toContain('ADDED');
    gone.abort();
  });

  it.each<[name: string, headers: () => Record<string, string>, status: number]>([
    ['of its own pages', () => ({ ...as('reader'), host: 'ci.example', origin: 'https://ci.example' }), 101],
    ['of another site', () => ({ ...as('reader'), host: 'ci.example', origin: 'https://evil.example' }), 403],
    ['of somebody without rights', () => ({ ...as('nobody'), host: 'ci.example', origin: 'https://ci.example' }), 403],
    [
      'with the token as a protocol',
      () => ({
        'sec-websocket-protocol': `base64.binary.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from(tokens.nobody).toString('base64url')}`,
      }),
      403,
    ],
  ])('a watch by WebSocket %s', async (_name, headers, status) => {
    expect(await handshake(open, `${runsIn(mine)}?watch=1`, headers())).toBe(status);
  });

  it("a log that is not there is the API server's answer", async () => {
    const { status, body } = await get(open, `/api/v1/namespaces/${mine}/pods/absent/log?follow=true`, as('reader'));
    expect([status, (JSON.parse(body) as { reason: string }).reason]).toEqual([404, 'NotFound']);
  });
});

describe('read-only', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is refused before the API server sees it', async (method) => {
    const answer = await ask(readOnly, method, `${runsIn(mine)}/first`, { 'tekton-client': 'x' });
    expect([answer.status, answer.body]).toEqual([403, expect.stringContaining('read-only')]);
    expect((await client.get(runs, mine, 'first')).metadata.deletionTimestamp).toBeUndefined();
  });

  it('questions about rights are answered', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const spec = {
      resourceAttributes: { verb: 'list', group: 'tekton.dev', resource: 'pipelineruns', namespace: mine },
    };
    const body = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec });
    const headers = { 'tekton-client': 'x', 'content-type': 'application/json', ...as('reader') };
    expect((await ask(readOnly, 'POST', path, headers, body)).status).toBe(201);
  });

  it('is said by the properties, beside what else the page asks for', async () => {
    expect(JSON.parse((await get(readOnly, '/v1/properties')).body)).toMatchObject({
      dashboardNamespace: mine,
      isReadOnly: true,
      logoutURL: '/out',
      tenantNamespaces: [mine],
    });
  });
});

describe('the list of runs', () => {
  const page = async (port: number, query: string, headers: Record<string, string> = {}) => {
    const { status, body } = await get(port, `/v1/runs?${query}`, headers);
    const { items = [] } = JSON.parse(body) as Partial<RunPage>;
    return { status, names: items.map(({ name }) => name).filter((name) => ['first', 'secret'].includes(name)) };
  };

  it('shows each caller what he may list', async () => {
    const both = `ns=${mine},${theirs}`;
    await expect.poll(() => page(open, both).then(({ names }) => names.sort())).toEqual(['first', 'secret']);
    expect((await page(open, both, as('reader'))).names).toEqual(['first']);
    expect((await page(open, both, as('nobody'))).names).toEqual([]);
    expect((await page(open, both, { authorization: 'Bearer wrong' })).status).toBe(401);
  });

  it('and how definitions were used, likewise', async () => {
    // The label is what tells the pipeline of a run that has none by name.
    for (const namespace of [mine, theirs])
      await createRun(namespace, 'used', { labels: { 'tekton.dev/pipeline': `of-${namespace}` } });
    const used = async (headers: Record<string, string> = {}) => {
      const { body } = await get(open, `/v1/definitions?ns=${mine},${theirs}`, headers);
      return (JSON.parse(body) as DefinitionUses).items.map(({ name, counts }) => `${name} ${counts.pending}`).sort();
    };
    await expect.poll(() => used()).toEqual([`of-${mine} 1`, `of-${theirs} 1`].sort());
    expect(await used(as('reader'))).toEqual([`of-${mine} 1`]);
    expect(await used(as('nobody'))).toEqual([]);
  });

  it('holds the namespaces of tenants alone', async () => {
    await expect.poll(() => page(readOnly, '').then(({ names }) => names)).toEqual(['first']);
  });

  it('is of nobody without credentials where they are required', async () => {
    expect((await page(closed, '')).status).toBe(401);
    expect((await get(closed, runsIn(mine))).status).toBe(401);
    expect((await page(closed, `ns=${mine}`, as('reader'))).names).toEqual(['first']);
  });

  it('tells what changes, of what the caller may see', async () => {
    const gone = new AbortController();
    const lines = linesOf(open, `/v1/runs/changes?ns=${mine},${theirs}`, as('reader'), gone.signal);
    await nextLine(lines, /^event: ready$/);
    await createRun(theirs, 'hidden');
    await createRun(mine, 'shown');
    const data = await nextLine(lines, /^data: \{"type"/);
    const change = JSON.parse(data.slice('data: '.length)) as RunChange;
    expect(change).toMatchObject({ type: 'changed', run: { namespace: mine, name: 'shown' } });
    gone.abort();
  });

  it('a query that cannot be read is refused in words', async () => {
    const { status, body } = await get(open, '/v1/runs?limit=9999');
    expect([status, body]).toEqual([400, expect.stringContaining('limit: \\"9999\\" is not 1 to 500')]);
  });
});

describe('whoever signs in', () => {
  const csrf = { 'tekton-client': 'x' };
  const signIn = (token: unknown, headers: Record<string, string> = csrf) =>
    ask(closed, 'POST', '/v1/session', headers, JSON.stringify({ token }));

  it('has the rights of the token, until he signs out', async () => {
    const answer = await signIn(tokens.reader);
    expect(answer).toMatchObject({
      status: 200,
      body: expect.stringContaining(`"system:serviceaccount:${mine}:reader"`),
    });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toBe(`tektite-session=${tokens.reader}; HttpOnly; SameSite=Strict; Path=/`);
    const session = { cookie: cookie.split(';')[0] ?? '' };
    expect((await get(closed, runsIn(mine), session)).status).toBe(200);
    expect((await get(closed, runsIn(theirs), session)).status).toBe(403);
    expect(JSON.parse((await get(closed, '/v1/properties', session)).body)).toMatchObject({ hasSession: true });
    const out = await ask(closed, 'DELETE', '/v1/session', { ...csrf, ...session });
    expect(out.headers['set-cookie']).toEqual(['tektite-session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0']);
  });

  it('behind a proxy has a cookie for its address, over TLS alone', async () => {
    const proxy = { 'x-forwarded-prefix': '/ci', 'x-forwarded-proto': 'https' };
    const { headers } = await signIn(tokens.reader, { ...csrf, ...proxy });
    expect(headers['set-cookie']?.[0]).toMatch(/; Path=\/ci\/; Secure$/);
  });

  it.each<[name: string, token: unknown, headers: Record<string, string>, status: number, message: RegExp]>([
    ['a token of another cluster', 'a.b.c', csrf, 401, /does not take this token/],
    ['from another site', 'a.b.c', {}, 403, /Tekton-Client/],
    ['no token', undefined, csrf, 400, /that is no token/],
    ['a token with a line of its own', 'a\r\nset-cookie: b', csrf, 400, /that is no token/],
    ['a token that no cookie holds', 'a'.repeat(3_501), csrf, 400, /at most 3,500 characters/],
    ['megabytes', 'a'.repeat(1_000_000), csrf, 400, /at most 3,500 characters/],
  ])('is refused with %s', async (_name, token, headers, status, message) => {
    const answer = await signIn(token, headers);
    expect([answer.status, answer.headers['set-cookie']]).toEqual([status, undefined]);
    expect(answer.body).toMatch(message);
  });
});

describe('provenance', () => {
  it('is read with the rights of the caller', async () => {
    const { status, body } = await get(open, `/v1/runs/${mine}/first/provenance`, as('reader'));
    expect([status, body]).toEqual([200, expect.stringContaining('"signed":"no"')]);
    expect((await get(open, `/v1/runs/${mine}/first/provenance`, as('nobody'))).status).toBe(403);
    expect((await get(open, `/v1/runs/${mine}/absent/provenance`, as('reader'))).status).toBe(404);
    expect((await get(open, `/v1/runs/${mine}/first/provenance?kind=Secret`)).status).toBe(400);
  });
});

describe('logs of old', () => {
  const path = `/v1/logs-proxy/${mine}/pod/step-s?startTime=2026-01-01T00:00:00Z&secret=1`;

  it('are for those who may read the logs of the pod, and the place never sees their token', async () => {
    const { status, body } = await get(open, path, as('reader'));
    const asked = `/old/${mine}/pod/step-s?startTime=2026-01-01T00%3A00%3A00Z no token`;
    expect([status, body]).toEqual([200, asked]);
    expect((await get(open, path, as('nobody'))).status).toBe(403);
  });

  it('lead nowhere else', async () => {
    expect((await get(open, `/v1/logs-proxy/${mine}/..%2f..%2fadmin/c`)).status).toBe(400);
  });
});
