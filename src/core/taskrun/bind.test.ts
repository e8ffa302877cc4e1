import { describe, expect, it } from 'vitest';
import type { Param } from '../../api/pipeline/v1/params.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { taskRunOf } from '../pod/pod.fake.ts';
import { bindAttempt, bindTask, bindWorkspaces, claimName } from './bind.ts';

const run = taskRunOf({
  params: [
    { name: 'p', value: 'P' },
    { name: 'list', value: ['a', 'b'] },
  ],
});

describe('bindTask', () => {
  /** The one step's script, bound. */
  const scriptOf = (
    script: string,
    spec: Partial<TaskSpec> = {},
    bindings: WorkspaceBinding[] = [],
    step: object = {},
    more: Param[] = [],
  ) =>
    bindTask(
      { ...run, spec: { ...run.spec, params: [...(run.spec.params ?? []), ...more] } },
      { name: 'task', spec: { ...spec, steps: [{ name: 's', image: 'x', script, ...step }] } },
      bindings,
    ).steps?.[0]?.script;

  const claim: WorkspaceBinding = { name: 'w', persistentVolumeClaim: { claimName: 'c' } };
  it.each<[string, string | undefined, string]>([
    [
      'params as in 2019',
      scriptOf('$(inputs.params.p) $(inputs.params.list[1]) $(inputs.params.old) $(inputs.params.none)', {
        params: [{ name: 'old', default: '<$(inputs.params.p)>' }],
      }),
      'P b <P> $(inputs.params.none)',
    ],
    ['workspace path', scriptOf('$(workspaces.w.path)', { workspaces: [{ name: 'w' }] }, [claim]), '/workspace/w'],
    [
      'its own mount path',
      scriptOf('$(workspaces.w.path)', { workspaces: [{ name: 'w', mountPath: '/data/$(params.p)' }] }, [claim]),
      '/data/P',
    ],
    [
      'brackets',
      scriptOf('$(workspaces[\'w\'].path) $(workspaces["w"].bound)', { workspaces: [{ name: 'w' }] }, [claim]),
      '/workspace/w true',
    ],
    ['claim', scriptOf('$(workspaces.w.claim)', { workspaces: [{ name: 'w' }] }, [claim]), 'c'],
    ['no claim', scriptOf('[$(workspaces.w.claim)]', {}, [{ name: 'w', emptyDir: {} }]), '[]'],
    [
      'optional and left out',
      scriptOf('[$(workspaces.o.path)] $(workspaces.o.bound)', { workspaces: [{ name: 'o', optional: true }] }),
      '[] false',
    ],
    ['undeclared but bound', scriptOf('$(workspaces.w.path)', {}, [claim]), '/workspace/w'],
    [
      'taken by the step alone',
      scriptOf('$(workspaces.w.path)', { workspaces: [{ name: 'w' }] }, [claim], {
        workspaces: [{ name: 'w', mountPath: '/mine/$(params.p)' }],
      }),
      '/mine/P',
    ],
    [
      'results',
      scriptOf("$(results.r.path) $(results['r'].path)", { results: [{ name: 'r' }] }),
      '/tekton/results/r /tekton/results/r',
    ],
    [
      'artifacts',
      scriptOf('$(artifacts.path) $(step.artifacts.path)'),
      '/tekton/artifacts/provenance.json /tekton/steps/step-s/artifacts/provenance.json',
    ],
    [
      'a param that holds other variables',
      scriptOf(
        '$(params.deep)',
        { params: [{ name: 'deep', default: '$(context.taskRun.name) $(workspaces.w.path) $(params.p)' }] },
        [claim],
      ),
      'run /workspace/w P',
    ],
    [
      'a value is no source of params',
      scriptOf('$(params.sly)', { params: [{ name: 'sly', default: '' }] }, [], {}, [
        { name: 'sly', value: '$(params.p)' },
      ]),
      '$(params.p)',
    ],
    [
      'the run',
      scriptOf('$(context.taskRun.name) $(context.taskRun.namespace) $(context.taskRun.uid) $(context.task.name)'),
      'run ns run-uid task',
    ],
    [
      'left for the pod',
      scriptOf('$(context.task.retry-count) $(steps.a.results.b) $(date) $(tasks.x.results.y)'),
      '$(context.task.retry-count) $(steps.a.results.b) $(date) $(tasks.x.results.y)',
    ],
  ])('%s', (_name, bound, expected) => expect(bound).toBe(expected));

  it('reaches steps, sidecars, template, volumes, resources and mount paths; not descriptions', () => {
    const bound = bindTask(
      run,
      {
        name: 'task',
        spec: {
          description: '$(params.p)',
          steps: [
            {
              name: 's',
              image: 'i:$(params.p)',
              args: ['$(params.list[*])'],
              imagePullPolicy: '$(params.p)',
              computeResources: { limits: { cpu: '$(params.p)' } },
              when: [{ input: '$(params.p)', operator: 'in', values: ['$(params.list[*])'] }],
            },
          ],
          sidecars: [{ name: 'c-$(params.p)', image: '$(params.p)' }],
          stepTemplate: { env: [{ name: 'E', value: '$(params.p)' }] },
          volumes: [{ name: 'v', configMap: { name: '$(params.p)' } }],
          workspaces: [{ name: 'w', mountPath: '/$(params.p)', optional: true }],
        },
      },
      [],
    );
    expect(bound).toMatchObject({
      description: '$(params.p)',
      steps: [
        {
          image: 'i:P',
          args: ['a', 'b'],
          imagePullPolicy: 'P',
          computeResources: { limits: { cpu: 'P' } },
          when: [{ input: 'P', values: ['a', 'b'] }],
        },
      ],
      sidecars: [{ name: 'c-P', image: 'P' }],
      stepTemplate: { env: [{ value: 'P' }] },
      volumes: [{ configMap: { name: 'P' } }],
      workspaces: [{ mountPath: '/P' }],
    });
  });
});

it('bindAttempt knows which attempt it is and where credentials are', () => {
  const third = taskRunOf({}, { retriesStatus: [{}, {}] });
  expect(
    bindAttempt(third, { steps: [{ script: '$(context.task.retry-count) $(credentials.path)' }] }).steps?.[0]?.script,
  ).toBe('2 /tekton/creds');
});

describe('bindWorkspaces', () => {
  const declared: TaskSpec = { workspaces: [{ name: 'needed' }, { name: 'optional', optional: true }] };
  it.each<[string, WorkspaceBinding[], Omit<WorkspaceBinding, 'name'> | undefined, WorkspaceBinding[]]>([
    [
      'variables',
      [{ name: 'needed', configMap: { name: '$(params.p)' }, subPath: '$(context.taskRun.name)' }],
      undefined,
      [{ name: 'needed', configMap: { name: 'P' }, subPath: 'run' }],
    ],
    ["the operator's default, where one is needed", [], { emptyDir: {} }, [{ name: 'needed', emptyDir: {} }]],
    ['no default', [], undefined, []],
    [
      "the run's own first",
      [{ name: 'needed', secret: { secretName: 's' } }],
      { emptyDir: {} },
      [{ name: 'needed', secret: { secretName: 's' } }],
    ],
  ])('%s', (_name, given, fallback, expected) => {
    expect(bindWorkspaces({ ...run, spec: { ...run.spec, workspaces: given } }, declared, fallback)).toEqual(expected);
  });

  it('turns templates into the claims made from them', () => {
    const template: WorkspaceBinding = { name: 'needed', volumeClaimTemplate: { spec: {} }, subPath: 'x' };
    expect(bindWorkspaces({ ...run, spec: { workspaces: [template] } }, declared, undefined)).toEqual([
      { name: 'needed', subPath: 'x', persistentVolumeClaim: { claimName: claimName(run, template) } },
    ]);
    expect(claimName(run, template)).toMatch(/^pvc-[0-9a-f]{10}$/);
  });
});
