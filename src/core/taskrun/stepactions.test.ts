import { describe, expect, it } from 'vitest';
import type { Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepActionSpec } from '../../api/pipeline/v1beta1/stepaction.ts';
import { decideAtOnce, type Need } from '../need.ts';
import { created } from '../pod/pod.fake.ts';
import type { Resolved } from '../reference/resolved.ts';
import { begun, factsOf, now, plan, type Given } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import { supplyOf } from './supply.fake.ts';

const foundAction = (spec: StepActionSpec): Extract<Resolved<'StepAction'>, { kind: 'found' }> => ({
  kind: 'found',
  definition: { name: 'act', metadata: {}, spec },
});

/** A run of one step that refers to `act`. */
function given(action: StepActionSpec, step: Partial<Step> = {}, more: Given & { task?: never } = {}): Given {
  return {
    ...more,
    taskSpec: { ...more.taskSpec, steps: [{ name: 's', ref: { name: 'act' }, ...step }] },
    actions: { act: foundAction(action) },
  };
}

/** The step as it is run, or the condition that says why it is not. */
function ran(one: Given): Step | string | undefined {
  const { status, condition, kinds } = plan({
    ...one,
    start: { secrets: [], unreadableSecrets: [], limitRanges: [], images: new Map() },
  });
  return kinds.includes('createPod') ? status.taskSpec?.steps?.[0] : condition;
}

const failedFor = (message: string) =>
  `False TaskRunResolutionFailed: failed to resolve step ref for step "s" (index 0): ${message}`;

describe('a step with a StepAction', () => {
  it('has its fields and keeps its own', () => {
    const action: StepActionSpec = {
      image: 'i',
      command: ['c'],
      args: ['a'],
      workingDir: '/w',
      securityContext: { runAsUser: 1 },
      env: [{ name: 'E', value: 'v' }],
      results: [{ name: 'r', type: 'string' }],
    };
    const own = { timeout: '5m', onError: 'continue', displayName: 'shown' };
    expect(ran(given(action, own))).toEqual({ name: 's', ...own, ...action });
  });

  const params = (declared: StepActionSpec['params'], args: string[]): StepActionSpec => ({
    image: 'i',
    command: ['c'],
    args,
    ...(declared ? { params: declared } : {}),
  });
  it.each<[string, StepActionSpec, Step['params'], string[]]>([
    ['its default', params([{ name: 'p', default: 'd' }], ['$(params.p)']), [], ['d']],
    [
      'a default that names another param',
      params([{ name: 'p', default: '<$(params.q)>' }, { name: 'q' }], ['$(params.p)']),
      [{ name: 'q', value: 'Q' }],
      ['<Q>'],
    ],
    ["the step's value", params([{ name: 'p' }], ['$(params.p)']), [{ name: 'p', value: 'v' }], ['v']],
    [
      "the run's value by the step",
      params([{ name: 'p' }], ['$(params.p)']),
      [{ name: 'p', value: '$(params.text)' }],
      ['from the run'],
    ],
    [
      'a value that looks like a variable, as it is',
      params([{ name: 'p' }], ['$(params.p)']),
      [{ name: 'p', value: '$(params.sly)' }],
      ['$(params.text)'],
    ],
    [
      'a list of the run, whole and by element',
      params([{ name: 'l', type: 'array' }], ['$(params.l[*])', '$(params.l[1])']),
      [{ name: 'l', value: '$(params.list[*])' }],
      ['a', 'b', 'b'],
    ],
    [
      'a value that is the text of the default it goes into',
      params([{ name: 'p', default: '$(params.q)' }, { name: 'q' }], ['$(params.p)']),
      [{ name: 'q', value: '$(params.named)' }],
      ['$(params.q)'],
    ],
    [
      'keys that the step leaves out, from the default',
      params(
        [
          {
            name: 'o',
            type: 'object',
            properties: { a: {}, b: {} },
            default: { a: 'A', b: 'B' },
          },
        ],
        ['$(params.o.a)', '$(params.o.b)'],
      ),
      [{ name: 'o', value: { a: 'mine' } }],
      ['mine', 'B'],
    ],
    [
      'the result of a step, which only the pod knows',
      params([{ name: 'p' }], ['$(params.p)']),
      [{ name: 'p', value: '$(steps.x.results.y)' }],
      ['$(steps.x.results.y)'],
    ],
    [
      'parts of a list that is the result of a step',
      params([{ name: 'l', type: 'array' }], ['$(params.l[*])', '$(params["l"][1])']),
      [{ name: 'l', value: '$(steps.x.results.y[*])' }],
      ['$(steps.x.results.y[*])', '$(steps.x.results.y[1])'],
    ],
    [
      'keys of an object that is the result of a step',
      params([{ name: 'o', type: 'object', properties: { k: {} } }], ['$(params.o.k)']),
      [{ name: 'o', value: '$(steps.x.results.y[*])' }],
      ['$(steps.x.results.y.k)'],
    ],
  ])('takes %s', (_name, action, values, args) => {
    const runParams = [
      { name: 'text', value: 'from the run' },
      { name: 'sly', value: '$(params.text)' },
      { name: 'named', value: '$(params.q)' },
      { name: 'list', value: ['a', 'b'] },
    ];
    const one = given(action, values ? { params: values } : {}, { spec: { params: runParams } });
    expect(ran(one)).toMatchObject({ args });
  });

  it.each<[string, StepActionSpec, Partial<Step>, string]>([
    [
      'a param that is missing',
      params([{ name: 'p' }, { name: 'q' }], []),
      {},
      failedFor('non-existent params in Step: [p q]'),
    ],
    [
      'a param too many',
      params([], []),
      { params: [{ name: 'x', value: '' }] },
      failedFor('extra params passed by Step to StepAction: [x]'),
    ],
    [
      'a text for a list',
      params([{ name: 'l', type: 'array', default: ['d'] }], ['$(params.l[*])']),
      { params: [{ name: 'l', value: 'text' }] },
      failedFor(
        'invalid parameter substitution: params.l. Please check the types of the default value and the passed value',
      ),
    ],
    [
      'an element that is not there',
      params([{ name: 'l', type: 'array' }], ['$(params.l[2])']),
      { params: [{ name: 'l', value: ['only'] }] },
      failedFor('non-existent param references:[$(params.l[2])]'),
    ],
    [
      'a default that names nothing',
      params([{ name: 'p', default: '$(params.none)' }], ['$(params.p)']),
      {},
      failedFor('parameter "p" references non-existent parameter "none"'),
    ],
    [
      'defaults in a circle',
      params(
        [
          { name: 'p', default: '$(params.q)' },
          { name: 'q', default: '$(params.p)' },
        ],
        ['$(params.p)'],
      ),
      {},
      failedFor('parameter "q" is part of a cycle of defaults: give one of its params a value'),
    ],
    [
      'a param in a script',
      { image: 'i', script: 'echo $(params.p)', params: [{ name: 'p', default: 'd' }] },
      {},
      failedFor('StepAction "act" is invalid: param substitution in scripts is not allowed.: spec.script'),
    ],
    [
      "a mount over the entrypoint's folders",
      {
        image: 'i',
        command: ['c'],
        params: [{ name: 'v', default: 'v' }],
        volumeMounts: [{ name: '$(params.v)', mountPath: '/tekton/bin' }],
      },
      {},
      failedFor(
        'StepAction "act" is invalid: volumeMount cannot be mounted under /tekton/ (volumeMount "v" mounted at "/tekton/bin"): volumeMounts[0].mountPath',
      ),
    ],
    [
      'fields beside the reference',
      params([], []),
      { image: 'mine' },
      'False TaskRunValidationFailed: [User error] image cannot be used with Ref: spec.taskSpec.steps[0].image',
    ],
  ])('is refused for %s', (_name, action, step, condition) => {
    expect(ran(given(action, step))).toBe(condition);
  });

  it('that is not there says so, with the way out', () => {
    expect(ran({ taskSpec: { steps: [{ name: 's', ref: { name: 'act' } }] } })).toBe(
      failedFor(
        'stepactions.tekton.dev "act" not found; create StepAction act in namespace ns or correct steps[0].ref.name',
      ),
    );
  });

  it.each<[string, TaskSpec, RegExp]>([
    [
      'more different ones than any Task has',
      { steps: Array.from({ length: 101 }, (_, index) => ({ ref: { name: `a${index}` } })) },
      /refers to 101 different StepActions, but 100 are the most/,
    ],
    [
      'more steps that refer to one than any Task has',
      { steps: Array.from({ length: 1_001 }, () => ({ ref: { name: 'act' } })) },
      /1001 steps of the Task refer to StepActions, but 1000 are the most/,
    ],
    [
      'one that grows beyond what can be stored by being used often',
      { steps: Array.from({ length: 20 }, () => ({ ref: { name: 'act' } })) },
      /^False TaskRunValidationFailed: \[User error\] .* would come to \d+ bytes/,
    ],
  ])('bounds: %s', (_name, taskSpec, condition) => {
    const large = foundAction({ image: 'i', command: ['c'], args: ['x'.repeat(100_000)] });
    expect(plan({ taskSpec, actions: { act: large } }).condition).toMatch(condition);
  });
});

describe('a remote StepAction', () => {
  const ref = { resolver: 'git', params: [{ name: 'revision', value: '$(params.tag)' }] };
  const taskSpec: TaskSpec = { params: [{ name: 'tag', default: 'v1' }], steps: [{ name: 's', ref }] };
  const refSource = { uri: 'git+https://example.com/r', digest: { sha1: 'abc' }, entryPoint: 'action.yaml' };
  const git = { ...foundAction({ image: 'i', command: ['c'] }), refSource };

  it("is asked for with the run's values, and only until it is stored", () => {
    const needs: Need[] = [];
    decideAtOnce(planTaskRun(factsOf({ taskSpec }), now), (need) => {
      needs.push(need);
      return supplyOf({ actions: { git } })(need);
    });
    expect(needs[0]).toMatchObject({
      type: 'definition',
      requestName: 'run',
      reference: { kind: 'remote', ofKind: 'StepAction', params: [{ name: 'revision', value: 'v1' }] },
    });
    const asked: string[] = [];
    const stored = { taskSpec: { steps: [{ name: 's', image: 'i', command: ['c'] }] }, startTime: created };
    decideAtOnce(planTaskRun(factsOf({ taskSpec, status: stored }), now), supplyOf({}, asked));
    expect(asked).not.toContain('definition');
  });

  it.each<[string, Resolved<'StepAction'>, string, number | undefined]>([
    [
      'under way',
      { kind: 'resolving', request: 'git-1' },
      'Unknown ResolvingStepActionRef: TaskRun ns/run awaiting remote StepAction',
      undefined,
    ],
    [
      'its resolver may do better later',
      { kind: 'failed', reason: 'Failed', message: 'no route', retryable: true },
      'Unknown ResolvingStepActionRef: failed to resolve step ref for step "s" (index 0): no route; it will be tried again',
      5_000,
    ],
    ['its resolver gave up', { kind: 'failed', reason: 'Failed', message: '404' }, failedFor('404'), undefined],
    [
      'a policy refuses it',
      { kind: 'failed', reason: 'Untrusted', message: 'no signature' },
      'False ResourceVerificationFailed: failed to resolve step ref for step "s" (index 0): no signature',
      undefined,
    ],
  ])('%s', (_name, answer, condition, requeue) => {
    const decided = plan({ taskSpec, actions: { git: answer } });
    expect(decided.condition).toBe(condition);
    expect(decided.requeueAfterMs === requeue || requeue === undefined).toBe(true);
    expect(decided.kinds).not.toContain('createPod');
  });

  it('leaves where it came from in its step, until the run ends and beyond an attempt', () => {
    const { status } = plan({ taskSpec, actions: { git } });
    const origin = { name: 's', provenance: { refSource } };
    expect(status.steps).toEqual([origin]);
    const running = begun(
      { phase: 'Running', containerStatuses: [{ name: 'step-s', ready: true, state: { running: {} } }] },
      { taskSpec: status.taskSpec ?? {}, status: { steps: [origin] } },
    );
    expect(plan(running).status.steps).toMatchObject([{ ...origin, running: {} }]);
    const unreachable = plan({ taskSpec, actions: { git: { ...git, ...foundAction({ image: 'i' }), refSource } } });
    expect(unreachable.status).toMatchObject({ steps: [origin], taskSpec: { steps: [{ image: 'i' }] } });
    expect(unreachable.kinds).not.toContain('createPod');
    const retried = { ...status, podName: '', startTime: created };
    expect(plan({ taskSpec, status: retried }).status.steps).toEqual([origin]);
  });

  it('decides with the Task whether the run is trusted', () => {
    const { status } = plan({
      taskSpec,
      actions: { git: { ...git, verdict: { kind: 'warned', message: 'unsigned' } } },
    });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({ type: 'TrustedResourcesVerified', status: 'False', message: 'unsigned' }),
    );
  });
});
