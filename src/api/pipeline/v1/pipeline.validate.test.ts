import { describe, expect, test } from 'vitest';
import { formatFieldErrors } from '../../fielderror.ts';
import type { FeatureFlags } from '../../config/feature-flags.ts';
import type { PipelineSpec, PipelineTask } from './pipeline.ts';
import { validatePipeline, validatePipelineSpec } from './pipeline.validate.ts';
import { defaultValidationContext, type ValidationContext } from './validation.ts';

function withFlags(flags: Partial<FeatureFlags>): ValidationContext {
  return { ...defaultValidationContext, flags: { ...defaultValidationContext.flags, ...flags } };
}
const alpha = withFlags({ enableApiFields: 'alpha' });
const stable = withFlags({ enableApiFields: 'stable' });
const a: PipelineTask = { name: 'a', taskRef: { name: 'build' } };
const withParam = (
  value: PipelineTask['params'] extends (infer P)[] | undefined ? (P extends { value: infer V } ? V : never) : never,
): PipelineTask => ({ name: 'b', taskRef: { name: 't' }, params: [{ name: 'p', value }] });
const fanOut: PipelineTask = { ...a, matrix: { params: [{ name: 'os', value: ['linux', 'mac'] }] } };

describe('specs that are refused', () => {
  const rows: { name: string; spec: PipelineSpec; context?: ValidationContext; want: string }[] = [
    {
      name: 'nothing',
      spec: {},
      want: 'expected at least one, got none: description, params, resources, tasks, workspaces',
    },
    {
      name: 'neither ref nor spec',
      spec: { tasks: [{ name: 'a' }] },
      want: 'expected exactly one, got neither: tasks[0].taskRef, tasks[0].taskSpec',
    },
    {
      name: 'neither, on alpha',
      spec: { tasks: [{ name: 'a' }] },
      context: alpha,
      want: 'expected exactly one, got neither: tasks[0].pipelineRef, tasks[0].pipelineSpec, tasks[0].taskRef, tasks[0].taskSpec',
    },
    {
      name: 'ref and spec',
      spec: { tasks: [{ ...a, taskSpec: { steps: [{ image: 'i' }] } }] },
      want: 'expected exactly one, got both: tasks[0].taskRef, tasks[0].taskSpec',
    },
    {
      name: 'task name',
      spec: { tasks: [{ ...a, name: 'a.b' }] },
      want: 'invalid value "a.b": tasks[0].name\nPipeline Task name must be a valid DNS Label.For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names',
    },
    {
      name: 'name in tasks and finally',
      spec: { tasks: [a], finally: [a] },
      want: 'expected exactly one, got both: finally[0].name',
    },
    {
      name: 'embedded spec',
      spec: { tasks: [{ name: 'a', taskSpec: {} }] },
      want: 'missing field(s): tasks[0].taskSpec.steps',
    },
    {
      name: 'custom task without kind',
      spec: { tasks: [{ name: 'a', taskRef: { apiVersion: 'x.dev/v1', name: 'n' } }] },
      want: 'invalid value: custom task ref must specify kind: tasks[0].taskRef.kind',
    },
    {
      name: 'kind of a custom task without apiVersion',
      spec: { tasks: [{ name: 'a', taskRef: { kind: 'Wait', name: 'n' } }] },
      want: 'invalid value: custom task ref must specify apiVersion: tasks[0].taskRef.apiVersion',
    },
    {
      name: 'steps beside kind',
      spec: { tasks: [{ name: 'a', taskSpec: { kind: 'Task', steps: [{ image: 'i' }] } }] },
      want: 'taskSpec.kind cannot be specified when using taskSpec.steps: tasks[0].taskSpec.kind',
    },
    {
      name: 'ref without name',
      spec: { tasks: [{ name: 'a', taskRef: {} }] },
      want: 'missing field(s): tasks[0].taskRef.name',
    },
    {
      name: 'resolver on stable',
      spec: { tasks: [{ name: 'a', taskRef: { resolver: 'git' } }] },
      context: stable,
      want: 'resolver requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": tasks[0].taskRef.resolver',
    },
    {
      name: 'pipelineRef on beta',
      spec: { tasks: [{ name: 'a', pipelineRef: { name: 'p' } }] },
      want: 'pipelineRef requires "enable-api-fields" feature gate to be "alpha" but it is "beta": tasks[0].pipelineRef',
    },
    {
      name: 'nested pipeline',
      spec: { tasks: [{ name: 'a', pipelineSpec: { tasks: [{ name: 'x' }] } }] },
      context: alpha,
      want: 'expected exactly one, got neither: tasks[0].pipelineSpec.tasks[0].pipelineRef, tasks[0].pipelineSpec.tasks[0].pipelineSpec, tasks[0].pipelineSpec.tasks[0].taskRef, tasks[0].pipelineSpec.tasks[0].taskSpec',
    },
    {
      name: 'nested pipeline of a wrong form',
      spec: { tasks: [{ name: 'a', pipelineSpec: { tasks: 'x' } }] },
      context: alpha,
      want: 'invalid value: Invalid input: expected array, received string: tasks[0].pipelineSpec.tasks',
    },
    {
      name: 'inline specs disabled',
      spec: { tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'i' }] } }] },
      context: withFlags({ disableInlineSpec: ['pipeline'] }),
      want: 'must not set the field(s): tasks[0].taskSpec',
    },
    {
      name: 'onError',
      spec: { tasks: [{ ...a, onError: 'ignore' }] },
      want: 'invalid value: ignore: tasks[0].OnError\nPipelineTask OnError must be either "continue" or "stopAndFail"',
    },
    {
      name: 'onError with retries',
      spec: { tasks: [{ ...a, onError: 'continue', retries: 1 }] },
      want: 'PipelineTask OnError cannot be set to "continue" when Retries is greater than 0: tasks[0].onError',
    },
    {
      name: 'operator',
      spec: { tasks: [{ ...a, when: [{ input: 'x', operator: 'exists', values: ['y'] }] }] },
      want: 'invalid value: operator "exists" is not recognized. valid operators: in,notin: tasks[0].when[0]',
    },
    {
      name: 'CEL without flag',
      spec: { tasks: [{ ...a, when: [{ cel: 'true' }] }] },
      want: 'feature flag enable-cel-in-whenexpression should be set to true to use CEL: true in WhenExpression: tasks[0].when[0]',
    },
    {
      name: 'CEL and input',
      spec: { tasks: [{ ...a, when: [{ cel: 'true', input: 'x' }] }] },
      context: withFlags({ enableCelInWhenExpression: true }),
      want: 'cel and input+operator+values cannot be set in one WhenExpression: {"cel":"true","input":"x"}: tasks[0].when[0]',
    },
    {
      name: 'param twice',
      spec: {
        tasks: [
          {
            ...a,
            params: [
              { name: 'p', value: '1' },
              { name: 'p', value: '2' },
            ],
          },
        ],
      },
      want: 'parameter names must be unique, the parameter "p" is also defined at: tasks[0].params[1].name',
    },
    {
      name: 'param in matrix and params',
      spec: { tasks: [{ ...fanOut, params: [{ name: 'os', value: 'x' }] }] },
      want: 'expected exactly one, got both: tasks[0].matrix[os], tasks[0].params[os]',
    },
    {
      name: 'matrix param is no list',
      spec: { tasks: [{ ...a, matrix: { params: [{ name: 'os', value: 'linux' }] } }] },
      want: 'invalid value: parameters of type array only are allowed, but got param type string: tasks[0].matrix.params[os]',
    },
    {
      name: 'include param is no text',
      spec: { tasks: [{ ...a, matrix: { include: [{ name: 'i', params: [{ name: 'os', value: ['linux'] }] }] } }] },
      want: 'invalid value: parameters of type string only are allowed, but got param type array: tasks[0].matrix.include[0].params[os]',
    },
    {
      name: 'too many combinations',
      spec: {
        tasks: [
          {
            ...a,
            matrix: {
              params: [
                { name: 'x', value: Array.from({ length: 17 }, String) },
                { name: 'y', value: Array.from({ length: 16 }, String) },
              ],
            },
          },
        ],
      },
      want: 'expected 0 <= 272 <= 256: tasks[0].matrix',
    },
    {
      name: 'single result of a matrix',
      spec: { tasks: [fanOut, withParam('$(tasks.a.results.r)')] },
      want: 'invalid value: A matrixed pipelineTask can only be consumed in aggregate using [*] notation, but is currently set to tasks.a.results.r: tasks[1].params[p].value',
    },
    {
      name: 'matrix result of another type',
      spec: {
        tasks: [
          {
            name: 'a',
            matrix: fanOut.matrix,
            taskSpec: { steps: [{ image: 'i' }], results: [{ name: 'r', type: 'array' }] },
          },
          withParam('$(tasks.a.results.r[*])'),
        ],
      },
      want: 'invalid value: Matrixed PipelineTasks emitting results must have an underlying type string, but result r has type array in pipelineTask: tasks[1].params[p].value',
    },
    {
      name: 'status of a task outside finally',
      spec: { tasks: [a, withParam('$(tasks.a.status)')] },
      want: 'invalid value: pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks: tasks[1].params[p].value',
    },
    {
      name: 'reason outside finally',
      spec: {
        tasks: [a, { ...withParam('x'), when: [{ input: '$(tasks.a.reason)', operator: 'in', values: ['x'] }] }],
      },
      want: 'invalid value: pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks: tasks[1].when[0].input',
    },
    {
      name: 'status of an unknown task',
      spec: { tasks: [a], finally: [withParam('$(tasks.x.status)')] },
      want: 'invalid value: pipeline task x is not defined in the pipeline: finally[0].params[p].value',
    },
    {
      name: 'unknown context',
      spec: { tasks: [withParam('$(context.pipelineRun.nme)')] },
      want: 'non-existent variable in "$(context.pipelineRun.nme)": tasks[0].params[p].value',
    },
    {
      name: 'unknown prefix',
      spec: { tasks: [withParam('$(parms.x)')] },
      want: 'invalid value: invalid variable reference "$(parms.x)", must start with a valid prefix: params, tasks, finally, context, workspaces, or results; if you meant a shell variable, use ${VAR} instead: tasks[0].params[p].value',
    },
    {
      name: 'workspace without name',
      spec: { tasks: [a], workspaces: [{ name: '' }] },
      want: 'invalid value: workspace 0 has empty name: workspaces[0]',
    },
    {
      name: 'workspace twice',
      spec: { tasks: [a], workspaces: [{ name: 'w' }, { name: 'w' }] },
      want: 'invalid value: workspace with name "w" appears more than once: workspaces[1]',
    },
    {
      name: 'result is plain text',
      spec: { tasks: [a], results: [{ name: 'r', value: 'x' }] },
      want: 'invalid value: expected pipeline results to be task result expressions but no expressions were found: results[0].value',
    },
    {
      name: 'result is another variable',
      spec: { tasks: [a], results: [{ name: 'r', value: '$(params.x)' }] },
      want: 'invalid value: expected pipeline results to be task result expressions but an invalid expressions was found: results[0].value',
    },
    {
      name: 'result of an unknown task',
      spec: { tasks: [a], results: [{ name: 'r', value: '$(tasks.b.results.x)' }] },
      want: 'invalid value: referencing a nonexistent task: results[0].value',
    },
    {
      name: 'malformed result',
      spec: { tasks: [a], results: [{ name: 'r', value: '$(tasks.a.results)' }] },
      want: 'invalid value: expected all of the expressions [tasks.a.results] to be result expressions but only [] were: results[0].value',
    },
    {
      name: 'finally alone',
      spec: { finally: [a] },
      want: 'invalid value: spec.tasks is empty but spec.finally has 1 tasks: finally',
    },
    {
      name: 'runAfter in finally',
      spec: { tasks: [a], finally: [{ ...a, name: 'f', runAfter: ['a'] }] },
      want: 'invalid value: no runAfter allowed under spec.finally, final task f has runAfter specified: finally[0]',
    },
    {
      name: 'result of a final task in finally',
      spec: { tasks: [a], finally: [{ ...a, name: 'f' }, withParam('$(tasks.f.results.r)')] },
      want: 'invalid value: invalid task result reference, final task has task result reference from a final task f: finally[1].params[p].value',
    },
    {
      name: 'result of nobody in finally',
      spec: { tasks: [a], finally: [withParam('$(tasks.x.results.r)')] },
      want: 'invalid value: invalid task result reference, final task has task result reference from a task x which is not defined in the pipeline: finally[0].params[p].value',
    },
  ];
  test.each(rows)('$name', ({ spec, context, want }) => {
    expect(formatFieldErrors(validatePipelineSpec(spec, context))).toBe(want);
  });
});

describe('specs that are accepted', () => {
  const rows: { name: string; spec: PipelineSpec; context?: ValidationContext }[] = [
    {
      name: 'ordinary',
      spec: {
        tasks: [a, { ...withParam('$(tasks.a.results.r)'), runAfter: ['a'] }],
        finally: [
          { ...a, name: 'f', params: [{ name: 's', value: '$(tasks.a.status) $(tasks.status) $(tasks.a.reason)' }] },
        ],
      },
    },
    {
      name: 'custom tasks',
      spec: {
        tasks: [
          { name: 'a', taskRef: { apiVersion: 'x.dev/v1', kind: 'Wait' } },
          { name: 'b', taskSpec: { apiVersion: 'x.dev/v1', kind: 'Wait', spec: { any: 1 } } },
        ],
      },
    },
    {
      name: 'null spec of Go clients',
      spec: { tasks: [{ name: 'a', taskSpec: { spec: null, metadata: {}, steps: [{ image: 'i' }] } }] },
    },
    {
      name: 'resolvers',
      spec: { tasks: [{ name: 'a', taskRef: { resolver: 'git', params: [{ name: 'url', value: 'x' }] } }] },
    },
    { name: 'matrix in aggregate', spec: { tasks: [fanOut, withParam('$(tasks.a.results.r[*])')] } },
    {
      name: 'matrix from a result',
      spec: {
        tasks: [a, { ...a, name: 'b', matrix: { params: [{ name: 'x', value: '$(tasks.a.results.list[*])' }] } }],
      },
    },
    {
      name: 'scripts as params',
      spec: { tasks: [withParam('echo $(ls) $(date +%s) > $(results.r.path) $(steps.a.results.x.path)')] },
    },
    { name: 'what Triggers leaves behind', spec: { tasks: [withParam('$(tt.params.revision)')] } },
    { name: 'a result named status', spec: { tasks: [a, withParam('$(tasks.a.results.status)')] } },
    {
      name: 'results of all kinds',
      spec: {
        tasks: [a],
        finally: [{ ...a, name: 'f' }],
        results: [
          { name: 'r', value: '$(tasks.a.results.x)-$(finally.f.results.y[0])' },
          { name: 'o', value: { k: '$(tasks.a.results.o.k)' } },
          { name: 'l', value: ['$(tasks.a.results["dotted.name"])'] },
        ],
      },
    },
    { name: 'pipelines in pipelines', spec: { tasks: [{ name: 'a', pipelineSpec: { tasks: [a] } }] }, context: alpha },
  ];
  test.each(rows)('$name', ({ spec, context }) => {
    expect(formatFieldErrors(validatePipelineSpec(spec, context))).toBe('');
  });
});

describe('a Pipeline by itself', () => {
  const rows: { name: string; spec: PipelineSpec; want: string }[] = [
    {
      name: 'declared',
      spec: {
        params: [{ name: 'x' }, { name: 'l', type: 'array' }, { name: 'o', properties: { k: {} } }],
        workspaces: [{ name: 'w' }],
        tasks: [
          {
            ...withParam('$(params.x)$(params.o.k)$(params.l[1])'),
            workspaces: [{ name: 'source', workspace: 'w' }, { name: 'w' }],
          },
          {
            ...a,
            name: 'c',
            params: [
              { name: 'all', value: ['x', '$(params.l[*])'] },
              { name: 'whole', value: '$(params.o[*])' },
            ],
          },
        ],
      },
      want: '',
    },
    {
      name: 'undeclared param',
      spec: { tasks: [withParam('$(params.x)')] },
      want: 'non-existent variable in "$(params.x)": spec.tasks[0].params[p]',
    },
    {
      name: 'undeclared in a list',
      spec: { tasks: [withParam(['a', '$(params.x)'])] },
      want: 'non-existent variable in "$(params.x)": spec.tasks[0].params[p].value[1]',
    },
    {
      name: 'undeclared in when',
      spec: { tasks: [{ ...a, when: [{ input: '$(params.x)', operator: 'in', values: ['1'] }] }] },
      want: 'non-existent variable in "$(params.x)": spec.tasks[0].when[0].input',
    },
    {
      name: 'array in text',
      spec: { params: [{ name: 'l', type: 'array' }], tasks: [withParam('x $(params.l[*])')] },
      want: 'variable type invalid in "x $(params.l[*])": spec.tasks[0].params[p]',
    },
    {
      name: 'object without properties',
      spec: { params: [{ name: 'o', type: 'object' }], tasks: [a] },
      want: 'missing field(s): spec.o.properties',
    },
    {
      name: 'undeclared in an embedded task',
      spec: {
        params: [{ name: 'x' }],
        tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'i', script: '$(params.x) $(params.y)' }] } }],
      },
      want: 'non-existent variable in "$(params.x) $(params.y)": spec.tasks[0].taskSpec.steps[0].script',
    },
    {
      name: 'the shell has a say in the name',
      spec: {
        tasks: [
          {
            name: 'a',
            taskSpec: {
              results: [{ name: 'r-1' }],
              steps: [{ image: 'i', script: 'echo x > $(results.r-${i}.path)' }],
            },
          },
        ],
      },
      want: '',
    },
    {
      name: 'undeclared workspace',
      spec: { tasks: [{ ...a, workspaces: [{ name: 'w' }] }] },
      want: 'invalid value: pipeline task "a" expects workspace with name "w" but none exists in pipeline spec: spec.tasks[0].workspaces[0]',
    },
    {
      name: 'workspace given twice',
      spec: { workspaces: [{ name: 'w' }], tasks: [{ ...a, workspaces: [{ name: 'w' }, { name: 'w' }] }] },
      want: 'workspace name "w" must be unique: spec.tasks[0].workspaces[1]',
    },
  ];
  test.each(rows)('$name', ({ spec, want }) => {
    expect(formatFieldErrors(validatePipeline({ metadata: { name: 'p' }, spec }))).toBe(want);
  });
});
