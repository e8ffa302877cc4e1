import { generateKeyPairSync, sign } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { envelopeJson, envelopeOf, preAuthEncoding } from '../../src/chains/signing/dsse.ts';
import { waitingMessage } from '../../src/core/queue/waiting-message.ts';
import type { ArtifactPage, QueuePage, SystemReport } from '../../src/dashboard/contract.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, deployments, leases, pods, serviceAccounts } from '../../src/kube/resources.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';
import { toldTimes } from '../browser/times.ts';

/** Images, queues and the installation, in a real browser before the dashboard's process and a real API server. */
const shop = `fleet-shop-${process.pid}`;
const theirs = `fleet-theirs-${process.pid}`;
const system = `fleet-system-${process.pid}`;
const hostile = '<img src=x onerror="window.broken=1">\u202e';
const shownHostile = '<img src=x onerror="window.broken=1"><U+202E>';
const digest = (two: string) => `sha256:${two.repeat(32)}`;
const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
});
const places = ['pipelines', 'triggers', 'chains', 'resolvers'].map((part) => `--${part}-namespace=${system}`);
const controller = 'tekton-pipelines-controller';
let world: DashboardWorld;
let client: KubeClient;
let origin = '';
let closed = '';
let tenant = '';
const tokens = { reader: '', nobody: '' };

type Options = Parameters<DashboardWorld['window']>[1];
const as = (user: keyof typeof tokens) => ({
  authorization: `Bearer ${tokens[user]}`,
});
const signedIn = (user: keyof typeof tokens): Options => ({
  extraHTTPHeaders: as(user),
});
const see = (page: Page, name: string, check: () => Promise<void>) => pictured(page, `fleet-${name}`, check);

async function asked<T>(address: string, path: string, headers: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(`${address}${path}`, { headers });
  return (await answer.json()) as T;
}

/** What a queue of a rule is called whose key has such a param. */
const titleOf = (namespace: string, value: string) =>
  `the queue of rule "deploys" (namespace=${namespace}, param:to=${value})`;

interface WaitPlan {
  namespace?: string;
  title?: string;
  priority?: string;
  running?: readonly string[];
}

async function writeWaiting(name: string, { namespace = shop, priority, ...more }: WaitPlan = {}): Promise<void> {
  const { title = titleOf(namespace, hostile), running = ['deploy-now'] } = more;
  const annotations: Record<string, string> = priority === undefined ? {} : { 'tektite.dev/queue-priority': priority };
  await writeRun(client, namespace, {
    name,
    pipeline: 'deploy',
    tasks: [{ name: 'a' }],
    annotations,
  });
  const standing = {
    place: 1,
    waiting: [],
    running: running.map((each) => ({ name: each, uid: each })),
    mayGo: false,
  };
  const message = waitingMessage(name, { key: '', title, limit: 1, whenFull: 'queue' }, standing);
  const conditions = [
    {
      type: 'Succeeded',
      status: 'Unknown',
      reason: 'PipelineRunPending',
      message,
    },
  ];
  await writeStatus(client, pipelineRuns, {
    namespace,
    name,
    status: { conditions },
  });
}

const image = (name: string, two: string) => [
  { name: 'IMAGE_URL', value: name },
  { name: 'IMAGE_DIGEST', value: digest(two) },
];

async function writeBuild(name: string, results: { name: string; value: string }[], more: object = {}): Promise<void> {
  const tasks = [{ name: 'build', outcome: 'succeeded' as const }];
  await writeRun(client, shop, {
    name,
    pipeline: 'release',
    outcome: 'succeeded',
    tasks,
    results,
    ...more,
  });
}

/** Leaves with a run what Chains would: a statement about an image, signed. */
async function attest(name: string, two: string, log: string): Promise<void> {
  const { metadata } = await client.get(pipelineRuns, shop, name);
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [
      {
        name: 'registry.example.com/shop/web',
        digest: { sha256: two.repeat(32) },
      },
    ],
    predicate: {
      runDetails: {
        builder: { id: `builder ${hostile}` },
        metadata: { invocationId: metadata.uid },
      },
    },
  };
  const type = 'application/vnd.in-toto+json';
  const payload = Buffer.from(JSON.stringify(statement));
  const bytes = sign('sha256', preAuthEncoding(type, payload), privateKey);
  const annotations = {
    'chains.tekton.dev/signed': 'true',
    'chains.tekton.dev/transparency': log,
    [`chains.tekton.dev/signature-pipelinerun-${metadata.uid}`]: Buffer.from(
      envelopeJson(envelopeOf(type, payload, bytes, 'k')),
    ).toString('base64'),
  };
  const patch = { type: 'merge', body: { metadata: { annotations } } } as const;
  await client.patch(pipelineRuns, shop, name, patch);
}

async function writeInstallation(): Promise<void> {
  const namespace = system;
  for (const [name, version] of [
    [controller, 'v0.1.0'],
    ['tekton-pipelines-webhook', 'v0.2.0'],
  ] as const) {
    const labels = { app: name };
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    const spec = { replicas: 2, selector: { matchLabels: labels }, template };
    await client.create(deployments, {
      metadata: { namespace, name, labels: { version } },
      spec,
    });
  }
  const ready = { replicas: 2, readyReplicas: 2 };
  await writeStatus(client, deployments, {
    namespace,
    name: controller,
    status: ready,
  });
  const ports = [{ name: 'metrics', containerPort: 9090 }];
  const labels = { app: controller };
  const metadata = { namespace, name: `${controller}-0`, labels };
  // No controller is there to make it.
  await client.create(serviceAccounts, {
    metadata: { namespace, name: 'default' },
  });
  await client.create(pods, {
    metadata,
    spec: { containers: [{ name: 'c', image: 'i', ports }] },
  });
  await client.create(leases, {
    metadata: { namespace, name: `${controller}.taskrun.00-of-01` },
    spec: {
      holderIdentity: hostile,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
      leaseDurationSeconds: 600,
    },
  });
  const data = { 'enable-api-fields': hostile };
  await client.create(configMaps, {
    metadata: { namespace, name: 'feature-flags' },
    data,
  });
}

beforeAll(async () => {
  world = await DashboardWorld.open(shop, theirs, system);
  ({ client } = world);
  await world.createReader(shop, 'reader', ['get', 'list', 'watch']);
  await client.create(serviceAccounts, {
    metadata: { name: 'nobody', namespace: shop },
  });
  for (const user of ['reader', 'nobody'] as const) tokens[user] = await world.tokenOf(shop, user);
  await writeRun(client, shop, {
    name: 'deploy-now',
    pipeline: 'deploy',
    outcome: 'running',
    tasks: [],
  });
  await writeWaiting('deploy-1');
  await writeWaiting('deploy-2');
  await writeWaiting('urgent', { priority: '10' });
  await writeWaiting('secret-1', {
    namespace: theirs,
    title: titleOf(theirs, 'x'),
    running: [],
  });
  await writeBuild('build-web', image('registry.example.com/shop/web:v1', 'ab'), { ago: 600 });
  await writeBuild('build-api', image('registry.example.com/shop/api', 'cd'), {
    ago: 60,
  });
  await writeBuild('build-odd', [{ name: 'IMAGES', value: hostile }]);
  await attest('build-web', 'ab', 'javascript:alert(1)');
  await writeStatus(client, taskRuns, {
    namespace: shop,
    name: 'build-api-build',
    status: {
      results: image('registry.example.com/shop/api', 'cd').map((each) => ({
        ...each,
        type: 'string',
      })),
    },
  });
  await writeInstallation();
  const provenanceKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  origin = await world.start('--read-only', `--provenance-key=${provenanceKey}`, ...places);
  closed = await world.start('--require-credentials', ...places);
  tenant = await world.start(`--namespaces=${shop}`, ...places);
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world.close()).toEqual([]);
}, 60_000);

/** Until the first lists are in the server says 503. */
async function artifactsOf(address: string, query = '', headers: Record<string, string> = {}): Promise<string[]> {
  await expect
    .poll(() => asked<ArtifactPage>(address, `/v1/artifacts?${query}`, headers).then(({ items }) => items), {
      timeout: 20_000,
    })
    .toBeDefined();
  const { items } = await asked<ArtifactPage>(address, `/v1/artifacts?${query}`, headers);
  return items.map(({ name, signed, runs }) => `${name} ${signed} ${runs.length}`);
}

const queuesOf = async (address: string, query = '', headers: Record<string, string> = {}) =>
  (await asked<QueuePage>(address, `/v1/queue?${query}`, headers)).queues.map(
    ({ namespace, runs }) => `${namespace}: ${runs.map(({ name }) => name).join()}`,
  );

const ours = `${shop}: urgent,deploy-1,deploy-2`;
const web = 'registry.example.com/shop/web yes 1';
const api = 'registry.example.com/shop/api no 2';

describe("the server's answers", () => {
  it('of the queue are of the namespaces whose runs the caller may list', async () => {
    const both = `ns=${shop},${theirs}`;
    expect(await queuesOf(origin, both)).toEqual([ours, `${theirs}: secret-1`]);
    expect(await queuesOf(origin, both, as('reader'))).toEqual([ours]);
    expect(await queuesOf(origin, both, as('nobody'))).toEqual([]);
    expect(await queuesOf(tenant)).toEqual([ours]);
    expect((await fetch(`${closed}/v1/queue`)).status).toBe(401);
    expect((await fetch(`${origin}/v1/queue?ns=A_B`)).status).toBe(400);
  });

  it('of the queue keep places that others have, whatever is asked for', async () => {
    const { queues, waiting } = await asked<QueuePage>(origin, `/v1/queue?ns=${shop}&q=deploy-2`);
    expect(queues).toMatchObject([
      {
        waiting: 3,
        runs: [{ name: 'deploy-2', place: 3, behind: 'deploy-1' }],
      },
    ]);
    expect(waiting).toBe(1);
  });

  it('of images are of the namespaces whose runs the caller may list', async () => {
    const both = `ns=${shop},${theirs}`;
    expect(await artifactsOf(origin, both)).toEqual([api, web]);
    expect(await artifactsOf(origin, both, as('reader'))).toEqual([api, web]);
    expect(await artifactsOf(origin, both, as('nobody'))).toEqual([]);
    expect(await artifactsOf(origin, `ns=${shop}&signed=yes`)).toEqual([web]);
    expect(await artifactsOf(tenant)).toEqual([api, web]);
    expect((await fetch(`${closed}/v1/artifacts`)).status).toBe(401);
    expect(
      (
        await fetch(`${origin}/v1/artifacts`, {
          headers: { authorization: 'Bearer wrong' },
        })
      ).status,
    ).toBe(401);
  });

  it('name the rights that would show more', async () => {
    const { missing } = await asked<ArtifactPage>(origin, `/v1/artifacts?ns=${theirs}`, as('reader'));
    expect(missing).toEqual(
      ['pipelineruns', 'taskruns'].map((kind) => `list ${kind}.tekton.dev in namespace ${theirs}`),
    );
    expect((await asked<QueuePage>(origin, '/v1/queue', as('reader'))).missing).toEqual([
      'list pipelineruns.tekton.dev in all namespaces',
    ]);
    expect((await asked<QueuePage>(origin, `/v1/queue?ns=${shop}`, as('reader'))).missing).toEqual([]);
  });

  it('of the installation are what the rights of the caller show', async () => {
    const own = await asked<SystemReport>(origin, '/v1/system');
    expect(own.roles.map(({ name, ready, wanted }) => `${name} ${ready}/${wanted}`)).toEqual([
      `${controller} 2/2`,
      'tekton-pipelines-webhook 0/2',
    ]);
    expect(own.findings.map(({ severity, about }) => `${severity} ${about}`)).toEqual([
      `problem Deployment ${system}/tekton-pipelines-webhook`,
      'warning the installation',
      `warning ConfigMap ${system}/feature-flags`,
    ]);
    expect(own.leases).toMatchObject([{ name: `${controller}.taskrun`, held: 1, buckets: 1 }]);
    const { roles, findings, unread } = await asked<SystemReport>(origin, '/v1/system', as('reader'));
    expect([roles, findings]).toEqual([[], []]);
    expect(unread.map(({ right }) => right)).toContain(`list deployments.apps -n ${system}`);
    expect((await fetch(`${closed}/v1/system`)).status).toBe(401);
    expect(
      (
        await fetch(`${closed}/v1/system`, {
          headers: { authorization: 'Bearer wrong' },
        })
      ).status,
    ).toBe(401);
  });
});

describe('the queue', () => {
  it('shows who waits, for which key, at which place, behind whom, and believes nothing of it', async () => {
    const page = await world.openAt(origin, `/queue?ns=${shop}`);
    await see(page, 'queue', async () => {
      await page
        .getByRole('heading', {
          name: `Rule "deploys" (namespace=${shop}, param:to=${shownHostile})`,
        })
        .waitFor();
      const texts = await page.getByRole('row').allInnerTexts();
      const flat = texts.map((text) => text.replaceAll(/\s+/g, ' '));
      expect(flat.slice(1)).toEqual([
        expect.stringMatching(/^1 urgent deploy next in turn 10 /),
        expect.stringMatching(/^2 deploy-1 deploy urgent 0 /),
        expect.stringMatching(/^3 deploy-2 deploy deploy-1 0 /),
      ]);
      await page.getByText('held up by').getByRole('link', { name: 'running deploy-now' }).waitFor();
      await page.getByText('3 runs wait in 1 queue, live').waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
      await page.getByRole('row').nth(2).getByRole('link', { name: 'urgent' }).click();
      await page.waitForURL(`${origin}/runs/${shop}/urgent`);
    });
  });

  it('moves up by itself when somebody goes', async () => {
    await writeWaiting('short-1', {
      title: 'the queue of its annotations (namespace=x, pipeline=short)',
    });
    await writeWaiting('short-2', {
      title: 'the queue of its annotations (namespace=x, pipeline=short)',
    });
    const page = await world.openAt(origin, `/queue?ns=${shop}&q=short`);
    await see(page, 'queue-live', async () => {
      await page.getByText('2 runs wait in 1 queue, live').waitFor();
      await client.delete(pipelineRuns, shop, 'short-1');
      await page.getByText('1 run waits in 1 queue, live').waitFor();
      expect(await page.getByRole('row').nth(1).innerText()).toMatch(/^1\s+short-2[\s\S]*next in turn/);
      await client.delete(pipelineRuns, shop, 'short-2');
      await page.getByText('No run that waits is like that').waitFor();
      await page.getByRole('link', { name: 'Clear' }).click();
      expect(page.url()).toBe(`${origin}/queue`);
    });
  });

  it('says what makes runs wait, where nobody does', async () => {
    const page = await world.openAt(origin, '/queue?ns=nowhere');
    await see(page, 'queue-empty', () => page.getByText('No run that waits is like that').waitFor());
    const stranger = await world.openAt(closed, '/queue');
    await see(stranger, 'queue-stranger', () => stranger.getByRole('heading', { name: 'Sign in' }).waitFor());
    const nobody = await world.openAt(origin, '/queue', signedIn('nobody'));
    await see(nobody, 'queue-nobody', async () => {
      await nobody.getByRole('heading', { name: 'Nobody waits' }).waitFor();
      await nobody.getByText('tektite.dev/concurrency-limit: "1"').waitFor();
      await nobody.getByText('list pipelineruns.tekton.dev in all namespaces').waitFor();
    });
  });
});

describe('artifacts', () => {
  it('are images with their runs, newest first: signed, attested, by whom', async () => {
    const page = await world.openAt(origin, `/artifacts?ns=${shop}`);
    await see(page, 'artifacts', async () => {
      await page.getByText('2 images, live').waitFor();
      const [, first = '', second = ''] = (await page.getByRole('row').allInnerTexts()).map((text) =>
        text.replaceAll(/\s+/g, ' '),
      );
      expect(first).toMatch(/shop\/api sha256:cdcdcdcdcdcd .*build-api.*task.*not signed no /);
      expect(second).toMatch(/shop\/web sha256:abababababab build-web release in .* signed verified by builder <img/);
      expect(second).toContain(`builder ${shownHostile}, against the key that the dashboard was given`);
      expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
      expect(await page.evaluate('window.broken')).toBeUndefined();
      await page.getByRole('link', { name: 'verified' }).click();
      await page.waitForURL(`${origin}/runs/${shop}/build-web/provenance`);
      await page.goBack();
      await page.getByText('2 images, live').waitFor();
    });
  });

  it('are asked for by the address, and come by themselves', async () => {
    const page = await world.openAt(origin, `/artifacts?ns=${shop}&q=later`);
    await see(page, 'artifacts-live', async () => {
      await page.getByText('No image is like that').waitFor();
      await page.getByText('0 images, live').waitFor();
      await writeBuild('build-later', image('registry.example.com/shop/later', 'ef'));
      await page.getByRole('row').filter({ hasText: 'shop/later' }).waitFor();
      await page
        .getByRole('link', { name: 'signed', exact: false })
        .filter({ hasText: /^signed/ })
        .click();
      await page.waitForURL(/signed=yes/);
      await page.getByText('No image is like that').waitFor();
      await page.getByRole('searchbox', { name: 'Search' }).fill('web');
      await page.getByRole('row').filter({ hasText: 'shop/web' }).waitFor();
      expect(new URL(page.url()).searchParams.get('q')).toBe('web');
    });
  });

  it('say which results make one, to who sees none, and which right shows more', async () => {
    const page = await world.openAt(origin, '/artifacts', signedIn('nobody'));
    await see(page, 'artifacts-nobody', async () => {
      await page.getByText('No run that you may see has made an image').waitFor();
      await page.getByText('IMAGE_DIGEST').waitFor();
      await page.getByText('list taskruns.tekton.dev in all namespaces').waitFor();
    });
  });
});

describe('the system', () => {
  it('is told as the doctor tells it, and nothing of it is believed', async () => {
    const page = await world.openAt(origin, '/system');
    await see(page, 'system', async () => {
      await page.getByText(/^1 problem and 2 warnings; \d+ things? could not be read$/).waitFor();
      await page.getByText('0 of 2 replicas are ready').waitFor();
      await page.getByText('its roles are of 2 versions').waitFor();
      await page.getByText(`enable-api-fields`).first().waitFor();
      await page
        .getByRole('row')
        .filter({ hasText: `${controller}.taskrun` })
        .getByText(shownHostile)
        .waitFor();
      await page.getByText(`kubectl -n ${system} edit configmap feature-flags`).waitFor();
      // A pod without a node is read by no API server.
      await page.getByText(`get pods/proxy -n ${system}`).waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('is looked at again by itself', async () => {
    const page = await world.openAt(origin, '/system');
    await see(page, 'system-again', async () => {
      await page.getByText('0 of 2 replicas are ready').waitFor();
      const status = { replicas: 2, readyReplicas: 2 };
      await writeStatus(client, deployments, {
        namespace: system,
        name: 'tekton-pipelines-webhook',
        status,
      });
      await page.getByText('0 of 2 replicas are ready').waitFor({ state: 'detached', timeout: 40_000 });
      await page.getByText(/^2 warnings/).waitFor();
      await writeStatus(client, deployments, {
        namespace: system,
        name: 'tekton-pipelines-webhook',
        status: { readyReplicas: 0 },
      });
    });
  });

  it('says which rights are missing, and shows the rest', async () => {
    const page = await world.openAt(origin, '/system', signedIn('reader'));
    await see(page, 'system-reader', async () => {
      await page.getByRole('heading', { name: 'Not looked at' }).waitFor();
      await page.getByText(`list deployments.apps -n ${system}`).waitFor();
      await page.getByText(`list configmaps -n ${system}`).waitFor();
      await page.getByText('Kubernetes v1.').waitFor();
      expect(await page.getByRole('row').count()).toBe(0);
    });
  });
});

describe('a dashboard of some namespaces', () => {
  it('has their images and queues alone, and offers them', async () => {
    const page = await world.openAt(tenant, '/queue');
    await see(page, 'tenant', async () => {
      await page.getByText('3 runs wait in 1 queue').waitFor();
      expect(await page.locator('datalist option').getAttribute('value')).toBe(shop);
      await page.getByRole('link', { name: 'Artifacts' }).click();
      await page.getByRole('row').filter({ hasText: 'shop/web' }).waitFor();
      expect(await page.getByText(theirs).count()).toBe(0);
    });
  });
});

describe('the three pages', () => {
  const addresses = ['/queue', '/artifacts', '/system'];

  it.each(['light', 'dark'] as const)('have nothing serious that axe finds, %s', async (colorScheme) => {
    for (const address of addresses) {
      // Its policy lets in no script of others, which axe is.
      const page = await world.openAt(origin, `${address}?ns=${shop}`, {
        colorScheme,
        bypassCSP: true,
      });
      await page.getByRole('row').nth(2).waitFor();
      await see(page, `axe-${colorScheme}${address}`, async () =>
        expect(await seriousFindings(page, colorScheme)).toEqual([]),
      );
    }
  });

  it.each(addresses)('have the time itself on hover of each that is told in words: %s', async (address) => {
    const page = await world.openAt(origin, `${address}?ns=${shop}`);
    await see(page, `times${address}`, async () => {
      await page.locator('tbody tr').nth(1).waitFor();
      const times = await toldTimes(page);
      expect([times.found.length > 0, times.untitled]).toEqual([true, []]);
    });
  });

  it.each(addresses)('fit a narrow screen: %s', async (address) => {
    const page = await world.openAt(origin, `${address}?ns=${shop}`, {
      viewport: { width: 390, height: 800 },
    });
    await see(page, `narrow${address}`, async () => {
      await page.locator('tbody tr').nth(1).waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    });
  });

  it('are found from all others', async () => {
    const page = await world.openAt(origin, '/runs');
    await see(page, 'navigation', async () => {
      for (const title of ['Artifacts', 'Queue', 'System']) {
        const link = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: title });
        await link.click();
        await page.waitForURL(`**/${title.toLowerCase()}`);
        expect(await link.getAttribute('aria-current')).toBe('page');
      }
    });
  });
});
