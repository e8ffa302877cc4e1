import { describe, expect, test } from 'vitest';
import type { FormatProblem } from '../types.ts';
import { pipelineRun, settings, taskRun } from './fixture.fake.ts';
import { artifactsOf } from './index.ts';
import {
  fetchedInputs,
  imageMaterials,
  inheritedMaterial,
  pipelineInputs,
  stepInputs,
  taskInputs,
} from './materials.ts';
import { executedTasks } from './runs.ts';

// Cases of upstream's material_test.go; a git commit is not checked there either.
const hex = (digit: string) => digit.repeat(64);
const silent = () => {};
const git = (url: string, commit: string) => [
  { name: 'CHAINS-GIT_URL', value: url },
  { name: 'CHAINS-GIT_COMMIT', value: commit },
];
const defaults = (url: string, commit: string) => git(url, commit).map(({ name, value }) => ({ name, default: value }));
const spdx = (commit: string) => [{ name: 'git+github.com/something.git', digest: { sha1: commit } }];

describe('git source of a task', () => {
  test.each([
    ['from params', { spec: { params: git('github.com/something', 'my-commit') } }, spdx('my-commit')],
    ['from results', { status: { results: git('github.com/something', 'my-commit') } }, spdx('my-commit')],
    [
      'from defaults',
      { status: { taskSpec: { params: defaults('github.com/something', 'my-commit') } } },
      spdx('my-commit'),
    ],
    [
      'params over defaults',
      {
        spec: { params: git('github.com/something', 'param') },
        status: { taskSpec: { params: defaults('other', 'default') } },
      },
      spdx('param'),
    ],
    [
      'results over params',
      { spec: { params: git('other', 'param') }, status: { results: git('github.com/something', 'result') } },
      spdx('result'),
    ],
    [
      'each name on its own',
      { spec: { params: git('github.com/something', 'param') }, status: { results: git('x', 'result').slice(1) } },
      spdx('result'),
    ],
    ['prefix and ending only once', { spec: { params: git('git+github.com/something.git', 'c') } }, spdx('c')],
    ['no commit', { spec: { params: git('github.com/something', '') } }, []],
    // Upstream makes git+.git of this one.
    ['a commit without url', { spec: { params: git('', 'my-commit') } }, []],
    [
      'no text',
      {
        spec: {
          params: [
            { name: 'CHAINS-GIT_URL', value: ['a'] },
            { name: 'CHAINS-GIT_COMMIT', value: 'c' },
          ],
        },
      },
      [],
    ],
  ])('%s', (_, parts, expected) => {
    expect(taskInputs(taskRun(parts), silent)).toEqual(expected);
  });

  test('then its ARTIFACT_INPUTS, repetitions merged', () => {
    const input = { uri: 'oci://example.com/base', digest: `sha256:${hex('a')}` };
    const run = taskRun({
      status: {
        results: [
          { name: 'a-ARTIFACT_INPUTS', value: input },
          { name: 'b-ARTIFACT_INPUTS', value: input },
          ...git('github.com/something', 'c'),
        ],
      },
    });
    expect(taskInputs(run, silent)).toEqual([
      ...spdx('c'),
      { name: 'oci://example.com/base', digest: { sha256: hex('a') } },
    ]);
  });
});

describe('what a TaskRun fetched for those after it', () => {
  const commit = 'c'.repeat(40);
  const clone = (url: unknown, revision: unknown) => ({
    status: {
      results: [
        { name: 'url', value: url },
        { name: 'commit', value: revision },
      ],
    },
  });
  const source = (name: string) => [{ name, digest: { sha1: commit } }];
  test.each([
    ['its inputs', { status: { results: git('github.com/something', 'c') } }, spdx('c')],
    ['those of its steps', { status: { steps: [{ results: git('github.com/something', 'c') }] } }, spdx('c')],
    ['what git-clone says', clone('https://git.example/a', commit), source('git+https://git.example/a.git')],
    [
      'with the line end of a script',
      clone('https://git.example/a.git\n', `${commit}\n`),
      source('git+https://git.example/a.git'),
    ],
    ['by ssh', clone('git@git.example:a/b', commit), source('git+git@git.example:a/b.git')],
    ['by ssh as a URL', clone('ssh://git@git.example/a', commit), source('git+ssh://git@git.example/a.git')],
    ['without a password', clone('https://me:hunter2@git.example/a', commit), source('git+https://git.example/a.git')],
    ['without a token', clone('https://hunter2@git.example/a', commit), source('git+https://git.example/a.git')],
    ['a branch is no commit', clone('https://git.example/a', 'main'), []],
    ['a short commit is none', clone('https://git.example/a', 'c'.repeat(7)), []],
    ['lists are none', clone(['https://git.example/a'], [commit]), []],
    ['a commit of nothing', { status: { results: [{ name: 'commit', value: commit }] } }, []],
  ])('%s', (_, parts, expected) => {
    expect(fetchedInputs([taskRun(parts as Parameters<typeof taskRun>[0])], silent)).toEqual(expected);
  });
});

describe('what a TaskRun of a rerun took over', () => {
  const inherited = (text: string) =>
    taskRun({ metadata: { namespace: 'ns' }, status: { annotations: { 'digest.tektite.dev/inherited': text } } });

  test('is a material: the earlier TaskRun by name, uid and digest', () => {
    const run = inherited(`first-build uid-1 first sha256:${hex('c')}`);
    expect(inheritedMaterial(run)).toEqual([
      { name: 'tekton:taskrun/ns/first/first-build?uid=uid-1', digest: { sha256: hex('c') } },
    ]);
  });

  test.each([
    { format: 'slsa/v1', as: 'materials' },
    { format: 'slsa/v2alpha4', as: 'resolvedDependencies' },
  ] as const)('is in the provenance of the TaskRun and of its PipelineRun, $format', ({ format, as }) => {
    const child = inherited(`first-build uid-1 first sha256:${hex('c')}`);
    child.metadata = { ...child.metadata, name: 'child', labels: { 'tekton.dev/pipelineTask': 'build' } };
    child.status = { ...child.status, completionTime: '2026-08-20T09:00:00Z' };
    const outer = pipelineRun({ status: { pipelineSpec: { tasks: [{ name: 'build' }] } } });
    for (const [run, children] of [
      [child, []],
      [outer, [child]],
    ] as const) {
      const [attestation] = artifactsOf(run, children, settings(format)).artifacts;
      const statement = Buffer.from(attestation!.payload.json).toString('utf8');
      expect(statement).toMatch(
        new RegExp(`"${as}":\\[[^\\]]*"uri":"tekton:taskrun/ns/first/first-build\\?uid=uid-1"`),
      );
    }
  });

  test.each(['', 'first-build', `first-build uid-1 first ${hex('c')}`])(
    'is nothing for a record that reads %j',
    (text) => expect(inheritedMaterial(inherited(text))).toEqual([]),
  );
});

test('step results: the git source of each step, then inputs', () => {
  const steps = [
    { name: 'a', results: git('github.com/a', '1') },
    { name: 'b', results: git('github.com/b', '2').slice(0, 1) },
    {
      name: 'c',
      results: [
        ...git('github.com/c', '3').slice(1),
        { name: 'x-ARTIFACT_INPUTS', value: { uri: 'x', digest: `sha256:${hex('b')}` } },
      ],
    },
  ];
  expect(stepInputs(taskRun({ status: { steps } }), silent)).toEqual([
    { name: 'git+github.com/a.git', digest: { sha1: '1' } },
    { name: 'x', digest: { sha256: hex('b') } },
  ]);
});

describe('inputs of a pipeline', () => {
  const child = taskRun({
    metadata: { name: 'child', labels: { 'tekton.dev/pipelineTask': 'build' } },
    status: { completionTime: '2026-08-20T09:00:00Z', results: git('github.com/child', 'c') },
  });
  const run = pipelineRun({
    spec: { params: git('github.com/something', 'pipeline') },
    status: {
      pipelineSpec: { tasks: [{ name: 'build' }] },
      results: [{ name: 'ARTIFACT_INPUTS', value: { uri: 'x', digest: `sha256:${hex('b')}` } }],
    },
  });

  test.each([
    ['its own', false, [{ name: 'x', digest: { sha256: hex('b') } }, ...spdx('pipeline')]],
    [
      'with deep inspection those of the tasks between',
      true,
      [
        { name: 'x', digest: { sha256: hex('b') } },
        { name: 'git+github.com/child.git', digest: { sha1: 'c' } },
        ...spdx('pipeline'),
      ],
    ],
  ])('%s', (_, deep, expected) => {
    expect(pipelineInputs(run, executedTasks(run, [child]), deep, silent)).toEqual(expected);
  });

  test('a child that has not ended counts for nothing', () => {
    const running = { ...child, status: { ...child.status, completionTime: undefined } };
    expect(pipelineInputs(run, executedTasks(run, [running]), true, silent)).toHaveLength(2);
  });
});

describe('images', () => {
  test.each([
    ['docker-pullable://gcr.io/a/b@sha256:abc', [{ name: 'oci://gcr.io/a/b', digest: { sha256: 'abc' } }]],
    ['gcr.io/a/b@sha256:abc', [{ name: 'oci://gcr.io/a/b', digest: { sha256: 'abc' } }]],
    [undefined, []],
    ['', []],
  ])('%s', (imageID, expected) => {
    expect(imageMaterials(taskRun({ status: { steps: [{ name: 's', imageID }] } }), silent)).toEqual(expected);
  });

  test.each([
    'gcr.io/cloud-marketplace/google/bazel',
    'a@sha256',
    'a@b@sha256:c',
    'a@sha256:b:c',
    'sha256:abc',
    '@sha256:abc',
  ])('%s is told and left out', (imageID) => {
    const problems: FormatProblem[] = [];
    const run = taskRun({
      status: {
        steps: [
          { name: 'bad', imageID },
          { name: 'good', imageID: 'a@sha256:1' },
        ],
        sidecars: [{ name: 'bad', imageID }],
      },
    });
    expect(imageMaterials(run, (problem) => problems.push(problem))).toEqual([
      { name: 'oci://a', digest: { sha256: '1' } },
    ]);
    expect(problems.map(({ subject }) => subject)).toEqual(['TaskRun run, step bad', 'TaskRun run, sidecar bad']);
  });
});
