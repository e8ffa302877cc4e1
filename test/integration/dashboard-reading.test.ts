import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { pipelineRuns, taskRuns, tasks } from '../../src/api/resources.ts';
import {
  clusterInterceptors,
  clusterTriggerBindings,
  interceptors,
  triggerBindings,
  triggers,
  triggerTemplates,
} from '../../src/api/triggers/objects.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { events, serviceAccounts } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';
import { scrolled } from '../browser/measure.ts';
import { StandInLogs } from '../load/kubelet-log.ts';

/** How one finds what one looks for: filters, searches, events, large graphs, and what Triggers are made of. */
const namespace = `reading-${process.pid}`;
const hostile = '<img src=x onerror="window.broken=1">\u202e';
const shownHostile = '<img src=x onerror="window.broken=1"><U+202E>';
let world: DashboardWorld;
let client: KubeClient;
let logs: StandInLogs;
let origin = '';

const openAt = (address: string, options: Parameters<DashboardWorld['openAt']>[2] = {}) =>
  world.openAt(origin, address, options);
const see = (page: Page, name: string, check: () => Promise<void>) => pictured(page, `reading-${name}`, check);
const flat = (texts: readonly string[]) => texts.map((text) => text.replaceAll(/\s+/g, ' ').trim());

beforeAll(async () => {
  world = await DashboardWorld.open(namespace);
  ({ client } = world);
  // Pods need one, and no controller is here that makes it.
  await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } });
  logs = await StandInLogs.start(client, `${namespace}-node`, 0.05);
  origin = await world.start();
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  await logs?.stop();
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('the list of runs', () => {
  beforeAll(async () => {
    const by = (person: string) => ({ 'tektite.dev/person': person });
    const tasks = [{ name: 'a', outcome: 'succeeded' as const }];
    await writeRun(client, namespace, { name: 'of-ana', outcome: 'succeeded', tasks, annotations: by('ana') });
    await writeRun(client, namespace, { name: 'of-bea', outcome: 'succeeded', tasks, annotations: by('bea') });
    const spec = { taskRef: { name: 'lint' } };
    await client.create(taskRuns, { metadata: { namespace, name: 'alone', annotations: by('ana') }, spec });
    const conditions = [{ type: 'Succeeded', status: 'False', reason: 'Failed', message: 'exit 1' }];
    await writeStatus(client, taskRuns, { namespace, name: 'alone', status: { conditions } });
  });

  it.each([
    [
      'PipelineRuns, and TaskRuns of their own, for those within a run are on its page',
      '',
      ['alone', 'of-ana', 'of-bea'],
    ],
    ['TaskRuns of their own', '&kind=TaskRun', ['alone']],
    ['what somebody started', '&by=ana', ['alone', 'of-ana']],
    ['what somebody started and what became of it', '&by=ana&status=succeeded', ['of-ana']],
  ])('has %s', async (_name, query, expected) => {
    const page = await openAt(`/runs?ns=${namespace}${query}`);
    await see(page, `list${query}`, async () => {
      await page.getByText(`${expected.length} ${expected.length === 1 ? 'run' : 'runs'}, live`).waitFor();
      const names = await page.locator('[role=row] a[href*="/runs/"]').allInnerTexts();
      expect(names.map((name) => name.trim()).toSorted()).toEqual(expected);
    });
  });

  it('leads to the page of a TaskRun of its own', async () => {
    const page = await openAt(`/runs?ns=${namespace}&kind=TaskRun`);
    await see(page, 'list-taskrun', async () => {
      await page.getByRole('link', { name: 'alone', exact: true }).click();
      await page.waitForURL(`${origin}/runs/${namespace}/alone?kind=TaskRun`);
      await page.getByRole('heading', { name: 'alone', level: 1 }).waitFor();
    });
  });
});

describe('the events of a run', () => {
  it('are of it, its TaskRuns and their pods alone, in one list, newest first, and are not believed', async () => {
    const name = 'eventful';
    const tasks = [{ name: 'build', outcome: 'running' as const }];
    await writeRun(client, namespace, { name, outcome: 'running', tasks, ago: 60 });
    const told = (
      [kind, about]: [kind: string, about: string],
      { ago, ...more }: { ago: number; type?: string; reason: string; message: string; count?: number },
    ) =>
      client.create(events, {
        metadata: { namespace, generateName: 'told-' },
        involvedObject: { kind, name: about, namespace },
        type: 'Normal',
        lastTimestamp: new Date(Date.now() - ago * 1000).toISOString().replace(/\.\d+/, ''),
        ...more,
      } as unknown as KubeObject);
    await told(['PipelineRun', name], { ago: 50, reason: 'Started', message: 'it has begun' });
    await told(['TaskRun', `${name}-build`], { ago: 40, reason: 'Running', message: hostile });
    const failed = { ago: 5, type: 'Warning', reason: 'BackOff', message: 'back-off pulling image', count: 7 };
    await told(['Pod', `${name}-build-pod`], failed);
    await told(['PipelineRun', 'of-ana'], { ago: 1, reason: 'Started', message: 'of another' });
    const page = await openAt(`/runs/${namespace}/${name}/events`, { bypassCSP: true });
    await see(page, 'events', async () => {
      await page.getByText('back-off pulling image').waitFor();
      expect(flat(await page.locator('.events > li').allInnerTexts())).toEqual([
        expect.stringMatching(
          /^warning BackOff 7 times Pod eventful-build-pod (?:just now|.* ago) back-off pulling image$/,
        ),
        expect.stringMatching(/^Running TaskRun eventful-build .*ago /),
        expect.stringMatching(/^Started PipelineRun eventful .*ago it has begun$/),
      ]);
      await page.getByText(shownHostile).waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
      expect(await seriousFindings(page)).toEqual([]);
    });
  });
});

describe('the search of a log', () => {
  it('takes regular expressions, says what is wrong with one, and goes from one find to the next', async () => {
    const name = 'searched';
    await logs.createPod(namespace, `${name}-talk-pod`, 'step-run');
    const tasks = [{ name: 'talk', outcome: 'succeeded' as const }];
    await writeRun(client, namespace, { name, outcome: 'succeeded', tasks, ago: 60 });
    const page = await openAt(`/runs/${namespace}/${name}?task=talk`);
    await see(page, 'search', async () => {
      const search = page.getByRole('searchbox', { name: 'Search the log' });
      const found = page.locator('.log-found');
      const matched = page.locator('.line.matched');
      await page.getByText('line 1 compiling').waitFor();
      await search.fill('line 3[0-4]0 ');
      await found.getByText('not found').waitFor();
      await page.getByRole('button', { name: '.*' }).click();
      await found.getByText('1 of 5').waitFor();
      await matched.getByText('line 300 compiling').waitFor();
      await search.press('Enter');
      await matched.getByText('line 310 compiling').waitFor();
      await search.press('Shift+Enter');
      await search.press('Shift+Enter');
      await found.getByText('5 of 5').waitFor();
      await matched.getByText('line 340 compiling').waitFor();
      await search.fill('(');
      await found.getByText(/unterminated group/i).waitFor();
      await search.fill('');
      await expect.poll(() => found.innerText()).toBe('');
    });
  });

  it('finds a line among wrapped ones, on a narrow screen as well, where few are elements', async () => {
    const page = await openAt(`/runs/${namespace}/searched?task=talk`, { viewport: { width: 560, height: 800 } });
    await see(page, 'search-wrapped', async () => {
      await page.getByText('line 1 compiling').waitFor();
      await page.getByRole('button', { name: 'Wrap' }).click();
      for (const line of ['line 400 ', 'line 40 ', 'line 250 ']) {
        await page.getByRole('searchbox', { name: 'Search the log' }).fill(line);
        const matched = page.locator('.line.matched').filter({ hasText: line });
        await matched.waitFor();
        const lines = page.getByRole('region', { name: 'Lines of the log' });
        const middle = async (of: typeof matched) => {
          const box = await of.boundingBox();
          return (box?.y ?? 0) + (box?.height ?? 0) / 2;
        };
        await expect.poll(async () => Math.abs((await middle(matched)) - (await middle(lines)))).toBeLessThan(60);
        expect(await page.locator('.line').count()).toBeLessThan(200);
      }
    });
  });
});

describe('a graph of 300 tasks', () => {
  it('is there as a whole, and frames come while one goes through it', async () => {
    const name = 'huge';
    const many = Array.from({ length: 300 }, (_, at) => ({
      name: `task-${at}`,
      after: at < 10 ? [] : [`task-${at - 10}`, `task-${at - 1 - (at % 7)}`],
    }));
    await writeRun(client, namespace, { name, outcome: 'running', tasks: many });
    const page = await openAt(`/runs/${namespace}/${name}`);
    await see(page, 'graph', async () => {
      const graph = page.getByRole('navigation', { name: 'Tasks' });
      const last = graph.getByRole('link').filter({ hasText: /^task-299/ });
      await last.waitFor({ timeout: 60_000 });
      expect(await graph.getByRole('link').count()).toBe(300);
      const frames = await scrolled(page, 'nav[aria-label="Tasks"]', async () => {
        const { y = 0 } = (await last.boundingBox()) ?? {};
        return y > 0 && y < 800;
      });
      // Sixty in a second on a machine of its own; this one does other things as well.
      expect(frames.middle).toBeLessThan(100);
    });
  });
});

describe('what Triggers are made of', () => {
  const spec = {
    interceptors: [{ ref: { name: 'guard', kind: 'NamespacedInterceptor' } }, { ref: { name: 'seen-everywhere' } }],
    bindings: [{ ref: 'push' }, { ref: 'seen-defaults', kind: 'ClusterTriggerBinding' }],
    template: { ref: 'build' },
  };
  const made: readonly [Resource, string, boolean, object][] = [
    [triggers, 'on-push', true, spec],
    [triggerBindings, 'push', true, { params: [{ name: 'commit', value: '$(body.head_commit.id)' }] }],
    [clusterTriggerBindings, 'seen-defaults', false, { params: [{ name: 'level', value: hostile }] }],
    [
      triggerTemplates,
      'build',
      true,
      {
        params: [{ name: 'commit', description: 'what is built', default: 'main' }],
        resourcetemplates: [
          {
            apiVersion: 'tekton.dev/v1',
            kind: 'PipelineRun',
            metadata: { generateName: 'built-' },
            spec: { pipelineRef: { name: 'release' } },
          },
        ],
      },
    ],
    [interceptors, 'guard', true, { clientConfig: { url: 'https://guard.example/judge' } }],
    [clusterInterceptors, 'seen-everywhere', false, { clientConfig: { url: 'https://all.example/' } }],
  ];

  beforeAll(async () => {
    for (const [resource, name, isNamespaced, of] of made) {
      const object = { metadata: { name, ...(isNamespaced ? { namespace } : {}) }, spec: of } as KubeObject;
      await vi.waitFor(() => client.create(resource, object), { timeout: 20_000 });
    }
  }, 60_000);

  afterAll(async () => {
    for (const [resource, name, isNamespaced] of made)
      if (!isNamespaced) await client.delete(resource, undefined, name);
  });

  it.each([
    [
      'Trigger',
      'on-push',
      /Interceptor guard Interceptor seen-everywhere Binding push Binding seen-defaults Template build/,
    ],
    ['TriggerBinding', 'push', /commit Value \$\(body\.head_commit\.id\)/],
    ['ClusterTriggerBinding', 'seen-defaults', /level Value <img src=x onerror="window\.broken=1"><U\+202E>/],
    [
      'TriggerTemplate',
      'build',
      /commit Description what is built Default main Creates PipelineRun built- Pipeline release/,
    ],
    ['Interceptor', 'guard', /https:\/\/guard\.example\/judge/],
    ['ClusterInterceptor', 'seen-everywhere', /https:\/\/all\.example\//],
  ])('is listed and shown: a %s', async (kind, name, text) => {
    const isNamespaced = !kind.startsWith('Cluster');
    const page = await openAt(`/triggers?kind=${kind}${isNamespaced ? `&ns=${namespace}` : ''}`);
    await see(page, `trigger-${kind}`, async () => {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForURL(`${origin}/triggers/${isNamespaced ? namespace : '-'}/${kind}/${name}`);
      const body = page.getByRole('region', { name: kind, exact: true });
      await body.waitFor();
      await expect.poll(async () => flat([await body.innerText()])[0]).toMatch(text);
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('leads from a Trigger to all of it', async () => {
    const page = await openAt(`/triggers/${namespace}/Trigger/on-push`);
    await see(page, 'trigger-links', async () => {
      for (const [link, address] of [
        ['guard', `${namespace}/Interceptor/guard`],
        ['seen-everywhere', '-/ClusterInterceptor/seen-everywhere'],
        ['push', `${namespace}/TriggerBinding/push`],
        ['seen-defaults', '-/ClusterTriggerBinding/seen-defaults'],
        ['build', `${namespace}/TriggerTemplate/build`],
      ] as const) {
        await page.getByRole('link', { name: link, exact: true }).click();
        await page.waitForURL(`${origin}/triggers/${address}`);
        await page.goBack();
      }
    });
  });
});

describe('a rerun', () => {
  it('is of the whole run as well, and says of what', async () => {
    const tasks = [{ name: 'a', outcome: 'succeeded' as const }];
    const params = [{ name: 'level', value: 'debug' }];
    await writeRun(client, namespace, { name: 'once', outcome: 'succeeded', tasks, params });
    const page = await openAt(`/runs/${namespace}/once`);
    await see(page, 'rerun', async () => {
      await page.getByRole('button', { name: 'Rerun', exact: true }).click();
      await page.waitForURL(/\/once-r-\w{5}$/);
      const name = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      const { metadata, spec } = await client.get(pipelineRuns, namespace, name);
      expect(metadata.labels).toMatchObject({ 'dashboard.tekton.dev/rerunOf': 'once' });
      expect(metadata.annotations ?? {}).not.toHaveProperty(['tektite.dev/rerun-from-failure']);
      expect(spec.params).toEqual(params);
      await page.getByText('again of once').waitFor();
    });
  });
});

describe('the YAML beside the form to start a run', () => {
  it('is gone on with by hand, refused in words, and created as it stands', async () => {
    const steps = [{ name: 'say', image: 'busybox', script: 'echo hi' }];
    await client.create(tasks, { metadata: { name: 'say', namespace }, spec: { params: [{ name: 'word' }], steps } });
    const page = await openAt(`/definitions/${namespace}/Task/say/start`, { bypassCSP: true });
    await see(page, 'start-yaml', async () => {
      const side = page.getByRole('region', { name: 'What will be created' });
      await side.getByText('once it has all that it needs').waitFor();
      await page.getByLabel('word').fill('hello');
      await side.getByText('value: hello').waitFor();
      await side.getByRole('button', { name: 'Edit' }).click();
      const text = side.getByLabel('The run as YAML');
      expect(await page.getByLabel('word').isDisabled()).toBe(true);
      expect(await seriousFindings(page)).toEqual([]);
      const written = await text.inputValue();
      await text.fill(written.replace('kind: TaskRun', 'kind: Secret'));
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await page.getByText('it has to be a TaskRun of tekton.dev/v1, and is "Secret"').waitFor();
      await text.fill(written.replace('generateName: say-run-', 'generateName: by-hand-\n  labels: { by: hand }'));
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await page.waitForURL(/\/by-hand-\w{5}\?kind=TaskRun$/);
      const name = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      const { metadata, spec } = await client.get(taskRuns, namespace, name);
      expect([metadata.labels, spec.params]).toEqual([{ by: 'hand' }, [{ name: 'word', value: 'hello' }]]);
    });
  });

  it('is let go of for the form, which is as it was', async () => {
    const page = await openAt(`/definitions/${namespace}/Task/say/start`);
    await see(page, 'start-form-again', async () => {
      await page.getByLabel('word').fill('hello');
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByLabel('The run as YAML').fill('nothing');
      await page.getByRole('button', { name: 'Back to the form' }).click();
      await page.getByText('value: hello').waitFor();
      expect(await page.getByLabel('word').inputValue()).toBe('hello');
    });
  });
});
