import { describe, expect, it } from 'vitest';
import type { PipelineResult } from '../../api/pipeline/v1/pipeline.ts';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { replaceParamValue, replaceString } from '../substitution/replacements.ts';
import { pipelineResults } from './pipeline-results.ts';
import { parseResultReference } from './reference.ts';
import {
  artifactReplacements,
  indexBeyondEnd,
  missingReferences,
  resultReplacements,
  taskResults,
  type RunResults,
} from './values.ts';

const run = (...results: [string, ParamValue][]): TaskRun => ({
  metadata: {},
  spec: {},
  status: { results: results.map(([name, value]) => ({ name, value })) },
});
const results: RunResults = new Map([
  [
    'a',
    new Map<string, ParamValue>([
      ['text', 'T'],
      ['list', ['x', 'y']],
      ['obj', { k: 'v' }],
    ]),
  ],
  ['failed', new Map()],
  ['broken', new Map([['text', 'B']])],
]);

describe('parseResultReference', () => {
  it.each([
    ['tasks.a.results.r', { section: 'tasks', task: 'a', result: 'r' }],
    ['tasks.a-b.results.r_1', { section: 'tasks', task: 'a-b', result: 'r_1' }],
    ['tasks.a.results.r[*]', { section: 'tasks', task: 'a', result: 'r', index: '*' }],
    ['tasks.a.results.r[12]', { section: 'tasks', task: 'a', result: 'r', index: 12 }],
    ['tasks.a.results.r.key', { section: 'tasks', task: 'a', result: 'r', key: 'key' }],
    ["tasks.a.results['r.s']", { section: 'tasks', task: 'a', result: 'r.s' }],
    ['tasks.a.results["r"][0]', { section: 'tasks', task: 'a', result: 'r', index: 0 }],
    ['finally.a.results.r', { section: 'finally', task: 'a', result: 'r' }],
    ['tasks.a.status', undefined],
    ['params.a', undefined],
    ['tasks.a.results', undefined],
    ['tasks.a.results.r.s.t', undefined],
    ['results.r.path', undefined],
  ])('%s', (text, expected) => expect(parseResultReference(text)).toEqual(expected));
});

describe('results of tasks', () => {
  it.each([
    ['$(tasks.a.results.text)', 'T'],
    ["$(tasks.a.results['text'])", 'T'],
    ['$(tasks.a.results.list[1])', 'y'],
    ['$(tasks.a.results.obj.k)', 'v'],
    ['$(tasks.a.results.none)', '$(tasks.a.results.none)'],
    ['$(tasks.b.results.text)', '$(tasks.b.results.text)'],
  ])('%s', (text, expected) => expect(replaceString(text, resultReplacements(results))).toBe(expected));

  it('keeps the type of a whole array or object', () => {
    expect(replaceParamValue('$(tasks.a.results.list[*])', resultReplacements(results))).toEqual(['x', 'y']);
    expect(replaceParamValue('$(tasks.a.results.obj[*])', resultReplacements(results))).toEqual({ k: 'v' });
  });

  it('gathers those of a matrix in order, passing over runs without them', () => {
    const gathered = taskResults([run(['r', '1'], ['s', 'only']), run(['r', '2']), run(['r', '3'])], true);
    expect(Object.fromEntries(gathered)).toEqual({ r: ['1', '2', '3'], s: ['only'] });
  });

  it('names what is missing and what is past the end', () => {
    const references = [
      'tasks.a.results.text',
      'tasks.a.results.none',
      'tasks.failed.results.x',
      'tasks.a.results.list[2]',
    ].flatMap((text) => parseResultReference(text) ?? []);
    expect(missingReferences(references, results).map(({ task, result }) => `${task}.${result}`)).toEqual([
      'a.none',
      'failed.x',
    ]);
    expect(indexBeyondEnd(references, results)).toBe(
      'Array Result Index 2 for Task a Result list is out of bound of size 2',
    );
  });
});

it('artifacts of tasks are JSON, the first also without its name', () => {
  const image = { name: 'image', values: [{ uri: 'pkg:oci/a', digest: { sha256: '1' } }] };
  const made: TaskRun = {
    metadata: {},
    spec: {},
    status: { artifacts: { outputs: [image, { name: 'other', values: [] }] } },
  };
  const r = artifactReplacements([{ name: 'build', runs: [made] }]);
  expect(
    replaceString(
      '$(tasks.build.outputs.image) $(tasks.build.outputs) $(tasks.build.outputs.other) $(tasks.build.inputs)',
      r,
    ),
  ).toBe(
    '[{"digest":{"sha256":"1"},"uri":"pkg:oci/a"}] [{"digest":{"sha256":"1"},"uri":"pkg:oci/a"}] [] $(tasks.build.inputs)',
  );
});

describe('pipelineResults', () => {
  const result = (value: ParamValue): PipelineResult => ({ name: 'r', value });
  it.each<[string, PipelineResult, unknown]>([
    ['string', result('$(tasks.a.results.text)!'), { results: [{ name: 'r', value: 'T!' }], invalid: [] }],
    ['whole array', result('$(tasks.a.results.list[*])'), { results: [{ name: 'r', value: ['x', 'y'] }], invalid: [] }],
    ['whole object', result('$(tasks.a.results.obj[*])'), { results: [{ name: 'r', value: { k: 'v' } }], invalid: [] }],
    [
      'object made of results',
      result({ one: '$(tasks.a.results.text)', two: '$(tasks.a.results.list[0])' }),
      { results: [{ name: 'r', value: { one: 'T', two: 'x' } }], invalid: [] },
    ],
    ['of a final task', result('$(finally.a.results.text)'), { results: [{ name: 'r', value: 'T' }], invalid: [] }],
    ['of a failed task is left out', result('$(tasks.failed.results.x)'), { results: [], invalid: [] }],
    [
      'of a failed task that has it',
      result('$(tasks.broken.results.text)'),
      { results: [{ name: 'r', value: 'B' }], invalid: [] },
    ],
    ['of a failed task, past its end', result('$(tasks.broken.results.text.k)'), { results: [], invalid: [] }],
    [
      'of a failed task beside a good one',
      result('$(tasks.a.results.text)$(tasks.failed.results.x)'),
      { results: [], invalid: [] },
    ],
    ['missing of a successful task', result('$(tasks.a.results.none)'), { results: [], invalid: ['r'] }],
    ['key that is not there', result('$(tasks.a.results.obj.no)'), { results: [], invalid: ['r'] }],
    ['index past the end', result('$(tasks.a.results.list[2])'), { results: [], invalid: ['r'] }],
    ['no reference at all', result('constant'), { results: [], invalid: [] }],
    ['not a result', result('$(context.pipelineRun.name)'), { results: [], invalid: ['r'] }],
  ])('%s', (_name, declared, expected) =>
    expect(pipelineResults([declared], results, (task) => task === 'a')).toEqual(expected),
  );
});
