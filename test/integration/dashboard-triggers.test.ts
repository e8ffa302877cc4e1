import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pipelineRuns } from '../../src/api/resources.ts';
import { eventListeners, triggers, type Trigger } from '../../src/api/triggers/objects.ts';
import { answerAnnotation, toldEventId } from '../../src/api/triggers/outcome-event.ts';
import { isConflict } from '../../src/kube/api-error.ts';
import { events } from '../../src/kube/resources.ts';
import { roles } from '../rbac.ts';
import { pictured } from '../browser/chromium.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';
import { toldTimes } from '../browser/times.ts';
import { eventually, TriggersWorld } from './triggers-world.ts';

/**
 * What the dashboard tells of events, in a real browser: real sinks take them, with the rights that the chart's roles
 * give, and write runs and Kubernetes events.
 */
const apiVersion = 'triggers.tekton.dev/v1beta1';
const hostile = '<img src=x onerror="window.broken=1">';
const onMain = [{ ref: { name: 'cel' }, params: [{ name: 'filter', value: "body.ref == 'refs/heads/main'" }] }];
const yearly = { 'triggers.tektite.dev/schedule': '0 0 1 1 *', 'triggers.tektite.dev/time-zone': 'Europe/Berlin' };
let sinks: TriggersWorld;
let world: DashboardWorld;
let namespace = '';
let origin = '';
const ports = new Map<string, number>();

const makes = (generateName: string) => ({
  spec: {
    params: [{ name: 'of' }],
    resourcetemplates: [
      {
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: { generateName },
        spec: { pipelineRef: { name: 'any' }, params: [{ name: 'of', value: '$(tt.params.of)' }] },
      },
    ],
  },
});
const binds = (value: string) => [{ name: 'of', value }];
const listener = (name: string, annotations: object, list: readonly object[]) => ({
  apiVersion,
  kind: 'EventListener',
  metadata: { name, annotations },
  spec: { triggers: list },
});
const filtered = { name: 'only-main', interceptors: onMain, bindings: binds('x'), template: makes('main-') };
const broken = { name: 'tagged', bindings: binds('$(body.release.tag_name)'), template: makes('tag-') };

const openAt = (address: string, options: Parameters<DashboardWorld['openAt']>[2] = {}) =>
  world.openAt(origin, address, options);
const see = (page: Page, name: string, check: () => Promise<void>) => pictured(page, `triggers-${name}`, check);
const eventsOf = (name: string) => `/triggers/${namespace}/EventListener/${name}/events`;

/** Posts an event. Returns its id. */
async function post(name: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push' };
  const answer = await fetch(`http://127.0.0.1:${ports.get(name)}/`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { eventID: string }).eventID;
}

/** What is told of an event, a line for each trigger. */
async function told(page: Page, id: string): Promise<string[]> {
  const event = page.locator('.declared > li').filter({ hasText: `Event ${id}` });
  const lines = await event.locator('.event-runs > li').allInnerTexts();
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').trim()).sort();
}

beforeAll(async () => {
  sinks = await TriggersWorld.open('dashboard-triggers');
  ({ namespace } = sinks);
  world = await DashboardWorld.open();
  await sinks.startInterceptors(['cel']);
  const built = { name: 'build', bindings: binds('$(body.after)'), template: makes('build-') };
  const manifests = [
    {
      apiVersion,
      kind: 'Trigger',
      metadata: { name: 'nightly', annotations: yearly },
      spec: { bindings: binds('$(body.scheduledTime)'), template: makes('nightly-') },
    },
    listener('github', { [answerAnnotation]: 'outcome' }, [built, filtered, broken, { triggerRef: 'nightly' }]),
    listener('silent', {}, [filtered, broken]),
  ];
  await sinks.apply(manifests.map((each) => stringify(each)).join('---\n'));
  for (const name of ['github', 'silent']) ports.set(name, (await sinks.startSink(name)).port);
  origin = await world.start('--read-only');
}, 300_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world?.close()).toEqual([]);
  await sinks?.close();
}, 60_000);

describe('the recent events of a listener', () => {
  const stopped = "filtered by cel: expression body.ref == 'refs/heads/main' did not return true, trigger only-main";

  it('have what each trigger made of them: which run, filtered by whom and why, failed at which path', async () => {
    const id = await post('github', { ref: 'refs/heads/dev', after: 'abc' });
    const page = await openAt(eventsOf('github'), { bypassCSP: true });
    await see(page, 'outcomes', async () => {
      await expect
        .poll(() => told(page, id))
        .toEqual([
          expect.stringMatching(/^failed .*param of: \$\(body\.release\.tag_name\): .*release.*, trigger tagged/),
          expect.stringContaining(stopped),
          expect.stringMatching(/^pending build-\w+ by build$/),
        ]);
      expect(await seriousFindings(page)).toEqual([]);
      const times = await toldTimes(page);
      expect([times.found.length > 0, times.untitled]).toEqual([true, []]);
      await page
        .getByRole('link', { name: /^build-/ })
        .first()
        .click();
      await page.waitForURL(new RegExp(`/runs/${namespace}/build-`));
      await page.getByText('by github/build, push').waitFor();
    });
  });

  it('come by themselves, and what is told again is counted', async () => {
    const page = await openAt(eventsOf('github'));
    await see(page, 'live', async () => {
      await page
        .getByText(stopped.split(',')[0] ?? '')
        .first()
        .waitFor();
      const id = await post('github', { ref: 'refs/heads/dev', after: 'def', release: { tag_name: 'v1' } });
      await expect
        .poll(() => told(page, id))
        .toEqual([
          expect.stringMatching(/^filtered by cel: .* did not return true, trigger only-main, the last of \d+ times$/),
          expect.stringMatching(/^pending build-\w+ by build$/),
          expect.stringMatching(/^pending tag-\w+ by tagged$/),
        ]);
    });
  });

  it('are not believed', async () => {
    const body = { ref: 'refs/heads/main', after: hostile, release: { tag_name: hostile } };
    const id = await post('github', body);
    const forged = {
      metadata: { name: 'forged', namespace, annotations: { [toldEventId]: hostile } },
      involvedObject: { kind: 'EventListener', name: 'github', namespace },
      reason: 'TriggerStopped',
      message: `trigger ${namespace}/x: ${hostile}: ${hostile}\u202e`,
    };
    await sinks.client.create(events, forged);
    const page = await openAt(eventsOf('github'));
    await see(page, 'hostile', async () => {
      await expect.poll(async () => (await told(page, id)).length).toBe(3);
      await page.getByText(`by ${hostile}: ${hostile}<U+202E>`).waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('are runs alone to whoever may not read Kubernetes events, who is told so', async () => {
    await world.createReader(namespace, 'reader', ['get', 'list', 'watch']);
    const body = [
      { op: 'add', path: '/rules/-', value: { apiGroups: ['triggers.tekton.dev'], resources: ['*'], verbs: ['*'] } },
    ];
    await sinks.client.patch(roles, namespace, 'reader', { type: 'json', body });
    const id = await post('github', { ref: 'refs/heads/dev', after: 'ghi' });
    const authorization = `Bearer ${await world.tokenOf(namespace, 'reader')}`;
    const page = await openAt(eventsOf('github'), { extraHTTPHeaders: { authorization } });
    await see(page, 'no-events', async () => {
      await page.getByText('What its sink told cannot be read').waitFor();
      await page.getByText('cannot list resource "events"').waitFor();
      await expect.poll(() => told(page, id)).toEqual([expect.stringMatching(/^pending build-\w+ by build$/)]);
    });
  });

  it('that are filtered say how they are told of where their listener keeps them', async () => {
    const first = await post('silent', { ref: 'refs/heads/dev' });
    const page = await openAt(eventsOf('silent'));
    await see(page, 'silent', async () => {
      await expect.poll(() => told(page, first)).toEqual([expect.stringMatching(/^failed .*, trigger tagged/)]);
      const command = `kubectl annotate eventlistener silent -n ${namespace} ${answerAnnotation}=outcome`;
      await page.getByText(command, { exact: true }).waitFor();
      const body = { metadata: { annotations: { [answerAnnotation]: 'outcome' } } };
      await sinks.client.patch(eventListeners, namespace, 'silent', { type: 'merge', body });
      await page.getByText(command, { exact: true }).waitFor({ state: 'detached' });
      // The sink hears of it a moment later.
      await eventually(async () => {
        await post('silent', { ref: 'refs/heads/dev' });
        const lines = await page.locator('.event-runs > li').allInnerTexts();
        return lines.some((line) => line.replaceAll(/\s+/g, ' ').startsWith(stopped)) ? true : undefined;
      }, 'what was filtered');
    });
  });
});

describe('a run that a schedule started', () => {
  let name = '';
  let time = '';

  beforeAll(async () => {
    const read = () => sinks.client.get<Trigger>(triggers, namespace, 'nightly');
    await eventually(async () => (await read()).status?.schedule?.since, 'the beginning');
    // Its time is New Year: what is recorded is moved, not the clock.
    await eventually(async () => {
      const trigger = await read();
      const schedule = { ...trigger.status?.schedule, since: '2024-06-01T00:00:00Z' };
      return sinks.client
        .replaceStatus(triggers, { ...trigger, status: { ...trigger.status, schedule } })
        .catch((error: unknown) => {
          if (isConflict(error)) return undefined;
          throw error;
        });
    }, 'the record');
    const labelSelector = 'triggers.tekton.dev/trigger=nightly';
    const made = await eventually(
      async () => (await sinks.client.list(pipelineRuns, { namespace, labelSelector })).items[0],
      'the run',
    );
    name = made.metadata.name ?? '';
    time = made.metadata.annotations?.['triggers.tektite.dev/scheduled-time'] ?? '';
    expect(time).toMatch(/-12-31T23:00:00Z$/);
  }, 60_000);

  /** As the browser writes it, whatever its spaces. */
  const written = () => new Date(time).toLocaleString('en-US', { dateStyle: 'medium', timeStyle: 'long' });
  const spaced = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

  it('says so in the list, with its time, and is found by it', async () => {
    const page = await openAt(`/runs?ns=${namespace}&by=schedule`);
    await see(page, 'schedule-list', async () => {
      await page.getByText('1 run, live').waitFor();
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
      const cell = row.locator('.cell-by');
      expect(spaced(await cell.innerText())).toBe(`github/nightly, schedule for ${spaced(written())}`);
      expect(await cell.locator('time').getAttribute('datetime')).toBe(time);
    });
  });

  it('says so on its page', async () => {
    const page = await openAt(`/runs/${namespace}/${name}`);
    await see(page, 'schedule-run', async () => {
      await page.getByText('by github/nightly, schedule').waitFor();
      const facts = spaced(await page.locator('.run-header .facts').innerText());
      expect(facts).toContain(`for ${spaced(written())}`);
    });
  });

  it('is among the events of its listener, and its Trigger tells the last time and the next', async () => {
    const page = await openAt(eventsOf('github'));
    await see(page, 'schedule-trigger', async () => {
      await page
        .locator('.event-runs > li')
        .filter({ hasText: `${name} by nightly` })
        .waitFor();
      await page.goto(`${origin}/triggers/${namespace}/Trigger/nightly`);
      await page.getByText('Schedule 0 0 1 1 *').waitFor();
      await page.getByText(`${time}, created`).waitFor();
      await page.getByText(/^\d{4}-12-31T23:00:00Z$/).waitFor();
    });
  });
});
