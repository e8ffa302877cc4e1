import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clusterTriggerBindings,
  eventListeners,
  triggerBindings,
  triggerTemplates,
  type EventListener,
} from '../../src/api/triggers/objects.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { prepare } from './tkn-fixture.ts';
import { programs, type Outcome, type Program } from './tkn-programs.ts';

/** The commands of Triggers' kinds: what tkn prints, we print, on the same objects. */
const namespace = `tkn-triggers-${process.pid}`;
const clusterBinding = `common-${process.pid}`;
let client: KubeClient;
let ours: Program;
let theirs: Program;

const listener: EventListener['spec'] = {
  serviceAccountName: 'sa',
  resources: { kubernetesResource: { serviceType: 'NodePort' } },
  triggers: [
    {
      name: 'first',
      interceptors: [
        {
          ref: { name: 'github', kind: 'ClusterInterceptor' },
          params: [
            { name: 'secretRef', value: { secretName: 's', secretKey: 'k' } },
            { name: 'eventTypes', value: ['push'] },
          ],
        },
        { name: 'filter', ref: { name: 'cel' }, params: [{ name: 'filter', value: "body.x == 'y'" }] },
      ],
      bindings: [
        { ref: 'push', kind: 'TriggerBinding' },
        { name: 'n', value: 'v' },
      ],
      template: { ref: 'build' },
    },
    { triggerRef: 'elsewhere' },
    { name: 'third', serviceAccountName: 'other', template: { spec: { resourcetemplates: [] } } },
  ],
};

beforeAll(async () => {
  client = await prepare(namespace);
  [ours, theirs] = (await programs()) as [Program, Program];
  const metadata = (name: string) => ({ name, namespace });
  await client.create(triggerBindings, {
    metadata: metadata('push'),
    spec: { params: [{ name: 'url', value: '$(body.repository.url)' }] },
  });
  await client.create(triggerBindings, { metadata: metadata('bare'), spec: { params: [] } });
  await client.create(clusterTriggerBindings, {
    metadata: { name: clusterBinding },
    spec: { params: [{ name: 'a', value: 'b' }] },
  });
  await client.create(triggerTemplates, {
    metadata: metadata('build'),
    spec: {
      params: [
        { name: 'url', description: 'more words than twenty' },
        { name: 'rev', default: 'main' },
      ],
      resourcetemplates: [
        { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { generateName: 'build-' } },
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'fixed' } },
      ],
    },
  });
  const made = await client.create(eventListeners, { metadata: metadata('github'), spec: listener });
  const status = {
    address: { url: 'http://el-github.example:8080' },
    configuration: { generatedName: 'el-github' },
    conditions: [
      { type: 'Available', status: 'True' as const },
      { type: 'Ready', status: 'False' as const },
    ],
  };
  await client.replaceStatus(eventListeners, { ...made, status });
  await client.create(eventListeners, { metadata: metadata('new'), spec: { triggers: [{ triggerRef: 'x' }] } });
});
afterAll(async () => {
  await client?.delete(clusterTriggerBindings, undefined, clusterBinding).catch(() => undefined);
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
});

/** Ages may differ by what passes between two programs, and with them the width of their column. */
const timeless = ({ status, out, err }: Outcome) => ({
  status,
  out: out.replaceAll(/\d+ (?:millisecond|second|minute)s? ago/g, 'some time ago').replaceAll(/ {2,}/g, '  '),
  err,
});

// Not `el list -o name`: tkn 0.45 refuses it.
const rows = [
  'el list',
  'el list --no-headers',
  'el list -n nowhere',
  'el describe github',
  'el describe new',
  'el describe github -o url',
  'el describe new -o url',
  'el logs github',
  'el logs github -t 0',
  'tb list',
  'tb list -A --no-headers',
  'tb list -o name',
  'tb list -n nowhere',
  'tb describe push',
  'tb describe bare',
  'tb describe push -o jsonpath={.spec.params[0].value}',
  'tb describe -n nowhere',
  'ctb list',
  'ctb list -o name',
  `ctb describe ${clusterBinding}`,
  'tt list',
  'tt describe build',
  'tt describe',
  'tt list -n nowhere',
  'tb delete',
  'tt delete build --all',
  'el delete nope -f',
];

describe('tkn and tektite', () => {
  it.each(rows)('%s', async (line) => {
    const words = line.split(' ');
    const place = words.includes('-n') || words.includes('-A') ? [] : ['-n', namespace];
    const [mine, wanted] = [await ours.run([...words, ...place]), await theirs.run([...words, ...place])];
    expect(timeless(mine)).toEqual(timeless(wanted));
  });

  it.each([
    ['tb', 'push', triggerBindings],
    ['tt', 'build', triggerTemplates],
    ['el', 'new', eventListeners],
  ])('%s delete', async (group, name, given) => {
    const resource = given as unknown as Resource<KubeObject & { spec?: object }>;
    const spec = (await client.get(resource, namespace, name)).spec;
    const outcomes: Outcome[] = [];
    for (const program of [ours, theirs]) {
      outcomes.push(await program.run([group, 'delete', name, 'nope', '-f', '-n', namespace]));
      const { items } = await client.list(resource, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).not.toContain(name);
      // Also for another attempt of this test.
      await client.create(resource, { metadata: { name, namespace }, spec });
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
  });
});
