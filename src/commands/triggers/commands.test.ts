import { describe, expect, it } from 'vitest';
import { pods } from '../../kube/resources.ts';
import type { Resource } from '../../resource.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { clusterTriggerBindingKind, eventListenerKind, triggerBindingKind, triggerTemplateKind } from './kind.ts';

const creationTimestamp = '2026-05-01T11:55:00Z';

/** A cluster with two of most kinds; the clock is five minutes after they were made. */
function environment(answers: string[] = []): FakeEnvironment {
  const made = new FakeEnvironment({ answers });
  const put = (resource: Resource, name: string, more: object = {}, namespace: string | undefined = 'ns') =>
    made.cluster.put(resource, {
      metadata: { name, creationTimestamp, ...(namespace === undefined ? {} : { namespace }) },
      ...more,
    });
  put(triggerBindingKind.resource, 'push', { spec: { params: [{ name: 'url', value: '$(body.url)' }] } });
  put(triggerBindingKind.resource, 'tag', {});
  put(triggerBindingKind.resource, 'far', {}, 'other');
  put(triggerTemplateKind.resource, 'build', {
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
  put(eventListenerKind.resource, 'github', {
    spec: {
      serviceAccountName: 'sa',
      triggers: [
        {
          name: 'push',
          interceptors: [{ ref: { name: 'cel' }, params: [{ name: 'filter', value: 'true' }] }],
          bindings: [
            { ref: 'push', kind: 'TriggerBinding' },
            { name: 'a', value: 'b' },
          ],
          template: { ref: 'build' },
        },
        { triggerRef: 'elsewhere' },
      ],
    },
    status: {
      address: { url: 'http://el-github.ns.svc.cluster.local:8080' },
      configuration: { generatedName: 'el-github' },
      conditions: [{ type: 'Available', status: 'True' }],
    },
  });
  put(eventListenerKind.resource, 'new', { spec: {} });
  made.cluster.put(clusterTriggerBindingKind.resource, {
    metadata: { name: 'common', creationTimestamp },
    spec: { params: [] },
  });
  return made;
}

interface Row {
  line: string;
  out?: string;
  err?: string;
  status?: number;
}

const rows: Row[] = [
  { line: 'tb list', out: 'NAME   AGE\npush   5 minutes ago\ntag    5 minutes ago\n' },
  { line: 'triggerbinding ls --no-headers -n other', out: 'far   5 minutes ago\n' },
  {
    line: 'tb list -A',
    out: 'NAMESPACE   NAME   AGE\nns          push   5 minutes ago\nns          tag    5 minutes ago\nother       far    5 minutes ago\n',
  },
  { line: 'tb list -n empty', err: 'No TriggerBindings found\n' },
  { line: 'tb list -o name', out: 'triggerbinding.triggers.tekton.dev/push\ntriggerbinding.triggers.tekton.dev/tag\n' },
  { line: 'ctb list', out: 'NAME     AGE\ncommon   5 minutes ago\n' },
  {
    line: 'el list',
    out: [
      'NAME     AGE             URL                                          AVAILABLE',
      'github   5 minutes ago   http://el-github.ns.svc.cluster.local:8080   True',
      'new      5 minutes ago   ---                                          ---',
      '',
    ].join('\n'),
  },
  { line: 'tt list', out: 'NAME    AGE\nbuild   5 minutes ago\n' },
  {
    line: 'tb describe push',
    out: 'Name:        push\nNamespace:   ns\n\nParams\n\n NAME   VALUE\n url    $(body.url)\n',
  },
  { line: 'ctb describe', out: 'Name:   common\n' },
  { line: 'tb describe', status: 1, err: 'Error: there are 2 TriggerBindings: give the name of one (push, tag)\n' },
  { line: 'tb describe -n empty', status: 1, err: 'Error: no TriggerBindings found\n' },
  {
    line: 'tb describe nope',
    status: 1,
    err: 'Error: failed to get TriggerBinding nope from ns namespace: triggerbindings.triggers.tekton.dev "nope" not found\n',
  },
  {
    line: 'tt describe build',
    out: [
      'Name:        build',
      'Namespace:   ns',
      '',
      'Params',
      '',
      ' NAME   DESCRIPTION              DEFAULT VALUE',
      ' url    more words than twe...   ---',
      ' rev                             main',
      '',
      'ResourceTemplates',
      '',
      ' NAME    GENERATENAME   KIND          APIVERSION',
      ' ---     build-         PipelineRun   tekton.dev/v1',
      ' fixed   ---            ConfigMap     v1',
      '',
    ].join('\n'),
  },
  { line: 'el describe github -o url', out: 'http://el-github.ns.svc.cluster.local:8080\n' },
  { line: 'el describe new -o url', status: 1, err: 'Error: url of EventListener new not available yet\n' },
  { line: 'el describe new', out: 'Name:        new\nNamespace:   ns\n' },
  {
    line: 'tb delete push -f',
    out: 'TriggerBindings deleted: "push"\n',
  },
  {
    line: 'tb delete push nope -f',
    status: 1,
    out: 'TriggerBindings deleted: "push"\n',
    err: 'Error: triggerbindings.triggers.tekton.dev "nope" not found\n',
  },
  { line: 'el rm --all -f', out: 'All EventListeners deleted in namespace "ns"\n' },
  { line: 'ctb rm --all -f', out: 'All ClusterTriggerBindings deleted\n' },
  {
    line: 'tt delete',
    status: 1,
    err: 'Error: must provide triggertemplate name(s) or use --all flag with delete\n',
  },
  {
    line: 'tt delete build --all',
    status: 1,
    err: 'Error: --all flag should not have any arguments or flags specified with it\n',
  },
  { line: 'el logs github', out: 'No pods available for EventListener github\n' },
  {
    line: 'el logs nope',
    status: 1,
    err: 'Error: failed to get EventListener nope: eventlisteners.triggers.tekton.dev "nope" not found\n',
  },
  { line: 'el logs github -t 0', status: 1, err: 'Error: tail cannot be 0 or less than 0 unless -1 for all pods\n' },
];

describe('commands of Triggers', () => {
  it.each(rows)('$line', async ({ line, out = '', err = '', status = 0 }) => {
    const made = environment();
    const got = await made.run(line);
    expect({ out: made.out, err: made.err, status: got }).toEqual({ out, err, status });
  });

  it('describe a listener with its triggers', async () => {
    const made = environment();
    await made.run('el describe github');
    await expect(made.out).toMatchFileSnapshot('../golden/eventlistener-describe.txt');
  });

  it.each([
    ['y', 'TriggerTemplates deleted: "build"\n', 0],
    ['n', '', 1],
  ])('delete what is answered with %s', async (answer, end, status) => {
    const made = environment([answer]);
    expect(await made.run('tt delete build')).toBe(status);
    expect(made.out).toBe(`Are you sure you want to delete triggertemplate(s) "build" (y/n): ${end}`);
  });

  it('print the last lines of each pod of a listener', async () => {
    const made = environment();
    for (const name of ['el-github-a', 'el-github-b']) {
      made.cluster.put(pods, { metadata: { name, namespace: 'ns', labels: { eventlistener: 'github' } } });
      made.cluster.log(name, 'event-listener').write(`100% of ${name}\nlast`);
      made.cluster.log(name, 'event-listener').end();
    }
    await made.run('el logs github --tail 2');
    expect(made.out).toBe(
      ['a', 'b']
        .map((pod) => `\n[github-el-github-${pod}]: 100% of el-github-${pod}\n[github-el-github-${pod}]: last\n`)
        .join(''),
    );
    expect(made.cluster.requests).toContain('log el-github-a/event-listener tail 2');
  });
});
