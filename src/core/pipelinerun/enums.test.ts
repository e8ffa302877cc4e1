import { describe, expect, it } from 'vitest';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import type { ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { Resolved } from '../reference/resolved.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const { flags } = parseFeatureFlags({ 'enable-param-enum': 'true' });

function simulate(outer: ParamSpec, value: string, inner: string[] | undefined, given = 'v1'): Simulation {
  const taskSpec = {
    params: [{ name: 'version', ...(inner === undefined ? {} : { enum: inner }) }],
    steps: [{ name: 's', image: 'busybox' }],
  };
  const simulation = new Simulation(
    pipelineRun({
      params: [{ name: outer.name, value: outer.type === 'array' ? [given] : given }],
      pipelineSpec: { params: [outer], tasks: [task('build', { taskSpec, params: [{ name: 'version', value }] })] },
    }),
  );
  simulation.settings = { ...settings, flags };
  return simulation;
}

const enumerated = {
  kind: 'found',
  definition: {
    kind: 'Task',
    name: 't',
    metadata: {},
    spec: { params: [{ name: 'version', enum: ['v1'] }], steps: [{ name: 's', image: 'busybox' }] },
  },
} as Resolved<'Task'>;

const refused =
  'False PipelineValidationFailed: Validation failed for pipelinerun with error [User error] pipeline param';
const runs = 'Unknown Running: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 1, Skipped: 0';

describe('what a pipeline allows for a param that it hands on', () => {
  it.each<[string, ParamSpec, string, string[] | undefined, string]>([
    ['the same', { name: 'v', enum: ['v1', 'v2'] }, '$(params.v)', ['v1', 'v2'], runs],
    ['less', { name: 'v', enum: ['v1'] }, '$(params.v)', ['v1', 'v2'], runs],
    ['anything goes in the task', { name: 'v', enum: ['v1'] }, '$(params.v)', undefined, runs],
    [
      'more',
      { name: 'v', enum: ['v1', 'v3'] },
      '$(params.v)',
      ['v1', 'v2'],
      `${refused} "v" enum: [v1 v3] is not a subset of the referenced in "build" task param enum: [v1 v2]`,
    ],
    [
      'more, in the other spelling',
      { name: 'v.w', enum: ['v1', 'v3'] },
      "$(params['v.w'])",
      ['v1'],
      `${refused} "v.w" enum: [v1 v3] is not a subset of the referenced in "build" task param enum: [v1]`,
    ],
    [
      'anything',
      { name: 'v' },
      '$(params.v)',
      ['v1', 'v2'],
      `${refused} "v" has no enum, but referenced in "build" task has enums: [v1 v2]`,
    ],
    ['a part of a longer text is left to the task', { name: 'v' }, 'x$(params.v)', ['xv1'], runs],
    ['an element of an array is left to the task', { name: 'v', type: 'array' }, '$(params.v[0])', ['v1'], runs],
    ['a text of its own is left to the task', { name: 'v' }, 'v1', ['v1'], runs],
  ])('%s', (_name, outer, value, inner, condition) => {
    const simulation = simulate(outer, value, inner);
    simulation.step();
    expect(simulation.condition).toBe(condition);
    expect(simulation.created).toEqual(condition === runs ? ['run-build'] : []);
  });

  it('is told in few words when it is much', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => `v${index}`);
    const simulation = simulate({ name: 'v', enum: [...values, 'more'] }, '$(params.v)', values, 'v0');
    simulation.step();
    expect(simulation.condition).toMatch(/ is not a subset of /);
    expect(simulation.condition.length).toBeLessThan(1_500);
  });

  it('is not looked at without the flag', () => {
    const build = task('build', { taskRef: { name: 't' }, params: [{ name: 'version', value: '$(params.v)' }] });
    const pipelineSpec = { params: [{ name: 'v' }], tasks: [build] };
    const simulation = new Simulation(pipelineRun({ pipelineSpec, params: [{ name: 'v', value: 'v1' }] }));
    simulation.tasks.set('t', enumerated);
    simulation.step();
    expect(simulation.condition).toBe(runs);
    expect(simulation.created).toEqual(['run-build']);
  });

  it('is looked at also when the Task comes later', () => {
    const spec = { params: [{ name: 'v' }], tasks: [task('build', { taskRef: { resolver: 'git' } })] };
    const [build] = spec.tasks;
    Object.assign(build ?? {}, { params: [{ name: 'version', value: '$(params.v)' }] });
    const simulation = new Simulation(
      pipelineRun({ pipelineRef: { name: 'p' }, params: [{ name: 'v', value: 'v1' }] }),
    );
    simulation.settings = { ...settings, flags };
    simulation.pipeline = {
      kind: 'found',
      definition: { kind: 'Pipeline', name: 'p', metadata: {}, spec },
    } as Resolved<'Pipeline'>;
    simulation.tasks.set('git', { kind: 'resolving' } as Resolved<'Task'>);
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown ResolvingTaskRef/);
    simulation.tasks.set('git', enumerated);
    simulation.step();
    expect(simulation.condition).toBe(`${refused} "v" has no enum, but referenced in "build" task has enums: [v1]`);
    expect(simulation.created).toEqual([]);
  });
});
