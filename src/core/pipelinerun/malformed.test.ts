import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import { pipelineRun, Simulation } from './simulation.fake.ts';

/** The CRD leaves an embedded pipeline open: anything may stand there. */
const spec = {
  params: [
    { name: 'who', type: 'string', default: 'you' },
    { name: 'list', type: 'array', default: ['a'] },
  ],
  workspaces: [{ name: 'w', optional: true }],
  results: [{ name: 'said', value: '$(tasks.a.results.r)' }],
  tasks: [
    {
      name: 'a',
      params: [{ name: 'p', value: '$(params.who)' }],
      workspaces: [{ name: 'w', workspace: 'w' }],
      when: [{ input: 'x', operator: 'in', values: ['x'] }],
      taskSpec: {
        params: [{ name: 'p', type: 'string' }],
        results: [{ name: 'r', type: 'string' }],
        workspaces: [{ name: 'w', optional: true }],
        volumes: [{ name: 'v', emptyDir: {} }],
        stepTemplate: { env: [{ name: 'A', value: 'b' }] },
        sidecars: [{ name: 'c', image: 'i' }],
        steps: [
          {
            name: 's',
            image: 'i',
            script: 'echo $(params.p)',
            env: [{ name: 'A', value: 'b' }],
            computeResources: { limits: { cpu: '1' } },
          },
        ],
      },
    },
    {
      name: 'b',
      runAfter: ['a'],
      matrix: {
        params: [{ name: 'm', value: ['1', '2'] }],
        include: [{ name: 'i', params: [{ name: 'm', value: '3' }] }],
      },
      taskSpec: { params: [{ name: 'm' }], steps: [{ name: 's', image: 'i' }] },
    },
  ],
  finally: [{ name: 'f', taskSpec: { steps: [{ name: 's', image: 'i' }] } }],
};

type Path = (string | number)[];
function pathsOf(tree: unknown, at: Path = []): Path[] {
  if (tree === null || typeof tree !== 'object') return [at];
  const keys = Array.isArray(tree) ? [...tree.keys()] : Object.keys(tree);
  return [
    ...(at.length > 0 ? [at] : []),
    ...keys.flatMap((key) => pathsOf((tree as Record<string | number, unknown>)[key], [...at, key])),
  ];
}

function replaced(path: Path, value: unknown): PipelineSpec {
  const copy = structuredClone(spec) as unknown as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((node, key) => node[key] as Record<string | number, unknown>, copy);
  parent[path.at(-1) ?? ''] = value;
  return copy;
}

function afterOneStep(pipelineSpec: PipelineSpec): Simulation {
  const simulation = new Simulation(pipelineRun({ pipelineSpec }));
  simulation.step();
  return simulation;
}

describe('an embedded pipeline of any shape', () => {
  it('is run as it is when nothing is wrong with it', () => {
    const simulation = afterOneStep(spec as PipelineSpec);
    expect(simulation.created).toEqual(['run-a']);
  });

  it.each<[string, Path, unknown, string]>([
    [
      'params as a mapping',
      ['params'],
      { greeting: 'hello' },
      'invalid value: {"greeting":"hello"}: must be an array: spec.pipelineSpec.params',
    ],
    [
      'a task without its dash',
      ['tasks'],
      { name: 'a' },
      'invalid value: {"name":"a"}: must be an array: spec.pipelineSpec.tasks',
    ],
    [
      'final tasks as a mapping',
      ['finally'],
      { name: 'f' },
      'invalid value: {"name":"f"}: must be an array: spec.pipelineSpec.finally',
    ],
    [
      'results of a task as a mapping',
      ['tasks', 0, 'taskSpec', 'results'],
      { r: {} },
      'invalid value: {"r":{}}: must be an array: spec.pipelineSpec.tasks[0].taskSpec.results',
    ],
  ])('%s is named', (_name, path, value, problem) => {
    expect(afterOneStep(replaced(path, value)).condition).toBe(
      `False PipelineValidationFailed: Pipeline ns/run can't be Run; it has an invalid spec: [User error] ${problem}`,
    );
  });

  it('is run or refused, never thrown at, and can be cancelled', () => {
    const anything = fc.constantFrom<unknown>(
      null,
      [null],
      [],
      {},
      [{}],
      'text',
      7,
      true,
      ['x'],
      { k: 'v' },
      { k: null },
      [[]],
    );
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(spec)), anything, (path, value) => {
        const malformed = replaced(path, value);
        expect(afterOneStep(malformed).condition).toMatch(/^(Unknown Running|False \w+|True \w+): ./);
        const cancelled = new Simulation(pipelineRun({ pipelineSpec: malformed, status: 'Cancelled' }));
        cancelled.step();
        expect(cancelled.condition).toMatch(/^False Cancelled/);
      }),
      { numRuns: 600 },
    );
  });
});
