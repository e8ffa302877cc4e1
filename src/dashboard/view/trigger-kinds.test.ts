import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../resource.ts';
import { listedKind } from './listed-kind.ts';
import { triggerKinds, triggerSections } from './trigger-kinds.ts';

const object = (more: object) => ({ metadata: { name: 'a' }, ...more }) as KubeObject;
const listener = object({
  spec: {
    triggers: [
      {
        name: 'push',
        interceptors: [
          { ref: { name: 'github' }, params: [{ name: 'eventTypes', value: ['push'] }] },
          { ref: { name: 'own', kind: 'NamespacedInterceptor' } },
          { webhook: { url: 'https://hook.example' } },
        ],
        bindings: [{ ref: 'push' }, { ref: 'all', kind: 'ClusterTriggerBinding' }, { name: 'a', value: '$(body.a)' }],
        template: { ref: 'build' },
      },
      { triggerRef: 'shared' },
    ],
    triggerGroups: [{ name: 'rest', triggerSelector: { labelSelector: { matchLabels: { a: 'b' } } } }],
  },
  status: {
    address: { url: 'http://el-a.ci.svc:8080' },
    conditions: [{ type: 'Ready', status: 'False', message: 'no pods' }],
  },
});
const template = object({
  spec: {
    params: [{ name: 'revision', description: 'What to build.', default: 'main' }],
    resourcetemplates: [
      { kind: 'PipelineRun', metadata: { generateName: 'build-' }, spec: { pipelineRef: { name: 'b' } } },
    ],
  },
});

describe('what a list tells of', () => {
  it.each<[kind: string, of: KubeObject, cells: string[]]>([
    ['EventListener', listener, ['http://el-a.ci.svc:8080', '3', 'not ready: no pods']],
    ['Trigger', object({ spec: { template: { spec: {} }, bindings: [{ ref: 'b' }] } }), ['written in place', 'b', '']],
    ['TriggerBinding', object({ spec: { params: [{ name: 'a' }, { name: 'b' }] } }), ['a, b']],
    ['TriggerTemplate', template, ['revision', 'PipelineRun build-']],
    [
      'ClusterInterceptor',
      object({ spec: { clientConfig: { service: { namespace: 'n', name: 's', path: 'p' } } } }),
      ['service n/s p'],
    ],
    ['Interceptor', object({ spec: { clientConfig: { url: 'https://i.example' } } }), ['https://i.example']],
    ['EventListener', object({ spec: { triggers: 'none' }, status: 3 }), ['', '0', '']],
    ['Trigger', object({ spec: { bindings: [null, 'x'], template: 'y' } }), ['', '', '']],
  ])('a %s', (kind, of, cells) => {
    expect(listedKind(triggerKinds, kind)?.cells(of)).toEqual(cells);
  });
});

describe('what a page tells of', () => {
  const told = (kind: string, of: KubeObject) =>
    triggerSections(kind, of).flatMap(({ title, parts }) =>
      parts.map(
        ({ name, facts }) => `${title}: ${name}; ${facts.map(({ label, text }) => `${label} ${text}`).join('; ')}`,
      ),
    );
  it('an EventListener: address, and what each trigger does with an event', () => {
    expect(told('EventListener', listener)).toEqual([
      'Address: http://el-a.ci.svc:8080; Ready False: no pods',
      'Triggers: push; Interceptor github, eventTypes: ["push"]; Interceptor own; Interceptor webhook {"url":"https://hook.example"}; Binding push; Binding all; Binding a: $(body.a); Template build',
      'Triggers: shared; Trigger shared',
      'Groups of triggers: rest; Triggers {"labelSelector":{"matchLabels":{"a":"b"}}}',
    ]);
  });

  it('leads to the objects that are named, of the kind that is meant', () => {
    const facts = triggerSections('EventListener', listener)[1]?.parts[0]?.facts ?? [];
    expect(facts.flatMap(({ object: of }) => (of === undefined ? [] : [`${of.kind} ${of.name}`]))).toEqual([
      'ClusterInterceptor github',
      'Interceptor own',
      'TriggerBinding push',
      'ClusterTriggerBinding all',
      'TriggerTemplate build',
    ]);
  });

  it.each<[kind: string, of: KubeObject, lines: string[]]>([
    [
      'TriggerTemplate',
      template,
      ['Params: revision; Description What to build.; Default main', 'Creates: PipelineRun build-; Pipeline b'],
    ],
    [
      'TriggerBinding',
      object({ spec: { params: [{ name: 'a', value: '$(body.a)' }] } }),
      ['Params: a; Value $(body.a)'],
    ],
    [
      'Trigger',
      object({
        spec: {},
        status: { schedule: { schedule: '0 3 * * *', lastOutcome: 'Created', nextScheduleTime: 't' } },
      }),
      ['Trigger: without a name; ', 'Trigger: Schedule 0 3 * * *; Last Created; Next t'],
    ],
    ['Interceptor', object({}), ['Address: none; ']],
    ['EventListener', object({ spec: 'text' }), ['Address: none yet; ']],
  ])('a %s', (kind, of, lines) => {
    expect(told(kind, of)).toEqual(lines);
  });
});
