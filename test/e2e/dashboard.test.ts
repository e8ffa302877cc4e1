import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessFlags, programPath } from '../../hack/deploy/pick-cluster.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { pods } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { openPage, pictured, startChromium, type WatchedPage } from '../browser/chromium.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';

/** The dashboard as it is installed, in a real browser, before runs of real pods: above all their logs. */
const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('dashboard');
let installation: Installation;
let forward: ChildProcess;
let browser: Browser;
let watched: WatchedPage;
let page: Page;
let origin = '';

/** Leads a port of this machine to the Service, as the README says. */
async function forwardPort(): Promise<number> {
  const kubectl = await programPath(installation.target, 'kubectl');
  const service = ['port-forward', 'service/tekton-dashboard', ':9097', '--namespace', systemNamespace];
  forward = spawn(kubectl, [...accessFlags(installation.target, 'kubectl'), ...service]);
  for await (const line of createInterface({ input: forward.stdout ?? process.stdin })) {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error('kubectl port-forward ended before it led anywhere');
}

beforeAll(async () => {
  installation = await Installation.open();
  await installation.upgrade({ 'webDashboard.enabled': 'true' });
  origin = `http://127.0.0.1:${await forwardPort()}`;
  browser = await startChromium();
  watched = await openPage(browser, `${origin}/`);
  ({ page } = watched);
}, 300_000);

afterAll(async () => {
  await browser?.close();
  forward?.kill();
  await installation.upgrade();
  await installation.close();
  expect(watched.wrong).toEqual([]);
}, 300_000);

const script = [
  '#!/bin/sh',
  'printf "\\033[32mbegun\\033[0m\\n"',
  'for at in $(seq 1 15); do echo "tick $at"; sleep 1; done',
  'echo "::error file=main.go,line=3::it broke" >&2',
  'exit 7',
].join('\n');

describe('a run of real pods', () => {
  it('is followed as it goes, and says where it failed', async () => {
    await bench.create(
      pipelineRuns as Resource,
      {
        metadata: { name: 'ticking', namespace: bench.namespace },
        spec: {
          pipelineSpec: {
            tasks: [
              { name: 'prepare', taskSpec: { steps: [{ name: 'say', image, script: '#!/bin/sh\necho prepared\n' }] } },
              { name: 'tick', runAfter: ['prepare'], taskSpec: { steps: [{ name: 'count', image, script }] } },
            ],
          },
        },
      } as KubeObject,
    );
    await page.goto(`${origin}/runs/${bench.namespace}/ticking`);
    await pictured(page, 'e2e-run', async () => {
      const lines = page.getByRole('region', { name: 'Lines of the log' });
      await page.getByText(/^running for .*: tick \/ count$/).waitFor({ timeout: 90_000 });
      await lines.getByText('tick 2', { exact: true }).waitFor({ timeout: 60_000 });
      expect(await lines.getByText('it broke').count()).toBe(0);
      await page.getByText(/^failed in tick \/ count: exit 7 after /).waitFor({ timeout: 60_000 });
      await lines.getByText('error main.go:3: it broke').waitFor();
      expect(await lines.locator('.ansi-green').innerText()).toBe('begun');
      await page.getByRole('button', { name: 'Times' }).click();
      await lines
        .getByText(/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
        .first()
        .waitFor();
    });
  });

  it('gives its log out whole', async () => {
    await pictured(page, 'e2e-download', async () => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Download').click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString('utf8')).toMatch(
        /^\u001b\[32mbegun\u001b\[0m\ntick 1\n[\s\S]*::it broke\n$/,
      );
    });
  });

  it('has its events, of the run and its pods', async () => {
    await pictured(page, 'e2e-events', async () => {
      await page.getByRole('link', { name: 'Events' }).click();
      await page.getByText(`Pod ticking-tick-pod`).first().waitFor();
      await page.getByText('PipelineRun ticking', { exact: true }).first().waitFor();
    });
  });

  it('says so when its pod is gone, and its log with it', async () => {
    await bench.client.delete(pods, bench.namespace, 'ticking-tick-pod', { propagationPolicy: 'Background' });
    await sleep(2_000);
    await pictured(page, 'e2e-gone', async () => {
      await page.goto(`${origin}/runs/${bench.namespace}/ticking`);
      await page
        .getByRole('alert')
        .filter({ hasText: /pods "ticking-tick-pod" not found/ })
        .waitFor({ timeout: 60_000 });
    });
  });
});
