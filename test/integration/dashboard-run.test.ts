import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, pipelines, taskRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { events, pods, serviceAccounts } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/resource.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';
import { toldTimes } from '../browser/times.ts';
import { StandInLogs } from '../load/kubelet-log.ts';

/** What list and page of a run tell, in a real browser before a real API server whose runs are written by hand. */
const namespace = `run-${process.pid}`;
const LOG_MEGABYTES = 0.05;
let world: DashboardWorld;
let client: KubeClient;
let logs: StandInLogs;
let origin = '';

const openAt = (address: string, options: Parameters<DashboardWorld['openAt']>[2] = {}) =>
  world.openAt(origin, address, options);

/** A check of a page, with a picture of it when it fails. */
function see(page: Page, name: string, check: () => Promise<void>): Promise<void> {
  return pictured(page, name, check);
}

beforeAll(async () => {
  world = await DashboardWorld.open(namespace);
  ({ client } = world);
  // Pods need one, and no controller is here that makes it.
  await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } });
  logs = await StandInLogs.start(client, `${namespace}-node`, LOG_MEGABYTES);
  origin = await world.start();
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  await logs?.stop();
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('a row of the list', () => {
  const pipeline = 'listed';
  const rows: readonly {
    what: string;
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    seconds: number;
    outcome?: 'failed' | 'succeeded';
    by: RegExp;
    signed: string;
  }[] = [
    {
      what: 'a push that Pipelines as Code saw, signed',
      name: 'by-push',
      annotations: {
        'pipelinesascode.tekton.dev/event-type': 'push',
        'pipelinesascode.tekton.dev/branch': 'main',
        'pipelinesascode.tekton.dev/sha': '5f71df9fd196e2a1',
        'pipelinesascode.tekton.dev/sender': 'ana',
        'chains.tekton.dev/signed': 'true',
      },
      seconds: 10,
      by: /^ana, push\s+main at 5f71df9f$/,
      signed: 'signed',
    },
    {
      what: 'an event of Triggers, signed in part',
      name: 'by-trigger',
      labels: { 'triggers.tekton.dev/eventlistener': 'github', 'triggers.tekton.dev/trigger': 'scan' },
      annotations: { 'triggers.tektite.dev/event-type': 'pull_request', 'chains.tekton.dev/signed': 'failed' },
      seconds: 20,
      by: /^github\/scan, pull_request$/,
      signed: 'signing failed',
    },
    {
      what: 'a rerun, not signed',
      name: 'by-rerun',
      labels: { 'dashboard.tekton.dev/rerunOf': 'by-push' },
      seconds: 30,
      by: /^rerun of by-push$/,
      signed: 'not signed',
    },
    {
      what: 'nobody knows, failed at once',
      name: 'by-nobody',
      seconds: 1,
      outcome: 'failed',
      by: /^$/,
      signed: 'not signed',
    },
  ];

  beforeAll(async () => {
    for (const { name, labels = {}, annotations = {}, seconds, outcome = 'succeeded' } of rows)
      await writeRun(client, namespace, {
        name,
        pipeline,
        labels,
        annotations,
        outcome,
        tasks: [{ name: 'a', outcome, seconds }],
        ago: 600,
      });
  });

  it.each(rows)('of $what', async ({ name, by, signed, seconds }) => {
    const page = await openAt(`/runs?ns=${namespace}&pipeline=${pipeline}`);
    await see(page, `row-${name}`, async () => {
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
      await row.waitFor();
      expect((await row.locator('.cell-by').innerText()).trim()).toMatch(by);
      expect((await row.locator('.cell-signed').innerText()).trim()).toBe(signed);
      // The failure says nothing of how long it usually takes.
      expect(await row.locator('.cell-duration').innerText()).toMatch(new RegExp(`^${seconds} s\\s+usually 20 s$`));
    });
  });
});

describe('a task without a log', () => {
  it('says what runs it in place of a TaskRun, leads there, and why it was skipped', async () => {
    const why = 'When Expressions evaluated to false';
    await writeRun(client, namespace, {
      name: 'mixed',
      outcome: 'running',
      tasks: [
        {
          name: 'approve',
          kind: 'CustomRun',
          outcome: 'running',
          waits: { reason: 'Waiting', message: 'waits for ana' },
        },
        { name: 'nested', kind: 'PipelineRun', outcome: 'failed' },
        { name: 'left-out', after: ['approve'], skipped: why },
        { name: 'retried', outcome: 'succeeded', failedBefore: 2 },
        { name: 'later', after: ['approve'] },
      ],
      ago: 30,
    });
    const page = await openAt(`/runs/${namespace}/mixed`);
    await see(page, 'run-mixed', async () => {
      const tasks = page.getByRole('navigation', { name: 'Tasks' });
      const panel = (name: string) => page.getByRole('region', { name: `Task ${name}` });
      const choose = (name: string) => tasks.getByRole('link', { name }).click();
      expect(await tasks.getByRole('link', { name: 'nested' }).innerText()).toContain('failed');
      await choose('approve');
      await panel('approve').getByText('waits for ana').waitFor();
      await panel('approve').getByRole('link', { name: 'CustomRun mixed-approve' }).click();
      await page.getByText('Approval').first().waitFor();
      expect(page.url()).toBe(`${origin}/definitions/${namespace}/CustomRun/mixed-approve`);
      await page.goBack();
      await choose('left-out');
      await panel('left-out').getByText(`Skipped: ${why}`).waitFor();
      expect(await tasks.getByRole('link', { name: 'left-out' }).getAttribute('title')).toBe(`skipped: ${why}`);
      await choose('later');
      await panel('later').getByText('It waits for its turn.').waitFor();
      await choose('retried');
      expect(await panel('retried').getByLabel('Attempt').locator('option').allInnerTexts()).toEqual([
        'Attempt 1 of 3 - failed',
        'Attempt 2 of 3 - failed',
        'Attempt 3 of 3 - succeeded',
      ]);
      await choose('nested');
      await panel('nested').getByRole('link', { name: 'mixed-nested' }).click();
      await page.getByRole('heading', { name: 'mixed-nested' }).waitFor();
    });
  });

  it.each<{
    what: string;
    name: string;
    spec?: string;
    waits?: { reason: string; message: string };
    head: string;
    panel: string;
  }>([
    {
      what: 'a run in a queue',
      name: 'queued',
      waits: { reason: 'PipelineRunPending', message: '3rd for key shop' },
      head: 'waits in a queue: 3rd for key shop',
      panel: 'The whole run waits in a queue.',
    },
    {
      what: 'a run that is held back',
      name: 'pending',
      spec: 'PipelineRunPending',
      waits: { reason: 'PipelineRunPending', message: 'held' },
      head: 'held back by its spec.status, PipelineRunPending',
      panel: 'The whole run has not begun.',
    },
    {
      what: 'a run that no controller has seen',
      name: 'unseen',
      head: 'not begun',
      panel: 'The whole run has not begun.',
    },
  ])('waits with $what', async ({ name, spec, waits, head, panel }) => {
    await client.create(pipelineRuns, {
      metadata: { namespace, name },
      spec: {
        ...(spec === undefined ? {} : { status: spec }),
        pipelineSpec: { tasks: [{ name: 'build', taskSpec: { steps: [{ name: 'a', image: 'x' }] } }] },
      },
    } as KubeObject);
    const conditions = [{ type: 'Succeeded', status: 'Unknown', ...waits }];
    if (waits !== undefined) await writeStatus(client, pipelineRuns, { namespace, name, status: { conditions } });
    const page = await openAt(`/runs/${namespace}/${name}`);
    await see(page, `run-${name}`, async () => {
      await page.getByText(head, { exact: true }).waitFor();
      await page.getByText(panel).waitFor();
    });
  });

  it('waits in a queue for a pipeline that nobody has read yet', async () => {
    await client.create(pipelineRuns, {
      metadata: { namespace, name: 'unread' },
      spec: { pipelineRef: { name: 'x' } },
    });
    const conditions = [{ type: 'Succeeded', status: 'Unknown', reason: 'PipelineRunPending', message: 'second' }];
    await writeStatus(client, pipelineRuns, { namespace, name: 'unread', status: { conditions } });
    const page = await openAt(`/runs/${namespace}/unread`);
    await see(page, 'run-unread', async () => {
      await page.getByText('It waits in a queue: its tasks show when the pipeline is read.').waitFor();
    });
  });

  it('waits for a quota, and says which', async () => {
    const waits = {
      reason: 'ExceededResourceQuota',
      message: 'TaskRun Pod exceeded available resources: exceeded quota: tight',
    };
    const tasks = [{ name: 'build', outcome: 'running' as const, waits }];
    await writeRun(client, namespace, { name: 'over-quota', outcome: 'running', tasks, ago: 30 });
    const page = await openAt(`/runs/${namespace}/over-quota`);
    await see(page, 'run-quota', async () => {
      await page.getByText(/^running for 3\d s: build waits: TaskRun Pod exceeded .* exceeded quota: tight$/).waitFor();
      await page.getByText(/^waiting: TaskRun Pod exceeded/).waitFor();
      await page.getByText(/^It waits: TaskRun Pod exceeded .* exceeded quota: tight$/).waitFor();
    });
  });
});

describe('a log', () => {
  const name = 'logged';

  beforeAll(async () => {
    await logs.createPod(namespace, `${name}-talk-pod`, 'step-run');
    const tasks = [
      { name: 'quiet', outcome: 'succeeded', steps: ['run'] },
      { name: 'talk', outcome: 'succeeded' },
    ] as const;
    await writeRun(client, namespace, { name, outcome: 'succeeded', tasks, ago: 60 });
  });

  it('has times when they are asked for, and long lines wrap', async () => {
    const page = await openAt(`/runs/${namespace}/${name}?task=talk`);
    await see(page, 'log-times', async () => {
      const line = page.locator('.line').first();
      await line.getByText('line 1 compiling').waitFor();
      expect(await page.locator('.line-time').count()).toBe(0);
      await page.getByRole('button', { name: 'Times' }).click();
      await line.getByText('2026-01-01 00:00:00.000').waitFor();
      await page.getByRole('button', { name: 'Times' }).click();
      expect(await page.locator('.line-time').count()).toBe(0);
      const height = async () => (await line.boundingBox())?.height ?? 0;
      await page.setViewportSize({ width: 560, height: 800 });
      const before = await height();
      await page.getByRole('button', { name: 'Wrap' }).click();
      await expect.poll(height).toBeGreaterThan(before * 1.5);
    });
  });

  it('is there raw, and is downloaded, whole', async () => {
    const page = await openAt(`/runs/${namespace}/${name}?task=talk`);
    await see(page, 'log-raw', async () => {
      await page.getByText('line 1 compiling').waitFor();
      const raw = await page.getByRole('link', { name: 'Raw' }).getAttribute('href');
      const answer = await fetch(raw ?? '');
      expect(answer.headers.get('content-security-policy')).toContain('sandbox');
      const text = await answer.text();
      expect(text.trim().split('\n')).toHaveLength(logs.lines);
      const saved = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Download' }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe(`${name}-talk-pod-step-run.log`);
      expect(await readFile(await download.path(), 'utf8')).toBe(text);
    });
  });

  it('has links to some of its lines, which lead there whatever the page opens with', async () => {
    // The page chooses the task by itself, and another one when the run goes on.
    const page = await openAt(`/runs/${namespace}/${name}?task=talk`);
    await see(page, 'log-lines', async () => {
      await page.getByRole('link', { name: 'Line 3', exact: true }).click();
      await page.getByRole('link', { name: 'Line 6', exact: true }).click({ modifiers: ['Shift'] });
      expect(page.url()).toBe(`${origin}/runs/${namespace}/${name}?task=talk&step=run#L3-L6`);
      const other = await openAt(`/runs/${namespace}/${name}?task=talk&step=run#L300-L302`);
      await see(other, 'log-lines-opened', async () => {
        await other.locator('.line.picked').nth(2).waitFor();
        expect(await other.locator('.line.picked .line-number').allInnerTexts()).toEqual(['300', '301', '302']);
        await other.getByText('line 301 compiling').waitFor();
        expect(await other.getByRole('link', { name: 'Line 1', exact: true }).count()).toBe(0);
      });
    });
  });

  it('that is gone with its pod is said to be, and where it may be', async () => {
    const page = await openAt(`/runs/${namespace}/${name}?task=quiet`);
    await see(page, 'log-gone', async () => {
      await page.getByText('The pod of this step is gone, and its log with it.').waitFor();
      await page.getByText('--external-logs').waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    });
    const withArchive = await world.start('--external-logs=http://127.0.0.1:9');
    const broken = await world.openAt(withArchive, `/runs/${namespace}/${name}?task=quiet`);
    await see(broken, 'log-archive-broken', async () => {
      await broken.getByText('the place of old logs, 127.0.0.1:9, did not answer').waitFor();
    });
  });
});

describe('what went in and came out', () => {
  it('are workspaces, artifacts, and the pods of each attempt', async () => {
    const name = 'data';
    const tasks = [{ name: 'build', outcome: 'succeeded' as const, failedBefore: 1 }];
    await writeRun(client, namespace, { name, outcome: 'succeeded', tasks, ago: 60 });
    const workspaces = [
      { name: 'source', persistentVolumeClaim: { claimName: 'sources' }, subPath: 'app' },
      { name: 'settings', configMap: { name: 'ci' } },
    ];
    const bound = {
      metadata: { namespace, name: 'bound' },
      spec: { taskSpec: { steps: [{ image: 'x' }] }, workspaces },
    };
    const artifacts = {
      inputs: [{ name: 'checkout', values: [{ uri: 'git+https://git.example/app', digest: { sha1: 'ab12' } }] }],
      outputs: [{ name: 'image', values: [{ uri: 'oci://registry.example/app', digest: { sha256: 'cd34' } }] }],
    };
    await writeStatus(client, taskRuns, { namespace, name: `${name}-build`, status: { artifacts } });
    await client.create(taskRuns, bound);
    const page = await openAt(`/runs/${namespace}/${name}/data`, { bypassCSP: true });
    await see(page, 'data', async () => {
      const text = async () => page.getByRole('region', { name: 'Params and results' }).innerText();
      await page.getByText('oci://registry.example/app').waitFor();
      expect(await text()).toMatch(/checkout\s+read by build\s+git\+https:\/\/git\.example\/app sha1:ab12/);
      expect(await text()).toMatch(/image\s+written by build\s+oci:\/\/registry\.example\/app sha256:cd34/);
      expect(await text()).toMatch(/Pods\s+build\s+data-build-pod-0\s+build\s+data-build-pod$/);
      expect(await seriousFindings(page)).toEqual([]);
      await page.goto(`${origin}/runs/${namespace}/bound/data?kind=TaskRun`);
      await page.getByText('"claimName": "sources"').waitFor();
      expect(await text()).toMatch(/source[\s\S]*"subPath": "app"[\s\S]*settings[\s\S]*"name": "ci"/);
      expect(await text()).toMatch(/No task told of files[\s\S]*No task has had a pod/);
    });
  });
});

describe('the timeline', () => {
  it('tells what each task waited for, what it did, and what the end had to wait for', async () => {
    const name = 'timed';
    const tasks = [
      { name: 'build', outcome: 'succeeded' as const },
      { name: 'lint', outcome: 'succeeded' as const },
      { name: 'ship', after: ['build', 'lint'], outcome: 'succeeded' as const },
    ];
    await writeRun(client, namespace, { name, outcome: 'succeeded', tasks, ago: 0 });
    const { metadata } = await client.get(pipelineRuns, namespace, name);
    const zero = Date.parse(metadata.creationTimestamp ?? '');
    const at = (second: number) => new Date(zero + second * 1000).toISOString().replace(/\.\d+/, '');
    const took = (task: string, from: number, step: number, to: number) =>
      writeStatus(client, taskRuns, {
        namespace,
        name: `${name}-${task}`,
        status: {
          startTime: at(from),
          completionTime: at(to),
          steps: [{ name: 'run', terminated: { exitCode: 0, startedAt: at(step), finishedAt: at(to) } }],
        },
      });
    await took('build', 2, 9, 30);
    await took('lint', 2, 4, 10);
    await took('ship', 35, 40, 50);
    // The API server writes the time of creation itself: between the run's own and now.
    const labels = { 'tekton.dev/pipelineRun': name };
    const spec = { containers: [{ name: 'step-run', image: 'busybox' }] };
    await client.create(pods, { metadata: { namespace, name: `${name}-build-pod`, labels }, spec } as KubeObject);
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: at(5) };
    await writeStatus(client, pods, {
      namespace,
      name: `${name}-build-pod`,
      status: { conditions: [scheduled] },
    });
    const page = await openAt(`/runs/${namespace}/${name}/timeline`, { bypassCSP: true });
    await see(page, 'timeline', async () => {
      const row = (task: string) =>
        page.locator('.timeline-row').filter({ has: page.getByRole('link', { name: task }) });
      const bars = async (task: string) => {
        const all = await row(task).getByRole('img').all();
        return Promise.all(all.map(async (each) => (await each.getAttribute('aria-label')) ?? ''));
      };
      await row('build').getByRole('img', { name: 'waited for a node' }).waitFor();
      const seconds = (text: string) => Number(/([\d.]+) s$/.exec(text)?.[1]);
      const build = await bars('build');
      expect(build.map((text) => text.replace(/, [\d.]+ s$/, ''))).toEqual(
        expect.arrayContaining([
          'waited in a queue or for a quota',
          'waited for a node',
          'images were pulled, containers made',
          'run: succeeded',
        ]),
      );
      expect(build.map(seconds).reduce((sum, each) => sum + each, 0)).toBe(30);
      expect(build.slice(-2)).toEqual(['images were pulled, containers made, 4 s', 'run: succeeded, 21 s']);
      // Its pod is gone.
      expect(await bars('lint')).toEqual([
        'waited in a queue or for a quota, 2 s',
        'before the first step, 2 s',
        'run: succeeded, 6 s',
      ]);
      expect(await bars('ship')).toEqual([
        'waited for other tasks, 30 s',
        'waited in a queue or for a quota, 5 s',
        'before the first step, 5 s',
        'run: succeeded, 10 s',
      ]);
      const critical = await page.locator('.timeline-row.critical .node-name').allInnerTexts();
      expect(critical).toEqual(['build', 'ship']);
      expect(await row('ship').getByRole('link').innerText()).toContain('the end had to wait for it');
      expect(await seriousFindings(page)).toEqual([]);
    });
  });
});

it('shows events as they come, although the run does not change any more', async () => {
  const name = 'eventful';
  const tasks = [{ name: 'build', outcome: 'succeeded' as const }];
  await writeRun(client, namespace, { name, outcome: 'succeeded', tasks });
  const tell = (kind: string, of: string, message: string) =>
    client.create(events, {
      metadata: { namespace, name: `${of}.${message}` },
      involvedObject: { kind, name: of, namespace },
      type: 'Warning',
      reason: 'Told',
      message,
      lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    });
  await tell('PipelineRun', name, 'first');
  const page = await openAt(`/runs/${namespace}/${name}/events`);
  await see(page, 'events-live', async () => {
    const told = page.locator('.events > li');
    await told.getByText('first', { exact: true }).waitFor();
    await tell('PipelineRun', 'another', 'elsewhere');
    await tell('TaskRun', `${name}-build`, 'second');
    await told.getByText('second', { exact: true }).waitFor();
    expect(await told.count()).toBe(2);
  });
});

describe('each time and each span that is told in words', () => {
  const name = 'clocked';

  beforeAll(async () => {
    const spec = { tasks: [{ name: 'build', taskRef: { name: 'x' } }] };
    await client.create(pipelines, { metadata: { namespace, name }, spec } as KubeObject);
    const tasks = [
      { name: 'build', outcome: 'succeeded' as const, steps: ['compile', 'push'], seconds: 12, failedBefore: 1 },
      { name: 'ship', after: ['build'], outcome: 'running' as const, from: 12 },
    ];
    for (const [run, outcome] of [
      [`${name}-1`, 'succeeded'],
      [name, 'running'],
    ] as const)
      await writeRun(client, namespace, { name: run, pipeline: name, outcome, tasks, ago: 90 });
    const told = {
      metadata: { namespace, name: `${name}-told` },
      involvedObject: { kind: 'PipelineRun', name, namespace },
      type: 'Normal',
      reason: 'Started',
      message: 'it has begun',
      lastTimestamp: new Date(Date.now() - 60_000).toISOString().replace(/\.\d+/, ''),
    };
    await client.create(events, told);
  });

  it.each([
    ['the list of runs', `/runs?ns=${namespace}&pipeline=${name}`, ['1 minute ago', '17 s']],
    ['a run, its tasks, steps and attempts', `/runs/${namespace}/${name}?task=build`, ['1 minute ago', '12 s']],
    ['its timeline', `/runs/${namespace}/${name}/timeline`, ['12 s', '0 s']],
    ['its events', `/runs/${namespace}/${name}/events`, ['1 minute ago']],
    ['a list of definitions', `/definitions?ns=${namespace}`, ['1 minute ago']],
    ['the runs of a definition', `/definitions/${namespace}/Pipeline/${name}/runs`, ['1 minute ago', '17 s']],
  ])('has the time itself on hover: %s', async (what, address, some) => {
    const page = await openAt(address);
    await see(page, `times-${what}`, async () => {
      await page
        .locator('.run-row, .node, .timeline-row, .events > li, .objects tbody tr, .last-runs > li')
        .first()
        .waitFor();
      await expect.poll(async () => (await toldTimes(page)).found).toEqual(expect.arrayContaining(some));
      expect((await toldTimes(page)).untitled).toEqual([]);
    });
  });

  it('is beside its task in the graph, and goes on while that runs', async () => {
    const page = await openAt(`/runs/${namespace}/${name}`);
    await see(page, 'times-graph', async () => {
      const time = (task: string) =>
        page.getByRole('navigation', { name: 'Tasks' }).getByRole('link', { name: task }).locator('.number');
      await time('build').waitFor();
      await expect.poll(() => time('build').innerText()).toBe('12 s');
      expect(await time('build').getAttribute('title')).toMatch(/\d{4}.* to .*\d{4}/);
      const before = await time('ship').innerText();
      expect(before).toMatch(/^1 m \d\d s$/);
      expect(await time('ship').getAttribute('title')).toMatch(/^since .*\d{4}/);
      await expect.poll(() => time('ship').innerText()).not.toBe(before);
    });
  });
});

describe('what is looked for in the list', () => {
  // Namespaces of earlier runs of this file still have theirs.
  const [first, second] = [`${namespace}-a`, `${namespace}-b`];
  const pipeline = `${namespace}-sought`;

  beforeAll(async () => {
    const tasks = [{ name: 'a', outcome: 'succeeded' as const }];
    const run = { pipeline, outcome: 'succeeded' as const, tasks };
    const annotations = { 'tektite.dev/person': `zoe-${namespace}`, 'tektite.dev/branch': `topic-${namespace}` };
    await writeRun(client, namespace, { ...run, name: first, annotations, labels: { team: namespace } });
    await writeRun(client, namespace, { ...run, name: second });
  });

  it.each([
    ['Namespace', namespace, 'ns'],
    ['Pipeline', pipeline, 'pipeline'],
    ['Labels', `team=${namespace}`, 'label'],
    ['Started by', `zoe-${namespace}`, 'by'],
    ['Search', `topic-${namespace}`, 'q'],
  ])('is typed into %s, stays in the address, and is gone back from', async (label, text, part) => {
    const page = await openAt('/runs');
    await see(page, `filter-${part}`, async () => {
      await page.getByRole('link', { name: second }).waitFor();
      await page.getByLabel(label, { exact: true }).fill(text);
      await page.waitForURL((url) => url.searchParams.get(part) === text);
      await page.getByRole('link', { name: first }).waitFor();
      const isOfBoth = part === 'ns' || part === 'pipeline';
      await expect.poll(() => page.getByRole('link', { name: second }).count()).toBe(isOfBoth ? 1 : 0);
      await page.getByRole('link', { name: first }).click();
      await page.getByRole('heading', { name: first }).waitFor();
      await page.goBack();
      await page.getByRole('link', { name: first }).waitFor();
      expect(new URL(page.url()).searchParams.get(part)).toBe(text);
    });
  });
});

describe('a TaskRun of its own', () => {
  it('is cancelled and deleted from its page, by keys alone', async () => {
    const spec = { taskSpec: { steps: [{ name: 'a', image: 'x' }] } };
    await client.create(taskRuns, { metadata: { namespace, name: 'single' }, spec });
    const conditions = [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }];
    await writeStatus(client, taskRuns, { namespace, name: 'single', status: { conditions } });
    const page = await openAt(`/runs/${namespace}/single?kind=TaskRun`);
    const keys = async (...all: readonly string[]) => {
      for (const key of all) await page.keyboard.press(key);
    };
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    // A key that comes before the page has answered the one before goes elsewhere.
    const press = async (button: string) => {
      await page.getByRole('button', { name: button, exact: true }).focus();
      await keys('Enter');
      // Whoever does nothing but go on has done no harm.
      await expect.poll(focused).toBe('Back');
      await keys('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await expect.poll(focused).toBe(button);
      await keys('Enter');
      await expect.poll(focused).toBe('Back');
      await keys('Tab');
      await expect.poll(focused).toBe(button);
      await keys('Enter');
    };
    await see(page, 'taskrun-actions', async () => {
      await press('Cancel');
      const status = async () => (await client.get(taskRuns, namespace, 'single')).spec.status;
      await expect.poll(status).toBe('TaskRunCancelled');
      await press('Delete');
      await page.waitForURL(/\/runs$/);
      const { items } = await client.list(taskRuns, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).not.toContain('single');
    });
  });
});

describe('the pod of a task', () => {
  it('is shown as it is, with its YAML, and where it is gone by its name', async () => {
    const name = 'podded';
    const tasks = [{ name: 'build', outcome: 'running' as const, failedBefore: 1 }];
    await writeRun(client, namespace, { name, outcome: 'running', tasks, ago: 30 });
    const labels = { 'tekton.dev/pipelineRun': name };
    const spec = { containers: [{ name: 'step-run', image: 'busybox' }] };
    await client.create(pods, { metadata: { namespace, name: `${name}-build-pod`, labels }, spec } as KubeObject);
    const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on </b>memory' };
    await writeStatus(client, pods, { namespace, name: `${name}-build-pod`, status });
    const page = await openAt(`/runs/${namespace}/${name}/data`, { bypassCSP: true });
    await see(page, 'pod', async () => {
      const section = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Pods', exact: true }) });
      await section.getByText(`${name}-build-pod-0`).waitFor();
      await section.getByText('Failed, on no node, Evicted, The node was low on </b>memory').click();
      await section.getByText('image: busybox').waitFor();
      expect(await section.locator('details').count()).toBe(1);
      expect(await seriousFindings(page)).toEqual([]);
    });
  });
});

describe('how it looks', () => {
  const name = 'looked-at';

  beforeAll(async () => {
    for (const outcome of ['running', 'succeeded', 'failed', 'cancelled'] as const)
      await writeRun(client, namespace, {
        name: `${name}-${outcome}`,
        pipeline: name,
        outcome,
        tasks: [{ name: 'a', outcome }],
      });
  });

  it('has each status as icon, word and colour', async () => {
    const page = await openAt(`/runs?ns=${namespace}&pipeline=${name}`);
    await see(page, 'statuses', async () => {
      await page.getByText('4 runs, live').waitFor();
      const looks = await page.evaluate<[word: string, hasIcon: boolean, colour: string][]>(
        `[...document.querySelectorAll('[role=row] .status')].map((each) =>
          [each.textContent, each.querySelector('svg') !== null, getComputedStyle(each).color])`,
      );
      expect(looks.map(([word, hasIcon]) => `${word} ${hasIcon}`).toSorted()).toEqual(
        ['cancelled', 'failed', 'running', 'succeeded'].map((word) => `${word} true`),
      );
      expect(new Set(looks.map(([, , colour]) => colour)).size).toBeGreaterThanOrEqual(3);
    });
  });

  it.each([
    ['running', true],
    ['succeeded', false],
  ])('moves nothing but what runs: a run that is %s', async (outcome, moves) => {
    const page = await openAt(`/runs/${namespace}/${name}-${outcome}`, { reducedMotion: 'no-preference' });
    await see(page, `moves-${outcome}`, async () => {
      await page.locator('.node').waitFor();
      const moving = await page.evaluate<boolean[]>(
        'document.getAnimations().map(({ effect }) => effect.target.closest(".icon.status-running") !== null)',
      );
      expect([moving.length > 0, moving.every((isOfWhatRuns) => isOfWhatRuns)]).toEqual([moves, true]);
    });
  });

  it('is light or dark as the system is, and shows where the focus is', async () => {
    const page = await openAt(`/runs/${namespace}/${name}-failed`);
    await see(page, 'schemes', async () => {
      await page.locator('.node').waitFor();
      const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
      const grounds = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        grounds.push(await ground());
      }
      expect(new Set(grounds).size).toBe(2);
      for (let at = 0; at < 12; at += 1) {
        await page.keyboard.press('Tab');
        const outline = await page.evaluate<string>(
          `(({ outlineStyle, outlineWidth, boxShadow }) =>
            outlineStyle === 'none' || outlineWidth === '0px' ? boxShadow : 'outlined')(getComputedStyle(document.activeElement))`,
        );
        expect(outline).not.toBe('none');
      }
    });
  });
});
