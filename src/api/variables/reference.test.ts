import { describe, expect, test } from 'vitest';
import {
  isArtifactReference,
  resultReference,
  resultReferences,
  stepResultReference,
  templateParam,
  variables,
} from './reference.ts';

describe('references below a prefix', () => {
  const rows: { text: string; prefix: string; want: [path: string[], index: string | undefined][] }[] = [
    { text: 'a $(params.x) b', prefix: 'params', want: [[['x'], undefined]] },
    {
      text: '$(params.x)$(params.y)',
      prefix: 'params',
      want: [
        [['x'], undefined],
        [['y'], undefined],
      ],
    },
    { text: '$(params.o.k)', prefix: 'params', want: [[['o', 'k'], undefined]] },
    {
      text: '$(params.a[*]) $(params.a[12])',
      prefix: 'params',
      want: [
        [['a'], '*'],
        [['a'], '12'],
      ],
    },
    {
      text: `$(params['x.y']) $(params["x.y"][0])`,
      prefix: 'params',
      want: [
        [['x.y'], undefined],
        [['x.y'], '0'],
      ],
    },
    { text: '$(paramsx.a) $(param.a) $(params) $params.x', prefix: 'params', want: [] },
    { text: '$(context.task.name) $(context.taskRun.name)', prefix: 'context.task', want: [[['name'], undefined]] },
    { text: '$($(params.x))', prefix: 'params', want: [[['x'], undefined]] },
    { text: '', prefix: 'params', want: [] },
  ];
  test.each(rows)('$text', ({ text, prefix, want }) => {
    expect(variables(text, prefix).map(({ path, index }) => [path, index])).toEqual(want);
  });
});

describe('references to results', () => {
  const rows: { inner: string; want: object | undefined }[] = [
    { inner: 'tasks.a.results.r', want: { section: 'tasks', task: 'a', result: 'r' } },
    { inner: 'finally.a-b.results.r', want: { section: 'finally', task: 'a-b', result: 'r' } },
    { inner: 'tasks.a.results.r[1]', want: { section: 'tasks', task: 'a', result: 'r', index: '1' } },
    { inner: 'tasks.a.results.r[*]', want: { section: 'tasks', task: 'a', result: 'r', index: '*' } },
    { inner: 'tasks.a.results.o.key', want: { section: 'tasks', task: 'a', result: 'o', key: 'key' } },
    { inner: `tasks.a.results['x.y']`, want: { section: 'tasks', task: 'a', result: 'x.y' } },
    { inner: 'tasks.a.results["x.y"][0]', want: { section: 'tasks', task: 'a', result: 'x.y', index: '0' } },
    { inner: 'tasks.a.status', want: undefined },
    { inner: 'tasks.a.results', want: undefined },
    { inner: 'tasks.status', want: undefined },
    { inner: 'params.tasks.a.results.r', want: undefined },
  ];
  test.each(rows)('$inner', ({ inner, want }) => {
    const found = resultReference(inner);
    expect(found === undefined ? undefined : JSON.parse(JSON.stringify(found))).toEqual(want);
  });
  test('in a text', () => {
    expect(resultReferences('$(tasks.a.results.x) $(params.p) $(tasks.b.results.y)').map(({ task }) => task)).toEqual([
      'a',
      'b',
    ]);
  });
});

describe('references to results of steps', () => {
  test.each<[inner: string, want: object | undefined]>([
    ['steps.a.results.r', { step: 'a', result: 'r' }],
    ['steps.a-b.results.r[*]', { step: 'a-b', result: 'r' }],
    ['steps.a.results.image.digest', { step: 'a', result: 'image.digest' }],
    ['steps.a.results.r[1]', undefined],
    ['steps.a.results', undefined],
    ['steps.a.b.results.r', undefined],
    ['tasks.a.results.r', undefined],
    ['', undefined],
  ])('%s', (inner, want) => expect(stepResultReference(inner)).toEqual(want));
});

describe('references to artifacts', () => {
  test.each<[inner: string, want: boolean]>([
    ['step.artifacts.path', true],
    ['artifacts.path', true],
    ['steps.a.outputs', true],
    ['steps.a.inputs.source', true],
    ['tasks.a.outputs.image', true],
    ['steps.a.results.outputs', false],
    ['steps..outputs', false],
    ['params.outputs', false],
    ['artifacts', false],
  ])('%s', (inner, want) => expect(isArtifactReference(inner)).toBe(want));
});

describe('params of TriggerTemplates', () => {
  test.each<[inner: string, want: string | undefined]>([
    ['tt.params.revision', 'revision'],
    ['tt.params.a.b', 'a.b'],
    ['tt.params.', undefined],
    ['tt.params.$x', undefined],
    ['params.revision', undefined],
    ['uid', undefined],
  ])('%s', (inner, want) => expect(templateParam(inner)).toBe(want));
});
