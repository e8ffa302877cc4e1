import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kinds } from '../../../api/kinds.ts';
import { strictSchema } from '../../../api/strict.ts';
import { arbitraryOf } from '../../../api/structural.fake.ts';
import { containerCases } from './cases-container.fake.ts';
import { fileCases } from './cases-files.fake.ts';
import { pipelineCases } from './cases-pipeline.fake.ts';
import { taskCases } from './cases-task.fake.ts';
import {
  described,
  findingsOf,
  listener,
  object,
  pipeline,
  pipelineRun,
  said,
  step,
  task,
  taskRun,
  triggers,
  withScript,
  withStep,
  type Json,
} from './case.fake.ts';
import { lintRules } from './rules.ts';

const cases = [...containerCases, ...taskCases, ...pipelineCases, ...fileCases];

describe.each(cases.map((each) => ({ ...each, name: [each.rule, each.what].filter(Boolean).join(', ') })))(
  '$name',
  ({ rule, bad, says, good }) => {
    const ofRule = (objects: Json | Json[]) =>
      said(objects)
        .filter((line) => line.startsWith(`${rule} `))
        .map((line) => line.slice(rule.length + 1));
    it('is found', () => expect(ofRule(bad)).toEqual([says].flat()));
    it('is not found', () => expect(ofRule(good)).toEqual([]));
  },
);

describe('rules', () => {
  it('each has a case', () => {
    expect([...new Set(cases.map(({ rule }) => rule))].sort()).toEqual(Object.keys(lintRules).sort());
  });

  it('are all content with what is as it should be', () => {
    const build = task(
      {
        params: [described('who')],
        results: [described('said')],
        workspaces: [described('source')],
        steps: [
          {
            ...step,
            script: '#!/bin/sh\nset -eu\ncd "$(workspaces.source.path)"\nprintf %s "$WHO" > "$(results.said.path)"',
            env: [{ name: 'WHO', value: '$(params.who)' }],
          },
        ],
      },
      { name: 'build' },
    );
    const hello = pipeline(
      {
        params: [described('who')],
        workspaces: [described('source')],
        results: [described('said', { value: '$(tasks.first.results.said)' })],
        tasks: [
          {
            name: 'first',
            taskRef: { name: 'build' },
            params: [{ name: 'who', value: '$(params.who)' }],
            workspaces: [{ name: 'source' }],
          },
        ],
      },
      { name: 'hello' },
    );
    const run = pipelineRun({
      pipelineRef: { name: 'hello' },
      params: [{ name: 'who', value: 'me' }],
      workspaces: [{ name: 'source', emptyDir: {} }],
    });
    expect(said([build, hello, run])).toEqual([]);
  });
});

describe('rules are left out', () => {
  const bad = withScript('make', { name: undefined });

  it('by the command line', () => {
    expect(said(bad).map((line) => line.split(' ')[0])).toEqual(['unnamed-step', 'no-hashbang']);
    expect(said(bad, ['no-hashbang']).map((line) => line.split(' ')[0])).toEqual(['unnamed-step']);
  });

  it('by the object itself, and in it alone', () => {
    const annotations = { 'tektite.dev/lint-disable': 'no-hashbang, unnamed-step' };
    expect(said([{ ...bad, metadata: { name: 'quiet', annotations } }, bad]).map((line) => line.split(' ')[0])).toEqual(
      ['unnamed-step', 'no-hashbang'],
    );
  });

  it('but errors are not', () => {
    const annotations = { 'tektite.dev/lint-disable': 'invalid' };
    const wrong = object('Task', { steps: [{ name: 's' }] }, { annotations });
    expect(findingsOf(wrong).filter(({ severity }) => severity === 'error')).toHaveLength(1);
  });
});

describe('a text that takes long to compare', () => {
  it.each([
    ['a time limit', () => pipelineRun({ timeouts: { pipeline: `${'0'.repeat(50_000)}x` } })],
    ['a script', () => withScript(`#!/bin/sh\n${'curl '.repeat(50_000)}| s\n${'set -'.repeat(50_000)}`)],
    ['a variable', () => withScript(`#!/bin/sh\n${'$(params.'.repeat(50_000)}${'$(workspaces.a'.repeat(20_000)}`)],
    ['an image', () => withStep({ image: `${':a/'.repeat(50_000)}:` })],
    ['a name', () => task({ params: [described('a'.repeat(100_000)), described('aA'.repeat(50_000))] })],
    ['many names', () => task({ params: Array.from({ length: 1_000 }, (_each, index) => described(`p${index}`)) })],
  ])('%s', { timeout: 20_000 }, (_what, given) => {
    const objects = given();
    const before = process.cpuUsage();
    findingsOf(objects);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(10_000);
  });
});

describe('an object that is not whole', () => {
  const hole = { name: undefined };
  it.each([
    task({
      steps: [{ env: [hole], volumeMounts: [hole] }],
      volumes: [{}],
      params: [{}],
      workspaces: [{}],
      results: [{}],
    }),
    pipeline({ tasks: [{ taskSpec: { results: [{}] }, runAfter: ['a'] }], params: [{}], workspaces: [{}] }),
    taskRun({ timeout: 5, taskRef: { resolver: 'git', params: [{}] } }),
    object('PipelineRun', null),
    listener({ triggers: [{}] }),
    object('TriggerTemplate', { params: [{}], resourcetemplates: [null, 5, { spec: 5 }] }, {}, triggers),
  ])('$kind: its errors are told', (given) => {
    expect(findingsOf(given).some(({ severity }) => severity === 'error')).toBe(true);
  });
});

describe('whatever is given, the rules answer', () => {
  it.each(kinds.flatMap((kind) => kind.versions.map((version) => ({ kind, version }))))(
    '$kind.kind $version.name',
    ({ kind, version }) => {
      fc.assert(
        fc.property(arbitraryOf(strictSchema(version)), fc.jsonValue({ maxDepth: 3 }), (spec, metadata) => {
          const apiVersion = `${kind.group}/${version.name}`;
          findingsOf([
            object(kind.kind, spec, {}, apiVersion),
            { apiVersion, kind: kind.kind, metadata, spec: metadata },
          ]);
        }),
        { numRuns: 10 },
      );
    },
  );
});
