import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { customRuns, pipelines, stepActions, tasks } from '../../src/api/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun, writeStatus } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';

/** What runs are made of, in a real browser before a real API server. */
const namespace = `definitions-${process.pid}`;
const hostile = '</script><img src=x onerror="window.broken=1">\u202egnp.exe';
let world: DashboardWorld;
let readOnly = '';

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
  readOnly = await world.start('--read-only');
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

describe('each of these pages', () => {
  it.each(['light', 'dark'] as const)('has nothing serious that axe finds, %s', async (colorScheme) => {
    const addresses = [
      [`/definitions?ns=${namespace}`, 'release'],
      [definition('Pipeline', 'release'), 'The sources.'],
      [`${definition('Pipeline', 'release')}?task=build`, '$(params.level) in debug'],
      [`${definition('Pipeline', 'release')}/runs`, 'release-1'],
    ] as const;
    // The same elements in other colours.
    for (const [address, text] of colorScheme === 'light' ? addresses : addresses.slice(1, 2)) {
      const page = await openAt(address, { colorScheme, bypassCSP: true });
      await page.getByText(text).first().waitFor();
      if (address.includes('/Pipeline/release') && !address.endsWith('/runs'))
        await page.locator('.node').first().waitFor();
      await see(page, `axe-${colorScheme}-${address}`, async () => expect(await seriousFindings(page)).toEqual([]));
    }
  });

  it('fits a narrow screen', async () => {
    const page = await openAt(definition('Pipeline', 'release'), { viewport: { width: 390, height: 800 } });
    await see(page, 'definition-narrow', async () => {
      for (const address of [definition('Pipeline', 'release'), `/definitions?ns=${namespace}`]) {
        await page.goto(`${readOnly}${address}`);
        await page.getByText('Releases it.').first().waitFor();
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      }
    });
  });
});
