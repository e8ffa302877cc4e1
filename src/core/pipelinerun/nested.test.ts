import { beforeEach, describe, expect, it } from 'vitest';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import { recordAnnotations } from '../digest/record.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const alpha = { ...settings, flags: parseFeatureFlags({ 'enable-api-fields': 'alpha' }).flags };

const inner: PipelineSpec = { tasks: [task('t')], results: [{ name: 'r', value: '$(tasks.t.results.r)' }] };

/** A task that is a pipeline. */
function nested(name: string, fields: Partial<PipelineTask> = {}): PipelineTask {
  return { name, ...(fields.pipelineRef ? {} : { pipelineSpec: inner }), ...fields };
}

function simulate(tasks: PipelineTask[], rest: Partial<PipelineRunSpec> = {}, finals: PipelineTask[] = []): Simulation {
  const simulation = new Simulation(
    pipelineRun({
      ...rest,
      pipelineSpec: {
        ...rest.pipelineSpec,
        tasks,
        ...(finals.length > 0 ? { finally: finals } : {}),
      },
    }),
  );
  simulation.settings = alpha;
  return simulation;
}

function childOf(simulation: Simulation, name: string): PipelineRun {
  const child = simulation.pipelineRuns.get(name);
  if (!child) throw new Error(`no ${name}; there are ${[...simulation.pipelineRuns.keys()].join()}`);
  return child;
}

describe('a pipeline in a pipeline', () => {
  it('is a PipelineRun of its own, recorded and referred to', () => {
    const simulation = simulate(
      [nested('build', { pipelineRef: { name: 'builder' }, params: [{ name: 'p', value: '1' }] })],
      {
        taskRunTemplate: { serviceAccountName: 'robot' },
      },
    );
    simulation.step();
    const child = childOf(simulation, 'run-build');
    expect(child).toMatchObject({
      kind: 'PipelineRun',
      metadata: {
        name: 'run-build',
        labels: {
          'tekton.dev/pipeline': 'builder',
          'tekton.dev/pipelineRun': 'run',
          'tekton.dev/pipelineRunUID': 'uid-run',
          'tekton.dev/pipelineTask': 'build',
          'tekton.dev/memberOf': 'tasks',
        },
        ownerReferences: [{ kind: 'PipelineRun', name: 'run', uid: 'uid-run', controller: true }],
      },
      spec: {
        pipelineRef: { name: 'builder' },
        params: [{ name: 'p', value: '1' }],
        timeouts: { pipeline: '1h0m0s' },
        taskRunTemplate: { serviceAccountName: 'robot' },
      },
    });
    expect(simulation.run.status?.childReferences).toEqual([
      { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'run-build', pipelineTaskName: 'build' },
    ]);
    expect(simulation.run.status?.annotations?.[recordAnnotations.children]).toMatch(/^run-build uid-run-build /);
  });

  it('needs the gate', () => {
    const simulation = simulate([nested('build')]);
    simulation.settings = settings;
    simulation.step();
    expect(simulation.condition).toBe(
      'False PipelineValidationFailed: Pipeline ns/run can\'t be Run; it has an invalid spec: [User error] pipelineSpec requires "enable-api-fields" feature gate to be "alpha" but it is "beta": tasks[0].pipelineSpec',
    );
  });

  it.each<[string, Partial<PipelineTask>, Partial<PipelineRunSpec>, Partial<PipelineRunSpec>]>([
    ['its own limit', { timeout: '5m' }, {}, { timeouts: { pipeline: '5m' } }],
    [
      'the limit of its section',
      {},
      { timeouts: { pipeline: '3h', tasks: '2h' } },
      { timeouts: { pipeline: '2h0m0s' } },
    ],
    ['no limit, as the outer run', {}, { timeouts: { pipeline: '0' } }, { timeouts: { pipeline: '0s' } }],
    [
      'what taskRunSpecs say of its task',
      {},
      { taskRunSpecs: [{ pipelineTaskName: 'build', serviceAccountName: 'other', timeout: '7m' }] },
      { timeouts: { pipeline: '7m' }, taskRunTemplate: { serviceAccountName: 'other' } },
    ],
    [
      'params of the outer run that it uses and does not declare',
      {
        pipelineSpec: {
          tasks: [task('t', { params: [{ name: 'a', value: '$(params.outer)$(params["own"])' }] })],
          params: [{ name: 'own', default: 'x' }],
        },
      },
      {
        params: [
          { name: 'outer', value: 'O' },
          { name: 'own', value: 'not this' },
          { name: 'unused', value: 'U' },
        ],
      },
      { params: [{ name: 'outer', value: 'O' }] },
    ],
    [
      'workspaces by its own names',
      { workspaces: [{ name: 'src', workspace: 'shared', subPath: 'in' }] },
      { workspaces: [{ name: 'shared', emptyDir: {} }] },
      { workspaces: [{ name: 'src', emptyDir: {}, subPath: 'in' }] },
    ],
    [
      'workspaces that it declares under the same name',
      { pipelineSpec: { ...inner, workspaces: [{ name: 'shared' }] } },
      { workspaces: [{ name: 'shared', emptyDir: {} }] },
      { workspaces: [{ name: 'shared', emptyDir: {} }] },
    ],
  ])('gets %s', (_name, fields, run, expected) => {
    const simulation = simulate([nested('build', fields)], run);
    simulation.step();
    expect(childOf(simulation, 'run-build').spec).toMatchObject(expected);
  });

  it('gives its results and its outcome to others', () => {
    const simulation = simulate(
      [nested('build'), task('use', { params: [{ name: 'p', value: '$(tasks.build.results.r)' }] })],
      {},
      [task('tell', { params: [{ name: 's', value: '$(tasks.build.status) $(tasks.build.reason)' }] })],
    );
    simulation.step();
    expect(simulation.created).toEqual(['run-build']);
    simulation.finish('build', { reason: 'Completed', results: { r: 'R' } });
    simulation.step();
    expect(simulation.taskRuns.get('run-use')?.spec.params).toEqual([{ name: 'p', value: 'R' }]);
    simulation.finish('use');
    simulation.step();
    expect(simulation.taskRuns.get('run-tell')?.spec.params).toEqual([{ name: 's', value: 'Succeeded Completed' }]);
    simulation.finish('tell');
    simulation.step();
    expect(simulation.condition).toBe('True Succeeded: Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0');
  });

  it('refuses a result that an embedded one does not have', () => {
    const simulation = simulate([
      nested('build'),
      task('use', { params: [{ name: 'p', value: '$(tasks.build.results.x)' }] }),
    ]);
    simulation.step();
    expect(simulation.condition).toBe(
      'False InvalidTaskResultReference: [User error] invalid result reference in pipeline task "use": "x" is not a named result returned by pipeline task "build"',
    );
  });

  it('is fanned out, with results in order', () => {
    const simulation = simulate([
      nested('build', { matrix: { params: [{ name: 'os', value: ['a', 'b'] }] } }),
      task('use', { params: [{ name: 'p', value: '$(tasks.build.results.r[*])' }] }),
    ]);
    simulation.step();
    expect(childOf(simulation, 'run-build-1').spec.params).toEqual([{ name: 'os', value: 'b' }]);
    simulation.finish('build', { results: { r: 'B' } }, 1);
    simulation.finish('build', { results: { r: 'A' } }, 0);
    simulation.step();
    expect(simulation.taskRuns.get('run-use')?.spec.params).toEqual([{ name: 'p', value: ['A', 'B'] }]);
  });
});

describe('retries of a pipeline in a pipeline', () => {
  it('makes a new run for each, and counts the last', () => {
    const simulation = simulate([
      nested('build', { retries: 2 }),
      task('use', { params: [{ name: 'p', value: '$(tasks.build.results.r)' }] }),
    ]);
    simulation.step();
    simulation.finish('build', { status: 'False' });
    simulation.step();
    expect(simulation.condition).toBe(
      'Unknown Running: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 2, Skipped: 0',
    );
    expect(simulation.created).toEqual(['run-build', 'run-build-retry-1']);
    simulation.finish('build-retry-1', { status: 'False', reason: 'PipelineRunTimeout' });
    simulation.step();
    simulation.finish('build-retry-2', { results: { r: 'R' } });
    simulation.step();
    expect(simulation.taskRuns.get('run-use')?.spec.params).toEqual([{ name: 'p', value: 'R' }]);
    expect(simulation.run.status?.childReferences?.map(({ name }) => name)).toEqual([
      'run-build',
      'run-build-retry-1',
      'run-build-retry-2',
      'run-use',
    ]);
  });

  it.each<[string, number, (simulation: Simulation) => void, string]>([
    ['they are used up', 0, () => undefined, 'False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0'],
    [
      'the run is to stop',
      3,
      (simulation) => simulation.request('StoppedRunFinally'),
      'False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0',
    ],
  ])('ends when %s', (_name, retries, change, expected) => {
    const simulation = simulate([nested('build', { retries })]);
    simulation.step();
    simulation.finish('build', { status: 'False' });
    change(simulation);
    simulation.step();
    expect(simulation.condition).toBe(expected);
  });

  it('does not try again what was cancelled', () => {
    const simulation = simulate([nested('build', { retries: 3 })]);
    simulation.step();
    simulation.finish('build', { status: 'False', reason: 'Cancelled' });
    simulation.step();
    expect(simulation.created).toEqual(['run-build']);
    expect(simulation.condition).toBe('False Cancelled: Tasks Completed: 1 (Failed: 0, Cancelled 1), Skipped: 0');
  });

  it('tries the one of a fan-out that failed', () => {
    const simulation = simulate([
      nested('build', { retries: 1, matrix: { params: [{ name: 'os', value: ['a', 'b'] }] } }),
    ]);
    simulation.step();
    simulation.finish('build', { status: 'False' }, 0);
    simulation.step();
    expect(simulation.created).toEqual(['run-build-0', 'run-build-1', 'run-build-0-retry-1']);
    expect(childOf(simulation, 'run-build-0-retry-1').spec.params).toEqual([{ name: 'os', value: 'a' }]);
    simulation.finish('build', {}, 1);
    simulation.finish('build-0-retry-1');
    simulation.step();
    expect(simulation.condition).toBe('True Succeeded: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 0');
  });
});

describe('a pipeline in a pipeline that is to stop', () => {
  let simulation: Simulation;
  beforeEach(() => {
    simulation = simulate([nested('build')], { timeouts: { pipeline: '10m', tasks: '5m' } }, [task('last')]);
    simulation.step();
  });
  const asked = () => childOf(simulation, 'run-build').spec.status;

  it.each([
    ['Cancelled', 'Cancelled', 'False Cancelled: PipelineRun "run" was cancelled'],
    [
      'CancelledRunFinally',
      'CancelledRunFinally',
      'Unknown CancelledRunningFinally: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 2, Skipped: 0',
    ],
    [
      'StoppedRunFinally',
      'StoppedRunFinally',
      'Unknown StoppedRunningFinally: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 2, Skipped: 0',
    ],
  ])('%s is handed down', (request, expected, condition) => {
    simulation.request(request);
    simulation.step();
    expect([asked(), simulation.condition]).toEqual([expected, condition]);
    expect(simulation.plan().effects.filter(({ type }) => type === 'cancelChild')).toEqual([]);
  });

  it('is asked for more when its run is', () => {
    simulation.request('StoppedRunFinally');
    simulation.step();
    simulation.request('CancelledRunFinally');
    simulation.step();
    expect(asked()).toBe('CancelledRunFinally');
    simulation.request('Cancelled');
    simulation.step();
    expect(asked()).toBe('Cancelled');
  });

  it('counts as failed when a limit of the run cut it short', () => {
    simulation.pass(301);
    simulation.step();
    expect(asked()).toBe('Cancelled');
    simulation.finish('build', { status: 'False', reason: 'Cancelled' });
    simulation.step();
    simulation.finish('last');
    simulation.step();
    expect(simulation.condition).toBe(
      'False PipelineRunTimeout: PipelineRun "run" failed due to tasks failed to finish within "5m0s"',
    );
  });
});

describe('pipelines that run themselves', () => {
  const within = (...names: string[]): PipelineRun[] =>
    names.map((name, index) => pipelineRun({ pipelineRef: { name } }, { name: `outer-${index}`, uid: `uid-${index}` }));

  function run(name: string, ancestors: PipelineRun[]): string {
    const simulation = new Simulation(pipelineRun({ pipelineRef: { name } }));
    simulation.settings = alpha;
    simulation.ancestors = ancestors;
    simulation.pipeline = { kind: 'found', definition: { name, metadata: {}, spec: { tasks: [task('t')] } } };
    simulation.step();
    return simulation.condition;
  }

  it('names the loop', () => {
    expect(run('a', within('b', 'c', 'a', 'd'))).toBe(
      "False PipelineValidationFailed: PipelineRun ns/run can't be Run: [User error] the pipeline runs itself: a -> c -> b -> a; take one of these out",
    );
  });

  it('ends at a depth what hides its loop', () => {
    expect(run('a', within(...Array.from({ length: 11 }, (_, index) => `p${index}`)))).toBe(
      "False PipelineValidationFailed: PipelineRun ns/run can't be Run: [User error] pipelines in pipelines are nested deeper than 10: p9 -> p8 -> p7 -> p6 -> p5 -> p4 -> p3 -> p2 -> p1 -> p0 -> a",
    );
  });

  it('lets a pipeline be used twice side by side and ten deep', () =>
    expect(run('a', within('b', 'c'))).toMatch(/^Unknown Running/));
});
