import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { readResultsLog } from './results-log.ts';

const spec: TaskSpec = {
  results: [{ name: 'url' }, { name: 'digest' }],
  steps: [
    { name: 'a', image: 'x', results: [{ name: 'own' }, { name: 'with.dot' }] },
    { name: 'b', image: 'x' },
  ],
};
const log = (...lines: object[]) =>
  [...lines, { name: '', value: String(lines.length), type: 'end' }]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
const found = (text: string) => {
  const reading = readResultsLog(text, spec);
  return reading.kind === 'results'
    ? { task: reading.logged.task, steps: Object.fromEntries(reading.logged.steps) }
    : reading;
};

describe('readResultsLog', () => {
  it('gives results and artifacts to the Task and the steps they belong to', () => {
    expect(
      found(
        log(
          { name: 'url', value: 'u\n', type: 'task' },
          { name: 'digest', value: '', type: 'task' },
          { name: 'step-a.with.dot', value: '2', type: 'step' },
          { name: 'step-a.own', value: '1', type: 'step' },
          { name: 'step-b', value: '{}', type: 'stepArtifact' },
          { name: '/tekton/artifacts/provenance.json', value: '{"outputs":[]}', type: 'taskArtifact' },
        ),
      ),
    ).toEqual({
      task: [
        { key: '/tekton/artifacts/provenance.json', value: '{"outputs":[]}', type: 6 },
        { key: 'digest', value: '', type: 1 },
        { key: 'url', value: 'u\n', type: 1 },
      ],
      steps: {
        'step-a': [
          { key: 'own', value: '1', type: 4 },
          { key: 'with.dot', value: '2', type: 4 },
        ],
        'step-b': [{ key: 'step-b', value: '{}', type: 5 }],
      },
    });
  });

  it.each<[string, object]>([
    ['a result that is not declared', { name: 'other', value: 'x', type: 'task' }],
    ['a result of a step that declares none', { name: 'step-b.own', value: 'x', type: 'step' }],
    ['a result of no step', { name: 'step-z.own', value: 'x', type: 'step' }],
    ['artifacts of no step', { name: 'step-z', value: '{}', type: 'stepArtifact' }],
    ['an unknown type', { name: 'url', value: 'x', type: 'somethingNew' }],
    ['__proto__', { name: '__proto__', value: 'x', type: 'task' }],
  ])('passes over %s', (_name, line) => {
    expect(found(log(line))).toEqual({ task: [], steps: { 'step-a': [], 'step-b': [] } });
  });

  const url = { name: 'url', value: 'u', type: 'task' };
  const tooLarge = { name: 'url', value: '', type: 'task', size: 5000, limit: 4096 };
  it.each<[string, string, object]>([
    ['nothing', '', { kind: 'problem', message: 'it is not complete' }],
    ['no end', `${JSON.stringify(url)}\n`, { kind: 'problem', message: 'it is not complete' }],
    [
      'the beginning lost',
      log(url, url).split('\n').slice(1).join('\n'),
      { kind: 'problem', message: 'it is not complete' },
    ],
    [
      'the end cut',
      log(url).slice(0, -3),
      { kind: 'problem', message: expect.stringContaining('it is not complete, and says "{') },
    ],
    [
      'what a kubelet says of a log that is gone',
      'unable to retrieve container logs for containerd://abc',
      {
        kind: 'problem',
        message: 'it is not complete, and says "unable to retrieve container logs for containerd://abc"',
      },
    ],
    ['no objects', 'null\n[]\n3\n{"name":1}\n', { kind: 'problem', message: 'it is not complete, and says "null"' }],
    ['too large', log(tooLarge, url), { kind: 'tooLarge', limit: 4096, what: 'task result "url" has 5000 bytes' }],
    [
      'a step result that is too large',
      log({ ...tooLarge, name: 'step-a.own', type: 'step' }),
      { kind: 'tooLarge', limit: 4096, what: 'step result "step-a.own" has 5000 bytes' },
    ],
    [
      'artifacts that are too large',
      log({ ...tooLarge, name: 'step-a', type: 'stepArtifact' }),
      { kind: 'tooLarge', limit: 4096, what: 'artifacts file of "step-a" has 5000 bytes' },
    ],
    [
      'all of them',
      log(url, { name: '', value: '', type: 'total', size: 1_500_001, limit: 1_500_000 }),
      { kind: 'tooLarge', limit: 1_500_000, what: 'all results together have 1500001 bytes' },
    ],
    [
      'a link',
      log({ ...url, problem: '/tekton/results/url is a symbolic link, not a regular file' }),
      { kind: 'problem', message: 'task result "url": /tekton/results/url is a symbolic link, not a regular file' },
    ],
  ])('%s', (_name, text, expected) => expect(readResultsLog(text, spec)).toEqual(expected));

  it('lets what the runtime says between the lines not hide results', () => {
    expect(found(`runtime: warning\n${log(url)}`)).toMatchObject({ task: [{ key: 'url', value: 'u' }] });
  });

  it('reads every value as it was written, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string(), (value, garbage) => {
        expect(found(log({ ...url, value }))).toMatchObject({ task: [{ key: 'url', value }] });
        readResultsLog(garbage, spec);
      }),
    );
  });
});
