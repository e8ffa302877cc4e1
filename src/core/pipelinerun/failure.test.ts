import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { PipelineRunEffect } from './types.ts';
import { decideAtOnce } from '../need.ts';
import { planPipelineRun } from './plan.ts';
import { settle } from './settle.ts';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

const tasks = (...all: PipelineTask[]): PipelineRunSpec => ({ pipelineSpec: { tasks: all } });

describe("CEL in a task's when", () => {
  const outcome = (cel: string) => {
    const simulation = new Simulation(pipelineRun(tasks(task('first', {}, 'r'), task('guarded', { when: [{ cel }] }))));
    simulation.settings = {
      ...simulation.settings,
      flags: { ...simulation.settings.flags, enableCelInWhenExpression: true },
    };
    simulation.step();
    simulation.finish('first', { results: { r: 'go' } });
    simulation.step();
    return { condition: simulation.condition, created: simulation.created, skipped: simulation.skipped };
  };

  it('runs the task where it holds, with results replaced', () => {
    expect(outcome("'$(tasks.first.results.r)'.startsWith('g') && size('é') == 1").created).toEqual([
      'run-first',
      'run-guarded',
    ]);
  });

  it('skips it where it does not', () => {
    const { created, skipped } = outcome("'$(tasks.first.results.r)' == 'stop'");
    expect(created).toEqual(['run-first']);
    expect(skipped).toEqual({ guarded: 'When Expressions evaluated to false' });
  });

  it('ends the run where it has no value', () => {
    expect(outcome("size('$(tasks.first.results.r)')").condition).toBe(
      "False CELEvaluationFailed: Error evaluating CEL of task guarded: [User error] when[0]: the CEL expression size('go'): it is not evaluated to a boolean",
    );
  });
});

describe('runs that cannot be run', () => {
  it.each<[string, PipelineRunSpec, string]>([
    [
      'no pipeline at all',
      {},
      'CouldntGetPipeline: Error retrieving pipeline for pipelinerun ns/run: [User error] spec has neither pipelineRef nor pipelineSpec; give one of them',
    ],
    [
      'a Pipeline that is not there',
      { pipelineRef: { name: 'p' } },
      'CouldntGetPipeline: Error retrieving pipeline for pipelinerun ns/run: pipelines.tekton.dev "p" not found',
    ],
    [
      'a remote Pipeline',
      { pipelineRef: { resolver: 'git' } },
      'CouldntGetPipeline: Error retrieving pipeline for pipelinerun ns/run: [User error] spec.pipelineRef.resolver: "git": remote references are not supported by this version; apply the Pipeline to the namespace and refer to it by name',
    ],
    [
      'a Task that is not there',
      tasks(task('a', { taskRef: { name: 't' } })),
      'CouldntGetTask: Pipeline ns/run can\'t be Run; it contains Tasks that don\'t exist: Couldn\'t retrieve Task "t": tasks.tekton.dev "t" not found',
    ],
    [
      'no tasks',
      tasks(),
      "PipelineValidationFailed: Pipeline ns/run can't be Run; it has an invalid spec: [User error] missing field(s): spec.tasks; a pipeline needs at least one task",
    ],
    [
      'a cycle',
      tasks(task('a', { runAfter: ['b'] }), task('b', { runAfter: ['a'] })),
      'PipelineInvalidGraph: PipelineRun ns/run\'s Pipeline DAG is invalid: [User error] cycle detected; task "a" depends on "b"',
    ],
    [
      'two final tasks of one name',
      { pipelineSpec: { tasks: [task('a')], finally: [task('f'), task('f')] } },
      "PipelineInvalidGraph: PipelineRun ns/run's Pipeline DAG is invalid for finally clause: [User error] task f is already present in Graph, can't add it again: duplicate pipeline task",
    ],
    [
      'a pipeline in a pipeline without its gate',
      tasks({ name: 'a', pipelineRef: { name: 'p' } }),
      'PipelineValidationFailed: Pipeline ns/run can\'t be Run; it has an invalid spec: [User error] pipelineRef requires "enable-api-fields" feature gate to be "alpha" but it is "beta": tasks[0].pipelineRef',
    ],
    [
      'a pipeline in a pipeline without its name',
      tasks({ name: 'a', pipelineRef: {} }),
      "PipelineValidationFailed: Pipeline ns/run can't be Run; it has an invalid spec: [User error] tasks[0].pipelineRef.name: missing; name a Pipeline of this namespace",
    ],
    [
      'a custom task without its group',
      tasks(task('a', { taskRef: { kind: 'Wait', name: 'w' } })),
      "PipelineValidationFailed: Pipeline ns/run can't be Run; it has an invalid spec: [User error] invalid value: custom task ref must specify apiVersion: tasks[0].taskRef.apiVersion",
    ],
    [
      'a remote Task',
      tasks(task('a', { taskRef: { resolver: 'hub' } })),
      'PipelineValidationFailed: Pipeline ns/run can\'t be Run; it has an invalid spec: [User error] tasks[0].taskRef.resolver: "hub": remote references are not supported by this version; apply the Task to the namespace and refer to it by name',
    ],
    [
      'a CEL guard without the feature flag',
      tasks(task('a', { when: [{ cel: 'true' }] })),
      "PipelineValidationFailed: Pipeline ns/run can't be Run; it has an invalid spec: [User error] feature flag enable-cel-in-whenexpression should be set to true to use CEL: true in WhenExpression: tasks[0].when[0]",
    ],
    [
      'a guard with an unknown operator',
      tasks(task('a', { when: [{ input: 'a', operator: 'like', values: [] }] })),
      'PipelineValidationFailed: Pipeline ns/run can\'t be Run; it has an invalid spec: [User error] invalid value: operator "like" is not recognized. valid operators: in,notin: tasks[0].when[0].operator',
    ],
    [
      'a missing param',
      { pipelineSpec: { params: [{ name: 'p' }, { name: 'q' }], tasks: [task('a')] } },
      'ParameterMissing: PipelineRun ns/run is missing some parameters required by Pipeline ns/run: [User error] missing values for these params which have no default values: [p q]; add them to spec.params',
    ],
    [
      'a param of the wrong type',
      {
        params: [{ name: 'p', value: 'x' }],
        pipelineSpec: { params: [{ name: 'p', type: 'array' }], tasks: [task('a')] },
      },
      "ParameterTypeMismatch: PipelineRun ns/run parameters have mismatching types with Pipeline ns/run's parameters: [User error] parameters have mismatching types: [p]",
    ],
    [
      'an object without a key',
      {
        params: [{ name: 'o', value: { a: '1' } }],
        pipelineSpec: { params: [{ name: 'o', type: 'object', properties: { a: {}, b: {} } }], tasks: [task('a')] },
      },
      "ObjectParameterMissKeys: PipelineRun ns/run parameters is missing object keys required by Pipeline ns/run's parameters: [User error] pipelineRun missing object keys for parameters: map[o:[b]]",
    ],
    [
      'an index past the end',
      {
        pipelineSpec: {
          params: [{ name: 'l', default: ['x'] }],
          tasks: [task('a', { params: [{ name: 'q', value: '$(params.l[1])' }] })],
        },
      },
      "ParamArrayIndexingInvalid: PipelineRun ns/run failed validation: failed to validate Pipeline ns/run's parameter which has an invalid index while referring to an array: [User error] non-existent param references:[$(params.l[1])]",
    ],
    [
      'a workspace that is not bound',
      { pipelineSpec: { workspaces: [{ name: 'foo' }], tasks: [task('a')] } },
      'InvalidWorkspaceBindings: PipelineRun ns/run doesn\'t bind Pipeline ns/run\'s Workspaces correctly: [User error] pipeline requires workspace with name "foo" be provided by pipelinerun',
    ],
    [
      'a workspace of a task that is not bound',
      tasks(task('a', { workspaces: [{ name: 'w' }] })),
      'CreateRunFailed: [User error] expected workspace "w" to be provided by pipelinerun for pipeline task "a"; add it to spec.workspaces of the PipelineRun',
    ],
    [
      'an optional workspace that a task requires',
      {
        pipelineSpec: {
          workspaces: [{ name: 'w', optional: true }],
          tasks: [
            task('a', {
              workspaces: [{ name: 'w' }],
              taskSpec: { workspaces: [{ name: 'w' }], steps: [{ image: 'i' }] },
            }),
          ],
        },
      },
      'RequiredWorkspaceMarkedOptional: Optional workspace not supported by task: [User error] pipeline workspace "w" is marked optional but pipeline task "a" requires it be provided',
    ],
    [
      'taskRunSpecs of no task',
      { ...tasks(task('a')), taskRunSpecs: [{ pipelineTaskName: 'b' }] },
      'InvalidTaskRunSpecs: PipelineRun ns/run doesn\'t define taskRunSpecs correctly: [User error] pipelineRun\'s taskrunSpecs defined wrong taskName: "b", does not exist in Pipeline',
    ],
    [
      'a task without its param',
      tasks({ name: 'a', taskSpec: { params: [{ name: 'p' }], steps: [{ image: 'i' }] } }),
      'PipelineValidationFailed: Validation failed for pipelinerun run with error [User error] invalid input params for task a: missing values for these params which have no default values: [p]',
    ],
    [
      'a result that its task does not declare',
      tasks(task('a'), task('b', { params: [{ name: 'p', value: '$(tasks.a.results.r)' }] })),
      'InvalidTaskResultReference: [User error] invalid result reference in pipeline task "b": "r" is not a named result returned by pipeline task "a"',
    ],
    [
      'a pipeline result that no task has',
      { pipelineSpec: { tasks: [task('a')], results: [{ name: 'x', value: '$(tasks.a.results.r)' }] } },
      'InvalidPipelineResultReference: Failed to resolve pipeline result reference for "run" with error [User error] invalid pipeline result "x": "r" is not a named result returned by pipeline task "a"',
    ],
    [
      'a workspace bound twice',
      {
        ...tasks(task('a')),
        workspaces: [
          { name: 'w', emptyDir: {} },
          { name: 'w', emptyDir: {} },
        ],
      },
      'PipelineValidationFailed: PipelineRun ns/run can\'t be Run: [User error] workspace "w" provided by pipelinerun more than once, at index 0 and 1: spec.workspaces[1].name',
    ],
    [
      'a Pipeline and an embedded one',
      { ...tasks(task('a')), pipelineRef: { name: 'p' } },
      "PipelineValidationFailed: PipelineRun ns/run can't be Run: [User error] expected exactly one, got both: spec.pipelineRef, spec.pipelineSpec",
    ],
    [
      'parts that take longer than the whole',
      { ...tasks(task('a')), timeouts: { pipeline: '10s', tasks: '20s' } },
      "PipelineValidationFailed: PipelineRun ns/run can't be Run: [User error] invalid value: 20s should be <= pipeline duration: spec.timeouts.tasks",
    ],
    ['what admission would refuse', tasks(task('Wrong Name')), 'PipelineValidationFailed: '],
    [
      'a duration below zero',
      { ...tasks(task('a')), timeouts: { pipeline: '-1m' } },
      "PipelineValidationFailed: PipelineRun ns/run can't be Run: [User error] invalid value: -1m should be >= 0: spec.timeouts.pipeline",
    ],
    [
      'a duration that is none',
      { ...tasks(task('a')), timeouts: { pipeline: 'soon' } },
      'PipelineValidationFailed: PipelineRun ns/run can\'t be Run: [User error] invalid value: time: invalid duration "soon": spec.timeouts; write durations like 1h30m',
    ],
  ])('%s', (_name, spec, condition) => {
    const simulation = new Simulation(pipelineRun(spec));
    simulation.step();
    if (condition.endsWith(': ')) expect(simulation.condition).toContain(`False ${condition}`);
    else expect(simulation.condition).toBe(`False ${condition}`);
    expect(simulation.created).toEqual([]);
    expect(simulation.claims.size).toBe(0);
    expect(simulation.events).toEqual([
      'Normal Started',
      `Warning Failed ${simulation.run.status?.conditions?.[0]?.message}`,
    ]);
    expect(simulation.plan().effects).toEqual([]);
  });

  it.each<[string, PipelineTask, string]>([
    [
      'param',
      task('a', { when: [{ input: '$(params.nope)', operator: 'in', values: ['x'] }] }),
      'non-existent variable in "$(params.nope)": spec.tasks[0].when[0].input',
    ],
    [
      'workspace',
      task('a', { workspaces: [{ name: 'w', workspace: 'nope' }] }),
      'invalid value: pipeline task "a" expects workspace with name "nope" but none exists in pipeline spec: spec.tasks[0].workspaces[0]',
    ],
  ])('a Pipeline of its own that uses a %s it does not declare', (_what, given, problem) => {
    const simulation = new Simulation(
      pipelineRun({
        pipelineRef: { name: 'p' },
        params: [{ name: 'nope', value: 'x' }],
        workspaces: [{ name: 'nope', emptyDir: {} }],
      }),
    );
    simulation.pipeline = { kind: 'found', definition: { name: 'p', metadata: {}, spec: { tasks: [given] } } };
    simulation.step();
    expect(simulation.condition).toBe(
      `False PipelineValidationFailed: Pipeline ns/p can't be Run; it has an invalid spec: [User error] ${problem}`,
    );
  });

  it('leaves no task running when it fails on the way', () => {
    const simulation = new Simulation(
      pipelineRun(tasks(task('a'), task('slow'), task('b', { taskRef: { name: 't' }, runAfter: ['a'] }))),
    );
    simulation.tasks.set('t', {
      kind: 'found',
      definition: { name: 't', metadata: {}, spec: { steps: [{ image: 'i' }] } },
    });
    simulation.step();
    simulation.tasks.clear();
    simulation.finish('a');
    simulation.step();
    expect(simulation.condition).toMatch(/^False CouldntGetTask/);
    simulation.step();
    expect(simulation.taskRuns.get('run-slow')?.spec).toMatchObject({
      status: 'TaskRunCancelled',
      statusMessage: 'TaskRun cancelled as the PipelineRun it belongs to has failed.',
    });
    expect(simulation.plan().effects).toEqual([]);
  });

  it('shows the pipeline it was to run', () => {
    const simulation = new Simulation(pipelineRun({ pipelineSpec: { params: [{ name: 'p' }], tasks: [task('a')] } }));
    simulation.step();
    expect(simulation.run.status?.pipelineSpec?.tasks?.[0]?.name).toBe('a');
  });

  it('a result that cannot be had ends a run that went well', () => {
    const simulation = new Simulation(
      pipelineRun({
        pipelineSpec: {
          tasks: [task('a', {}, 'r', 's')],
          results: [
            { name: 'x', value: '$(tasks.a.results.r)' },
            { name: 'y', value: '$(tasks.a.results.s)' },
          ],
        },
      }),
    );
    simulation.step();
    simulation.finish('a', { results: { s: 'S' } });
    simulation.step();
    expect(simulation.condition).toBe(
      "False CouldntGetPipelineResult: Failed to get PipelineResult from TaskRun Results for PipelineRun run: invalid pipelineresults [x], the referenced results don't exist",
    );
    expect(simulation.run.status?.results).toEqual([{ name: 'y', value: 'S' }]);
  });

  it.each<[string, string | string[], string]>([
    [
      'over a result that is text',
      'x',
      'InvalidMatrixParameterTypes: Failed to validate matrix "m" with error [User error] parameters of type array only are allowed, but param "p" has type "string" in pipelineTask "m"',
    ],
    [
      'over too long a result',
      Array.from({ length: 257 }, String),
      'PipelineValidationFailed: [User error] expected 0 <= 257 <= 256: matrix of pipeline task "m"; an operator may raise default-max-matrix-combinations-count',
    ],
  ])('a matrix %s', (_name, r, condition) => {
    const simulation = new Simulation(
      pipelineRun(
        tasks(task('a', {}, 'r'), task('m', { matrix: { params: [{ name: 'p', value: '$(tasks.a.results.r[*])' }] } })),
      ),
    );
    simulation.step();
    simulation.finish('a', { results: { r } });
    simulation.step();
    expect(simulation.condition).toBe(`False ${condition}`);
  });

  it('an index past the end of a result', () => {
    const simulation = new Simulation(
      pipelineRun(tasks(task('a', {}, 'r'), task('b', { params: [{ name: 'p', value: '$(tasks.a.results.r[3])' }] }))),
    );
    simulation.step();
    simulation.finish('a', { results: { r: ['x'] } });
    simulation.step();
    expect(simulation.condition).toBe(
      'False PipelineValidationFailed: [User error] pipeline task "b": couldn\'t resolve all references: Array Result Index 3 for Task a Result r is out of bound of size 1',
    );
  });
});

describe('settle: effects that fail', () => {
  const now = new Date('2026-01-01T00:00:05Z');
  type Answer = { status: number; reason: string; message: string };
  const settled = (spec: PipelineRunSpec, type: PipelineRunEffect['type'], answer: Answer, request?: string) => {
    const simulation = new Simulation(pipelineRun(spec));
    if (request) {
      simulation.step();
      simulation.request(request);
    }
    const decision = decideAtOnce(planPipelineRun(simulation.facts(), now), (need) => simulation.answerTo(need));
    return settle(
      simulation.run,
      decision,
      decision.effects.map((effect) =>
        effect.type === type ? { effect, kind: 'failed', ...answer } : { effect, kind: 'applied' },
      ),
      now,
    );
  };
  const brief = ({ status, retry, events }: ReturnType<typeof settle>) => ({
    condition: `${status.conditions?.[0]?.status} ${status.conditions?.[0]?.reason}`,
    message: status.conditions?.[0]?.message,
    children: status.childReferences?.length ?? 0,
    retry: retry !== undefined,
    events: events.map(({ reason }) => reason),
  });
  const withClaim: PipelineRunSpec = {
    ...tasks(task('a')),
    workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }],
  };

  it('a TaskRun that is refused ends the run', () => {
    expect(
      brief(settled(tasks(task('a')), 'createChild', { status: 400, reason: 'BadRequest', message: 'denied' })),
    ).toEqual({
      condition: 'False CreateRunFailed',
      message: 'denied',
      children: 0,
      retry: false,
      events: ['TaskRunsCreationFailed', 'Started', 'Failed'],
    });
  });

  it('a TaskRun whose name is taken ends the run', () => {
    expect(
      brief(settled(tasks(task('a')), 'createChild', { status: 409, reason: 'AlreadyExists', message: 'taken' })),
    ).toMatchObject({ condition: 'False CreateRunFailed', retry: false });
  });

  it('a TaskRun that could not be created for now is tried again', () => {
    expect(brief(settled(tasks(task('a')), 'createChild', { status: 503, reason: '', message: 'busy' }))).toMatchObject(
      {
        condition: 'Unknown Running',
        children: 0,
        retry: true,
        events: ['TaskRunsCreationFailed', 'Started', 'Running'],
      },
    );
  });

  it('a claim that is refused ends the run', () => {
    expect(
      brief(
        settled(withClaim, 'createPersistentVolumeClaim', {
          status: 403,
          reason: 'Forbidden',
          message: 'denied',
        }),
      ),
    ).toMatchObject({
      condition: 'False CouldntCreateWorkspacePVC',
      message: expect.stringMatching(
        /^Failed to create PVC for PipelineRun ns\/run correctly: failed to create PVC pvc-[0-9a-f]{10} for workspace "w": denied$/,
      ) as unknown,
      retry: false,
    });
  });

  it.each([
    ['quota is used up', 403, 'exceeded quota: pvcs, requested: 1, used: 1', 60_000],
    ['quota changes meanwhile', 409, 'the object has been modified', 1_000],
  ])('a claim waits while %s', (_name, status, message, ms) => {
    const { requeueAfterMs, ...rest } = settled(withClaim, 'createPersistentVolumeClaim', {
      status,
      reason: status === 403 ? 'Forbidden' : 'Conflict',
      message,
    });
    expect(brief(rest)).toMatchObject({
      condition: 'Unknown PipelineRunPending',
      message: `Waiting for PVC creation to succeed: ${message}`,
      retry: false,
    });
    expect(requeueAfterMs).toBe(ms);
    expect(rest.status.completionTime).toBeUndefined();
  });

  it('a claim that could not be created for now is tried again', () => {
    expect(
      brief(
        settled(withClaim, 'createPersistentVolumeClaim', { status: 0, reason: '', message: 'connection refused' }),
      ),
    ).toMatchObject({ condition: 'Unknown Running', retry: true });
  });

  it('a run is not over while its children do not know it', () => {
    const answer = { status: 500, reason: '', message: 'no' };
    expect(brief(settled(tasks(task('a')), 'cancelChild', answer, 'Cancelled'))).toMatchObject({
      condition: 'Unknown PipelineRunCouldntCancel',
      retry: true,
      events: ['PipelineRunCouldntCancel'],
      message:
        'PipelineRun "run" was cancelled but had errors trying to cancel TaskRuns and/or Runs: Failed to patch TaskRun `run-a` with cancellation: no',
    });
    expect(settled(tasks(task('a')), 'cancelChild', answer, 'Cancelled').status.completionTime).toBeUndefined();
  });

  it('tasks that could not be cancelled gracefully are tried again', () => {
    expect(
      brief(
        settled(tasks(task('a')), 'cancelChild', { status: 500, reason: '', message: 'no' }, 'CancelledRunFinally'),
      ),
    ).toMatchObject({ condition: 'Unknown CancelledRunningFinally', retry: true });
  });
});
