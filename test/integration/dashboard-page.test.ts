import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../src/api/resources.ts';
import { envelopeJson, envelopeOf, preAuthEncoding } from '../../src/chains/signing/dsse.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/resource.ts';
import { openPage, pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus, type TaskPlan } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';

/** The page in a real browser, before the dashboard's process and a real API server whose runs are written by hand. */
const namespace = `page-${process.pid}`;
const crowded = `page-crowd-${process.pid}`;
const CROWD = 260;
let world: DashboardWorld;
let client: KubeClient;
let browser: Browser;
let origin = '';
let writable = '';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let oldLogs: Server;

/** What a build would write that wants to take over the page that shows it. */
/** In the browser: to one end of what is scrolled. */
const scrollTo = (element: { scrollTop: number; scrollHeight: number }, isEnd: boolean) => {
  element.scrollTop = isEnd ? element.scrollHeight : 0;
};

const hostileLog = [
  '<img src=x onerror="window.broken=1"><script>window.broken=2</script>',
  '\u001b]0;a title\u0007\u001b[2J\u001b[31mred text\u001b[0m and \u202egnp.exe',
  '::group::Set up',
  'inside the group',
  '::endgroup::',
  '::error file=main.go,line=12::expected 3, got 4',
  'javascript:alert(1) and https://example.com/artifact',
  ...Array.from({ length: 3000 }, (_, at) => `line ${at + 8}`),
].join('\n');

const built: readonly TaskPlan[] = [
  { name: 'clone', outcome: 'succeeded', seconds: 4 },
  { name: 'test', after: ['clone'], outcome: 'succeeded', fanOut: 3, from: 4, seconds: 30 },
  {
    name: 'build',
    after: ['test'],
    outcome: 'failed',
    steps: ['compile', 'push'],
    failedBefore: 1,
    from: 34,
    seconds: 12,
  },
  { name: 'deploy', after: ['build'] },
];

function openAt(address: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
  return world.openAt(origin, address, options);
}

/** A check of a page, with a picture of it when it fails. */
function see(page: Page, name: string, check: () => Promise<void>): Promise<void> {
  return pictured(page, name, check);
}

/** A statement about an image, signed as Chains does. */
function signedStatement(key: KeyObject, invocationId: string): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [{ name: 'registry.example.com/shop/web', digest: { sha256: 'cd'.repeat(32) } }],
    predicate: {
      buildDefinition: {
        externalParameters: { level: 'debug' },
        resolvedDependencies: [{ uri: 'git+https://git.example/app', digest: { sha1: 'bb' } }],
      },
      runDetails: { builder: { id: 'https://builder.example' }, metadata: { invocationId } },
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const type = 'application/vnd.in-toto+json';
  const bytes = sign('sha256', preAuthEncoding(type, payload), key);
  return Buffer.from(envelopeJson(envelopeOf(type, payload, bytes, 'k'))).toString('base64');
}

function openWritable(name: string): Promise<Page> {
  return world.openAt(writable, `/runs/${namespace}/${name}`);
}

beforeAll(async () => {
  world = await DashboardWorld.open(namespace, crowded);
  ({ client, browser } = world);
  oldLogs = createServer((_request, response) => response.end(`${hostileLog}\n`));
  await new Promise<void>((resolve) => oldLogs.listen(0, '127.0.0.1', resolve));
  const { port: logPort } = oldLogs.address() as { port: number };
  await writeRun(client, namespace, {
    name: 'broken',
    pipeline: 'release',
    outcome: 'failed',
    tasks: built,
    finally: [{ name: 'notify', outcome: 'succeeded', from: 50 }],
    annotations: { 'tektite.dev/person': '<b>ana</b>\u202e', 'tektite.dev/commit': '5f71df9fd196' },
    params: [{ name: 'note', value: '</script><img src=x onerror="window.broken=3">\u202e' }],
    results: [
      { name: 'IMAGE_URL', value: 'registry.example.com/shop/web' },
      { name: 'IMAGE_DIGEST', value: `sha256:${'ab'.repeat(32)}` },
      { name: 'long', value: 'x'.repeat(200_000) },
    ],
    ago: 300,
  });
  await world.createReader(namespace, 'reader', ['get', 'list', 'watch']);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  origin = await world.start(
    '--read-only',
    `--external-logs=http://127.0.0.1:${logPort}`,
    `--provenance-key=${publicKey}`,
  );
  writable = await world.start();
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  oldLogs.close();
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('the list of runs', () => {
  it('shows what became of each, who started it, and how long it took', async () => {
    const page = await openAt(`/runs?ns=${namespace}`);
    await see(page, 'list', async () => {
      const row = page.getByRole('row').filter({ hasText: 'broken' });
      await row.waitFor();
      expect(await row.innerText()).toMatch(
        /failed[\s\S]*release[\s\S]*<b>ana<\/b><U\+202E>[\s\S]*5f71df9f[\s\S]*55 s/,
      );
    });
  });

  it('changes as runs do, and moves nothing that is being read', async () => {
    const page = await openAt(`/runs?ns=${namespace}`);
    await see(page, 'list-live', async () => {
      await page.getByText('live', { exact: false }).last().waitFor();
      await writeRun(client, namespace, {
        name: 'fresh',
        outcome: 'running',
        tasks: [{ name: 'a', outcome: 'running' }],
        ago: 5,
      });
      await page.getByRole('button', { name: '1 new run' }).waitFor();
      expect(await page.getByRole('link', { name: 'fresh' }).count()).toBe(0);
      await page.getByRole('button', { name: '1 new run' }).click();
      await page.getByRole('row').filter({ hasText: 'fresh' }).getByText('running', { exact: true }).waitFor();
      const done = { conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded', message: '' }] };
      await writeStatus(client, pipelineRuns, { namespace, name: 'fresh', status: done });
      await page.getByRole('row').filter({ hasText: 'fresh' }).getByText('succeeded', { exact: true }).waitFor();
    });
  });

  it('is asked for by its address, and filters are in the address', async () => {
    const page = await openAt(`/runs?ns=${namespace}&status=succeeded`);
    await see(page, 'list-filters', async () => {
      await page.getByText(/^\d+ runs?/).waitFor();
      expect(await page.getByRole('link', { name: 'broken' }).count()).toBe(0);
      await page.getByRole('link', { name: /^failed/ }).click();
      await page.getByRole('link', { name: 'broken' }).waitFor();
      expect(page.url()).toContain('status=succeeded%2Cfailed');
      await page.getByRole('searchbox', { name: 'Search' }).fill('no such run');
      await page.getByText('No run is like that').waitFor();
      expect(new URL(page.url()).searchParams.get('q')).toBe('no such run');
      await page.getByRole('link', { name: 'Clear' }).click();
      expect(page.url()).toBe(`${origin}/runs`);
    });
  });

  it('says what cannot be asked', async () => {
    const page = await openAt('/runs?label=a%3D%3D%3D');
    await see(page, 'list-refused', () => page.getByRole('alert').filter({ hasText: 'label:' }).waitFor());
  });

  it('of hundreds has few rows on the page, goes on as one scrolls, and is walked by keys', async () => {
    const plan = (at: number) => ({ name: `crowd-${at}`, tasks: [] });
    await Promise.all(Array.from({ length: CROWD }, (_, at) => writeRun(client, crowded, plan(at))));
    const page = await openAt(`/runs?ns=${crowded}`);
    await see(page, 'list-crowd', async () => {
      await page.getByText(`${CROWD} runs`).waitFor();
      await page.getByRole('row').nth(5).waitFor();
      expect(await page.getByRole('row').count()).toBeLessThan(60);
      const rows = page.getByRole('rowgroup');
      for (let at = 0; at < 10; at += 1) {
        await rows.evaluate(scrollTo, true);
        await page.waitForTimeout(100);
      }
      await page.locator(`[aria-rowindex="${CROWD + 1}"]`).waitFor();
      await rows.evaluate(scrollTo, false);
      for (const key of ['j', 'j', 'k', 'j']) await page.keyboard.press(key);
      const focused = () =>
        page.evaluate<string>('document.activeElement.closest("[role=row]")?.getAttribute("aria-rowindex")');
      await expect.poll(focused).toBe('3');
      await page.keyboard.press('Enter');
      await page.waitForURL(new RegExp(`/runs/${crowded}/crowd-`));
      await page.goBack();
      await page.getByText(`${CROWD} runs`).waitFor();
    });
  });
});

describe('the page of a run', () => {
  it('that failed opens at the step that broke it, with the end of its log', async () => {
    const page = await openAt(`/runs/${namespace}/broken`);
    await see(page, 'run-failed', async () => {
      await page.getByText('failed in build / push: exit 1 after 12 s').waitFor();
      await page
        .getByRole('navigation', { name: 'Tasks' })
        .locator('[aria-current]')
        .filter({ hasText: 'build' })
        .waitFor();
      expect(await page.getByRole('button', { name: /^push/ }).getAttribute('aria-current')).toBe('true');
      await page.getByText('line 3007', { exact: true }).waitFor();
      expect(await page.getByText('line 8', { exact: true }).count()).toBe(0);
      expect(await page.title()).toContain('failed: broken');
    });
  });

  it('has the tasks as they depend on each other', async () => {
    const page = await openAt(`/runs/${namespace}/broken`);
    await see(page, 'run-graph', async () => {
      const tasks = page.getByRole('navigation', { name: 'Tasks' });
      await tasks.locator('path.edge').nth(2).waitFor({ state: 'attached' });
      const boxes = await Promise.all(
        ['clone', 'test', 'build', 'deploy', 'notify'].map((name) => tasks.getByRole('link', { name }).boundingBox()),
      );
      const tops = boxes.map((box) => box?.y ?? -1);
      expect(tops).toEqual(tops.toSorted((left, right) => left - right));
      expect(new Set(tops).size).toBe(5);
      expect(await tasks.getByRole('link', { name: 'test' }).innerText()).toContain('3/3');
      await tasks.getByRole('link', { name: 'deploy' }).click();
      await page.getByText('The run was over before its turn.').waitFor();
      expect(page.url()).toContain('task=deploy');
      await page.goBack();
      await page.getByRole('button', { name: /^push/ }).waitFor();
    });
  });

  it('shows each attempt, and each run of a matrix', async () => {
    const page = await openAt(`/runs/${namespace}/broken`);
    await see(page, 'run-attempts', async () => {
      await page.getByLabel('Attempt').selectOption({ label: 'Attempt 1 of 2 - failed' });
      expect(page.url()).toContain('attempt=1');
      await page.getByRole('link', { name: 'test' }).click();
      await page.getByLabel('Run of the matrix').selectOption({ index: 2 });
      expect(page.url()).toContain('child=broken-test-2');
    });
  });

  it('of 50 levels and a matrix of 200 has them folded, and each unfolds and folds again', async () => {
    const levels = Array.from({ length: 50 }, (_, at) => ({
      name: `level-${at}`,
      after: [at === 0 ? 'fan' : `level-${at - 1}`],
    }));
    const fan: TaskPlan = { name: 'fan', outcome: 'running', fanOut: 200 };
    await writeRun(client, namespace, { name: 'deep', outcome: 'running', tasks: [fan, ...levels] });
    const page = await openAt(`/runs/${namespace}/deep`, { bypassCSP: true });
    await see(page, 'run-deep', async () => {
      const tasks = page.getByRole('navigation', { name: 'Tasks' });
      await tasks.locator('path.edge').first().waitFor({ state: 'attached' });
      expect(await tasks.getByRole('link').allInnerTexts()).toEqual([expect.stringMatching(/^fan/)]);
      await tasks.getByRole('button', { name: '50 tasks, waiting: unfold level-0 to level-49' }).focus();
      await page.keyboard.press('Enter');
      await tasks.locator('path.edge').nth(49).waitFor({ state: 'attached' });
      expect(await tasks.getByRole('link').count()).toBe(51);
      const last = async () => (await tasks.getByRole('link', { name: 'level-49' }).boundingBox())?.y ?? 0;
      const folded = await last();
      expect(folded).toBeGreaterThan(50 * 40);
      await tasks.getByRole('button', { name: 'Unfold the 200 runs of fan' }).focus();
      await page.keyboard.press('Enter');
      const runs = tasks.getByRole('list', { name: 'Runs of fan' }).getByRole('link');
      await runs.nth(199).waitFor({ state: 'attached' });
      await expect.poll(last).toBeGreaterThan(folded + 100);
      await runs.nth(7).click();
      expect(page.url()).toMatch(/child=deep-fan-7$/);
      expect(await seriousFindings(page)).toEqual([]);
      await tasks.getByRole('button', { name: 'Fold the 200 runs of fan' }).click();
      await expect.poll(last).toBe(folded);
      await tasks.getByRole('button', { name: 'Fold the chain of level-0' }).click();
      await expect.poll(() => tasks.getByRole('link').count()).toBe(1);
      // What is chosen is shown.
      await page.goto(`${origin}/runs/${namespace}/deep?task=level-20`);
      await tasks.getByRole('button', { name: '29 tasks, waiting: unfold level-21 to level-49' }).waitFor();
      expect(await tasks.getByRole('link', { name: 'level-20' }).getAttribute('aria-current')).toBe('true');
    });
  });

  it('searches, folds and links to its log, of which it believes nothing', async () => {
    const page = await openAt(`/runs/${namespace}/broken?task=build&step=push#L2`);
    await see(page, 'run-log', async () => {
      const log = page.getByRole('region', { name: 'Lines of the log' });
      await log.getByText('<img src=x onerror="window.broken=1"><script>window.broken=2</script>').waitFor();
      expect(await log.locator('.line.picked').innerText()).toMatch(/red text and <U\+202E>gnp\.exe$/);
      expect(await log.locator('.ansi-red').innerText()).toBe('red text');
      expect(await log.getByRole('link', { name: 'https://example.com/artifact' }).getAttribute('rel')).toContain(
        'noopener',
      );
      expect(await log.locator('a[href^="javascript:"]').count()).toBe(0);
      expect(await log.locator('.line-error').innerText()).toBe('error main.go:12: expected 3, got 4');
      await log.getByRole('button', { name: 'Fold' }).click();
      expect(await log.getByText('inside the group').count()).toBe(0);
      await page.getByRole('searchbox', { name: 'Search the log' }).fill('LINE 2999');
      await page.getByText('1 of 1').waitFor();
      await log.locator('.line.matched').filter({ hasText: 'line 2999' }).waitFor();
      await log.getByRole('link', { name: 'Line 2999', exact: true }).click();
      expect(page.url()).toMatch(/#L2999$/);
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('has a timeline of its tasks and steps, with what the end had to wait for', async () => {
    const page = await openAt(`/runs/${namespace}/broken/timeline`);
    await see(page, 'run-timeline', async () => {
      const rows = page.locator('.timeline-row');
      await rows.nth(5).waitFor();
      const texts = (await rows.allTextContents()).map((text) => text.replace(/succeeded|failed/, ' '));
      expect(texts.map((text) => /^(\w+)/.exec(text)?.[1])).toEqual([
        'clone',
        'test',
        'test',
        'test',
        'build',
        'notify',
      ]);
      expect(await rows.filter({ hasText: 'the end had to wait' }).count()).toBe(4);
      await page.getByRole('img', { name: 'push: failed, 12 s' }).first().waitFor();
      await rows.filter({ hasText: 'build' }).getByRole('link').click();
      await page.getByRole('button', { name: /^push/ }).waitFor();
    });
  });

  it('is read from its tabs: params and results, events, provenance, YAML', async () => {
    const page = await openAt(`/runs/${namespace}/broken/data`);
    await see(page, 'run-tabs', async () => {
      await page.getByText('</script><img src=x onerror="window.broken=3"><U+202E>').waitFor();
      await page.getByText('196,000 more characters').waitFor();
      await page.getByRole('link', { name: 'Events' }).click();
      await page.getByText('There are no events.').waitFor();
      await page.getByRole('link', { name: 'Provenance' }).click();
      await page.getByText('This run is not signed').waitFor();
      const command = `cosign verify-attestation --key cosign.pub --insecure-ignore-tlog=true --type slsaprovenance1 registry.example.com/shop/web@sha256:${'ab'.repeat(32)}`;
      await page.getByText(command).waitFor();
      await page.getByRole('link', { name: 'YAML' }).click();
      await page.getByText('name: broken').waitFor();
      expect(await page.getByText('managedFields').count()).toBe(0);
    });
  });

  it('follows the run, and says when there is none', async () => {
    const page = await openAt(`/runs/${namespace}/later`);
    await see(page, 'run-live', async () => {
      await page.getByText('There is no such run').waitFor();
      await writeRun(client, namespace, {
        name: 'later',
        outcome: 'running',
        tasks: [
          { name: 'first', outcome: 'running' },
          { name: 'second', after: ['first'] },
        ],
        ago: 3,
      });
      await page.getByText(/^running for .*: first \/ run$/).waitFor();
      await page.getByText('not live', { exact: false }).waitFor({ state: 'detached' });
      const status = {
        completionTime: new Date().toISOString().replace(/\.\d+/, ''),
        conditions: [{ type: 'Succeeded', status: 'False', reason: 'Cancelled', message: 'by ana' }],
      };
      await writeStatus(client, pipelineRuns, { namespace, name: 'later', status });
      await page.getByText(/^cancelled after/).waitFor();
      await client.delete(pipelineRuns, namespace, 'later');
      await page.getByText('There is no such run').waitFor();
    });
  });

  it("is found by the addresses of upstream's dashboard", async () => {
    const page = await openAt(`/#/namespaces/${namespace}/pipelineruns/broken?pipelineTask=test`);
    await see(page, 'run-upstream', async () => {
      await page.getByRole('heading', { name: 'test' }).waitFor();
      expect(page.url()).toBe(`${origin}/runs/${namespace}/broken?task=test`);
    });
  });
});

describe('what one may do with a run', () => {
  const specOf = async (name: string) =>
    ((await client.get(pipelineRuns, namespace, name)) as { spec?: { status?: string } }).spec?.status;
  const running = (name: string) =>
    writeRun(client, namespace, { name, outcome: 'running', tasks: [{ name: 'a', outcome: 'running' }] });

  it('is not offered in read-only mode', async () => {
    const page = await openAt(`/runs/${namespace}/broken`);
    await see(page, 'actions-read-only', async () => {
      await page.getByText('read-only').waitFor();
      await page.getByText('failed in build / push').waitFor();
      expect(await page.getByRole('button', { name: /Rerun|Delete|Cancel/ }).count()).toBe(0);
    });
  });

  it('is not offered to whom the API server would refuse it', async () => {
    const { page, context } = await openPage(browser, `${writable}/`, {
      extraHTTPHeaders: { authorization: `Bearer ${await world.tokenOf(namespace, 'reader')}` },
    });
    await see(page, 'actions-refused', async () => {
      const answers = Promise.all(
        ['patch', 'create', 'delete'].map((verb) =>
          page.waitForResponse((answer) => answer.request().postData()?.includes(`"${verb}"`) ?? false),
        ),
      );
      await page.goto(`${writable}/runs/${namespace}/broken`);
      const allowed = await Promise.all((await answers).map(async (answer) => (await answer.json()) as object));
      expect(allowed).toMatchObject([1, 2, 3].map(() => ({ status: { allowed: false } })));
      await page.getByText('failed in build / push').waitFor();
      expect(await page.getByRole('button', { name: /Rerun|Delete|Cancel/ }).count()).toBe(0);
    });
    await context.close();
  });

  it('is to stop it in three ways, asked before', async () => {
    await running('to-stop');
    const page = await openWritable('to-stop');
    await see(page, 'actions-stop', async () => {
      for (const [button, status] of [
        ['Stop, run finally', 'StoppedRunFinally'],
        ['Cancel, run finally', 'CancelledRunFinally'],
        ['Cancel', 'Cancelled'],
      ] as const) {
        await page.getByRole('button', { name: button, exact: true }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Back' }).click();
        expect(await specOf('to-stop')).not.toBe(status);
        await page.getByRole('button', { name: button, exact: true }).click();
        await dialog.getByRole('button', { name: button, exact: true }).click();
        await expect.poll(() => specOf('to-stop')).toBe(status);
      }
    });
  });

  it('is to start one that is held back, and to delete it', async () => {
    await client.create(pipelineRuns, {
      metadata: { namespace, name: 'held' },
      spec: { status: 'PipelineRunPending', pipelineRef: { name: 'x' } },
    } as KubeObject);
    const page = await openWritable('held');
    await see(page, 'actions-held', async () => {
      await page.getByRole('button', { name: 'Start' }).click();
      await expect.poll(() => specOf('held')).toBeUndefined();
      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.waitForURL(/\/runs$/);
      const { items } = await client.list(pipelineRuns, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).not.toContain('held');
    });
  });

  it('is to run it again, from its failure as well', async () => {
    const page = await openWritable('broken');
    await see(page, 'actions-rerun', async () => {
      await page.getByRole('button', { name: 'Rerun from failure' }).click();
      await page.waitForURL(/\/broken-r-\w{5}$/);
      const name = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      const { metadata } = await client.get(pipelineRuns, namespace, name);
      expect(metadata.labels).toMatchObject({ 'dashboard.tekton.dev/rerunOf': 'broken' });
      expect(metadata.annotations).toMatchObject({ 'tektite.dev/rerun-from-failure': 'broken' });
      await page.getByText('again of broken').waitFor();
    });
  });
});

describe('what one may do with many runs', () => {
  const labels = { bulk: 'yes' };
  const left = async () => {
    const { items } = await client.list(pipelineRuns, { namespace, labelSelector: 'bulk=yes' });
    return items.map(({ metadata, spec }) => `${metadata.name} ${spec.status ?? ''}`.trim()).sort();
  };

  it('is to cancel and delete them, asked before, and to be told what was not done', async () => {
    for (const [name, outcome] of [
      ['bulk-a', 'running'],
      ['bulk-b', 'running'],
      ['bulk-c', 'succeeded'],
    ] as const)
      await writeRun(client, namespace, { name, outcome, labels, tasks: [{ name: 'a', outcome }] });
    const page = await world.openAt(writable, `/runs?ns=${namespace}&label=bulk%3Dyes`, { bypassCSP: true });
    await see(page, 'bulk', async () => {
      await page.getByText('3 runs, live').waitFor();
      await page.getByLabel('Choose all 3').check();
      await page.getByText('3 chosen').waitFor();
      await page.getByLabel('Choose bulk-b').uncheck();
      await page.getByRole('button', { name: 'Cancel 1' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('1 of the chosen are left alone.').waitFor();
      await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
      await page.getByText('1 run cancelled, 1 not').waitFor();
      await page.getByText('bulk-c: it is over already').waitFor();
      expect(await left()).toEqual(['bulk-a Cancelled', 'bulk-b', 'bulk-c']);
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Close' }).click();
      // Somebody else says no to one of them.
      await page.route('**/pipelineruns/bulk-b', (route) =>
        route.fulfill({ status: 403, json: { message: 'the webhook says </b>no' } }),
      );
      await page.getByLabel('Choose all 3').check();
      await page.getByRole('button', { name: 'Delete 3' }).click();
      await dialog.getByText(`${namespace}/bulk-b`).waitFor();
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByText('2 runs deleted, 1 not').waitFor();
      await page.getByText('bulk-b: the webhook says </b>no').waitFor();
      await page.getByText('1 chosen').waitFor();
      expect(await left()).toEqual(['bulk-b']);
    });
  });

  it('is not offered to whom the API server would refuse it, or in read-only mode', async () => {
    const token = await world.tokenOf(namespace, 'reader');
    const { page } = await world.window(writable, { extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    await see(page, 'bulk-refused', async () => {
      await page.goto(`${writable}/runs?ns=${namespace}&q=broken`);
      await page.getByLabel('Choose broken', { exact: true }).check();
      await page.getByText('There is nothing that you may do with them.').waitFor();
    });
    const closed = await openAt(`/runs?ns=${namespace}`);
    await closed.getByRole('row').filter({ hasText: 'broken' }).first().waitFor();
    expect(await closed.getByRole('checkbox').count()).toBe(0);
  });
});

describe('whom nobody knows', () => {
  it('signs in with a token, sees what it may see, and signs out', async () => {
    const closed = await world.start('--require-credentials');
    const { page } = await world.window(closed, { bypassCSP: true });
    await page.goto(`${closed}/runs?ns=${namespace}`);
    await see(page, 'sign-in', async () => {
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.getByText(`kubectl -n ${namespace} create token tekton-dashboard`).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByLabel('Token').fill('of.another.cluster');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('the API server does not take this token').waitFor();
      await page.getByLabel('Token').fill(await world.tokenOf(namespace, 'reader'));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('row').getByText('broken', { exact: true }).waitFor();
      expect(await page.evaluate<string>('document.cookie')).toBe('');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    });
  });
});

describe('provenance', () => {
  it('is verified by the server while one looks, and not believed without', async () => {
    await writeRun(client, namespace, {
      name: 'signed',
      outcome: 'succeeded',
      tasks: [{ name: 'a', outcome: 'succeeded' }],
    });
    const { metadata } = await client.get(pipelineRuns, namespace, 'signed');
    const sealed = (key: KeyObject) => ({
      [`chains.tekton.dev/signature-pipelinerun-${metadata.uid}`]: signedStatement(key, metadata.uid ?? ''),
      'chains.tekton.dev/signed': 'true',
    });
    const annotate = (annotations: Record<string, string>) =>
      client.patch(pipelineRuns, namespace, 'signed', {
        type: 'merge',
        body: { metadata: { annotations } },
      });
    await annotate(sealed(privateKey));
    const page = await openAt(`/runs/${namespace}/signed/provenance`);
    await see(page, 'provenance', async () => {
      await page.getByText('Verified just now by the server, against the key that the dashboard was given').waitFor();
      await page.getByText('https://builder.example', { exact: true }).waitFor();
      const statement = page.locator('.statement');
      await statement.getByText('git+https://git.example/app', { exact: true }).waitFor();
      const text = (await statement.innerText()).replaceAll(/\s+/g, ' ');
      expect(text).toMatch(/Kept in annotation/);
      expect(text).toMatch(/registry\.example\.com\/shop\/web sha256:(?:cd){32}/);
      expect(text).toMatch(/git\+https:\/\/git\.example\/app sha1:bb Params .*"level": "debug"/);
      await statement.getByText('The statement as it was signed').click();
      await statement.getByText('"predicateType": "https://slsa.dev/provenance/v1"').waitFor();
      await page.getByText('cosign verify-attestation').waitFor();
      await annotate(sealed(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey));
      await page.reload();
      await page.getByText('Not verified: no signature of the envelope').waitFor();
    });
  });
});

describe('the page', () => {
  it.each(['light', 'dark'] as const)('has nothing serious that axe finds, %s', async (colorScheme) => {
    const addresses = [
      `/runs?ns=${namespace}`,
      `/runs/${namespace}/broken`,
      `/runs/${namespace}/broken/data`,
      `/runs/${namespace}/broken/timeline`,
      `/runs/${namespace}/broken/provenance`,
    ];
    // The same elements in other colours.
    for (const address of colorScheme === 'light' ? addresses : addresses.slice(0, 2)) {
      // Its policy lets in no script of others, which axe is.
      const page = await openAt(address, { colorScheme, bypassCSP: true });
      await page.getByText('broken').first().waitFor();
      await page.locator('.node, .tab-body, .run-table').first().waitFor();
      await see(page, `axe-${colorScheme}-${address}`, async () =>
        expect(await seriousFindings(page, colorScheme)).toEqual([]),
      );
    }
  });

  it('fits a narrow screen', async () => {
    const page = await openAt(`/runs/${namespace}/broken`, { viewport: { width: 390, height: 800 } });
    await see(page, 'narrow', async () => {
      await page.getByText('failed in build / push').waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      expect(await page.locator('svg.edges').isVisible()).toBe(false);
    });
  });

  it('works under a prefix that a proxy in front gave it', async () => {
    // One that passes no upgrades on: the page reads its lists again and says that it is not live.
    const proxy = createServer((request, response) => {
      if (request.headers.upgrade !== undefined) return void response.writeHead(501).end();
      const headers = { ...request.headers, 'x-forwarded-prefix': '/ci' };
      void fetch(`${origin}${(request.url ?? '').replace(/^\/ci/, '')}`, { headers: headers as never })
        .then(async (answer) => {
          const kept = Object.fromEntries(
            [...answer.headers].filter(([name]) => !/encoding|length|transfer/.test(name)),
          );
          return response.writeHead(answer.status, kept).end(Buffer.from(await answer.arrayBuffer()));
        })
        .catch((error: unknown) => response.writeHead(502).end(String(error)));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    const { page, context } = await openPage(browser, `http://127.0.0.1:${port}/ci/`);
    await see(page, 'prefix', async () => {
      await page.goto(`http://127.0.0.1:${port}/ci/runs/${namespace}/broken/data`);
      await page.getByText('The run has no workspaces.').waitFor();
      await page.getByRole('link', { name: 'Tasks and logs' }).click();
      expect(page.url()).toBe(`http://127.0.0.1:${port}/ci/runs/${namespace}/broken`);
      await page.getByText('not live', { exact: false }).waitFor();
    });
    await context.close();
    proxy.closeAllConnections();
    proxy.close();
  });
});
