import { describe, expect, test } from 'vitest';
import { formatFieldErrors } from '../../fielderror.ts';
import type { FeatureFlags } from '../../config/feature-flags.ts';
import type { Defaults } from '../../config/config-defaults.ts';
import type { PipelineRunSpec } from './pipelinerun.ts';
import { validatePipelineRun, validatePipelineRunSpec, validatePipelineRunUpdate } from './pipelinerun.validate.ts';
import type { TaskRunSpec } from './taskrun.ts';
import { validateTaskRun, validateTaskRunSpec, validateTaskRunUpdate } from './taskrun.validate.ts';
import { defaultValidationContext, type ValidationContext } from './validation.ts';

function context(flags: Partial<FeatureFlags>, defaults: Partial<Defaults> = {}): ValidationContext {
  return {
    flags: { ...defaultValidationContext.flags, ...flags },
    defaults: { ...defaultValidationContext.defaults, ...defaults },
  };
}
const taskRef = { name: 'build' };
const pipelineRef = { name: 'build' };
const sources = (path: string) =>
  ['configmap', 'emptydir', 'persistentvolumeclaim', 'secret', 'volumeclaimtemplate']
    .map((name) => `${path}.${name}`)
    .join(', ');

describe('TaskRun specs', () => {
  const rows: { name: string; spec: TaskRunSpec; context?: ValidationContext; want: string }[] = [
    {
      name: 'fine',
      spec: { taskRef, params: [{ name: 'p', value: 'v' }], workspaces: [{ name: 'w', emptyDir: {} }], timeout: '0' },
      want: '',
    },
    { name: 'neither', spec: {}, want: 'expected exactly one, got neither: taskRef, taskSpec' },
    {
      name: 'both',
      spec: { taskRef, taskSpec: { steps: [{ image: 'i' }] } },
      want: 'expected exactly one, got both: taskRef, taskSpec',
    },
    { name: 'reference without name', spec: { taskRef: {} }, want: 'missing field(s): taskRef.name' },
    {
      name: 'unqualified name',
      spec: { taskRef: { name: '_x' } },
      want: "invalid value: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'): taskRef.name",
    },
    {
      name: 'param twice',
      spec: {
        taskRef,
        params: [
          { name: 'p', value: '1' },
          { name: 'P', value: '2' },
        ],
      },
      want: 'expected exactly one, got both: params[P].name',
    },
    {
      name: 'workspace without source',
      spec: { taskRef, workspaces: [{ name: 'w' }] },
      want: `expected exactly one, got neither: ${sources('workspaces[0]')}`,
    },
    {
      name: 'workspace with two sources',
      spec: { taskRef, workspaces: [{ name: 'w', emptyDir: {}, secret: { secretName: 's' } }] },
      want: `expected exactly one, got both: ${sources('workspaces[0]')}`,
    },
    {
      name: 'claim without name',
      spec: { taskRef, workspaces: [{ name: 'w', persistentVolumeClaim: { claimName: '' } }] },
      want: 'missing field(s): workspaces[0].persistentvolumeclaim.claimname',
    },
    {
      name: 'workspace twice',
      spec: {
        taskRef,
        workspaces: [
          { name: 'w', emptyDir: {} },
          { name: 'w', emptyDir: {} },
        ],
      },
      want: 'expected exactly one, got both: workspaces[1].name',
    },
    {
      name: 'status',
      spec: { taskRef, status: 'Cancelled' },
      want: 'invalid value: Cancelled should be TaskRunCancelled or TaskRunPending: status',
    },
    {
      name: 'message without status',
      spec: { taskRef, statusMessage: 'x' },
      want: 'invalid value: statusMessage should not be set if status is not set, but it is currently set to x: statusMessage',
    },
    { name: 'negative retries', spec: { taskRef, retries: -1 }, want: 'invalid value: -1 should be >= 0: retries' },
    {
      name: 'negative timeout',
      spec: { taskRef, timeout: '-48h' },
      want: 'invalid value: -48h0m0s should be >= 0: timeout',
    },
    {
      name: 'debug on beta',
      spec: { taskRef, debug: { breakpoints: { onFailure: 'enabled' } } },
      want: 'debug requires "enable-api-fields" feature gate to be "alpha" but it is "beta": debug',
    },
    {
      name: 'breakpoint',
      spec: { taskRef, debug: { breakpoints: { onFailure: 'on' } } },
      context: context({ enableApiFields: 'alpha' }),
      want: 'invalid value: on is not a valid onFailure breakpoint value, onFailure breakpoint is only allowed to be set as enabled: debug.breakpoints.onFailure',
    },
    {
      name: 'resources twice',
      spec: {
        taskRef,
        computeResources: { limits: { cpu: 1 } },
        stepSpecs: [{ name: 's', computeResources: { limits: { cpu: 1 } } }],
      },
      want: 'expected exactly one, got both: computeResources, stepSpecs.resources',
    },
    {
      name: 'stepSpecs on stable',
      spec: { taskRef, stepSpecs: [{ name: '', computeResources: {} }] },
      context: context({ enableApiFields: 'stable' }),
      want: 'missing field(s): stepSpecs[0].name\nstepSpecs requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": stepSpecs',
    },
    {
      name: 'forbidden env',
      spec: { taskRef, podTemplate: { env: [{ name: 'HTTP_PROXY' }] } },
      context: context({}, { forbiddenEnv: ['HTTP_PROXY'] }),
      want: 'invalid value: PodTemplate cannot update a forbidden env: HTTP_PROXY: PodTemplate.Env',
    },
    {
      name: 'inline specs disabled',
      spec: { taskSpec: { steps: [{ image: 'i' }] } },
      context: context({ disableInlineSpec: ['taskrun'] }),
      want: 'must not set the field(s): taskSpec',
    },
    {
      name: 'propagated params',
      spec: {
        params: [
          { name: 'p', value: 'v' },
          { name: 'l', value: ['x'] },
        ],
        taskSpec: { steps: [{ image: 'i', script: '$(params.p)', args: ['$(params.l[*])'] }] },
      },
      want: '',
    },
    {
      name: 'unknown param',
      spec: { taskSpec: { steps: [{ image: 'i', script: '$(params.p)' }] } },
      want: 'non-existent variable in "$(params.p)": taskSpec.steps[0].script',
    },
    {
      name: 'propagated list in a script',
      spec: { params: [{ name: 'l', value: ['x'] }], taskSpec: { steps: [{ image: 'i', script: '$(params.l[*])' }] } },
      want: 'variable type invalid in "$(params.l[*])": taskSpec.steps[0].script',
    },
  ];
  test.each(rows)('$name', ({ spec, context: given, want }) => {
    expect(formatFieldErrors(validateTaskRunSpec(spec, given))).toBe(want);
  });
});

describe('PipelineRun specs', () => {
  const rows: { name: string; spec: PipelineRunSpec; context?: ValidationContext; want: string }[] = [
    { name: 'fine', spec: { pipelineRef, timeouts: { pipeline: '1h', tasks: '50m', finally: '10m' } }, want: '' },
    { name: 'neither', spec: {}, want: 'expected exactly one, got neither: pipelineRef, pipelineSpec' },
    {
      name: 'both',
      spec: { pipelineRef, pipelineSpec: { tasks: [{ name: 'a', taskRef }] } },
      want: 'expected exactly one, got both: pipelineRef, pipelineSpec',
    },
    {
      name: 'status',
      spec: { pipelineRef, status: 'PipelineRunCancelled' },
      want: 'invalid value: PipelineRunCancelled should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending: status',
    },
    {
      name: 'workspace twice',
      spec: {
        pipelineRef,
        workspaces: [
          { name: 'foo', emptyDir: {} },
          { name: 'foo', emptyDir: {} },
        ],
      },
      want: 'workspace "foo" provided by pipelinerun more than once, at index 0 and 1: workspaces[1].name',
    },
    {
      name: 'tasks longer than the run',
      spec: { pipelineRef, timeouts: { pipeline: '1h', tasks: '2h' } },
      want: 'invalid value: 2h0m0s should be <= pipeline duration: timeouts.tasks',
    },
    {
      name: 'unlimited tasks in a limited run',
      spec: { pipelineRef, timeouts: { pipeline: '1h', tasks: '0' } },
      want: 'invalid value: 0s (no timeout) should be <= pipeline duration: timeouts.tasks',
    },
    {
      name: 'parts longer than the whole',
      spec: { pipelineRef, timeouts: { pipeline: '1h', tasks: '50m', finally: '20m' } },
      want: 'invalid value: 50m0s + 20m0s should be <= pipeline duration: timeouts.finally, timeouts.tasks',
    },
    {
      name: 'tasks longer than the default',
      spec: { pipelineRef, timeouts: { tasks: '2h' } },
      want: 'invalid value: 2h0m0s should be <= default timeout duration: timeouts.tasks',
    },
    { name: 'no limit at all', spec: { pipelineRef, timeouts: { pipeline: '0', tasks: '100h' } }, want: '' },
    {
      name: 'negative',
      spec: { pipelineRef, timeouts: { finally: '-1s' } },
      want: 'invalid value: -1s should be >= 0: timeouts.finally',
    },
    {
      name: 'timeout of one task',
      spec: {
        pipelineRef,
        timeouts: { pipeline: '1h' },
        taskRunSpecs: [{ pipelineTaskName: 'a', timeout: '2h' }, { pipelineTaskName: 'b' }],
      },
      want: 'invalid value: 2h0m0s should be <= pipeline duration 1h0m0s: taskRunSpecs[a].timeout',
    },
    {
      name: 'result as a param',
      spec: { pipelineRef, params: [{ name: 'p', value: '$(tasks.a.results.r)' }] },
      want: 'invalid value: cannot use result expressions in [tasks.a.results.r] as PipelineRun parameter values: params[p].value',
    },
    {
      name: 'forbidden env',
      spec: { pipelineRef, taskRunTemplate: { podTemplate: { env: [{ name: 'X' }] } } },
      context: context({}, { forbiddenEnv: ['X'] }),
      want: 'invalid value: PodTemplate cannot update a forbidden env: X: taskRunTemplate.PodTemplate.Env',
    },
    {
      name: 'inline specs disabled',
      spec: { pipelineSpec: { tasks: [{ name: 'a', taskRef }] } },
      context: context({ disableInlineSpec: ['pipelinerun'] }),
      want: 'must not set the field(s): pipelineSpec',
    },
    {
      name: 'params propagate into embedded tasks',
      spec: {
        params: [
          { name: 'run', value: 'v' },
          { name: 'obj', value: { url: 'u' } },
        ],
        pipelineSpec: {
          params: [{ name: 'pipe', type: 'array', default: [] }],
          tasks: [
            {
              name: 'a',
              params: [{ name: 'own', value: '$(params.run)' }],
              taskSpec: {
                steps: [
                  { image: 'i', script: '$(params.run)$(params.own)$(params.obj.url)', args: ['$(params.pipe[*])'] },
                ],
              },
            },
            {
              name: 'b',
              matrix: { params: [{ name: 'os', value: ['x'] }] },
              taskSpec: { params: [{ name: 'os' }], steps: [{ image: 'i', script: '$(params.os)' }] },
            },
          ],
        },
      },
      want: '',
    },
    {
      name: 'a type is that of the nearest declaration',
      spec: {
        params: [{ name: 'x', value: ['a'] }],
        pipelineSpec: {
          tasks: [
            {
              name: 'a',
              params: [{ name: 'x', value: '$(params.x[0])' }],
              taskSpec: { params: [{ name: 'x', type: 'string' }], steps: [{ image: 'i', script: '$(params.x)' }] },
            },
          ],
        },
      },
      want: '',
    },
    {
      name: 'keys of an object come from several scopes',
      spec: {
        params: [{ name: 'repo', value: { url: 'u', commit: 'c' } }],
        pipelineSpec: {
          tasks: [
            {
              name: 'a',
              params: [{ name: 'repo', value: { branch: 'b' } }],
              taskSpec: {
                steps: [{ image: 'i', args: ['$(params.repo.url)', '$(params.repo.commit)', '$(params.repo.branch)'] }],
              },
            },
          ],
        },
      },
      want: '',
    },
    {
      name: 'a list made by a matrix reaches a task that does not declare it',
      spec: {
        pipelineSpec: {
          tasks: [
            {
              name: 'a',
              matrix: { params: [{ name: 'os', value: ['x', 'y'] }] },
              taskSpec: {
                results: [{ name: 'r', type: 'string' }],
                steps: [{ image: 'i', script: '$(params.os) > $(results.r.path)' }],
              },
            },
            {
              name: 'b',
              params: [{ name: 'all', value: '$(tasks.a.results.r[*])' }],
              taskSpec: { steps: [{ image: 'i', args: ['$(params.all[*])'] }] },
            },
          ],
          results: [{ name: 'all', value: '$(tasks.a.results.r[*])' }],
        },
      },
      want: '',
    },
    {
      name: 'list and object handed to a step action',
      spec: {
        params: [
          { name: 'l', value: ['x'] },
          { name: 'o', value: { k: 'v' } },
        ],
        pipelineSpec: {
          tasks: [
            {
              name: 'a',
              taskSpec: {
                steps: [
                  {
                    name: 's',
                    ref: { name: 'action' },
                    params: [
                      { name: 'l', value: '$(params.l[*])' },
                      { name: 'o', value: '$(params.o[*])' },
                    ],
                  },
                ],
              },
            },
          ],
        },
      },
      want: '',
    },
    {
      name: 'unknown param in an embedded task',
      spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'i', script: '$(params.x)' }] } }] } },
      want: 'non-existent variable in "$(params.x)": pipelineSpec.tasks[0].taskSpec.steps[0].script',
    },
    {
      name: 'unknown param handed to a task',
      spec: { pipelineSpec: { tasks: [{ name: 'a', taskRef, params: [{ name: 'p', value: '$(params.x)' }] }] } },
      want: 'non-existent variable in "$(params.x)": pipelineSpec.tasks[0].params[p]',
    },
  ];
  test.each(rows)('$name', ({ spec, context: given, want }) => {
    expect(formatFieldErrors(validatePipelineRunSpec(spec, given))).toBe(want);
  });
});

test('a run cannot be pending once it has started', () => {
  const metadata = { name: 'r' };
  const status = { startTime: '2026-01-01T00:00:00Z' };
  expect(formatFieldErrors(validateTaskRun({ metadata, spec: { taskRef, status: 'TaskRunPending' }, status }))).toBe(
    'invalid value: TaskRun cannot be Pending after it is started: spec.status',
  );
  expect(
    formatFieldErrors(validatePipelineRun({ metadata, spec: { pipelineRef, status: 'PipelineRunPending' }, status })),
  ).toBe('invalid value: PipelineRun cannot be Pending after it is started: spec.status');
});

test('a name that the server will generate is not missed', () => {
  expect(validateTaskRun({ metadata: { generateName: 'r-' }, spec: { taskRef } })).toEqual([]);
});

describe('updates', () => {
  const metadata = { name: 'r' };
  const done = { conditions: [{ type: 'Succeeded', status: 'True' as const }] };
  const taskRows: { name: string; before: TaskRunSpec; after: TaskRunSpec; done?: boolean; want: string }[] = [
    { name: 'nothing', before: { taskRef }, after: { taskRef }, want: '' },
    {
      name: 'cancel',
      before: { taskRef },
      after: { taskRef, status: 'TaskRunCancelled', statusMessage: 'x' },
      want: '',
    },
    {
      name: 'defaults written later',
      before: { taskRef },
      after: { timeout: '1h0m0s', serviceAccountName: 'default', taskRef: { kind: 'Task', name: 'build' } },
      want: '',
    },
    {
      name: 'param',
      before: { taskRef },
      after: { taskRef, params: [{ name: 'p', value: 'v' }] },
      want: 'invalid value: Once the TaskRun has started, only status and statusMessage updates are allowed: spec',
    },
    {
      name: 'cancel when done',
      before: { taskRef },
      after: { taskRef, status: 'TaskRunCancelled' },
      done: true,
      want: 'invalid value: Once the TaskRun is complete, no updates are allowed: spec',
    },
    {
      name: 'managedBy',
      before: { taskRef },
      after: { taskRef, managedBy: 'x' },
      want: 'invalid value: Once the TaskRun has started, only status and statusMessage updates are allowed: spec\nmanagedBy is immutable: spec.managedBy',
    },
  ];
  test.each(taskRows)('TaskRun: $name', ({ before, after, done: isDone, want }) => {
    expect(
      formatFieldErrors(
        validateTaskRunUpdate(
          { metadata, spec: before, ...(isDone ? { status: done } : {}) },
          { metadata, spec: after },
        ),
      ),
    ).toBe(want);
  });
  const pipelineRows: { name: string; after: PipelineRunSpec; done?: boolean; want: string }[] = [
    { name: 'cancel', after: { pipelineRef, status: 'Cancelled' }, want: '' },
    {
      name: 'timeouts',
      after: { pipelineRef, timeouts: { pipeline: '2h' } },
      want: 'invalid value: Once the PipelineRun has started, only status updates are allowed: spec',
    },
    {
      name: 'cancel when done',
      after: { pipelineRef, status: 'Cancelled' },
      done: true,
      want: 'invalid value: Once the PipelineRun is complete, no updates are allowed: spec',
    },
  ];
  test.each(pipelineRows)('PipelineRun: $name', ({ after, done: isDone, want }) => {
    expect(
      formatFieldErrors(
        validatePipelineRunUpdate(
          { metadata, spec: { pipelineRef }, ...(isDone ? { status: done } : {}) },
          { metadata, spec: after },
        ),
      ),
    ).toBe(want);
  });
});
