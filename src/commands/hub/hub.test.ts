import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tasks } from '../../api/resources.ts';
import { startServer, type FakeServer } from '../../http/http-server.fake.ts';
import { configMaps } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { answerOf } from './hub.fake.ts';

let server: FakeServer;
let environment: FakeEnvironment;
beforeEach(async () => {
  server = await startServer(({ path }) => answerOf(path));
  environment = new FakeEnvironment();
});
afterEach(() => server.close());

async function run(line: string) {
  environment.out = '';
  environment.err = '';
  const status = await environment.run(`hub ${line} --api-server ${server.url}`);
  const { out, err } = environment;
  return { status, out, err };
}
const paths = () => server.requests.map(({ path }) => path);
const installed = () => environment.cluster.get(tasks, 'ns', 'greet');
const install = (labels: Record<string, string>) =>
  environment.cluster.put(tasks, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: 'greet', namespace: 'ns', labels, annotations: {} },
    spec: { steps: [{ name: 'old', image: 'old' }] },
  });
const ofCommunity = (version: string) => ({
  'app.kubernetes.io/version': version,
  'artifacthub.io/catalog': 'tekton-catalog-tasks',
});

describe('hub search', () => {
  it.each<[type: string, catalog: string, query: string]>([
    ['artifact', 'Tekton-Catalog-Tasks', '/api/v1/packages/search?offset=0&limit=60&ts_query_web=greet&kind=7&kind=11'],
    ['tekton', 'Tekton', '/v1/query?match=contains&name=greet'],
  ])('lists what a hub of type %s found', async (type, catalog, query) => {
    const { status, out } = await run(`search greet --type ${type}`);
    expect({ status, lines: out.split('\n') }).toEqual({
      status: 0,
      lines: [
        expect.stringMatching(/^NAME +KIND +CATALOG +DESCRIPTION$/) as string,
        expect.stringMatching(
          new RegExp(`^greet \\(0\\.3(\\.0)?\\) +Task +${catalog} +A Task that greets whoever is named in \\.\\.\\.$`),
        ) as string,
        '',
      ],
    });
    expect(paths()).toEqual([query]);
  });

  it('shows more when asked', async () => {
    const { out } = await run('search --kinds task --tags hello --type tekton -o wide');
    expect(out.split('\n')[1]).toMatch(/ linux\/amd64 +hello, world +Automation$/);
    expect(paths()).toEqual(['/v1/query?match=contains&kinds=task&tags=hello']);
  });

  it("gives the hub's answer as JSON", async () => {
    const { out } = await run('search greet -o json --limit 5');
    expect(JSON.parse(out)).toMatchObject({ packages: [{ name: 'greet' }] });
    expect(paths()[0]).toContain('limit=5');
  });

  it.each<[what: string, line: string, out: string]>([
    ['nothing', 'search none', 'No Resources found\n'],
    ['nothing at a Tekton Hub', 'search none --type tekton', 'No Resources found\n'],
    ['a part of a name, when the whole is wanted', 'search gree --match exact', 'No Resources found\n'],
  ])('finds nothing for %s', async (_what, line, out) => {
    expect(await run(line)).toEqual({ status: 0, out, err: '' });
  });

  it.each<[what: string, line: string, message: string]>([
    ['nothing to look for', 'search', 'please specify a resource name, --tags, --platforms, --categories or --kinds'],
    ['an unknown kind', 'search --kinds pod', 'invalid value "pod" set for option kinds. supported kinds: [task, p'],
    ['an unknown match', 'search a --match some', 'invalid value "some" set for option match'],
    ['an unknown output', 'search a -o yaml', 'invalid value "yaml" set for option output'],
    ['an unknown type', 'search a --type helm', 'invalid hub type: helm, expecting artifact or tekton'],
    ['what Artifact Hub lacks', 'search a --platforms linux', 'Artifact Hub does not search by platform'],
    ['a category of another hub', 'search --categories CLI', 'Artifact Hub has no category "CLI"; it has AI'],
  ])('refuses %s', async (_what, line, message) => {
    const { status, err } = await run(line);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(message) as string });
    expect(server.requests).toEqual([]);
  });
});

describe('hub get and info', () => {
  it.each<[line: string, path: string]>([
    ['get task greet --version 0.2', '/api/v1/packages/tekton-task/tekton-catalog-tasks/greet/0.2.0'],
    ['get task greet --from other --version 0.2.0', '/api/v1/packages/tekton-task/other/greet/0.2.0'],
    ['get task greet --version 0.2 --type tekton', '/v1/resource/tekton/task/greet/0.2/yaml'],
  ])('%s prints the definition', async (line, path) => {
    const { status, out } = await run(line);
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining('image: greeter:0.2') as string });
    expect(paths()).toContain(path);
  });

  it('takes the latest version that is no prerelease', async () => {
    expect((await run('get task greet')).out).toContain('greeter:0.3');
  });

  it.each(['artifact', 'tekton'])('tells about a definition of a hub of type %s', async (type) => {
    const { out } = await run(`info task greet --version 0.2 --type ${type}`);
    const hub = type === 'tekton' ? ' --type tekton' : '';
    const version = type === 'tekton' ? '0.2' : '0.2.0';
    for (const part of [
      '📦 Name: greet\n',
      `📌 Version: ${version} (Deprecated)\n`,
      '📖 Description: A Task that greets whoever is named in a way that takes more\nthan the eighty characters of a line',
      '🗒  Minimum Pipeline Version: 0.12.1\n',
      '🏷 Tags\n  ∙ hello\n  ∙ world\n',
      '💻 Platforms\n  ∙ linux/amd64\n',
      `⚒ Install Command:\n  tektite hub install task greet --version ${version}${hub}\n`,
    ])
      expect(out).toContain(part);
  });

  it.each<[line: string, message: string]>([
    ['get task none', 'Task none from tekton-catalog-tasks catalog not found in Hub'],
    ['get task greet --version 9.9', 'Task greet(9.9) from tekton-catalog-tasks catalog not found in Hub'],
    ['get task greet --version latest', 'invalid value "latest" set for option version. valid eg. 0.1, 1.2.1'],
    ['get pod greet', 'invalid kind "pod". supported kinds: [task, pipeline]'],
    ['get task broken --version 0.1', 'answered 500 for /api/v1/packages/tekton-task/tekton-catalog-tasks/broken'],
    ['get task page --version 0.1', 'is no hub of this type'],
  ])('%s fails with what is wrong', async (line, message) => {
    expect(await run(line)).toEqual({ status: 1, out: '', err: expect.stringContaining(message) as string });
  });
});

describe('hub install', () => {
  it('installs a v1beta1 Task as v1, with labels that say where it is from', async () => {
    const { status, out } = await run('install task greet --version 0.3');
    expect({ status, out }).toEqual({
      status: 0,
      out: 'WARN: tekton pipelines version unknown, this resource is compatible with pipelines min version v0.12.1\nTask greet(0.3) installed in ns namespace\n',
    });
    expect(await installed()).toMatchObject({
      apiVersion: 'tekton.dev/v1',
      metadata: {
        labels: {
          'app.kubernetes.io/version': '0.3',
          'artifacthub.io/catalog': 'tekton-catalog-tasks',
          'artifacthub.io/org': 'tektoncd',
          'artifacthub.io/support-tier': 'verified',
        },
      },
      spec: { steps: [{ image: 'greeter:0.3', computeResources: { limits: { memory: '64Mi' } } }] },
    });
  });

  it('says that a version is deprecated', async () => {
    expect((await run('install task greet --version 0.2')).out).toContain('WARN: This version has been deprecated\n');
  });

  it.each<[what: string, labels: Record<string, string>, line: string, message: string]>([
    [
      'the same version',
      ofCommunity('0.3'),
      'install task greet',
      'Task greet(0.3) already exists in ns namespace. Use reinstall command to overwrite existing',
    ],
    [
      'an older version',
      ofCommunity('0.2'),
      'install task greet',
      'Task greet(0.2) already exists in ns namespace. Use upgrade command to install v0.3.0(latest)',
    ],
    [
      'a newer version',
      ofCommunity('0.10'),
      'install task greet --version 0.3',
      'Task greet(0.10) already exists in ns namespace. Use downgrade command to install v0.3.0',
    ],
    ['one without a version', {}, 'install task greet', 'but seems to be missing version label. Use reinstall command'],
  ])('leaves %s alone', async (_what, labels, line, message) => {
    install(labels);
    const { status, err } = await run(line);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(message) as string });
    expect(await installed()).toMatchObject({ spec: { steps: [{ image: 'old' }] } });
  });

  it.each<[what: string, name: string, message: string]>([
    [
      'that is for a later version of Pipelines',
      'greet',
      'requires Tekton Pipelines min version v0.12.1 but found v0.9',
    ],
    ['of another name', 'imposter', 'its name is "greet"'],
    ['of another kind', 'pod', 'it is no Task'],
    ['that is no YAML', 'garbled', "the hub's definition of task garbled cannot be used"],
  ])('refuses a definition %s', async (_what, name, message) => {
    environment.cluster.put(configMaps, {
      metadata: { name: 'pipelines-info', namespace: 'tekton-pipelines' },
      data: { version: 'v0.9.0' },
    });
    const { status, err } = await run(`install task ${name} --version 0.3`);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(message) as string });
    expect(environment.cluster.has(tasks as never, name)).toBe(false);
  });
});

describe('hub upgrade, downgrade and reinstall', () => {
  it.each<[from: string, line: string, image: string, out: string]>([
    ['0.1', 'upgrade task greet', 'greeter:0.3', 'Task greet upgraded to v0.3 in ns namespace\n'],
    ['0.1', 'upgrade task greet --to 0.2', 'greeter:0.2', 'Task greet upgraded to v0.2 in ns namespace\n'],
    ['0.3', 'downgrade task greet', 'greeter:0.2', 'Task greet downgraded to v0.2 in ns namespace\n'],
    ['0.3', 'downgrade task greet --to 0.1', 'greeter:0.1', 'Task greet downgraded to v0.1 in ns namespace\n'],
    ['0.2', 'reinstall task greet', 'greeter:0.2', 'Task greet(0.2) reinstalled in ns namespace\n'],
    ['0.2', 'reinstall task greet --version 0.3', 'greeter:0.3', 'Task greet(0.3) reinstalled in ns namespace\n'],
  ])('from %s: %s', async (from, line, image, out) => {
    install(ofCommunity(from));
    const done = await run(line);
    expect(done).toEqual({ status: 0, out: expect.stringContaining(out) as string, err: '' });
    expect(await installed()).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/version': image.slice('greeter:'.length) } },
      spec: { steps: [{ image }] },
    });
  });

  it.each<[what: string, labels: Record<string, string> | undefined, line: string, message: string]>([
    ['nothing', undefined, 'upgrade task greet', "Task greet doesn't exist in ns namespace. Use install command"],
    ['nothing to reinstall', undefined, 'reinstall task greet', "doesn't exists in ns namespace. Use install command"],
    ['one without labels', {}, 'downgrade task greet', 'seems to be missing version and catalog label'],
    [
      'the latest',
      ofCommunity('0.3'),
      'upgrade task greet',
      'cannot upgrade task greet to v0.3.0. existing resource seems to be of same version. Use reinstall command',
    ],
    [
      'a later one',
      ofCommunity('0.10'),
      'upgrade task greet --to 0.3',
      'existing resource seems to be of higher version(v0.10). Use downgrade command',
    ],
    [
      'an earlier one',
      ofCommunity('0.1'),
      'downgrade task greet --to 0.3',
      'existing resource seems to be of lower version(v0.1). Use upgrade command',
    ],
    [
      'the first',
      ofCommunity('0.1'),
      'downgrade task greet',
      'cannot downgrade task greet, it seems to be at its lowest version(v0.1)',
    ],
  ])('refuses for %s', async (_what, labels, line, message) => {
    if (labels) install(labels);
    const { status, err } = await run(line);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(message) as string });
  });
});

describe('hub check-upgrade', () => {
  it('tells what has a later version, and what is of no hub', async () => {
    install(ofCommunity('0.2'));
    environment.cluster.put(tasks, {
      metadata: { name: 'own', namespace: 'ns' },
      spec: { steps: [] },
    });
    const { out } = await run('check-upgrade task');
    expect(out).toBe(
      [
        'Upgrades Available',
        '',
        'NAME    CATALOG                CURRENT_VERSION   LATEST_VERSION',
        'greet   Tekton-Catalog-Tasks   0.2               0.3.0',
        '',
        'Skipped Resources',
        '',
        'NAME',
        '∙ own',
        '',
      ].join('\n'),
    );
  });

  it('says that there is nothing', async () => {
    install(ofCommunity('0.3'));
    expect((await run('check-upgrade task')).out).toBe('Upgrades Available\n\nNo task for upgrade\n');
  });
});
