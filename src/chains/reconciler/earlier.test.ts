import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { labels } from '../../core/labels.ts';
import { annotations } from '../annotations.ts';
import { artifactsOf as statementsOf } from '../formats/index.ts';
import type { RunObject } from '../types.ts';
import { mostEarlier } from './earlier.ts';
import { recordedTaskRun } from './recorded.fake.ts';
import { artifactsOf, childOf, concluded, pipelineRun, runs, taskRun, World } from './world.fake.ts';

/** What the attestation of a TaskRun says of those that came before it in its pipeline. */

const commit = 'c'.repeat(40);
const digest = `sha256:${'d'.repeat(64)}`;
const cloned = [
  { name: 'url', value: 'https://git.example/acme/widget' },
  { name: 'commit', value: commit },
];
const built = [
  { name: 'IMAGE_URL', value: 'registry.example/widget' },
  { name: 'IMAGE_DIGEST', value: digest },
];

type Results = NonNullable<TaskRun['status']>['results'];
const ended = (results: Results): TaskRun['status'] => ({
  conditions: [{ type: 'Succeeded', status: 'True' }],
  completionTime: '2026-01-01T00:00:59Z',
  results: results ?? [],
});
const child = (name: string, results: Results, more: object = {}) =>
  taskRun(name, {
    ...childOf('p'),
    labels: { [labels.pipelineTask]: name },
    status: ended(results),
    ...more,
  });
const tasks: PipelineTask[] = [
  { name: 'fetch' },
  { name: 'check', runAfter: ['fetch'] },
  { name: 'build', runAfter: ['check'] },
  { name: 'other' },
];
const pipeline = (more: object = {}): PipelineRun =>
  pipelineRun('p', ['fetch', 'check', 'build', 'other'], { status: { pipelineSpec: { tasks }, ...more } });

const everything = (): Record<string, RunObject> => ({
  p: pipeline(),
  fetch: child('fetch', cloned, { annotations: concluded('uid-fetch') }),
  check: child('check', [], { annotations: concluded('uid-check') }),
  build: child('build', built),
  other: child('other', cloned, { annotations: concluded('uid-other') }),
});

async function attested(objects: Record<string, RunObject>, data: Record<string, string> = {}) {
  const at = new World({ 'artifacts.oci.storage': '', ...data });
  at.add(...(Object.values(objects) as (TaskRun | PipelineRun)[]));
  let given: string[] | undefined;
  at.formats = (run, others) => {
    given = others.map(({ metadata }) => metadata.name ?? '');
    return artifactsOf(run);
  };
  await at.reconcile(objects['build'] as TaskRun);
  const written = (await at.client.get(runs.taskrun, 'ns', 'build')).metadata.annotations ?? {};
  const { problems } = JSON.parse(written[annotations.problems] ?? '{"problems":[]}') as {
    problems: { artifact: string; reason: string }[];
  };
  return { given, signed: written[annotations.signed], problems };
}

describe('the TaskRuns before one in its pipeline', () => {
  it('speak for it, also by others between them, and nobody else does', async () => {
    expect(await attested(everything())).toEqual({ given: ['fetch', 'check'], signed: 'true', problems: [] });
  });

  type Change = (all: Record<string, RunObject>) => Record<string, RunObject>;
  it.each<[name: string, change: Change, given: string[], noted?: string]>([
    [
      'one of its name that the PipelineRun did not make',
      (all) => ({ ...all, fetch: child('fetch', cloned, childOf('q')) }),
      ['check'],
      'was not made by the PipelineRun',
    ],
    [
      'one that was made for another task',
      (all) => ({ ...all, fetch: child('fetch', cloned, { labels: { [labels.pipelineTask]: 'other' } }) }),
      ['check'],
      'has the label tekton.dev/pipelineTask: "other", and was made for "fetch"',
    ],
    [
      'one that differs from the record of the controller',
      ({ fetch, ...all }) => {
        const run = recordedTaskRun(fetch as TaskRun);
        return { ...all, fetch: { ...run, spec: { ...run.spec, params: [{ name: 'url', value: 'else' }] } } };
      },
      ['check'],
      'is not attested (spec.params: ',
    ],
    [
      'one that was deleted',
      ({ fetch: _fetch, ...all }) => all,
      ['check'],
      'was deleted before this one was signed; the attestation lacks what it fetched',
    ],
    ['any when its PipelineRun is gone', ({ p: _p, ...all }) => all, []],
    [
      'any when another PipelineRun has its name',
      (all) => ({ ...all, p: { ...pipeline(), metadata: { ...pipeline().metadata, uid: 'another' } } }),
      [],
    ],
    ['any when it reports nothing to attest', (all) => ({ ...all, build: child('build', []) }), []],
    ['any when nobody made it', (all) => ({ ...all, build: taskRun('build', { status: ended(built) }) }), []],
  ])('do so without %s', async (_name, change, given, noted) => {
    const result = await attested(change(everything()));
    expect(result).toMatchObject({ given, signed: 'true' });
    expect(result.problems.map(({ reason }) => reason)).toEqual(
      noted === undefined ? [] : [expect.stringContaining(noted)],
    );
  });

  it('are left alone when the operator does not want them', async () => {
    const result = await attested(everything(), { 'artifacts.taskrun.earlier-inputs': 'false' });
    expect(result).toEqual({ given: [], signed: 'true', problems: [] });
  });

  it('more than an attestation looks into: none, and it says so', async () => {
    const childReferences = Array.from({ length: mostEarlier + 1 }, (_, index) => ({
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      name: `fetch-${index}`,
      pipelineTaskName: 'fetch',
    }));
    const own = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'build', pipelineTaskName: 'build' };
    const result = await attested({ ...everything(), p: pipeline({ childReferences: [...childReferences, own] }) });
    expect(result).toMatchObject({ given: [], signed: 'true' });
    expect(result.problems[0]?.reason).toContain(`${mostEarlier + 1} TaskRuns come before it`);
  });
});

describe('what they fetched', () => {
  it.each([
    ['slsa/v1', 'materials'],
    ['slsa/v2alpha3', 'resolvedDependencies'],
    ['slsa/v2alpha4', 'resolvedDependencies'],
  ] as const)('is in the provenance %s', (format, field) => {
    const { build, fetch, check } = everything();
    const { config } = new World({ 'artifacts.taskrun.format': format });
    const { artifacts } = statementsOf(build as RunObject, [fetch, check] as TaskRun[], config);
    const statement = Buffer.from(artifacts[0]?.payload.json ?? '').toString();
    expect(statement).toMatch(
      new RegExp(
        `"${field}":\\[[^\\]]*"digest":\\{"sha1":"${commit}"\\},[^\\]]*"uri":"git\\+https://git.example/acme/widget.git"`,
      ),
    );
  });
});
