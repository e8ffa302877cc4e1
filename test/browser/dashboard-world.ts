import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { pageFolder } from '../../hack/built-sources.ts';
import { main as dashboard } from '../../src/dashboard/main.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { namespaces, serviceAccounts } from '../../src/kube/resources.ts';
import { rbacGroup, roleBindings, roles } from '../rbac.ts';
import { freePort } from '../free-port.ts';
import type { ChromiumProgram } from '../../hack/verify/browsers.ts';
import { openPage, startChromium, type WatchedPage } from './chromium.ts';
import { installCrds } from './dashboard-runs.ts';
import { TestClient } from '../cluster-access/test-client.ts';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** The rules about colours that axe looks at by default. */
const ofColours = JSON.stringify(['color-contrast', 'link-in-text-block']);
const START_MS = 180_000;

interface Own {
  kubeconfig: string;
  folder: string;
  names: string[];
}

/** The built page, a browser, and the dashboard's processes before a real API server that has the CRDs. */
export class DashboardWorld {
  readonly client: KubeClient;
  readonly browser: Browser;
  /** Made for this world, and deleted with it. */
  readonly namespaces: readonly string[];
  readonly #folder: string;
  readonly #kubeconfig: string;
  readonly #end = new AbortController();
  readonly #roles: Promise<number>[] = [];
  readonly #opened: WatchedPage[] = [];

  private constructor(client: KubeClient, browser: Browser, { kubeconfig, folder, names }: Own) {
    this.client = client;
    this.browser = browser;
    this.namespaces = names;
    this.#folder = folder;
    this.#kubeconfig = kubeconfig;
  }

  /** On the control plane that the tests share. The whole browser sees the page in test/e2e. */
  static open(...names: string[]): Promise<DashboardWorld> {
    return DashboardWorld.on(process.env['TEKTITE_TEST_KUBECONFIG'] ?? '', 'chromium-headless-shell', ...names);
  }

  static async on(kubeconfig: string, program: ChromiumProgram, ...names: string[]): Promise<DashboardWorld> {
    const config = await loadClusterConfig({ kubeconfig });
    const client = new TestClient(config, { userAgent: 'page-test', qps: 1000, burst: 1000 });
    const [folder] = await Promise.all([pageFolder(path.resolve(import.meta.dirname, '../..')), installCrds(client)]);
    for (const name of names) await client.create(namespaces, { metadata: { name } });
    return new DashboardWorld(client, await startChromium(program), { kubeconfig, folder, names });
  }

  /** Starts a dashboard. Returns its address. */
  async start(...flags: string[]): Promise<string> {
    const port = await freePort();
    const own = [
      `--port=${port}`,
      `--kubeconfig=${this.#kubeconfig}`,
      '--drain-seconds=0',
      `--web-dir=${this.#folder}`,
    ];
    const installed = { INSTALLED_NAMESPACE: this.namespaces[0] ?? 'default' };
    const env = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', LOG_LEVEL: 'fatal', ...installed };
    this.#roles.push(dashboard([...own, ...flags], env, this.#end.signal));
    const address = `http://127.0.0.1:${port}`;
    for (const give = Date.now() + START_MS; ; await sleep(100)) {
      const status = await fetch(`${address}/v1/runs`).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200 || status === 401) return address;
      if (Date.now() > give) throw new Error(`the dashboard answers ${status} after ${START_MS / 1_000} s`);
    }
  }

  /** A window of a dashboard, which is all that it may ask. */
  async window(origin: string, options: Parameters<typeof openPage>[2] = {}): Promise<WatchedPage> {
    const watched = await openPage(this.browser, `${origin}/`, options);
    this.#opened.push(watched);
    return watched;
  }

  async openAt(origin: string, address: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
    const { page } = await this.window(origin, options);
    await page.goto(`${origin}${address}`);
    return page;
  }

  /** A window that is left open goes on following what it shows. */
  async closeWindows(): Promise<void> {
    for (const { context } of this.#opened) await context.close();
  }

  /** Returns what went wrong in any window: errors, what the page's policy forbids, requests to elsewhere. */
  async close(): Promise<string[]> {
    const wrong = this.#opened.flatMap((each) => each.wrong);
    await this.browser.close();
    this.#end.abort();
    await Promise.all(this.#roles);
    for (const name of this.namespaces) await this.client.delete(namespaces, undefined, name);
    await this.client.close();
    return wrong;
  }

  /** A ServiceAccount that may do this with Tekton's kinds, and no more. */
  async createReader(namespace: string, name: string, verbs: readonly string[]): Promise<void> {
    const metadata = { name, namespace };
    await this.client.create(serviceAccounts, { metadata });
    const rules = [{ apiGroups: ['tekton.dev'], resources: ['*'], verbs }];
    await this.client.create(roles, { metadata, rules });
    await this.client.create(roleBindings, {
      metadata,
      roleRef: { apiGroup: rbacGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
  }

  async tokenOf(namespace: string, name: string): Promise<string> {
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const address = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    return (JSON.parse(await this.client.raw('POST', address, { body })) as { status: { token: string } }).status.token;
  }
}

/**
 * What axe finds that keeps people from using the page. The window has to be opened with `bypassCSP`. In the dark all
 * that is another are the colours.
 */
export async function seriousFindings(page: Page, colorScheme: 'light' | 'dark' = 'light'): Promise<string[]> {
  // It is half a megabyte, and a page is looked at in several lights.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.addScriptTag({ path: axeSource });
  const { violations } = await page.evaluate<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  }>(`axe.run({ resultTypes: ['violations']${colorScheme === 'dark' ? `, runOnly: ${ofColours}` : ''} })`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
}
