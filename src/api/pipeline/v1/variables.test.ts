import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { innerTexts, resultReference, resultReferences, textsIn, variables } from './variables.ts';

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

test('texts of a tree', () => {
  expect(textsIn({ a: 'x', b: ['y', { c: 'z' }], d: 1, e: null })).toEqual(['x', 'y', 'z']);
});

test('what is written between $( and ) is found, whatever stands around', () => {
  const plain = fc.stringMatching(/^[a-z $\n]*$/);
  const inner = fc.stringMatching(/^[a-zA-Z0-9.[\]'"*_-]+$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(plain, inner)), plain, (pairs, end) => {
      const text = pairs.map(([before, name]) => `${before}$(${name})`).join('') + end;
      expect(innerTexts(text)).toEqual(pairs.map(([, name]) => name));
    }),
  );
});
