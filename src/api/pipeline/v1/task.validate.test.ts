import { describe, expect, test } from 'vitest';
import { formatFieldErrors } from '../../fielderror.ts';
import type { FeatureFlags } from '../../config/feature-flags.ts';
import type { TaskSpec } from './task.ts';
import { validateTask, validateTaskSpec } from './task.validate.ts';
import { defaultValidationContext, type ValidationContext } from './validation.ts';

function withFlags(flags: Partial<FeatureFlags>): ValidationContext {
  return { ...defaultValidationContext, flags: { ...defaultValidationContext.flags, ...flags } };
}
const alpha = withFlags({ enableApiFields: 'alpha' });
const stable = withFlags({ enableApiFields: 'stable' });
const step = { name: 'a', image: 'alpine' };

describe('specs that are refused', () => {
  const rows: { name: string; spec: TaskSpec; context?: ValidationContext; want: string }[] = [
    { name: 'no steps', spec: {}, want: 'missing field(s): steps' },
    { name: 'no image', spec: { steps: [{ script: 'ls' }] }, want: 'missing field(s): steps[0].image' },
    {
      name: 'script and command',
      spec: { steps: [{ ...step, script: 'ls', command: ['ls'] }] },
      want: 'script cannot be used with command: steps[0].script',
    },
    {
      name: 'step name is no label',
      spec: { steps: [{ ...step, name: 'My_Step' }] },
      want: 'invalid value "My_Step": steps[0].name\nTask step name must be a valid DNS Label, For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names',
    },
    { name: 'step name twice', spec: { steps: [step, { image: 'b' }, step] }, want: 'invalid value: a: steps[2].name' },
    {
      name: 'fields beside ref',
      spec: { steps: [{ ref: { name: 'x' }, image: 'i', args: ['a'], env: [{ name: 'E' }] }] },
      want: 'args cannot be used with Ref: steps[0].args\nenv cannot be used with Ref: steps[0].env\nimage cannot be used with Ref: steps[0].image',
    },
    {
      name: 'params without ref',
      spec: { steps: [{ ...step, params: [{ name: 'p', value: 'v' }] }] },
      want: 'params cannot be used without Ref: steps[0].params',
    },
    {
      name: 'ref with params and no resolver',
      spec: { steps: [{ ref: { params: [] } }] },
      want: 'missing field(s): steps[0].ref.resolver',
    },
    {
      name: 'ref with name and resolver',
      spec: { steps: [{ ref: { name: 'x', resolver: 'git' } }] },
      want: 'expected exactly one, got both: steps[0].ref.name, steps[0].ref.resolver',
    },
    {
      name: 'mount below /tekton',
      spec: { steps: [{ ...step, volumeMounts: [{ name: 'v', mountPath: '/tekton/bin' }] }] },
      want: 'volumeMount cannot be mounted under /tekton/ (volumeMount "v" mounted at "/tekton/bin"): steps[0].volumeMounts[0].mountPath',
    },
    {
      name: 'reserved volume name',
      spec: { steps: [{ ...step, volumeMounts: [{ name: 'tekton-internal-x', mountPath: '/x' }] }] },
      want: 'volumeMount name "tekton-internal-x" cannot start with "tekton-internal-": steps[0].volumeMounts[0].name',
    },
    {
      name: 'onError',
      spec: { steps: [{ ...step, onError: 'retry' }] },
      want: 'invalid value: "retry": steps[0].onError\nTask step onError must be "continue", "stopAndFail" or "continueAndFail"',
    },
    {
      name: 'negative timeout',
      spec: { steps: [{ ...step, timeout: '-1m' }] },
      want: 'invalid value: -1m0s should be >= 0: steps[0].timeout',
    },
    {
      name: 'unreadable timeout',
      spec: { steps: [{ ...step, timeout: 'soon' }] },
      want: 'invalid value: time: invalid duration "soon"; use a form such as 1h30m or 90s: steps[0].timeout',
    },
    {
      name: 'alpha field on beta',
      spec: { steps: [{ ...step, stdoutConfig: { path: '/x' } }] },
      want: 'step stdout stream support requires "enable-api-fields" feature gate to be "alpha" but it is "beta": steps[0].stdoutconfig',
    },
    {
      name: 'windows script',
      spec: { steps: [{ ...step, script: '#!win pwsh' }] },
      want: 'windows script support requires "enable-api-fields" feature gate to be "alpha" but it is "beta": steps[0].script',
    },
    {
      name: 'isolated workspace on stable',
      spec: { workspaces: [{ name: 'w' }], steps: [{ ...step, workspaces: [{ name: 'w', mountPath: '/w' }] }] },
      context: stable,
      want: 'step workspaces requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": steps[0]',
    },
    {
      name: 'undefined workspace',
      spec: { steps: [{ ...step, workspaces: [{ name: 'w', mountPath: '/w' }] }] },
      want: 'undefined workspace "w": steps[0].workspaces[0].name',
    },
    {
      name: 'workspace name twice',
      spec: { steps: [step], workspaces: [{ name: 'w' }, { name: 'w', mountPath: '/x' }] },
      want: 'workspace name "w" must be unique: workspaces[1].name',
    },
    {
      name: 'workspace mount twice',
      spec: {
        steps: [{ ...step, volumeMounts: [{ name: 'v', mountPath: '/workspace/w/' }] }],
        workspaces: [{ name: 'w' }],
      },
      want: 'workspace mount path "/workspace/w" must be unique: workspaces[0].mountpath',
    },
    {
      name: 'volume twice',
      spec: { steps: [step], volumes: [{ name: 'v' }, { name: 'v' }] },
      want: 'multiple volumes with same name "v": volumes[1].name',
    },
    {
      name: 'reserved sidecar',
      spec: { steps: [step], sidecars: [{ name: 'tekton-log-results' }] },
      want: 'Invalid: cannot use reserved sidecar name tekton-log-results : sidecars',
    },
    {
      name: 'param twice',
      spec: { steps: [step], params: [{ name: 'p' }, { name: 'p' }] },
      want: 'parameter appears more than once: params[p]',
    },
    {
      name: 'param of unknown type',
      spec: { steps: [step], params: [{ name: 'p', type: 'number' as 'string' }] },
      want: 'invalid value: number: params.p.type',
    },
    {
      name: 'default of another type',
      spec: { steps: [step], params: [{ name: 'p', type: 'array', default: 'x' }] },
      want: '"array" type does not match default value\'s type: "string": params.p.default.type, params.p.type',
    },
    {
      name: 'enum without flag',
      spec: { steps: [step], params: [{ name: 'p', enum: ['a'] }] },
      want: 'feature flag `enable-param-enum` should be set to true to use Enum: params[p]',
    },
    {
      name: 'array in a script',
      spec: { steps: [{ ...step, script: 'echo $(params.p[*])' }], params: [{ name: 'p', type: 'array' }] },
      want: 'variable type invalid in "echo $(params.p[*])": steps[0].script',
    },
    {
      name: 'array beside text',
      spec: { steps: [{ ...step, args: ['x $(params.p[*])'] }], params: [{ name: 'p', type: 'array' }] },
      want: 'variable is not properly isolated in "x $(params.p[*])": steps[0].args[0]',
    },
    {
      name: 'unknown context',
      spec: { steps: [{ ...step, script: 'echo $(context.taskRun.nme)' }] },
      want: 'non-existent variable in "echo $(context.taskRun.nme)": steps[0].script',
    },
    {
      name: 'unknown result',
      spec: { steps: [{ ...step, script: 'date > $(results.when.path)' }] },
      want: 'non-existent variable in "date > $(results.when.path)": steps[0].script',
    },
    {
      name: 'result name',
      spec: { steps: [step], results: [{ name: '_x' }] },
      want: "invalid key name \"_x\": results[0].name\nName must consist of alphanumeric characters, '-', '_', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for validation is '^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$')",
    },
    {
      name: 'object result without properties',
      spec: { steps: [step], results: [{ name: 'r', type: 'object' }] },
      want: 'missing field(s): results[0].r.properties',
    },
    {
      name: 'result type',
      spec: { steps: [step], results: [{ name: 'r', type: 'map' as 'string' }] },
      want: 'invalid value: map: results[0].type\ntype must be string',
    },
    {
      name: 'result value',
      spec: { steps: [step], results: [{ name: 'r', value: 'plain' }] },
      want: 'Could not extract step name and result name. Expected value to look like $(steps.<stepName>.results.<resultName>) but got "plain": results[0].value',
    },
    {
      name: 'when without values',
      spec: { steps: [{ ...step, when: [{ input: 'a', operator: 'in' }] }] },
      want: 'invalid value: expecting non-empty values field: steps[0].when[0]',
    },
    {
      name: 'artifacts without flag',
      spec: { steps: [{ ...step, script: 'cat $(steps.a.outputs.image)' }] },
      want: 'feature flag enable-artifacts should be set to true to use artifacts feature.: steps[0]',
    },
  ];
  test.each(rows)('$name', ({ spec, context, want }) => {
    expect(formatFieldErrors(validateTaskSpec(spec, context))).toBe(want);
  });
});

describe('specs that are accepted', () => {
  const rows: { name: string; spec: TaskSpec; context?: ValidationContext }[] = [
    { name: 'unnamed steps', spec: { steps: [{ image: 'a' }, { image: 'a' }] } },
    { name: 'image from the template', spec: { stepTemplate: { image: 'a' }, steps: [{ script: 'ls' }] } },
    {
      name: 'referenced step beside a template',
      spec: { stepTemplate: { image: 'a' }, steps: [{ ref: { name: 'x' } }] },
    },
    { name: 'params from outside', spec: { steps: [{ ...step, script: 'echo $(params.from-the-run)' }] } },
    {
      name: 'array alone and by element',
      spec: {
        params: [{ name: 'p', type: 'array' }],
        steps: [{ ...step, args: ['$(params.p[*])', '$(params["p"])', 'x$(params.p[0])'] }],
      },
    },
    {
      name: 'home may be mounted',
      spec: { steps: [{ ...step, volumeMounts: [{ name: 'h', mountPath: '/tekton/home' }] }] },
    },
    { name: 'onError by param', spec: { params: [{ name: 'e' }], steps: [{ ...step, onError: '$(params.e)' }] } },
    {
      name: 'alpha on alpha',
      spec: { steps: [{ ...step, stdoutConfig: { path: '/x' }, script: '#!win' }] },
      context: alpha,
    },
    {
      name: 'step results',
      spec: {
        steps: [{ ...step, script: 'x > $(step.results.r.path); y > $(results.t.path)', results: [{ name: 'r' }] }],
        results: [{ name: 't' }, { name: 'u', value: '$(steps.a.results.r)' }],
      },
    },
    {
      name: 'result of a referenced step',
      spec: { steps: [{ name: 'a', ref: { name: 'x' } }], results: [{ name: 'r', value: '$(steps.a.results.any)' }] },
    },
    {
      name: 'shell and kubernetes variables',
      spec: { steps: [{ ...step, script: 'echo $(date) $HOME ${X} $(HOSTNAME)' }] },
    },
  ];
  test.each(rows)('$name', ({ spec, context }) => {
    expect(formatFieldErrors(validateTaskSpec(spec, context))).toBe('');
  });
});

describe('a Task by itself', () => {
  const task = (spec: TaskSpec, name = 'build') => ({ metadata: { name }, spec });
  const rows: { name: string; task: ReturnType<typeof task>; want: string }[] = [
    {
      name: 'fine',
      task: task({
        steps: [{ ...step, script: '$(params.a)$(params.o.k)$(params["dotted.name"])' }],
        params: [{ name: 'a' }, { name: 'dotted.name' }, { name: 'o', properties: { k: {} } }],
      }),
      want: '',
    },
    {
      name: 'undeclared param',
      task: task({ steps: [{ ...step, script: '$(params.b)' }] }),
      want: 'non-existent variable in "$(params.b)": spec.steps[0].script',
    },
    {
      name: 'undeclared in env',
      task: task({ steps: [{ ...step, env: [{ name: 'E', value: '$(params.b)' }] }] }),
      want: 'non-existent variable in "$(params.b)": spec.steps[0].env[E]',
    },
    {
      name: 'unknown key',
      task: task({ steps: [{ ...step, script: '$(params.o.x)' }], params: [{ name: 'o', properties: { k: {} } }] }),
      want: 'non-existent variable in "$(params.o.x)": spec.steps[0].script',
    },
    {
      name: 'whole object',
      task: task({ steps: [{ ...step, script: '$(params.o)' }], params: [{ name: 'o', properties: { k: {} } }] }),
      want: 'variable type invalid in "$(params.o)": spec.steps[0].script',
    },
    {
      name: 'object without properties',
      task: task({ steps: [step], params: [{ name: 'o', type: 'object' }] }),
      want: 'missing field(s): spec.o.properties',
    },
    {
      name: 'three components',
      task: task({ steps: [{ ...step, script: '$(params.a.b.c)' }] }),
      want: 'Invalid referencing of parameters in "$(params.a.b.c)"! Only two dot-separated components after the prefix "params" are allowed.: spec.steps[0].script',
    },
    {
      name: 'name',
      task: task({ steps: [step] }, 'Build'),
      want: 'invalid resource name "Build": must be a valid DNS label: metadata.name',
    },
    {
      name: 'long name',
      task: task({ steps: [step] }, 'b'.repeat(64)),
      want: 'Invalid resource name: length must be no more than 63 characters: metadata.name',
    },
  ];
  test.each(rows)('$name', ({ task: object, want }) => {
    expect(formatFieldErrors(validateTask(object))).toBe(want);
  });
});
