import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { paramRows, resultRows, stepRows, taskFacts, workspaceRows } from './definition.ts';

describe('the params of a definition', () => {
  it.each<[name: string, spec: object, expected: object]>([
    [
      'without a default is needed',
      { name: 'a' },
      { name: 'a', type: 'string', description: '', allowed: [], keys: [] },
    ],
    ['has a default, empty as well', { name: 'a', default: '' }, { type: 'string', default: '' }],
    ['takes its type from the default', { name: 'a', default: ['x'] }, { type: 'array', default: '["x"]' }],
    [
      'is an object by its keys',
      { name: 'a', properties: { url: {}, tag: { type: 'string' } } },
      { type: 'object', keys: ['url', 'tag'] },
    ],
    ['has values to choose from', { name: 'a', enum: ['x', 'y'] }, { allowed: ['x', 'y'] }],
    ['tells what nobody checked as JSON', { name: 3, description: { a: 1 } }, { name: '3', description: '{"a":1}' }],
  ])('one %s', (_name, spec, expected) => {
    expect(paramRows([spec])[0]).toMatchObject(expected);
  });

  it.each([undefined, null, 'text', 3, {}])('are none in %j', (specs) => {
    expect(paramRows(specs)).toEqual([]);
  });
});

describe('what else a definition declares', () => {
  it('workspaces, with what is special about them', () => {
    const declared = [
      { name: 'a', description: 'sources' },
      { name: 'b', optional: true, readOnly: true, mountPath: '/b' },
    ];
    expect(workspaceRows(declared)).toEqual([
      { name: 'a', description: 'sources', marks: [] },
      { name: 'b', description: '', marks: ['optional', 'read-only', 'at /b'] },
    ]);
  });

  it('results, with where a pipeline takes them from', () => {
    expect(resultRows([{ name: 'a' }, { name: 'b', type: 'array', value: '$(tasks.t.results.r[*])' }])).toEqual([
      { name: 'a', description: '', marks: ['string'] },
      { name: 'b', description: '', marks: ['array', '$(tasks.t.results.r[*])'] },
    ]);
  });

  it.each([
    [
      { name: 's', image: 'busybox', script: 'echo' },
      { name: 's', from: 'busybox', run: 'echo' },
    ],
    [
      { image: 'busybox', command: ['ls'], args: ['-l'] },
      { name: 'unnamed-0', from: 'busybox', run: 'ls -l' },
    ],
    [
      { name: 's', ref: { name: 'clone' } },
      { name: 's', from: 'StepAction clone', run: '' },
    ],
    [
      { name: 's', ref: { resolver: 'git' } },
      { name: 's', from: 'StepAction from git', run: '' },
    ],
    ['not a step', { name: 'unnamed-0', from: '', run: '' }],
  ])('a step %j', (step, expected) => {
    expect(stepRows([step])).toEqual([expected]);
  });
});

describe('what a pipeline says of a task', () => {
  const lines = (task: object) => taskFacts(task as PipelineTask).map(({ label, text }) => `${label}: ${text}`);
  it.each<[task: object, expected: string[]]>([
    [{ taskRef: { name: 'build' } }, ['Task: build']],
    [{ taskRef: { resolver: 'git', params: [{ name: 'url', value: 'u' }] } }, ['Task: from git, url: u']],
    [{ taskRef: { name: 'x', kind: 'Wait', apiVersion: 'example.dev/v1' } }, ['Custom task: Wait x (example.dev/v1)']],
    [{ taskSpec: { steps: [] } }, ['Task: written in place']],
    [
      { taskSpec: { apiVersion: 'example.dev/v1', kind: 'Wait' } },
      ['Task: written in place, of Wait (example.dev/v1)'],
    ],
    [{ pipelineRef: { name: 'child' } }, ['Pipeline: child']],
    [
      {
        taskRef: { name: 't' },
        description: 'Says it.',
        runAfter: ['a', 'b'],
        when: [{ input: '$(params.x)', operator: 'in', values: ['y', 'z'] }, { cel: "'a' == 'b'" }],
        params: [{ name: 'p', value: ['1', '2'] }],
        matrix: {
          params: [{ name: 'os', value: ['linux', 'mac'] }],
          include: [{ name: 'old', params: [{ name: 'v', value: '1' }] }],
        },
        workspaces: [{ name: 'w', workspace: 'shared', subPath: 'src' }, { name: 'v' }],
        retries: 2,
        timeout: '1h',
        onError: 'continue',
      },
      [
        'Description: Says it.',
        'Task: t',
        'After: a, b',
        'Only when: $(params.x) in y, z',
        "Only when: 'a' == 'b'",
        'Param p: ["1","2"]',
        'Once for each os: ["linux","mac"]',
        'Once more old: v: 1',
        'Workspace w: shared / src',
        'Workspace v: v',
        'Retries: 2',
        'Timeout: 1h',
        'On error: the pipeline goes on',
      ],
    ],
  ])('%j', (task, expected) => {
    expect(lines(task)).toEqual(expected);
  });

  it('leads to definitions of this cluster alone', () => {
    const led = (task: object) => taskFacts(task)[0]?.definition;
    expect(led({ taskRef: { name: 'build', kind: 'Task' } })).toEqual({ kind: 'Task', name: 'build' });
    expect(led({ pipelineRef: { name: 'child' } })).toEqual({ kind: 'Pipeline', name: 'child' });
    expect(led({ taskRef: { resolver: 'git' } })).toBeUndefined();
    expect(led({ taskRef: { name: 'x', kind: 'Wait', apiVersion: 'example.dev/v1' } })).toBeUndefined();
  });
});
