import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { customRuns, pipelineRuns, pipelines, stepActions, tasks } from '../../src/api/resources.ts';
import { eventListeners } from '../../src/api/triggers/objects.ts';
import { configMaps } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';

/** What runs are made of and started by, in a real browser before a real API server. */
const namespace = `definitions-${process.pid}`;
const hostile = '</script><img src=x onerror="window.broken=1">\u202egnp.exe';
const extensions: Resource = {
  group: 'dashboard.tekton.dev',
  version: 'v1alpha1',
  plural: 'extensions',
  kind: 'Extension',
  namespaced: true,
};
let world: DashboardWorld;
let readOnly = '';
let writable = '';

const objects: readonly [Resource, object][] = [
  [
    pipelines,
    {
      metadata: { name: 'release', namespace },
      spec: {
        description: `Releases it. ${hostile}`,
        params: [
          { name: 'tag', description: hostile },
          { name: 'platforms', type: 'array', default: ['linux/amd64', 'linux/arm64'] },
          { name: 'level', enum: ['debug', 'info'], default: 'info' },
          {
            name: 'image',
            type: 'object',
            properties: { repository: {}, name: {} },
            default: { repository: 'r', name: 'n' },
          },
        ],
        workspaces: [
          { name: 'source', description: 'The sources.' },
          { name: 'cache', optional: true },
        ],
        results: [{ name: 'digest', value: '$(tasks.build.results.digest)' }],
        tasks: [
          { name: 'clone', taskRef: { name: 'clone' } },
          {
            name: 'build',
            runAfter: ['clone'],
            retries: 2,
            when: [{ input: '$(params.level)', operator: 'in', values: ['debug'] }],
            taskSpec: { steps: [{ name: 'compile', image: 'golang', script: `#!/bin/sh\necho '${hostile}'` }] },
          },
        ],
        finally: [{ name: 'notify', taskRef: { name: 'notify' } }],
      },
    },
  ],
  [
    tasks,
    {
      metadata: { name: 'clone', namespace },
      spec: {
        description: 'Clones a repository.',
        params: [{ name: 'url' }],
        workspaces: [{ name: 'output', mountPath: '/src' }],
        steps: [{ name: 'clone', image: 'git', script: 'git clone $(params.url)' }, { ref: { name: 'tell' } }],
      },
    },
  ],
  [stepActions, { metadata: { name: 'tell', namespace }, spec: { image: 'busybox', script: 'echo told' } }],
  [
    customRuns,
    {
      metadata: { name: 'approve', namespace },
      spec: { customRef: { apiVersion: 'e.dev/v1', kind: 'Approval', name: 'x' } },
    },
  ],
];

const openAt = (address: string, options: Parameters<DashboardWorld['openAt']>[2] = {}) =>
  world.openAt(readOnly, address, options);
const definition = (kind: string, name: string) => `/definitions/${namespace}/${kind}/${name}`;

/** A check of a page, with a picture of it when it fails. */
function see(page: Page, name: string, check: () => Promise<void>): Promise<void> {
  return pictured(page, name, check);
}

beforeAll(async () => {
  world = await DashboardWorld.open(namespace);
  for (const [resource, object] of objects) await world.client.create(resource, object as KubeObject);
  const conditions = [{ type: 'Succeeded', status: 'Unknown', reason: 'Waiting', message: 'waits for ana' }];
  await writeStatus(world.client, customRuns, { namespace, name: 'approve', status: { conditions } });
  for (const [at, outcome] of (['succeeded', 'failed', 'succeeded', 'succeeded'] as const).entries())
    await writeRun(world.client, namespace, {
      name: `release-${at}`,
      pipeline: 'release',
      outcome,
      tasks: [{ name: 'clone', outcome, seconds: 10 * (at + 1) }],
      ago: 600,
    });
  [readOnly, writable] = await Promise.all([world.start('--read-only'), world.start()]);
  await world.createReader(namespace, 'reader', ['get', 'list', 'watch']);
}, 240_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  // No error, nothing that its policy forbids, no request to elsewhere, on any page of this file.
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('the lists of definitions', () => {
  it('tell what there is, how it was used last, and how often it succeeded', async () => {
    const page = await openAt('/runs');
    await see(page, 'definitions-list', async () => {
      await page.getByRole('link', { name: 'Definitions' }).click();
      await page.getByLabel('Namespace').fill(namespace);
      await page.waitForURL(`**/definitions?ns=${namespace}`);
      await page.getByText('1 Pipeline in').waitFor();
      const row = page.getByRole('row').filter({ hasText: 'release' });
      await row.getByText('3 of 4 runs succeeded (75 %)').waitFor();
      expect(await row.innerText()).toMatch(/release[\s\S]*3\t4\tReleases it\. <\/script><img[\s\S]*<U\+202E>gnp\.exe/);
      await page.getByRole('searchbox', { name: 'Search' }).fill('no such thing');
      await page.getByText('No Pipeline is like that').waitFor();
    });
  });

  it('have each kind, and follow what changes', async () => {
    const page = await openAt(`/definitions?kind=CustomRun&ns=${namespace}`);
    await see(page, 'definitions-kinds', async () => {
      const row = page.getByRole('row').filter({ hasText: 'approve' });
      await row.getByText('waits for ana').waitFor();
      expect(await row.innerText()).toContain('Approval x (e.dev/v1)');
      await page.getByRole('link', { name: 'StepActions' }).click();
      await page.getByRole('row').filter({ hasText: 'tell' }).getByText('busybox').waitFor();
      await page.getByRole('link', { name: 'Tasks' }).click();
      await page.getByText('1 Task in').waitFor();
      await page.getByText(', live').waitFor();
      await world.client.create(tasks, { metadata: { name: 'notify', namespace }, spec: { steps: [] } });
      await page.getByRole('link', { name: 'notify' }).waitFor();
    });
  });
});

describe('the page of a definition', () => {
  it('has its tasks before any run, and what it declares beside them', async () => {
    const page = await openAt(definition('Pipeline', 'release'));
    await see(page, 'definition-pipeline', async () => {
      const graph = page.getByRole('navigation', { name: 'Tasks' });
      await graph.locator('path.edge').waitFor({ state: 'attached' });
      expect(await graph.getByRole('link').allInnerTexts()).toEqual([
        'clone',
        'build',
        expect.stringContaining('notify'),
      ]);
      const side = page.getByRole('region', { name: 'What it declares' });
      const text = await side.innerText();
      expect(text).toContain(hostile.replace('\u202e', '<U+202E>'));
      expect(text).toMatch(/tag\s*string[\s\S]*has to be given/);
      expect(text).toMatch(/platforms\s*array\s*by default \["linux\/amd64","linux\/arm64"\]/);
      expect(text).toMatch(/level\s*string\s*one of: debug, info\s*by default info/);
      expect(text).toMatch(/source\s*The sources\.\s*cache\s*optional/);
      await page.getByText('3 of 4 runs succeeded (75 %)').waitFor();
      await page.getByText('usually 30 s').waitFor();
      await graph.getByRole('link', { name: 'build' }).click();
      await page.getByText('$(params.level) in debug').waitFor();
      await page.getByText(`echo '${hostile.replace('\u202e', '<U+202E>')}'`).waitFor();
      expect(page.url()).toContain('task=build');
      await graph.getByRole('link', { name: 'clone' }).click();
      await page.getByRole('region', { name: 'Task' }).getByRole('link', { name: 'clone' }).click();
      await page.getByText('git clone $(params.url)').waitFor();
      await page.getByText('StepAction tell').waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('has its last runs, its YAML, and says when there is none', async () => {
    const page = await openAt(`${definition('Pipeline', 'release')}/runs`);
    await see(page, 'definition-runs', async () => {
      await page.getByRole('link', { name: 'release-1, failed, 20 s' }).waitFor();
      expect(await page.locator('.last-runs > li').count()).toBe(4);
      await page.getByRole('link', { name: 'YAML' }).click();
      await page.getByText('kind: Pipeline').waitFor();
      await page.goto(`${readOnly}${definition('Task', 'absent')}`);
      await page.getByText('There is no such Task').waitFor();
      await page.goto(`${readOnly}${definition('Secret', 'x')}`);
      await page.getByText('There is no such kind of definition').waitFor();
      await page.goto(`${readOnly}${definition('CustomRun', 'approve')}`);
      await page.getByText('waits for ana').waitFor();
    });
  });
});

describe('a list without anything', () => {
  it.each([
    ['/definitions?kind=Pipeline', 'There are no Pipelines here', 'kubectl apply -f pipeline.yaml'],
    [
      '/definitions?kind=Task',
      'There are no Tasks here',
      'kubectl apply -f task.yaml, or tektite hub install task NAME',
    ],
    ['/definitions?kind=StepAction', 'There are no StepActions here', 'kubectl apply -f stepaction.yaml'],
    ['/triggers?kind=EventListener', 'There are no EventListeners here', 'kubectl apply -f eventlistener.yaml'],
    ['/triggers?kind=TriggerTemplate', 'There are no TriggerTemplates here', 'kubectl apply -f template.yaml'],
  ])('says what to type to fill it: %s', async (address, text, command) => {
    const page = await openAt(`${address}&ns=nowhere`);
    await see(page, `empty-${address}`, async () => {
      await page.getByRole('heading', { name: text }).waitFor();
      await page.getByText(command, { exact: true }).waitFor();
    });
  });
});

describe('where a definition is used', () => {
  it.each([
    ['Task', 'clone', 'release', 'in clone', 'Pipeline'],
    ['StepAction', 'tell', 'clone', 'in step 2', 'Task'],
  ])('is told of a %s, and leads there', async (kind, name, user, places, userKind) => {
    const page = await openAt(definition(kind, name), { bypassCSP: true });
    await see(page, `users-${kind}`, async () => {
      await page.getByRole('link', { name: 'Used by' }).click();
      const found = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: user, exact: true }) });
      await found.getByText(places, { exact: true }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await found.getByRole('link').click();
      await page.waitForURL(`${readOnly}${definition(userKind, user)}`);
    });
  });

  it('is told to be nowhere, of one that nobody names', async () => {
    const page = await openAt(`${definition('Pipeline', 'release')}/users`);
    await see(page, 'users-none', () => page.getByText('No Pipeline of the namespace names it.').waitFor());
  });
});

describe('the page of a StepAction and of a CustomRun', () => {
  it('has what the one runs, and what the other was given and told', async () => {
    const params = [{ name: 'question', value: hostile }];
    const spec = { customRef: { apiVersion: 'e.dev/v1', kind: 'Approval', name: 'x' }, params };
    await world.client.create(customRuns, { metadata: { name: 'asked', namespace }, spec } as KubeObject);
    const conditions = [{ type: 'Succeeded', status: 'True', reason: 'Approved', message: 'by ana' }];
    const status = { conditions, results: [{ name: 'answer', value: 'yes' }] };
    await writeStatus(world.client, customRuns, { namespace, name: 'asked', status });
    const page = await openAt(definition('StepAction', 'tell'));
    await see(page, 'step-action', async () => {
      const side = page.getByRole('region', { name: 'What it declares' });
      await side.getByText('busybox').waitFor();
      await side.getByText('echo told').waitFor();
      await page.goto(`${readOnly}${definition('CustomRun', 'asked')}`);
      await page.getByText('by ana').first().waitFor();
      const text = await page.locator('main').innerText();
      expect(text).toMatch(/question[\s\S]*<U\+202E>gnp\.exe[\s\S]*answer\s+yes/);
    });
  });
});

describe('the form to start a run', () => {
  const start = `${definition('Pipeline', 'release')}/start`;

  it('makes a run of what is put in, and goes to its page', async () => {
    const page = await world.openAt(writable, definition('Pipeline', 'release'));
    await see(page, 'start', async () => {
      await page.getByRole('link', { name: 'Start' }).click();
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByText('One field has to be put right first.').waitFor();
      await page.getByText('has to be given: the definition has no default for it').waitFor();
      await page.getByLabel('tag').fill(hostile);
      await page.getByRole('button', { name: 'Add an item to platforms' }).click();
      await page.getByLabel('platforms, item 3').fill('linux/s390x');
      await page.getByRole('button', { name: 'Remove item 1 of platforms' }).click();
      await page.getByLabel('level').selectOption('debug');
      await page.getByLabel('repository').fill('registry.example.com');
      await page.getByLabel('Where the files of cache are').selectOption('claim');
      await page.getByLabel('Name of the claim').fill('old');
      await page.getByRole('group', { name: 'cache' }).getByLabel('Folder of the volume').fill('build/output');
      await page.getByLabel('Service account').fill('builder');
      await page.getByLabel('Timeout').fill('1h30m');
      await page.getByText('claimName: old').waitFor();
      await page.getByRole('button', { name: 'Start' }).click();
      await page.waitForURL(/\/runs\/[^/]+\/release-run-\w{5}$/);
      const name = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      const { spec } = (await world.client.get(pipelineRuns, namespace, name)) as { spec: unknown };
      const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
      expect(spec).toEqual({
        pipelineRef: { name: 'release' },
        params: [
          { name: 'tag', value: hostile },
          { name: 'platforms', value: ['linux/arm64', 'linux/s390x'] },
          { name: 'level', value: 'debug' },
          { name: 'image', value: { repository: 'registry.example.com', name: 'n' } },
        ],
        workspaces: [
          { name: 'source', volumeClaimTemplate: { spec: claim } },
          { name: 'cache', persistentVolumeClaim: { claimName: 'old' }, subPath: 'build/output' },
        ],
        taskRunTemplate: { serviceAccountName: 'builder' },
        timeouts: { pipeline: '1h30m' },
      });
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('is not there in read-only mode, whose server passes no run on', async () => {
    const page = await openAt(start);
    await see(page, 'start-read-only', async () => {
      await page.getByText('This dashboard is read-only').waitFor();
      expect(await page.getByRole('link', { name: 'Start' }).count()).toBe(0);
    });
    const refused = await fetch(`${readOnly}/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`, {
      method: 'POST',
      headers: { 'tekton-client': 'x', 'content-type': 'application/json' },
      body: JSON.stringify({ metadata: { generateName: 'x-' }, spec: { pipelineRef: { name: 'release' } } }),
    });
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('read-only')]);
  });

  it('is not there for whom the API server would refuse it', async () => {
    const token = await world.tokenOf(namespace, 'reader');
    const { page } = await world.window(writable, { extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    await see(page, 'start-refused', async () => {
      const asked = page.waitForResponse((answer) => answer.url().endsWith('/selfsubjectaccessreviews'));
      await page.goto(`${writable}${start}`);
      expect(await (await asked).json()).toMatchObject({ status: { allowed: false } });
      await page.getByText('you may not create PipelineRuns').waitFor();
      expect(await page.getByRole('link', { name: 'Start' }).count()).toBe(0);
    });
  });
});

describe('Triggers', () => {
  it('are listed, and an EventListener tells its address, its triggers and what events led to', async () => {
    const interceptors = [{ ref: { name: 'github' } }];
    const spec = {
      triggers: [{ name: hostile, interceptors, bindings: [{ ref: 'push' }], template: { ref: 'build' } }],
    };
    const listener = { metadata: { name: 'github', namespace }, spec } as KubeObject;
    await vi.waitFor(() => world.client.create(eventListeners as Resource, listener), { timeout: 20_000 });
    const status = { address: { url: 'http://el-github.ci.svc:8080' } };
    await writeStatus(world.client, eventListeners, { namespace, name: 'github', status });
    const of = (trigger: string) => ({
      'triggers.tekton.dev/eventlistener': 'github',
      'triggers.tekton.dev/trigger': trigger,
      'triggers.tekton.dev/triggers-eventid': 'e1',
    });
    for (const [name, trigger] of [
      ['from-a', 'push'],
      ['from-b', 'scan'],
    ] as const)
      await writeRun(world.client, namespace, {
        name,
        labels: of(trigger),
        outcome: 'succeeded',
        tasks: [{ name: 'a', outcome: 'succeeded' }],
      });
    const page = await world.openAt(readOnly, `/triggers?ns=${namespace}`, { bypassCSP: true });
    await see(page, 'triggers', async () => {
      await page.getByRole('row').filter({ hasText: 'github' }).getByText('http://el-github.ci.svc:8080').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('link', { name: 'github' }).click();
      await page.getByText(hostile.replace('\u202e', '<U+202E>')).waitFor();
      expect(await page.getByRole('link', { name: 'github' }).getAttribute('href')).toBe(
        '/triggers/-/ClusterInterceptor/github',
      );
      await page.getByRole('link', { name: 'Recent events' }).click();
      const event = page.locator('.declared > li');
      await event.getByText('Event e1').waitFor();
      expect(await event.locator('.event-runs > li').allInnerTexts()).toEqual(
        expect.arrayContaining([expect.stringMatching(/from-a\s+by push/), expect.stringMatching(/from-b\s+by scan/)]),
      );
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('link', { name: 'EventListener', exact: true }).click();
      await page.getByRole('link', { name: 'build' }).click();
      await page.getByText('There is no such TriggerTemplate').waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });
});

describe('Extensions', () => {
  const extension = (name: string, spec: object) =>
    world.client.create(extensions, { metadata: { name, namespace }, spec } as KubeObject);

  it('list any kind of the cluster, with the YAML of each object', async () => {
    await extension('maps', { apiVersion: 'v1', name: 'configmaps', displayname: `Maps ${hostile}` });
    await extension('zones', {
      apiVersion: 'apiextensions.k8s.io/v1',
      name: 'customresourcedefinitions',
      namespaced: false,
    });
    await extension('keys', { apiVersion: 'v1', name: 'secrets' });
    await extension('elsewhere', { apiVersion: '../v1', name: 'runs' });
    // No controller of this control plane empties a namespace: those of earlier runs of this file still have theirs.
    const map = `shopping-${namespace}`;
    await world.client.create(configMaps, { metadata: { name: map, namespace }, data: { list: hostile } });
    const page = await world.openAt(readOnly, '/runs', { bypassCSP: true });
    await see(page, 'extensions', async () => {
      await page.getByRole('link', { name: 'Extensions' }).click();
      await page.getByText(`${namespace}/keys: spec.name: Secrets are not shown`).waitFor();
      await page.getByText(`${namespace}/elsewhere: spec.apiVersion: "../v1" is no group and version`).waitFor();
      await page.getByRole('link', { name: 'customresourcedefinitions' }).click();
      await page.getByRole('link', { name: 'pipelines.tekton.dev' }).waitFor();
      await page.getByRole('link', { name: 'Maps </script>' }).click();
      await page.getByLabel('Namespace').fill(namespace);
      await page.getByRole('link', { name: map }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('link', { name: map }).click();
      await page.getByText('kind: ConfigMap').or(page.getByText('list: ')).first().waitFor();
      expect(page.url()).toBe(`${readOnly}/extensions/${namespace}/configmaps/${map}`);
      await page.goto(`${readOnly}/#/namespaces/${namespace}/apiextensions.k8s.io/v1/customresourcedefinitions`);
      await page.getByRole('link', { name: 'pipelines.tekton.dev' }).waitFor();
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('are read with the rights of whoever looks', async () => {
    const token = await world.tokenOf(namespace, 'reader');
    const { page } = await world.window(writable, { extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    await see(page, 'extensions-refused', async () => {
      await page.goto(`${writable}/extensions`);
      await page.getByText('The Extensions cannot be read').waitFor();
      await page.getByText('cannot list resource "extensions"').waitFor();
    });
  });
});

describe('settings', () => {
  it('of resolvers and Chains are shown, without what lets somebody in', async () => {
    const own = await world.start(`--chains-namespace=${namespace}`, `--resolvers-namespace=${namespace}`);
    const create = (name: string, data: Record<string, string>) =>
      world.client.create(configMaps, { metadata: { name, namespace }, data });
    await create('git-resolver-config', { 'api-token-secret-name': 'github', _example: 'a long text' });
    await create('chains-config', { 'signers.kms.auth.token': 'hvs.abc', 'artifacts.oci.storage': hostile });
    const page = await world.openAt(own, '/settings', { bypassCSP: true });
    await see(page, 'settings', async () => {
      const part = (name: string) => page.getByRole('region', { name, exact: true });
      await part('Resolvers').getByText('github', { exact: true }).waitFor();
      await part('Chains').getByText('set, and not shown here').waitFor();
      await part('Chains').getByText(hostile.replace('\u202e', '<U+202E>')).waitFor();
      const text = await page.locator('body').innerText();
      expect(text).not.toMatch(/hvs\.abc|a long text/);
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate('window.broken')).toBeUndefined();
    });
  });

  it('are not for whom the API server would refuse them', async () => {
    const token = await world.tokenOf(namespace, 'reader');
    const { page } = await world.window(writable, { extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    await see(page, 'settings-refused', async () => {
      await page.goto(`${writable}/settings`);
      await page.getByText('The settings of Chains cannot be read').waitFor();
      await page.getByText('needs get, list and watch of ConfigMaps in tekton-chains').waitFor();
    });
  });
});

describe('each of these pages', () => {
  const start = `${definition('Pipeline', 'release')}/start`;
  const trigger = `/triggers/${namespace}/EventListener/seen`;
  beforeAll(async () => {
    const spec = { triggers: [{ name: 'push', bindings: [{ ref: 'push' }], template: { ref: 'build' } }] };
    const listener = { metadata: { name: 'seen', namespace }, spec } as KubeObject;
    await vi.waitFor(() => world.client.create(eventListeners as Resource, listener), { timeout: 20_000 });
    const maps = { apiVersion: 'v1', name: 'configmaps', displayname: 'Seen maps' };
    await world.client.create(extensions, { metadata: { name: 'seen', namespace }, spec: maps } as KubeObject);
    await world.client.create(configMaps, { metadata: { name: 'seen', namespace }, data: { list: hostile } });
  });

  it.each([
    [`/definitions?ns=${namespace}`, 'release'],
    [`/definitions?kind=CustomRun&ns=${namespace}`, 'approve'],
    [definition('Pipeline', 'release'), 'The sources.'],
    [`${definition('Pipeline', 'release')}?task=build`, '$(params.level) in debug'],
    [definition('Task', 'clone'), 'git clone $(params.url)'],
    [definition('CustomRun', 'approve'), 'waits for ana'],
    [`${definition('Pipeline', 'release')}/runs`, 'release-1'],
    [`${definition('Task', 'clone')}/users`, 'release'],
    [start, 'Service account'],
    [`/triggers?ns=${namespace}`, 'seen'],
    [trigger, 'push'],
    [`${trigger}/events`, 'event'],
    [`/extensions?kind=configmaps&ns=${namespace}`, 'seen'],
    [`/extensions/${namespace}/configmaps/seen`, 'list: '],
    ['/settings', 'Resolvers'],
  ])('%s has nothing serious that axe finds, light, dark and narrow, and fits', async (address, text) => {
    const page = await world.openAt(writable, address, { bypassCSP: true });
    await see(page, `axe-${address}`, async () => {
      await page.locator('main').getByText(text).first().waitFor();
      if (/release(?:\?|$)/.test(address)) await page.locator('.node').first().waitFor();
      // The faults of a form are to be read as well.
      if (address === start) await page.getByRole('button', { name: 'Start' }).click();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([colorScheme, ...(await seriousFindings(page, colorScheme))]).toEqual([colorScheme]);
      }
      await page.setViewportSize({ width: 390, height: 800 });
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      expect(await seriousFindings(page)).toEqual([]);
    });
  });
});
