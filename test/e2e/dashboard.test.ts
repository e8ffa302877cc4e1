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
import { pods, secrets } from '../../src/kube/resources.ts';
import { openPage, pictured, startChromium, type WatchedPage } from '../browser/chromium.ts';
import { freePort } from '../free-port.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';

/** The dashboard as it is installed, reached and signed in to as its page says, before runs on a real node. */
const bench = openWorkbench('dashboard');
const image = 'docker.io/library/busybox:1.36';
const PATIENCE = { timeout: 60_000 };
let installation: Installation;
let forward: ChildProcess;
let browser: Browser;
let window: WatchedPage;
let origin: string;

const step = (name: string, script: string) => ({ name, image, script: `#!/bin/sh\n${script}\n` });
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
    'chains.config': { 'artifacts.pipelinerun.format': 'slsa/v2alpha4', 'artifacts.pipelinerun.storage': 'tekton' },
  });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const data = { 'x509.pem': Buffer.from(pem).toString('base64') };
  await bench.client.patch(secrets, 'tekton-chains', 'signing-secrets', { type: 'merge', body: { data } });
  await installation.kubectl(['rollout', 'status', 'deployment/tekton-dashboard', '--timeout=120s']);
  [origin, browser] = await Promise.all([forwarded(), startChromium()]);
  window = await openPage(browser, `${origin}/`);
  await signIn();
}, 300_000);

afterAll(async () => {
  expect(window?.wrong).toEqual([]);
  await browser?.close();
  forward?.kill();
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

/** With a token of somebody who has Kubernetes' own role edit in the namespace, and nothing else. */
async function signIn(): Promise<void> {
  const inNamespace = (...words: string[]) => installation.kubectl(['--namespace', bench.namespace, ...words]);
  await inNamespace('create', 'serviceaccount', 'ana');
  await inNamespace('create', 'rolebinding', 'ana', '--clusterrole=edit', `--serviceaccount=${bench.namespace}:ana`);
  const token = (await inNamespace('create', 'token', 'ana')).trim();
  await see('sign-in', async (page) => {
    await page.goto(`${origin}/runs?ns=${bench.namespace}`);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  });
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
