import { describe, expect, it } from 'vitest';
import type { Resolved } from '../reference/resolved.ts';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

const refSource = { uri: 'git+https://example.com/r', digest: { sha1: 'abc' }, entryPoint: 'pipeline.yaml' };
const waiting = { kind: 'resolving', request: 'git-1' } as const;
const build: Resolved<'Task'> = {
  kind: 'found',
  definition: { name: 'build', metadata: { labels: { of: 'task' } }, spec: { steps: [{ image: 'i' }] } },
};
const remoteTask = (name: string, fields = {}) =>
  task(name, { taskRef: { resolver: 'git', params: [{ name: 'name', value: 'build' }] }, ...fields });

describe('a remote Pipeline', () => {
  const simulate = () =>
    new Simulation(
      pipelineRun({
        params: [{ name: 'tag', value: 'v1' }],
        pipelineRef: { resolver: 'git', params: [{ name: 'revision', value: '$(params.tag)' }] },
      }),
    );
  const found: Resolved<'Pipeline'> = {
    kind: 'found',
    definition: { name: 'pipe', metadata: {}, spec: { params: [{ name: 'tag' }], tasks: [task('a')] } },
    refSource,
  };

  it('is waited for, then run, and its origin noted', () => {
    const simulation = simulate();
    simulation.pipeline = waiting;
    simulation.step();
    expect(simulation.condition).toBe('Unknown ResolvingPipelineRef: PipelineRun ns/run awaiting remote resource');
    expect(simulation.run.status?.pipelineSpec).toBeUndefined();
    simulation.pipeline = found;
    simulation.step();
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.run.status?.provenance?.refSource).toEqual(refSource);
    expect(simulation.run.metadata.labels?.['tekton.dev/pipeline']).toBe('pipe');
    simulation.step();
    expect(simulation.asked).toEqual(['git', 'git']);
  });

  it('is asked for with the params of the run', () => {
    const simulation = simulate();
    let params: unknown;
    simulation.answer = (need) => {
      params = need.reference.kind === 'remote' && need.reference.params;
      return found;
    };
    simulation.step();
    expect(params).toEqual([{ name: 'revision', value: 'v1' }]);
  });

  it('is not asked for while the run is held back', () => {
    const simulation = new Simulation(pipelineRun({ pipelineRef: { name: 'p' }, status: 'PipelineRunPending' }));
    simulation.step();
    expect(simulation.asked).toEqual([]);
  });

  it('can be cancelled while it is waited for', () => {
    const simulation = simulate();
    simulation.pipeline = waiting;
    simulation.step();
    simulation.request('Cancelled');
    simulation.step();
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
  });

  it.each<[string, Resolved<'Pipeline'>, string]>([
    [
      'its resolver gave up',
      { kind: 'failed', reason: 'Failed', message: 'error requesting remote resource: 404' },
      'False CouldntGetPipeline: Error retrieving pipeline for pipelinerun ns/run: error requesting remote resource: 404',
    ],
    [
      'a policy refuses it',
      { kind: 'failed', reason: 'Untrusted', message: 'no signature' },
      'False ResourceVerificationFailed: PipelineRun ns/run referred resource pipelineRef failed signature verification: no signature',
    ],
    [
      'its resolver may do better later',
      { kind: 'failed', reason: 'Failed', message: 'no route', retryable: true },
      'Unknown ResolvingPipelineRef: no route; it will be tried again',
    ],
    [
      'it may not be read',
      { kind: 'failed', reason: 'Forbidden', message: 'pipelines is forbidden' },
      'Unknown ResolvingPipelineRef: pipelines is forbidden; it will be tried again',
    ],
  ])('%s', (_name, pipeline, expected) => {
    const simulation = simulate();
    simulation.pipeline = pipeline;
    const { retry } = simulation.step();
    expect(simulation.condition).toBe(expected);
    expect(simulation.created).toEqual([]);
    expect(retry !== undefined).toBe(expected.startsWith('Unknown'));
  });
});

describe('remote Tasks', () => {
  const simulate = (...tasks: ReturnType<typeof task>[]) => new Simulation(pipelineRun({ pipelineSpec: { tasks } }));

  it('are waited for before anything starts; two tasks with the same reference ask once', () => {
    const simulation = simulate(remoteTask('a'), remoteTask('b'), task('c'));
    simulation.tasks.set('git', waiting);
    simulation.step();
    expect(simulation.condition).toBe('Unknown ResolvingTaskRef: PipelineRun ns/run awaiting remote resource');
    expect(simulation.created).toEqual([]);
    simulation.tasks.set('git', build);
    simulation.step();
    expect(simulation.created).toEqual(['run-a', 'run-b', 'run-c']);
    expect(simulation.asked).toEqual(['git', 'git']);
    const { metadata, spec } = simulation.taskRuns.get('run-a') ?? {};
    expect(metadata?.labels).toMatchObject({ of: 'task', 'tekton.dev/task': 'build' });
    expect(spec?.taskRef).toMatchObject({ resolver: 'git' });
  });

  it('that depend on a result are asked for when it is there, while the others go on', () => {
    const dependent = remoteTask('b', {
      taskRef: { resolver: 'git', params: [{ name: 'revision', value: '$(tasks.a.results.r)' }] },
    });
    const simulation = simulate(task('a', {}, 'r'), dependent);
    simulation.step();
    expect(simulation.asked).toEqual([]);
    simulation.finish('a', { results: { r: 'v2' } });
    simulation.tasks.set('git', waiting);
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown ResolvingTaskRef/);
    simulation.tasks.set('git', build);
    simulation.step();
    expect(simulation.taskRuns.get('run-b')?.spec.taskRef?.params).toEqual([{ name: 'revision', value: 'v2' }]);
  });

  it('that are waited for do not keep the time of the run from passing', () => {
    const simulation = new Simulation(
      pipelineRun({ pipelineSpec: { tasks: [remoteTask('a')] }, timeouts: { pipeline: '1m' } }),
    );
    simulation.tasks.set('git', waiting);
    simulation.step();
    simulation.pass(70);
    simulation.step();
    expect(simulation.condition).toMatch(/^False PipelineRunTimeout/);
  });

  it.each<[string, Resolved<'Task'>, string]>([
    [
      'its resolver gave up',
      { kind: 'failed', reason: 'Failed', message: '404' },
      "False CouldntGetTask: Pipeline ns/run can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task \"build\": 404",
    ],
    [
      'a policy refuses it',
      { kind: 'failed', reason: 'Untrusted', message: 'no signature' },
      'False ResourceVerificationFailed: PipelineRun ns/run referred resource a failed signature verification: no signature',
    ],
    [
      'it may not be read',
      { kind: 'failed', reason: 'Forbidden', message: 'tasks is forbidden' },
      'Unknown ResolvingTaskRef: tasks is forbidden; it will be tried again',
    ],
  ])('%s', (_name, resolved, expected) => {
    const simulation = simulate(remoteTask('a'));
    simulation.tasks.set('git', resolved);
    const { retry } = simulation.step();
    expect(simulation.condition).toBe(expected);
    expect(simulation.created).toEqual([]);
    expect(retry !== undefined).toBe(expected.startsWith('Unknown'));
  });

  it('say whether they are trusted: one that is not decides', () => {
    const simulation = simulate(remoteTask('a'), task('b', { taskRef: { name: 'plain' } }));
    simulation.tasks.set('git', { ...build, verdict: { kind: 'warned', message: 'no signature' } });
    simulation.tasks.set('plain', { ...build, verdict: { kind: 'passed' } });
    simulation.step();
    expect(simulation.run.status?.conditions?.[1]).toMatchObject({
      type: 'TrustedResourcesVerified',
      status: 'False',
      message: 'no signature',
    });
    expect(simulation.created).toHaveLength(2);
  });
});
