import { createServer, type Server } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pipelineRuns, pipelines } from '../../src/api/resources.ts';
import type { Properties } from '../../src/dashboard/contract.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { serviceAccounts } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/resource.ts';
import { openPage, pictured } from '../browser/chromium.ts';
import { writeRun } from '../browser/dashboard-runs.ts';
import { DashboardWorld } from '../browser/dashboard-world.ts';
import { documentedObjects, startLoginProxy, type LoginProxy } from '../browser/login-proxy.ts';
import { rbacGroup, roleBindings, roles, type Rights } from '../rbac.ts';

/** Who gets what of the dashboard in a real browser: pages of other sites, tenants, and people behind a login. */
const mine = `borders-${process.pid}`;
const theirs = `borders-other-${process.pid}`;
let world: DashboardWorld;
let client: KubeClient;
/** A right that its ServiceAccounts have: to all of Tekton's kinds in their namespace. */
const everything = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** A check of a page, with a picture of it when it fails. */
function see(page: Page, name: string, check: () => Promise<void>): Promise<void> {
  return pictured(page, name, check);
}

async function runNames(): Promise<string[]> {
  const { items } = await client.list(pipelineRuns, { namespace: mine });
  return items.map(({ metadata, spec }) => `${metadata.name} ${spec.status ?? ''}`.trim()).sort();
}

beforeAll(async () => {
  world = await DashboardWorld.open(mine, theirs);
  ({ client } = world);
  for (const namespace of [mine, theirs]) {
    await writeRun(client, namespace, {
      name: `${namespace}-run`,
      pipeline: 'release',
      outcome: 'running',
      tasks: [{ name: 'a', outcome: 'running' }],
    });
    const spec = { tasks: [{ name: 'a', taskRef: { name: 'x' } }] };
    await client.create(pipelines, { metadata: { namespace, name: `${namespace}-pipeline` }, spec } as KubeObject);
  }
  await world.createReader(mine, 'owner', everything);
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('a page of another site, opened by somebody who has signed in', () => {
  let origin = '';
  let other: Server;
  let evil = '';
  let page: Page;
  /** What was sent to the dashboard from elsewhere: method, and the beginning of the cookies. */
  const sent: string[] = [];

  beforeAll(async () => {
    origin = await world.start('--require-credentials');
    // Another port is another origin, and the same site: the browser sends the cookie along, SameSite or not.
    other = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>look here</body>'),
    );
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    evil = `http://127.0.0.1:${(other.address() as { port: number }).port}`;
    // Not one of the world's windows: it asks two sites.
    ({ page } = await openPage(world.browser, `${origin}/`));
    await page.goto(`${origin}/runs`);
    await page.getByLabel('Token').fill(await world.tokenOf(mine, 'owner'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: `${mine}-run` }).waitFor();
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) return;
      void request.allHeaders().then(
        ({ cookie = '' }) => sent.push(`${request.method()} ${cookie.slice(0, 15)}`),
        () => undefined, // its window was left or closed before the browser had said
      );
    });
  });
  afterAll(async () => {
    await page?.context().close();
    other.close();
  });
  beforeEach(() => page.goto(evil));

  const runs = `/apis/tekton.dev/v1/namespaces/${mine}/pipelineruns`;
  const newRun = JSON.stringify({
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'forged' },
    spec: { pipelineRef: { name: 'release' } },
  });

  it.each<{ what: string; method: string; target: string; init: object }>([
    {
      what: 'a run as plain text',
      method: 'POST',
      target: runs,
      init: { headers: { 'content-type': 'text/plain' }, body: newRun },
    },
    {
      what: 'a run as plain text, without an answer',
      method: 'POST',
      target: runs,
      init: { mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: newRun },
    },
    {
      what: 'a run as JSON',
      method: 'POST',
      target: runs,
      init: { headers: { 'content-type': 'application/json' }, body: newRun },
    },
    {
      what: 'a run with the header that is asked for',
      method: 'POST',
      target: runs,
      init: { headers: { 'content-type': 'application/json', 'tekton-client': 'x' }, body: newRun },
    },
    {
      what: 'an end of the run',
      method: 'PATCH',
      target: `${runs}/${mine}-run`,
      init: {
        headers: { 'content-type': 'application/merge-patch+json', 'tekton-client': 'x' },
        body: '{"spec":{"status":"Cancelled"}}',
      },
    },
    { what: 'a deletion', method: 'DELETE', target: `${runs}/${mine}-run`, init: {} },
    {
      what: 'a deletion with the header',
      method: 'DELETE',
      target: `${runs}/${mine}-run`,
      init: { headers: { 'tekton-client': 'x' } },
    },
    {
      what: 'an end of the session',
      method: 'DELETE',
      target: '/v1/session',
      init: { headers: { 'tekton-client': 'x' } },
    },
    {
      what: 'another session',
      method: 'POST',
      target: '/v1/session',
      init: { mode: 'no-cors', body: '{"token":"a.b.c"}' },
    },
    { what: 'a list', method: 'GET', target: runs, init: {} },
    { what: 'a list of ours', method: 'GET', target: '/v1/runs', init: {} },
    { what: 'what the server says of itself', method: 'GET', target: '/v1/properties', init: {} },
  ])('gets nothing for $what, with or without credentials', async ({ what, method, target, init }) => {
    await see(page, `other-site-${what}`, async () => {
      for (const credentials of ['include', 'omit']) {
        const got = await page.evaluate<string, [string, object]>(
          ([url, options]) =>
            fetch(url, options).then(
              async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`,
              (error: unknown) => String(error),
            ),
          [`${origin}${target}`, { method, credentials, ...init }],
        );
        expect(got).toMatch(/^opaque 0 $|TypeError: Failed to fetch/);
      }
      expect(await runNames()).toEqual([`${mine}-run`]);
      const { hasSession } = (await (await page.request.get(`${origin}/v1/properties`)).json()) as Properties;
      expect(hasSession).toBe(true);
    });
  });

  it('gets nothing for a form, although the cookie comes along', async () => {
    await see(page, 'other-site-form', async () => {
      await page.setContent(
        `<form method="post" enctype="text/plain" action="${origin}${runs}"><input name="x"><button>go</button></form>`,
      );
      await page.locator('input').fill(newRun);
      const answered = page.waitForResponse((answer) => answer.url() === `${origin}${runs}`);
      await page.getByRole('button', { name: 'go' }).click();
      expect((await answered).status()).toBe(403);
      await page.getByText('POST needs the header Tekton-Client').waitFor();
      await expect.poll(() => sent).toContain('POST tektite-session');
      expect(await runNames()).toEqual([`${mine}-run`]);
    });
  });

  it('gets no live connection, stream, frame or script', async () => {
    await see(page, 'other-site-live', async () => {
      const socket = await page.evaluate<string, string>(
        (url) =>
          new Promise((resolve) => {
            const made = new WebSocket(url);
            made.onopen = () => resolve('open');
            made.onerror = () => resolve('refused');
          }),
        `${origin.replace('http', 'ws')}${runs}?watch=true`,
      );
      const stream = await page.evaluate<string, string>(
        (url) =>
          new Promise((resolve) => {
            const made = new EventSource(url, { withCredentials: true });
            made.onopen = () => resolve('open');
            made.onerror = () => resolve('refused');
          }),
        `${origin}/v1/runs/changes`,
      );
      const script = await page.evaluate<string>(`new Promise((resolve) => {
        const made = document.createElement('script');
        made.src = '${origin}/v1/runs';
        made.onload = () => resolve('loaded');
        made.onerror = () => resolve('refused');
        document.body.append(made);
      })`);
      expect([socket, stream, script]).toEqual(['refused', 'refused', 'refused']);
      await page.setContent(`<iframe src="${origin}/runs"></iframe>`);
      const frame = page.frames().at(-1);
      await expect.poll(() => frame?.url()).toMatch(/^chrome-error:/);
      // The same connection from the dashboard's own page is there: what was refused was the origin.
      await page.goto(`${origin}/runs/${mine}/${mine}-run`);
      await page.getByText(/^running for .*: a \/ run$/).waitFor();
      await page.getByText('not live', { exact: false }).waitFor({ state: 'detached' });
    });
  });
});

describe('a dashboard of some namespaces', () => {
  let origin = '';
  beforeAll(async () => {
    origin = await world.start(`--namespaces=${mine}`);
  });

  it.each(['/runs', '/definitions', '/definitions?kind=Task', '/triggers', '/extensions', `/runs?q=${theirs}`])(
    'tells of no other on %s',
    async (address) => {
      const page = await world.openAt(origin, address);
      await see(page, `tenant-${address}`, async () => {
        await page.locator('.foot, .empty h1, .empty h2').first().waitFor();
        await expect.poll(() => page.locator('body').innerText()).not.toContain('Loading');
        const seen = await page.locator('body').innerText();
        const options = await page.locator('option').all();
        const offered = await Promise.all(options.map((each) => each.getAttribute('value')));
        expect(`${seen} ${offered.join(' ')}`).not.toContain('borders-other');
        // The API server may not serve kinds yet whose CRDs are new.
        await expect.poll(() => page.getByRole('alert').count(), { timeout: 20_000 }).toBe(0);
      });
    },
  );

  it('has its own, first where one has to be chosen', async () => {
    const page = await world.openAt(origin, '/runs');
    await see(page, 'tenant-own', async () => {
      await page.getByRole('link', { name: `${mine}-run` }).waitFor();
      await page.getByRole('link', { name: 'Definitions' }).click();
      await page.getByRole('link', { name: `${mine}-pipeline` }).waitFor();
      await page.goto(`${origin}/runs/${mine}/${mine}-run`);
      await page.getByText(/^running for .*: a \/ run$/).waitFor();
      await page.getByText('not live', { exact: false }).waitFor({ state: 'detached' });
      await page.goto(`${origin}/settings`);
      await page.getByRole('heading', { name: 'Chains' }).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    });
  });

  it.each([
    ['a run', `/runs/${theirs}/${theirs}-run`],
    ['events of a run', `/runs/${theirs}/${theirs}-run/events`],
    ['a definition', `/definitions/${theirs}/Pipeline/${theirs}-pipeline`],
    ['a list of definitions', `/definitions?ns=${theirs}`],
    ['a list of Triggers', `/triggers?ns=${theirs}`],
  ])('refuses the address of %s of another, which is there', async (what, address) => {
    const page = await world.openAt(origin, address);
    await see(page, `tenant-refused-${what}`, async () => {
      await page.getByText(`this dashboard is for namespace ${mine}: it shows nothing of`).first().waitFor();
      expect(await page.locator('.node, [role=table], table').count()).toBe(0);
    });
  });

  it.each([
    ['logs', `/api/v1/namespaces/${theirs}/pods/x/log`],
    ['provenance', `/v1/runs/${theirs}/${theirs}-run/provenance`],
    ['runs of all namespaces', '/apis/tekton.dev/v1/pipelineruns'],
    ['the names of all namespaces', '/api/v1/namespaces'],
  ])('has no answer for %s', async (_what, target) => {
    const answer = await fetch(`${origin}${target}`);
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('this dashboard is for namespace'),
    ]);
  });
});

describe('behind oauth2-proxy, set up as the page for users says', () => {
  let proxy: LoginProxy;

  beforeAll(async () => {
    // What the chart has, cut to what this test looks at.
    await client.create(serviceAccounts, { metadata: { namespace: mine, name: 'dashboard-login' } });
    await client.create(roles, {
      metadata: { namespace: mine, name: 'tenant-view' },
      rules: [{ apiGroups: ['tekton.dev'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
    });
    const [binding] = await documentedObjects(1);
    await client.create(roleBindings, {
      ...binding,
      metadata: { namespace: mine, name: binding?.metadata.name },
      roleRef: { apiGroup: rbacGroup, kind: 'Role', name: 'tenant-view' },
    } as Rights);
    const dashboard = await world.start('--require-credentials', '--logout-url=/oauth2/sign_out');
    proxy = await startLoginProxy({
      client,
      namespace: mine,
      dashboard,
      token: await world.tokenOf(mine, 'dashboard-login'),
      people: { ana: 'a secret', bob: 'another' },
    });
  }, 600_000);
  afterAll(() => proxy?.close());

  async function loggedIn(name: string, password: string, address: string): Promise<Page> {
    const { page } = await world.window(proxy.address);
    await logIn(page, name, password, address);
    return page;
  }

  async function logIn(page: Page, name: string, password: string, address: string): Promise<void> {
    await page.goto(`${proxy.address}${address}`);
    await page.getByLabel('Username').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  it('somebody logs in, sees live what the name may see, and logs out', async () => {
    const page = await loggedIn('ana', 'a secret', `/runs?ns=${mine},${theirs}`);
    await see(page, 'login', async () => {
      await page.getByRole('link', { name: `${mine}-run` }).waitFor();
      await page.getByText(/^1 run, live$/).waitFor();
      expect(await page.getByRole('link', { name: `${theirs}-run` }).count()).toBe(0);
      // Server-sent events.
      await writeRun(client, mine, { name: 'later', outcome: 'running', tasks: [{ name: 'a', outcome: 'running' }] });
      await page.getByRole('button', { name: '1 new run' }).click();
      // A WebSocket.
      await page.getByRole('link', { name: 'later' }).click();
      await page.getByText(/^running for .*: a \/ run$/).waitFor();
      await page.getByText('not live', { exact: false }).waitFor({ state: 'detached' });
      await client.delete(pipelineRuns, mine, 'later');
      await page.getByText('There is no such run').waitFor();
      await page.goto(`${proxy.address}/runs/${theirs}/${theirs}-run`);
      await page.getByText('User "github:ana" cannot list resource "pipelineruns"').waitFor();
      await page.getByRole('link', { name: 'Log out' }).click();
      await page.getByLabel('Username').waitFor();
    });
  });

  it('whoever has no rights is told whose they lack, and a login that is over is said to be', async () => {
    const page = await loggedIn('bob', 'another', `/runs/${mine}/${mine}-run`);
    await see(page, 'login-bob', async () => {
      await page.getByText('User "github:bob" cannot list resource "pipelineruns"').first().waitFor();
      await page.context().clearCookies();
      await page.getByRole('link', { name: 'Runs', exact: true }).first().click();
      await page.getByRole('heading', { name: 'Your login is over' }).waitFor();
      await page.getByRole('button', { name: 'Log in again' }).click();
      await page.getByLabel('Username').waitFor();
    });
  });

  it('a part of the page that a login that is over keeps away has it loaded again', async () => {
    // Not one of the world's windows: the browser tells of the part that did not come.
    const { page, context } = await openPage(world.browser, `${proxy.address}/`);
    await see(page, 'login-part', async () => {
      await logIn(page, 'ana', 'a secret', '/runs');
      await page.getByRole('link', { name: `${mine}-run` }).waitFor();
      await context.clearCookies();
      await page.getByRole('link', { name: 'Definitions' }).click();
      await page.getByRole('heading', { name: 'This page has to be loaded again' }).waitFor();
      await page.getByRole('button', { name: 'Load it again' }).click();
      await page.getByLabel('Username').waitFor();
    });
    await context.close();
  });

  it('headers of his own make nobody another', async () => {
    const page = await loggedIn('bob', 'another', '/runs');
    await page.getByText('There are no runs that you may see').waitFor();
    await page.getByText('tektite pipeline start NAME -n NAMESPACE').waitFor();
    const ask = (headers: Record<string, string>) =>
      page.evaluate<string, [string, Record<string, string>]>(
        ([url, own]) => fetch(url, { headers: own }).then(async (answer) => `${answer.status} ${await answer.text()}`),
        [`/apis/tekton.dev/v1/namespaces/${mine}/pipelineruns`, headers],
      );
    const token = await world.tokenOf(mine, 'owner');
    expect(await ask({})).toMatch(/^403 [\s\S]*github:bob/);
    expect(await ask({ 'impersonate-user': 'github:ana' })).toMatch(/^403 [\s\S]*github:bob/);
    expect(await ask({ authorization: `Bearer ${token}` })).toMatch(/^403 [\s\S]*github:bob/);
    expect(await ask({ 'impersonate-group': 'system:masters' })).toMatch(
      /^403 [\s\S]*cannot impersonate resource \\"groups\\"/,
    );
    expect(await ask({ 'impersonate-uid': '0' })).toMatch(/^403 [\s\S]*cannot impersonate resource \\"uids\\"/);
  });
});
