import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { accessFlags, programPath } from '../../hack/deploy/pick-cluster.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import type { SystemReport } from '../../src/dashboard/contract.ts';
import { configMaps, deployments, pods, secrets } from '../../src/kube/resources.ts';
import { openPage, pictured, startChromium, type WatchedPage } from '../browser/chromium.ts';
import { freePort } from '../free-port.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { sh as step } from './shell-step.ts';

/** The dashboard as it is installed, reached and signed in to as its page says, before runs on a real node. */
const bench = openWorkbench('dashboard');
const PATIENCE = { timeout: 60_000 };
let installation: Installation;
let forward: ChildProcess;
let browser: Browser;
let window: WatchedPage;
let operator: WatchedPage | undefined;
let origin: string;

const start = (steps: ReturnType<typeof step>[]): Promise<PipelineRun> =>
  bench.startPipeline({ pipelineSpec: { tasks: [{ name: 'build', taskSpec: { steps } }] } });
const addressOf = ({ metadata: { name } }: PipelineRun) => `${origin}/runs/${bench.namespace}/${name}`;
const see = (name: string, check: (page: Page) => Promise<void>) =>
  pictured(window.page, `e2e-${name}`, () => check(window.page));

beforeAll(async () => {
  installation = await Installation.open();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provenanceKey = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  await installation.upgrade({
    webDashboard: { readOnly: false, provenanceKey },
    'chains.enabled': 'true',
    'chains.config': {
      'artifacts.pipelinerun.format': 'slsa/v2alpha4',
      'artifacts.pipelinerun.storage': 'tekton',
      // No image is anywhere: attestations stay with their runs.
      'artifacts.oci.storage': '',
    },
  });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const data = { 'x509.pem': Buffer.from(pem).toString('base64') };
  await bench.client.patch(secrets, 'tekton-chains', 'signing-secrets', { type: 'merge', body: { data } });
  await installation.kubectl(['rollout', 'status', 'deployment/tekton-dashboard', '--timeout=120s']);
  [origin, browser] = await Promise.all([forwarded(), startChromium()]);
  window = await signedIn('ana', 'rolebinding', 'edit');
}, 300_000);

afterAll(async () => {
  expect(window?.wrong).toEqual([]);
  expect(operator?.wrong ?? []).toEqual([]);
  await browser?.close();
  forward?.kill();
  await installation?.kubectl(['delete', 'clusterrolebinding', `${bench.namespace}-root`, '--ignore-not-found']);
  await installation?.upgradeWithoutKey();
  await installation?.close();
}, 300_000);

async function forwarded(): Promise<string> {
  const { target } = installation;
  const port = await freePort();
  const words = ['--namespace', systemNamespace, 'port-forward', 'svc/tekton-dashboard', `${port}:9097`];
  forward = spawn(await programPath(target, 'kubectl'), [...accessFlags(target, 'kubectl'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (forward.stdout === null) throw new Error('kubectl port-forward has no output');
  await once(forward.stdout, 'data');
  return `http://127.0.0.1:${port}`;
}

/** A window of somebody who has one of Kubernetes' own roles, in the namespace or everywhere, and nothing else. */
async function signedIn(
  name: string,
  binding: 'rolebinding' | 'clusterrolebinding',
  role: string,
): Promise<WatchedPage> {
  const inNamespace = (...words: string[]) => installation.kubectl(['--namespace', bench.namespace, ...words]);
  await inNamespace('create', 'serviceaccount', name);
  const account = `--serviceaccount=${bench.namespace}:${name}`;
  await inNamespace('create', binding, `${bench.namespace}-${name}`, `--clusterrole=${role}`, account);
  const token = (await inNamespace('create', 'token', name)).trim();
  const opened = await openPage(browser, `${origin}/`);
  await pictured(opened.page, 'e2e-sign-in', async () => {
    const { page } = opened;
    await page.goto(`${origin}/runs?ns=${bench.namespace}`);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  });
  return opened;
}

describe('a run on the node', () => {
  it('is followed step by step, and shows its failure where it failed, to whoever comes later as well', async () => {
    const ticks = (word: string, count: number) => `for i in $(seq ${count}); do echo "${word} $i"; sleep 1; done`;
    const run = await start([step('compile', ticks('compiles', 8)), step('test', `${ticks('tests', 4)}; exit 3`)]);
    await see('follow', async (page) => {
      await page.goto(addressOf(run));
      const line = (text: string) => page.getByText(text, { exact: true });
      await line('compiles 1').waitFor(PATIENCE);
      // It is still being written.
      expect(await line('compiles 8').count()).toBe(0);
      await line('compiles 8').waitFor(PATIENCE);
      await line('tests 1').waitFor(PATIENCE);
      expect(await line('tests 4').count()).toBe(0);
      await page
        .getByText(/^failed in build \/ test: exit 3/)
        .first()
        .waitFor(PATIENCE);
      await line('tests 4').waitFor();
      // The command line says the same.
      const { out } = await bench.tektite('pipelinerun', 'describe', run.metadata.name ?? '', '--sentence');
      await page.getByText(out.trim(), { exact: true }).first().waitFor();
      await page.goto(`${origin}/runs?ns=${bench.namespace}`);
      await page
        .getByRole('row')
        .filter({ hasText: run.metadata.name ?? '' })
        .getByText('failed', { exact: true })
        .waitFor();
      await page.getByRole('link', { name: run.metadata.name ?? '' }).click();
      await line('tests 4').waitFor();
      expect(await page.getByRole('button', { name: /^test/ }).getAttribute('aria-current')).toBe('true');
      expect(await line('compiles 8').count()).toBe(0);
    });
  });

  it('ends when it is cancelled from its page, pod and all', async () => {
    const run = await start([step('wait', 'echo waits; sleep 600')]);
    await see('cancel', async (page) => {
      await page.goto(addressOf(run));
      await page.getByText('waits', { exact: true }).waitFor(PATIENCE);
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel', exact: true }).click();
      await page
        .getByText(/^cancelled after/)
        .first()
        .waitFor(PATIENCE);
    });
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'False', reason: 'Cancelled' });
    const running = async () => {
      const labelSelector = `tekton.dev/pipelineRun=${run.metadata.name}`;
      const { items } = await bench.client.list(pods, { namespace: bench.namespace, labelSelector });
      return items.filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Running').length;
    };
    await expect.poll(running, PATIENCE).toBe(0);
  });

  it('that Chains signed is verified while one looks, and tells who built it', async () => {
    const run = await bench.waitFor(await start([step('make', 'echo made')]));
    const annotations = async () => {
      const { metadata } = await bench.client.get(pipelineRuns, bench.namespace, run.metadata.name ?? '');
      return metadata.annotations ?? {};
    };
    await expect.poll(annotations, PATIENCE).toHaveProperty(['chains.tekton.dev/signed'], 'true');
    await see('provenance', async (page) => {
      await page.goto(`${addressOf(run)}/provenance`);
      await page.getByText('Verified just now by the server, against the key that the dashboard was given').waitFor();
      await page.getByText('https://tekton.dev/chains/v2', { exact: true }).waitFor();
    });
  });
});

describe('the pages over all runs', () => {
  it('have an image with the run that made it, and who attested it', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const names = ['IMAGE_URL', 'IMAGE_DIGEST'];
    const script = `printf registry.example.com/shop/web > $(results.IMAGE_URL.path)\nprintf ${digest} > $(results.IMAGE_DIGEST.path)`;
    const taskSpec = { results: names.map((name) => ({ name })), steps: [step('push', script)] };
    const results = names.map((name) => ({ name, value: `$(tasks.build.results.${name})` }));
    const run = await bench.startPipeline({ pipelineSpec: { tasks: [{ name: 'build', taskSpec }], results } });
    await see('artifacts', async (page) => {
      await page.goto(`${origin}/artifacts?ns=${bench.namespace}`);
      const row = page.getByRole('row').filter({ hasText: 'shop/web' });
      await row.getByRole('link', { name: run.metadata.name ?? '', exact: true }).waitFor(PATIENCE);
      await row
        .getByText('https://tekton.dev/chains/v2, against the key that the dashboard was given')
        .waitFor(PATIENCE);
      await row.getByRole('link', { name: 'verified' }).click();
      await page.getByText(digest).first().waitFor();
    });
  });

  it('have who waits, for which key, behind whom, until it is his turn', async () => {
    const waits = (name: string) =>
      bench.startPipeline(
        { pipelineSpec: { tasks: [{ name: 'hold', taskSpec: { steps: [step('hold', 'sleep 600')] } }] } },
        {
          generateName: `${name}-`,
          labels: { line: 'one' },
          annotations: { 'tektite.dev/concurrency-limit': '1', 'tektite.dev/concurrency-key': 'label:line' },
        },
      );
    const nameOf = ({ metadata: { name } }: PipelineRun) => name ?? '';
    const first = await waits('first');
    await bench.waitFor(first, ({ status }) => (status?.childReferences?.length ?? 0) > 0);
    const second = await waits('second');
    await bench.waitFor(second, ({ status }) => succeededCondition(status)?.reason === 'PipelineRunPending');
    const third = await waits('third');
    await see('queue', async (page) => {
      await page.goto(`${origin}/queue?ns=${bench.namespace}`);
      await page.getByRole('heading', { name: /label:line=one/ }).waitFor(PATIENCE);
      await page.getByText('2 runs wait in 1 queue, live').waitFor(PATIENCE);
      const texts = (await page.getByRole('row').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
      expect(texts.slice(1)).toEqual([
        expect.stringMatching(new RegExp(`^1 ${nameOf(second)} .*next in turn`)),
        expect.stringMatching(new RegExp(`^2 ${nameOf(third)} .*${nameOf(second)}`)),
      ]);
      await page
        .getByText('held up by')
        .getByRole('link', { name: nameOf(first) })
        .waitFor();
      await bench.tektite('pipelinerun', 'cancel', nameOf(first));
      await page
        .getByText('held up by')
        .getByRole('link', { name: nameOf(second) })
        .waitFor(PATIENCE);
      await page.getByText('1 run waits in 1 queue, live').waitFor(PATIENCE);
      for (const run of [third, second]) await bench.tektite('pipelinerun', 'cancel', nameOf(run));
      await page.getByText('No run that waits is like that').waitFor(PATIENCE);
    });
  });
});

describe('the installation', () => {
  const webhook = 'tekton-pipelines-webhook';

  async function doctor(): Promise<{ status: number; report: SystemReport }> {
    const { status, out } = await bench.tektite('doctor', '--output', 'json');
    return { status, report: JSON.parse(out) as SystemReport };
  }

  /** The page of somebody who may look at everything, as a doctor has to. */
  async function seeSystem(name: string, check: (page: Page) => Promise<void>): Promise<void> {
    operator ??= await signedIn('root', 'clusterrolebinding', 'cluster-admin');
    const { page } = operator;
    await pictured(page, `e2e-${name}`, async () => {
      await page.goto(`${origin}/system`);
      await check(page);
    });
  }

  it('is shown as tektite doctor tells it: roles, leases, queues, certificates, settings', async () => {
    const { report } = await doctor();
    expect(report.unread).toEqual([]);
    expect(report.findings.filter(({ severity }) => severity === 'problem')).toEqual([]);
    expect(report.roles.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['tekton-pipelines-controller', webhook, 'tekton-chains-controller', 'tekton-dashboard']),
    );
    expect(report.certificates).toMatchObject([{ subject: `CN=${webhook}` }]);
    expect(report.served.map(({ pod }) => pod)).toEqual(
      expect.arrayContaining([expect.stringContaining(`${webhook}-`) as string]),
    );
    await seeSystem('system', async (page) => {
      await page.getByText(`Kubernetes ${report.kubernetes}`).waitFor(PATIENCE);
      const section = (title: string) =>
        page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
      for (const { name, ready, wanted } of report.roles)
        await section('Roles').getByRole('row').filter({ hasText: name }).getByText(`${ready} of ${wanted}`).waitFor();
      for (const { name } of report.leases) await section('Leases').getByText(name, { exact: true }).waitFor();
      for (const { name } of report.queues)
        await section('Work queues').getByText(name, { exact: true }).first().waitFor();
      await section('Certificates').getByText(`CN=${webhook}`).waitFor();
      for (const { pod } of report.served) await section('Served certificates').getByText(pod).waitFor();
      for (const { name } of report.settings) await section('Settings').getByText(name, { exact: true }).waitFor();
    });
  });

  it('that somebody broke is told of with what to do, which mends it', async () => {
    const { spec } = await bench.client.get(deployments, systemNamespace, webhook);
    await installation.kubectl(['scale', 'deployment', webhook, '--replicas=0']);
    try {
      await expect.poll(async () => (await doctor()).status, PATIENCE).toBe(1);
      const { out } = await bench.tektite('doctor');
      const told = `Deployment ${systemNamespace}/${webhook}: it is scaled to nothing: what it does is not done`;
      expect(out).toContain(`problem: ${told}\n`);
      await seeSystem('system-broken', async (page) => {
        await page.getByText(/^\d+ problems?/).waitFor(PATIENCE);
        const finding = page.getByRole('listitem').filter({ hasText: told });
        await finding.getByText('problem', { exact: true }).waitFor();
        const remedy = `kubectl -n ${systemNamespace} scale deployment ${webhook} --replicas=1`;
        await finding.getByText(remedy, { exact: true }).waitFor();
        await installation.kubectl(remedy.split(' ').slice(1));
        await installation.settled();
        // It is looked at again by itself.
        await finding.waitFor({ state: 'detached', ...PATIENCE });
      });
      expect((await doctor()).status).toBe(0);
    } finally {
      await installation.kubectl(['scale', 'deployment', webhook, `--replicas=${spec?.replicas ?? 1}`]);
      await installation.settled();
    }
  });

  it('that is set wrongly is told of by map and key, which is no failure', async () => {
    const set = (value: string | null) =>
      bench.client.patch(configMaps, 'tekton-chains', 'chains-config', {
        type: 'merge',
        body: { data: { 'artifacts.taskrun.format': value } },
      });
    await set('nonsense');
    try {
      const { status, report } = await doctor();
      expect(status).toBe(0);
      expect(report.findings).toContainEqual(
        expect.objectContaining({ severity: 'warning', about: 'ConfigMap tekton-chains/chains-config' }),
      );
      await seeSystem('system-settings', async (page) => {
        await page.getByText('artifacts.taskrun.format').first().waitFor(PATIENCE);
        await page.getByRole('row').filter({ hasText: 'chains-config' }).locator('.bad').getByText('1').waitFor();
      });
    } finally {
      await set(null);
    }
  });
});
