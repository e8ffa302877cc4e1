import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sidecar, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { isDone, succeededCondition } from '../condition.ts';
import { container, created, podOf, terminationMessage } from '../pod/pod.fake.ts';
import type { PodStatus } from '../pod/types.ts';
import type { Resolved } from '../reference/resolved.ts';
import { decideAtOnce } from '../need.ts';
import { begun, commandless, factsOf, foundTask, now, plan, spec, type Given } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import { settle, type TaskRunOutcome } from './settle.ts';
import { nothingFound, supplyOf } from './supply.fake.ts';

const { waiting, running, ended } = container;

describe('beginning', () => {
  it('makes a pod and says so', () => {
    const { status, condition, kinds, requeueAfterMs } = plan({});
    expect(condition).toBe('Unknown Pending: Pending');
    expect(kinds).toEqual(['createPod', 'event Normal Started']);
    expect(status).toMatchObject({
      podName: 'run-pod',
      startTime: '2026-01-01T00:00:10Z',
      taskSpec: spec,
      provenance: { featureFlags: { enableAPIFields: 'beta' } },
    });
    expect(requeueAfterMs).toBe(3_600_000);
  });

  it('does not start before it was created, by whatever clock', () => {
    expect(plan({}, new Date('2025-12-31T23:00:00Z')).status.startTime).toBe(created);
  });

  it.each<[string, Given, string]>([
    [
      'no such Task',
      { task: { kind: 'failed', reason: 'NotFound', message: 'tasks.tekton.dev "t" not found' } },
      'False TaskRunResolutionFailed: error when listing tasks for taskRun run: tasks.tekton.dev "t" not found; create Task t in namespace ns or correct spec.taskRef.name',
    ],
    [
      'Task not here yet',
      { task: { kind: 'resolving', request: 'git-1' } },
      'Unknown ResolvingTaskRef: TaskRun ns/run awaiting remote resource',
    ],
    [
      'no steps',
      { taskSpec: {} },
      'False TaskRunValidationFailed: [User error] task run has no steps: add at least one under steps',
    ],
    [
      'no image',
      { taskSpec: { steps: [{ name: 'a', command: ['x'] }] } },
      'False TaskRunValidationFailed: [User error] steps[0].image of task run is missing: name an image there or in stepTemplate.image',
    ],
    [
      'missing param',
      { taskSpec: { ...spec, params: [{ name: 'p' }] } },
      'False TaskRunValidationFailed: [User error] invalid input params for task run: missing values for these params which have no default values: [p]',
    ],
    [
      'unknown variable',
      { taskSpec: { steps: [{ image: 'x', script: 'echo $(params.nope)' }] } },
      'False TaskRunValidationFailed: [User error] non-existent variable in "echo $(params.nope)": steps[0].script',
    ],
    [
      'array inside text',
      { taskSpec: { params: [{ name: 'a', default: ['1'] }], steps: [{ image: 'x', command: ['x-$(params.a[*])'] }] } },
      'False TaskRunValidationFailed: [User error] variable is not properly isolated in "x-$(params.a[*])": steps[0].command',
    ],
    [
      'array index',
      { taskSpec: { params: [{ name: 'a', default: ['1'] }], steps: [{ image: 'x', command: ['$(params.a[1])'] }] } },
      'False TaskRunValidationFailed: non-existent param references:[$(params.a[1])]',
    ],
    [
      'enum',
      {
        taskSpec: { ...spec, params: [{ name: 'p', enum: ['a'] }] },
        spec: { params: [{ name: 'p', value: 'z' }] },
        flags: { 'enable-param-enum': 'true' },
      },
      'False InvalidParamValue: [User error] param `p` value: z is not in the enum list',
    ],
    [
      'request above limit',
      {
        taskSpec: {
          steps: [{ image: 'x', command: ['y'], computeResources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }],
        },
      },
      'False TaskRunValidationFailed: [User error] invalid request resource value: 2 must be less or equal to limit 1',
    ],
    [
      'unbound workspace',
      { taskSpec: { ...spec, workspaces: [{ name: 'w' }] } },
      'False TaskRunValidationFailed: declared workspace "w" is required but has not been bound',
    ],
    [
      'workspace of nobody',
      { task: foundTask(spec), spec: { workspaces: [{ name: 'w', emptyDir: {} }] } },
      'False TaskRunValidationFailed: workspace binding "w" does not match any declared workspace',
    ],
    [
      'workspace with two sources',
      { spec: { workspaces: [{ name: 'w', emptyDir: {}, secret: { secretName: 's' } }] } },
      'False TaskRunValidationFailed: binding "w" is invalid: expected exactly one, got both: emptyDir, secret',
    ],
    [
      'two claims',
      {
        spec: {
          workspaces: [
            { name: 'w', persistentVolumeClaim: { claimName: 'a' } },
            { name: 'v', persistentVolumeClaim: { claimName: 'b' } },
          ],
        },
      },
      'False TaskRunValidationFailed: more than one PersistentVolumeClaim is bound',
    ],
    [
      'override of nothing',
      { spec: { stepSpecs: [{ name: 'zero', computeResources: {} }] } },
      'False TaskRunValidationFailed: [User error] 1 error occurred:\n\t* invalid StepOverride: No Step named zero\n\n',
    ],
    [
      'breakpoint without alpha',
      { spec: { debug: { breakpoints: { onFailure: 'enabled' } } } },
      'False TaskRunValidationFailed: [User error] spec.debug requires "enable-api-fields" feature gate to be "alpha" but it is "beta"',
    ],
    [
      'breakpoint before no step',
      { flags: { 'enable-api-fields': 'alpha' }, spec: { debug: { breakpoints: { beforeSteps: ['zero'] } } } },
      'False TaskRunValidationFailed: [User error] spec.debug.breakpoints.beforeSteps: task run has no step "zero"',
    ],
    [
      'Windows script',
      { taskSpec: { steps: [{ image: 'x', script: '#!win powershell' }] } },
      'False TaskRunValidationFailed: steps[0].script: a Windows script (#!win) is not supported yet; use a Linux image and interpreter',
    ],
    [
      'Task and embedded spec',
      { spec: { taskRef: { name: 't' } } },
      'False TaskRunValidationFailed: [User error] expected exactly one, got both: spec.taskRef, spec.taskSpec',
    ],
    [
      'command and script',
      { taskSpec: { steps: [{ name: 'a', image: 'x', command: ['y'], script: 'z' }] } },
      'False TaskRunValidationFailed: [User error] script cannot be used with command: spec.taskSpec.steps[0].script',
    ],
    [
      'two steps of one name',
      {
        taskSpec: {
          steps: [
            { name: 'a', image: 'x' },
            { name: 'a', image: 'x' },
          ],
        },
      },
      'False TaskRunValidationFailed: [User error] invalid value: a: spec.taskSpec.steps[1].name',
    ],
    [
      'a step that goes on in an unknown way',
      {
        task: foundTask({ steps: [{ image: 'x', onError: 'ignore' }] }),
      },
      'False TaskRunValidationFailed: [User error] task t has an invalid spec: invalid value: "ignore": spec.steps[0].onError\nTask step onError must be "continue", "stopAndFail" or "continueAndFail"',
    ],
    [
      'a param given twice',
      {
        taskSpec: { ...spec, params: [{ name: 'p' }] },
        spec: {
          params: [
            { name: 'p', value: '1' },
            { name: 'p', value: '2' },
          ],
        },
      },
      'False TaskRunValidationFailed: [User error] expected exactly one, got both: spec.params[p].name',
    ],
    [
      'a state that is none',
      { spec: { status: 'Stop' } },
      'False TaskRunValidationFailed: [User error] invalid value: Stop should be TaskRunCancelled or TaskRunPending: spec.status',
    ],
    [
      'no service account',
      {
        metadata: { creationTimestamp: '2025-12-31T00:00:00Z' },
        start: { ...nothingFound, serviceAccountProblem: 'serviceaccounts "sa" not found' },
      },
      'False PodCreationFailed: failed to create task run pod "run": translating TaskSpec to Pod: serviceaccounts "sa" not found. Maybe invalid TaskSpec',
    ],
    [
      'service account of a new namespace',
      {
        metadata: { creationTimestamp: '2026-01-01T00:00:09Z' },
        start: { ...nothingFound, serviceAccountProblem: 'serviceaccounts "default" not found' },
      },
      'Unknown Pending: serviceaccounts "default" not found; it will be tried again',
    ],
    [
      'registry says no',
      {
        taskSpec: commandless,
        start: { ...nothingFound, images: new Map([['x', { kind: 'failed', message: 'denied', retry: false }]]) },
      },
      'False PodCreationFailed: failed to create task run pod "run": the command of image "x" could not be looked up: denied; give the step a command or script, or make the image readable for its service account. Maybe invalid TaskSpec',
    ],
    [
      'registry is away',
      {
        taskSpec: commandless,
        start: { ...nothingFound, images: new Map([['x', { kind: 'failed', message: 'timeout', retry: true }]]) },
      },
      'Unknown Pending: the command of image "x" could not be looked up: timeout; it will be tried again',
    ],
    [
      'registry has not answered yet',
      { taskSpec: commandless, start: { ...nothingFound, images: new Map([['x', { kind: 'pending' }]]) } },
      'Unknown Pending: waiting for the registry to say what image "x" runs',
    ],
    ['held back', { spec: { status: 'TaskRunPending' } }, 'Unknown TaskRunPending: TaskRun "run" is pending'],
    [
      'cancelled',
      { spec: { status: 'TaskRunCancelled', statusMessage: 'no more' } },
      'False TaskRunCancelled: TaskRun "run" was cancelled. no more',
    ],
  ])('%s', (_name, given, expected) => {
    const { condition, kinds, status } = plan(given);
    expect(condition).toBe(expected);
    expect(kinds).not.toContain('createPod');
    expect(status.completionTime !== undefined).toBe(expected.startsWith('False'));
  });

  it('is silent while held back, and starts its time only then', () => {
    const held = plan({ spec: { status: 'TaskRunPending' } });
    expect(held.kinds).toEqual([]);
    expect(held.status.startTime).toBeUndefined();
    expect(plan({ status: held.status }).kinds).toEqual(['createPod', 'event Normal Started']);
  });

  it("another controller's run is left alone", () => {
    expect(decideAtOnce(planTaskRun(factsOf({ spec: { managedBy: 'other.dev/x' } }), now), supplyOf())).toEqual({
      status: {},
      effects: [],
    });
  });

  it('makes claims before the pod', () => {
    const { effects } = plan({
      spec: {
        workspaces: [
          { name: 'w', volumeClaimTemplate: { metadata: { name: 'mine' }, spec: { accessModes: ['ReadWriteOnce'] } } },
        ],
      },
      taskSpec: { ...spec, workspaces: [{ name: 'w' }] },
    });
    expect(effects[0]).toMatchObject({
      type: 'createPersistentVolumeClaim',
      claim: {
        metadata: {
          name: expect.stringMatching(/^mine-[0-9a-f]{10}$/) as string,
          ownerReferences: [{ uid: 'run-uid' }],
        },
        spec: { accessModes: ['ReadWriteOnce'] },
      },
    });
    const claim = effects[0]?.type === 'createPersistentVolumeClaim' ? effects[0].claim.metadata.name : '';
    expect(effects[1]?.type === 'createPod' && effects[1].pod.spec.volumes?.at(-1)).toMatchObject({
      persistentVolumeClaim: { claimName: claim },
    });
  });

  it('gives a run the labels and annotations of its Task in one patch, and its pod too', () => {
    const { effects } = plan({
      metadata: { labels: { a: 'run' }, annotations: {} },
      task: {
        kind: 'found',
        definition: {
          name: 't',
          spec,
          metadata: {
            labels: { a: 'task', b: 'task' },
            annotations: { note: 'n', 'chains.tekton.dev/signed': 'true' },
          },
        },
      },
    });
    expect(effects[1]).toEqual({
      type: 'patchMetadata',
      labels: { b: 'task', 'app.kubernetes.io/managed-by': 'tekton-pipelines', 'tekton.dev/task': 't' },
      annotations: { note: 'n', 'pipeline.tekton.dev/release': 'v0.1.0' },
    });
    expect(effects[0]?.type === 'createPod' && effects[0].pod.metadata.labels).toMatchObject({
      a: 'run',
      b: 'task',
      'tekton.dev/task': 't',
    });
  });

  it('warns of secrets that cannot be read', () => {
    expect(plan({ start: { ...nothingFound, unreadableSecrets: ['gone'] } }).kinds).toContain(
      'event Warning FailedToRetrieveSecret',
    );
  });

  const assistant = { annotations: { 'pipeline.tekton.dev/affinity-assistant': 'affinity-assistant-1' } };
  const podTemplate = { affinity: { nodeAffinity: {} } };
  it.each([
    ['a pod template has one beside the assistant', { podTemplate }, assistant, 1],
    ['a pod template has one alone', { podTemplate }, {}, 0],
    ['the assistant has one alone', {}, assistant, 0],
  ])('tells of affinities when %s', (_name, spec, metadata, told) => {
    const { effects } = plan({ spec, metadata });
    const messages = effects.flatMap((effect) =>
      effect.type === 'event' && effect.reason === 'PodAffinityOverwrite' ? [effect.message] : [],
    );
    const message =
      'Pod template affinity holds beside that of the affinity assistant for pod "run-pod": a node has to fit both';
    expect(messages).toEqual(Array<string>(told).fill(message));
  });

  it('goes where earlier pods of its group were, and asks for that only as one of a group', () => {
    const start = { ...nothingFound, groupNode: 'n1' };
    const asked: string[] = [];
    decideAtOnce(planTaskRun(factsOf(), now), supplyOf({ start }, asked));
    expect(asked).not.toContain('groupNode');
    const { effects } = plan({ start, metadata: { labels: { 'pipeline.tekton.dev/affinity-assistant': 'g' } } });
    const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }];
    expect(effects[0]?.type === 'createPod' && effects[0].pod.spec.affinity).toEqual({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    });
    expect(effects[0]?.type === 'createPod' && effects[0].pod.metadata.annotations).toMatchObject({
      'tektite.dev/group-node': 'n1',
    });
  });

  it.each<[string, Record<string, string>, Sidecar[], boolean]>([
    ['nobody', {}, [{ name: 's', image: 'x' }], false],
    ['a sidecar', {}, [{ name: 's', image: 'x', restartPolicy: 'Always' }], true],
    ['the operator', { 'enable-kubernetes-sidecar': 'true' }, [{ name: 's', image: 'x' }], true],
    ['the operator, where there is no sidecar,', { 'enable-kubernetes-sidecar': 'true' }, [], false],
  ])('asks for native sidecars when %s wants them, and does without', (_name, flags, sidecars, asks) => {
    const taskSpec = { ...spec, sidecars };
    const asked: string[] = [];
    decideAtOnce(planTaskRun(factsOf({ taskSpec, flags }), now), supplyOf({}, asked));
    expect(asked.includes('nativeSidecars')).toBe(asks);
    const { effects } = plan({ taskSpec, flags, start: { ...nothingFound, nativeSidecarsMissing: true } });
    const made = effects.find((effect) => effect.type === 'createPod')?.pod.spec;
    expect([made?.initContainers?.length, made?.containers.length]).toEqual([1, 1 + sidecars.length]);
  });

  it('replaces variables', () => {
    const { status, effects } = plan({
      spec: {
        params: [
          { name: 'p', value: 'P' },
          { name: 'free', value: 'F' },
        ],
        workspaces: [{ name: 'w', emptyDir: {} }],
      },
      taskSpec: {
        params: [{ name: 'p' }],
        results: [{ name: 'r' }],
        workspaces: [{ name: 'w' }, { name: 'o', optional: true }],
        steps: [
          {
            name: 's',
            image: 'img:$(params.p)',
            results: [{ name: 'sr' }],
            script:
              '$(params.free) $(context.taskRun.name) $(context.task.name) $(context.task.retry-count) $(results.r.path) $(step.results.sr.path) $(steps.step-s.exitCode.path) $(workspaces.w.path) $(workspaces.o.bound) $(credentials.path) $(steps.s.results.sr)',
          },
        ],
      },
    });
    const stored =
      'F run run $(context.task.retry-count) /tekton/results/r /tekton/steps/step-s/results/sr /tekton/steps/step-s/exitCode /workspace/w false $(credentials.path) $(steps.s.results.sr)';
    expect(status.taskSpec?.steps?.[0]).toMatchObject({ image: 'img:P', script: stored, results: [{ name: 'sr' }] });
    const pod = effects[0]?.type === 'createPod' ? effects[0].pod : undefined;
    const script = (pod?.spec.initContainers?.[0]?.args ?? [])[1]?.split('=').slice(1).join('=') ?? '';
    expect(Buffer.from(script, 'base64').toString()).toBe(
      `#!/bin/sh\nset -e\n${stored.replace('$(context.task.retry-count)', '0').replace('$(credentials.path)', '/tekton/creds')}`,
    );
  });
});

describe('with a pod', () => {
  it.each<[string, Given, string, string[]]>([
    [
      'nothing new',
      begun({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] }),
      'Unknown Pending: Pending',
      [],
    ],
    [
      'a warning about a pod that is late',
      {
        ...begun({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] }),
        podWarning: 'FailedMount: no',
      },
      'Unknown Pending: the pod has not started yet: FailedMount: no',
      [],
    ],
    [
      'initializing is nothing new',
      begun({
        phase: 'Pending',
        conditions: [{ type: 'Initialized', status: 'False', message: 'm' }],
        containerStatuses: [waiting('step-one')],
      }),
      'Unknown Pending: Pending',
      [],
    ],
    [
      'no node',
      begun({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '1 Insufficient cpu' }],
      }),
      'Unknown ExceededNodeResources: TaskRun Pod exceeded available resources',
      ['event Warning ExceededNodeResources'],
    ],
    [
      'image trouble',
      begun({ phase: 'Pending', containerStatuses: [waiting('step-one', 'ErrImagePull', 'denied')] }),
      'Unknown PullImageFailed: build step "step-one" is pending with reason "denied"',
      ['event Normal PullImageFailed'],
    ],
    [
      'image never comes',
      begun({ phase: 'Pending', containerStatuses: [waiting('step-one', 'ImagePullBackOff', 'no')] }),
      'False TaskRunImagePullFailed: the step "one" in TaskRun "run" failed to pull the image "x". The pod errored with the message: "no."',
      ['deletePod', 'event Warning Failed'],
    ],
    [
      'running',
      begun({ phase: 'Running', containerStatuses: [running('step-one')] }),
      'Unknown Running: Not all Steps in the Task have finished executing',
      [],
    ],
    [
      'succeeded',
      begun({ phase: 'Succeeded', containerStatuses: [ended('step-one')] }, { reason: 'Running' }),
      'True Succeeded: All Steps have completed executing',
      ['event Normal Succeeded'],
    ],
    [
      'straight from pending',
      begun({ phase: 'Succeeded', containerStatuses: [ended('step-one')] }),
      'True Succeeded: All Steps have completed executing',
      ['event Normal Succeeded'],
    ],
    [
      'failed',
      begun({ phase: 'Failed', containerStatuses: [ended('step-one', 2)] }),
      'False StepFailed: "step-one" exited with code 2: Error',
      ['event Warning Failed'],
    ],
    [
      'failure that the pipeline ignores',
      begun(
        { phase: 'Failed', containerStatuses: [ended('step-one', 2)] },
        { metadata: { annotations: { 'pipeline.tekton.dev/pipeline-task-on-error': 'continue' } } },
      ),
      'False FailureIgnored: "step-one" exited with code 2: Error',
      ['event Warning Failed'],
    ],
    [
      'cancelled',
      begun({ phase: 'Running', containerStatuses: [running('step-one')] }, { spec: { status: 'TaskRunCancelled' } }),
      'False TaskRunCancelled: TaskRun "run" was cancelled. ',
      ['deletePod', 'event Warning Failed'],
    ],
    [
      'cancelled, pod kept',
      begun({ phase: 'Running' }, { spec: { status: 'TaskRunCancelled' }, flags: { 'keep-pod-on-cancel': 'true' } }),
      'False TaskRunCancelled: TaskRun "run" was cancelled. ',
      ['patchPod', 'event Warning Failed'],
    ],
    [
      'timed out',
      begun({ phase: 'Running' }, { spec: { timeout: '5s' }, reason: 'Running' }),
      'False TaskRunTimeout: TaskRun "run" failed to finish within "5s"',
      ['deletePod', 'event Warning Failed'],
    ],
    [
      'timed out, pod kept',
      begun(
        { phase: 'Running' },
        { spec: { timeout: '5s' }, reason: 'Running', flags: { 'keep-pod-on-cancel': 'true' } },
      ),
      'False TaskRunTimeout: TaskRun "run" failed to finish within "5s"',
      ['patchPod', 'event Warning Failed'],
    ],
    [
      'timed out, trouble before',
      begun(
        { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: 'no node' }] },
        { spec: { timeout: '5s' } },
      ),
      'False TaskRunTimeout: TaskRun "run" failed to finish within "5s"\nPrevious status: [Pending] pod status "PodScheduled":"False"; message: "no node"',
      ['deletePod', 'event Warning Failed'],
    ],
    [
      'done in time, seen late',
      begun({ phase: 'Succeeded', containerStatuses: [ended('step-one')] }, { spec: { timeout: '5s' } }),
      'True Succeeded: All Steps have completed executing',
      ['event Normal Succeeded'],
    ],
    [
      'timeout 0 is none',
      begun(
        { phase: 'Running', containerStatuses: [running('step-one')] },
        { spec: { timeout: '0' }, status: { startTime: '2020-01-01T00:00:00Z' } },
      ),
      'Unknown Running: Not all Steps in the Task have finished executing',
      [],
    ],
    [
      'a second attempt',
      begun({ phase: 'Failed', containerStatuses: [ended('step-one', 2)] }, { spec: { retries: 1 } }),
      'Unknown ToBeRetried: "step-one" exited with code 2: Error',
      ['event Normal ToBeRetried'],
    ],
    [
      'no attempt is left',
      begun(
        { phase: 'Failed', containerStatuses: [ended('step-one', 2)] },
        { spec: { retries: 1 }, status: { podName: 'run-pod', retriesStatus: [{}] } },
      ),
      'False StepFailed: "step-one" exited with code 2: Error',
      ['event Warning Failed'],
    ],
    [
      'cancelled runs are not retried',
      begun({ phase: 'Running' }, { spec: { status: 'TaskRunCancelled', retries: 3 } }),
      'False TaskRunCancelled: TaskRun "run" was cancelled. ',
      ['deletePod', 'event Warning Failed'],
    ],
    [
      'timeouts are',
      begun({ phase: 'Running' }, { spec: { timeout: '5s', retries: 1 } }),
      'Unknown ToBeRetried: TaskRun "run" failed to finish within "5s"',
      ['deletePod', 'event Normal ToBeRetried'],
    ],
    ['pod gone: made anew', begun({}, { pods: [], reason: 'Running' }), 'Unknown Pending: Pending', ['createPod']],
  ])('%s', (_name, given, condition, kinds) => {
    const decision = plan(given);
    expect(decision.condition).toBe(condition);
    expect(decision.kinds).toEqual(kinds);
  });

  it('ends steps that were still going with the run', () => {
    const taskSpec = { steps: ['a', 'b', 'c'].map((name) => ({ name, image: 'x', command: ['y'] })) };
    const { status } = plan(
      begun(
        { phase: 'Running', containerStatuses: [ended('step-a'), running('step-b'), waiting('step-c')] },
        { taskSpec, spec: { status: 'TaskRunCancelled' } },
      ),
    );
    expect(
      status.steps?.map(({ terminationReason, terminated }) => [
        terminationReason,
        terminated?.exitCode,
        terminated?.startedAt,
      ]),
    ).toEqual([
      ['Completed', 0, '2026-01-01T00:00:02Z'],
      ['TaskRunCancelled', 1, '2026-01-01T00:00:02Z'],
      ['TaskRunCancelled', 1, undefined],
    ]);
    expect(status.steps?.[1]).toMatchObject({
      terminated: { message: 'Step b terminated as pod run-pod is terminated', finishedAt: '2026-01-01T00:00:10Z' },
    });
  });

  it('has results and checks their types', () => {
    const taskSpec: TaskSpec = {
      ...spec,
      results: [
        { name: 'r', type: 'string' },
        { name: 'l', type: 'array' },
      ],
    };
    const done = (results: Record<string, string>) =>
      plan(
        begun(
          { phase: 'Succeeded', containerStatuses: [ended('step-one', 0, terminationMessage(results))] },
          { taskSpec },
        ),
      );
    expect(done({ r: 'v', l: '["a"]' }).status).toMatchObject({ artifacts: {} });
    expect(done({ r: 'v', l: '["a"]' }).status).not.toHaveProperty('sidecars');
    expect(done({ r: 'v', l: '["a"]' }).status.results).toEqual([
      { name: 'l', type: 'array', value: ['a'] },
      { name: 'r', type: 'string', value: 'v' },
    ]);
    expect(done({ r: 'v', l: 'a' }).condition).toMatch(
      /^False TaskRunValidationFailed: \[User error\] Provided results don't match declared results; .* "l": task result/,
    );
  });

  it('keeps the attempt that failed and starts the next with another pod', () => {
    const first = plan(begun({ phase: 'Failed', containerStatuses: [ended('step-one', 2)] }, { spec: { retries: 1 } }));
    expect(first.requeueAfterMs).toBe(0);
    expect(first.status).not.toHaveProperty('podName');
    expect(first.status).not.toHaveProperty('completionTime');
    expect(first.status.retriesStatus).toHaveLength(1);
    expect(first.status.retriesStatus?.[0]).toMatchObject({
      podName: 'run-pod',
      conditions: [{ status: 'False', reason: 'StepFailed' }],
      completionTime: '2026-01-01T00:00:10Z',
    });
    const second = plan({ spec: { retries: 1 }, status: first.status, pods: [podOf(spec, { phase: 'Failed' })] });
    expect(second.effects[0]).toMatchObject({ type: 'createPod', pod: { metadata: { name: 'run-pod-retry1' } } });
    expect(second.status.startTime).toBe('2026-01-01T00:00:10Z');
  });

  it('makes its pod again after a crash before the status was written: whether that one is its own is seen then', () => {
    const { status, kinds } = plan({
      pods: [podOf(spec, { phase: 'Running', containerStatuses: [running('step-one')] })],
      metadata: { annotations: {} },
    });
    expect(status).toMatchObject({ podName: 'run-pod', taskSpec: spec });
    expect(kinds).toEqual(['createPod', 'patchMetadata', 'event Normal Started']);
  });

  it('says progress within a second, but not at once', () => {
    const two: TaskSpec = {
      steps: [
        { name: 'one', image: 'x', command: ['y'] },
        { name: 'two', image: 'x', command: ['y'] },
      ],
    };
    const base = begun(
      { phase: 'Running', containerStatuses: [running('step-one'), running('step-two')] },
      {
        taskSpec: two,
        reason: 'Running',
        since: '2026-01-01T00:00:10Z',
        status: { steps: [{ name: 'one', container: 'step-one' }] },
      },
    );
    const early = plan(base, new Date('2026-01-01T00:00:10.400Z'));
    expect(early.status.steps).toHaveLength(1);
    expect(early.requeueAfterMs).toBe(600);
    expect(plan(base, new Date('2026-01-01T00:00:11Z')).status.steps).toHaveLength(2);
  });

  it('opens the gate when the sidecars are ready', () => {
    const taskSpec: TaskSpec = { ...spec, sidecars: [{ name: 's', image: 'x' }] };
    const { effects } = plan(
      begun({ phase: 'Running', containerStatuses: [running('step-one'), running('sidecar-s')] }, { taskSpec }),
    );
    expect(effects).toEqual([
      {
        type: 'patchPod',
        namespace: 'ns',
        name: 'run-pod',
        purpose: 'ready',
        patch: { kind: 'annotation', name: 'tekton.dev/ready', value: 'READY' },
      },
    ]);
  });
});

describe('done', () => {
  const taskSpec: TaskSpec = { ...spec, sidecars: [{ name: 's', image: 'x' }] };
  const over: TaskRunStatus = {
    podName: 'run-pod',
    taskSpec,
    conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }],
    sidecars: [{ name: 's', container: 'sidecar-s', running: {} }],
  };
  const steps = [ended('step-one')];

  it('stops sidecars, injected ones too', () => {
    const pod = podOf(taskSpec, { phase: 'Running', containerStatuses: [...steps, running('sidecar-s')] });
    const decision = plan({ status: over, pods: [pod] });
    expect(decision.effects).toEqual([
      {
        type: 'patchPod',
        namespace: 'ns',
        name: 'run-pod',
        purpose: 'stopSidecars',
        patch: { kind: 'images', images: [{ index: 1, image: 'tektite/nop:v1' }] },
      },
    ]);
    expect(decision.status).toBe(over);
  });

  it('asks once', () => {
    const pod = podOf(taskSpec, { phase: 'Running', containerStatuses: [...steps, running('sidecar-s')] });
    const stopping = {
      ...pod,
      spec: {
        ...pod.spec,
        containers: pod.spec.containers.map((c) => (c.name === 'sidecar-s' ? { ...c, image: 'tektite/nop:v1' } : c)),
      },
    };
    expect(plan({ status: over, pods: [stopping] }).effects).toEqual([]);
  });

  it('says that it was its stop that ended them', () => {
    const pod = podOf(taskSpec, { phase: 'Failed', containerStatuses: [...steps, ended('sidecar-s', 255)] });
    const stopped = {
      ...pod,
      spec: {
        ...pod.spec,
        containers: pod.spec.containers.map((c) => (c.name === 'sidecar-s' ? { ...c, image: 'tektite/nop:v1' } : c)),
      },
    };
    expect(plan({ status: over, pods: [stopped] }).status.sidecars?.[0]?.terminated).toMatchObject({
      exitCode: 0,
      reason: 'Completed',
      message: 'Sidecar container successfully stopped by nop image',
    });
  });

  it('notes their end', () => {
    const decision = plan({
      status: over,
      pods: [podOf(taskSpec, { phase: 'Succeeded', containerStatuses: [...steps, ended('sidecar-s')] })],
    });
    expect(decision.status.sidecars?.[0]?.terminated?.exitCode).toBe(0);
    expect(decision.kinds).toEqual([]);
  });

  it('leaves alone the end of one that ended by itself', () => {
    const status = { ...over, sidecars: [{ name: 's', container: 'sidecar-s', running: {} }] };
    const pod = podOf(taskSpec, { phase: 'Failed', containerStatuses: [...steps, ended('sidecar-s', 3)] });
    const { terminated } = plan({ status, pods: [pod] }).status.sidecars?.[0] ?? {};
    expect([terminated?.exitCode, terminated?.message]).toEqual([3, undefined]);
  });

  it('writes nothing where all have ended, and says so', () => {
    const status = { ...over, sidecars: [{ name: 's', container: 'sidecar-s', terminated: { exitCode: 0 } }] };
    const pod = podOf(taskSpec, { phase: 'Failed', containerStatuses: [...steps, ended('sidecar-s', 3)] });
    const decision = plan({ status, pods: [pod] });
    expect([decision.status === status, decision.effects]).toEqual([true, []]);
  });

  it.each<[string, Given]>([
    ['cancelled afterwards', { spec: { status: 'TaskRunCancelled' } }],
    ['timed out afterwards', { spec: { timeout: '1s' } }],
    ['its pod is gone', {}],
  ])('stays as it is: %s', (_name, given) => {
    const decision = decideAtOnce(planTaskRun(factsOf({ ...given, status: over }), now), supplyOf());
    expect(decision).toEqual({ status: over, effects: [] });
  });
});

describe('settle', () => {
  const first = factsOf();
  const decision = decideAtOnce(planTaskRun(first, now), supplyOf());
  const pod = decision.effects.find((effect) => effect.type === 'createPod');
  const failure = (status: number, reason: string, message: string): TaskRunOutcome[] => [
    { effect: pod as never, kind: 'failed', status, reason, message },
  ];
  it.each<[string, TaskRunOutcome[], string, number | undefined, boolean]>([
    [
      'quota',
      failure(403, 'Forbidden', 'pods "run-pod" is forbidden: exceeded quota: q'),
      'Unknown ExceededResourceQuota: TaskRun Pod exceeded available resources: pods "run-pod" is forbidden: exceeded quota: q',
      60_000,
      false,
    ],
    [
      'quota conflict',
      failure(409, 'Conflict', 'Operation cannot be fulfilled on resourcequotas "q"'),
      'Unknown Pending: tried to create pod, but it failed with ResourceQuotaConflictError',
      1_000,
      false,
    ],
    [
      'pod security',
      failure(403, 'Forbidden', 'violates PodSecurity "restricted"'),
      'False PodAdmissionFailed: violates PodSecurity "restricted"',
      undefined,
      true,
    ],
    [
      'invalid',
      failure(422, 'Invalid', 'bad field'),
      'False PodCreationFailed: failed to create task run pod "run": bad field. Maybe invalid TaskSpec',
      undefined,
      true,
    ],
    [
      'server trouble',
      failure(500, 'InternalError', 'webhook down'),
      'Unknown Pending: failed to create task run pod: webhook down; it will be tried again',
      5_000,
      true,
    ],
    [
      'no answer',
      failure(0, '', 'ECONNREFUSED'),
      'Unknown Pending: failed to create task run pod: ECONNREFUSED; it will be tried again',
      5_000,
      true,
    ],
    ['pod of an earlier run', failure(409, 'PodOfEarlierRun', 'wait'), 'Unknown Pending: wait', 1_000, true],
  ])('%s', (_name, outcomes, expected, requeue, hasStarted) => {
    const settled = settle(first, decision, outcomes, now);
    const { status, reason, message } = succeededCondition(settled.status) ?? {};
    expect(`${status} ${reason}: ${message}`).toBe(expected);
    expect(settled.requeueAfterMs).toBe(requeue);
    expect(settled.status.startTime !== undefined).toBe(hasStarted);
    expect(settled.status.podName).toBeUndefined();
    expect(settled.effects.every(({ type }) => type === 'event')).toBe(true);
  });

  it('claims that cannot be had end the run', () => {
    const settled = settle(
      first,
      decision,
      [
        {
          effect: { type: 'createPersistentVolumeClaim', claim: {} as never },
          kind: 'failed',
          status: 403,
          reason: 'Forbidden',
          message: 'no',
        },
      ],
      now,
    );
    expect(succeededCondition(settled.status)).toMatchObject({
      reason: 'CouldntCreateWorkspacePVC',
      message: 'Failed to create PVC for TaskRun ns/run workspaces correctly: no',
    });
  });

  it.each([
    ['quota', 403, 'Forbidden', 'exceeded quota: q, requested: requests.storage=1Gi', 60_000],
    ['conflict', 409, 'Conflict', 'Operation cannot be fulfilled on resourcequotas "q"', 1_000],
  ])('claims wait for better times: %s', (_name, code, reason, message, requeue) => {
    const effect = { type: 'createPersistentVolumeClaim', claim: {} as never } as const;
    const settled = settle(first, decision, [{ effect, kind: 'failed', status: code, reason, message }], now);
    expect(succeededCondition(settled.status)).toMatchObject({
      status: 'Unknown',
      reason: 'Pending',
      message: `Waiting for PVC creation to succeed: ${message}`,
    });
    expect(settled.requeueAfterMs).toBe(requeue);
  });

  it('tells of sidecars that may not be stopped, and leaves the outcome', () => {
    const effect = { type: 'patchPod', purpose: 'stopSidecars' } as never;
    const before = { ...decision, effects: [effect] };
    const settled = settle(
      first,
      before,
      [{ effect, kind: 'failed', status: 403, reason: 'Forbidden', message: 'denied by policy' }],
      now,
    );
    expect(settled.status).toBe(decision.status);
    expect(settled.effects).toEqual([
      {
        type: 'event',
        eventType: 'Warning',
        reason: 'TaskRunStopSidecarFailed',
        message: 'the sidecars could not be stopped and run on until the pod is deleted: denied by policy',
      },
    ]);
  });

  it('says the same thing again without a new time', () => {
    const once = settle(first, decision, failure(403, 'Forbidden', 'exceeded quota'), now);
    const later = new Date('2026-01-01T00:01:10Z');
    const again = factsOf({ status: once.status });
    const planned = decideAtOnce(planTaskRun(again, later), supplyOf());
    const twice = settle(again, planned, failure(403, 'Forbidden', 'exceeded quota'), later);
    expect(twice.status).toEqual(once.status);
    expect(twice.effects).toEqual([]);
  });
});

describe('for any facts', () => {
  const phase = fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', undefined);
  const state = fc.constantFrom(
    waiting('step-one'),
    waiting('step-one', 'ImagePullBackOff', 'm'),
    running('step-one'),
    ended('step-one'),
    ended('step-one', 1),
    ended('step-one', 0, 'garbage'),
  );
  const podStatus = fc.record(
    { phase, containerStatuses: fc.array(state, { maxLength: 2 }) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<PodStatus>;
  const condition = fc.constantFrom<TaskRunStatus['conditions']>(
    undefined,
    ...(['True', 'False', 'Unknown'] as const).map((status) => [
      { type: 'Succeeded', status, reason: 'Running', message: 'm' },
    ]),
  );
  const facts = fc
    .record({
      conditions: condition,
      podName: fc.constantFrom(undefined, 'run-pod', 'other'),
      startTime: fc.constantFrom(undefined, created, 'nonsense'),
      podStatuses: fc.array(podStatus, { maxLength: 2 }),
      specStatus: fc.constantFrom(undefined, 'TaskRunCancelled', 'TaskRunPending', 'Other'),
      timeout: fc.constantFrom(undefined, '0', '5s', 'bad'),
      retries: fc.integer({ min: 0, max: 2 }),
      task: fc.constantFrom<Resolved<'Task'>>(
        foundTask(spec),
        foundTask({}),
        { kind: 'failed', reason: 'NotFound', message: 'm' },
        { kind: 'failed', reason: 'Failed', message: 'm', retryable: true },
        { kind: 'resolving', request: 'r' },
      ),
    })
    .map(({ conditions, podName, startTime, podStatuses, specStatus, timeout, retries, task }) => {
      const made = factsOf({
        spec: { status: specStatus, timeout, retries },
        task,
        pods: podStatuses.map((one) => podOf(spec, one)),
        status: {
          ...(conditions ? { conditions } : {}),
          ...(podName ? { podName } : {}),
          ...(startTime ? { startTime } : {}),
        },
      });
      return { ...made, task };
    });

  it('never throws, makes at most one pod, and leaves what is done', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const before = structuredClone(given.taskRun);
        const decision = decideAtOnce(planTaskRun(given, now), supplyOf(given));
        const creations = decision.effects.filter((effect) => effect.type === 'createPod').length;
        expect(creations).toBeLessThanOrEqual(
          given.pods.some((pod) => pod.metadata.name === given.taskRun.status?.podName) ? 0 : 1,
        );
        if (isDone(given.taskRun.status)) {
          expect(succeededCondition(decision.status)).toEqual(succeededCondition(given.taskRun.status));
          expect(creations).toBe(0);
        }
        if (isDone(decision.status) && !isDone(given.taskRun.status))
          expect(decision.status.completionTime).toBeDefined();
        expect(given.taskRun).toEqual(before);
      }),
    );
  });

  it('comes to rest: planning again on its own status changes nothing more', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decision = decideAtOnce(planTaskRun(given, now), supplyOf(given));
        if (decision.effects.some((effect) => effect.type === 'createPod')) return;
        const after = {
          ...given,
          taskRun: { ...given.taskRun, status: JSON.parse(JSON.stringify(decision.status)) as TaskRunStatus },
        };
        if (succeededCondition(decision.status)?.reason === 'ToBeRetried') return;
        const again = decideAtOnce(planTaskRun(after, now), supplyOf(given));
        expect(JSON.parse(JSON.stringify(again.status))).toEqual(after.taskRun.status);
      }),
    );
  });
});
