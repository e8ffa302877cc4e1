import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParamType, ParamValue } from '../../api/pipeline/v1/params.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { container, podOf, settingsOf, terminationMessage } from '../pod/pod.fake.ts';
import type { ContainerStatus, Pod, PodStatus } from '../pod/types.ts';
import { didFail, failureOf } from './failure.ts';
import { isFinished } from './order.ts';
import { pendingState, startFailure } from './pending.ts';
import { quote } from './quote.ts';
import { readyGateChange } from './ready.ts';
import { checkResults, latestOfEach } from './results.ts';
import { readSidecars, readSteps } from './steps.ts';
import { parseTerminationMessage, stepReport } from './termination.ts';

const spec: TaskSpec = {
  steps: [
    { name: 'b', image: 'x', command: ['y'] },
    { name: 'a', image: 'x', command: ['y'] },
  ],
  sidecars: [{ name: 's', image: 'x' }],
};
const { waiting, running, ended } = container;
const compressed = (text: string): string => `tknz:${deflateRawSync(text).toString('base64').replace(/=+$/, '')}`;
const pod = (status: PodStatus, of = spec): Pod => podOf(of, status);

it.each([
  ['plain', '"plain"'],
  ['a "b" \\', '"a \\"b\\" \\\\"'],
  ['tab\tnew\nline', '"tab\\tnew\\nline"'],
  ['é日😀', '"é日😀"'],
  ['\u0000\u007f', '"\\x00\\x7f"'],
  ['\u200b\u00a0', '"\\u200b\\u00a0"'],
])('quote %j as Go does', (text, expected) => expect(quote(text)).toBe(expected));

describe('parseTerminationMessage', () => {
  const plain =
    '[{"key":"b","value":"2","type":1},{"key":"a","value":"x","type":"TaskRunResult"},{"key":"b","value":"3","type":1}]';
  const entries = [
    { key: 'a', value: 'x', type: 1 },
    { key: 'b', value: '3', type: 1 },
  ];
  it.each<[string, string | undefined, unknown]>([
    ['last of a key, sorted, named types', plain, entries],
    ['compressed', compressed(plain), entries],
    ['nothing', '', undefined],
    ['not ours', 'OCI runtime error', undefined],
    ['JSON but no list', '{}', undefined],
    ['broken compression', 'tknz:AAAA', undefined],
    [
      'inflates beyond 128 KiB',
      `tknz:${deflateRawSync(JSON.stringify([{ key: 'a', value: 'x'.repeat(200_000), type: 1 }])).toString('base64')}`,
      undefined,
    ],
    [
      'nonsense items are left out',
      '[1,null,{"key":1},{"key":"a","value":"v","type":3}]',
      [{ key: 'a', value: 'v', type: 3 }],
    ],
  ])('%s', (_name, message, expected) => expect(parseTerminationMessage(message)).toEqual(expected));

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `tknz:${text}`),
        ),
        (message) => {
          stepReport(parseTerminationMessage(message) ?? []);
        },
      ),
    );
  });
});

describe('readSteps', () => {
  const results: TaskSpec = {
    steps: [
      { name: 'one', image: 'x', command: ['y'], results: [{ name: 'inner' }, { name: 'other', type: 'array' }] },
      { image: 'x', command: ['y'] },
    ],
    results: [
      { name: 'text', type: 'string' },
      { name: 'list', type: 'array' },
      { name: 'map', type: 'object' },
      { name: 'number', type: 'string' },
      { name: 'copied', type: 'string', value: '$(steps.one.results.inner)' },
      { name: 'copiedList', type: 'array', value: "$(steps.one.results['other'][*])" },
    ],
  };

  it('has steps in the order of the spec, with times and codes from the entrypoint', () => {
    const message = terminationMessage({}, [{ key: 'ExitCode', value: '7', type: 3 }]);
    const { steps } = readSteps(
      pod({ containerStatuses: [running('step-a'), running('sidecar-s'), ended('step-b', 0, message)] }),
      spec,
      false,
    );
    expect(steps).toEqual([
      {
        name: 'b',
        container: 'step-b',
        imageID: 'sha256:step-b',
        terminationReason: 'Continued',
        terminated: {
          exitCode: 7,
          reason: 'Completed',
          startedAt: '2026-01-01T00:00:03Z',
          finishedAt: '2026-01-01T00:00:05Z',
          containerID: 'containerd://step-b',
        },
      },
      { name: 'a', container: 'step-a', imageID: 'sha256:step-a', running: { startedAt: '2026-01-01T00:00:02Z' } },
    ]);
  });

  it('reads results by their declared types', () => {
    const message = terminationMessage({ text: '["not a list"]', list: '["a","b"]', map: '{"k":"v"}', number: '3' }, [
      { key: 'inner', value: 'copy me', type: 4 },
      { key: 'other', value: '["p"]', type: 4 },
    ]);
    const found = readSteps(
      pod(
        {
          phase: 'Succeeded',
          containerStatuses: [
            ended('step-one', 0, message),
            ended('step-unnamed-1', 0, terminationMessage({ text: 'later' })),
          ],
        },
        results,
      ),
      results,
      true,
    );
    expect(latestOfEach(found.results)).toEqual([
      { name: 'list', type: 'array', value: ['a', 'b'] },
      { name: 'map', type: 'object', value: { k: 'v' } },
      { name: 'number', type: 'string', value: '3' },
      { name: 'text', type: 'string', value: 'later' },
      { name: 'copied', type: 'string', value: 'copy me' },
      { name: 'copiedList', type: 'array', value: ['p'] },
    ]);
    expect(found.steps[0]?.results).toEqual([
      { name: 'inner', type: 'string', value: 'copy me' },
      { name: 'other', type: 'array', value: ['p'] },
    ]);
    expect(found.steps[1]?.terminated?.message).toBe('[{"key":"text","value":"later","type":1}]');
  });

  it.each<[string, string | undefined, string, ParamType, ParamValue]>([
    ['a declared string', 'string', '["a"]', 'string', '["a"]'],
    ['a declared string', 'string', '{"k":"v"}', 'string', '{"k":"v"}'],
    ['a declared string', 'string', '"q"', 'string', '"q"'],
    ['one of no declared type', undefined, '["a"]', 'string', '["a"]'],
    ['a declared list', 'array', '["a"]', 'array', ['a']],
    ['a declared list that is none', 'array', 'a', 'string', 'a'],
    ['a declared list of numbers', 'array', '[1]', 'string', '[1]'],
    ['a declared map', 'object', '{"k":"v"}', 'object', { k: 'v' }],
    ['a declared map that is a quoted text', 'object', '"q"', 'string', 'q'],
    ['a declared map that is a number', 'object', '3', 'string', '3'],
  ])('reads %s (%s) from %s', (_name, declared, text, type, value) => {
    const declaredAs = { name: 'r', ...(declared === undefined ? {} : { type: declared as ParamType }) };
    const told: TaskSpec = { ...results, results: [declaredAs] };
    const status = { phase: 'Succeeded', containerStatuses: [ended('step-one', 0, terminationMessage({ r: text }))] };
    expect(readSteps(pod(status, told), told, true).results).toEqual([{ name: 'r', type, value }]);
  });

  it('keeps results back until the run is done', () => {
    const found = readSteps(
      pod({ containerStatuses: [ended('step-one', 0, terminationMessage({ text: 'x' }))] }, results),
      results,
      false,
    );
    expect(found.results).toEqual([]);
  });

  it('gathers artifacts', () => {
    const value = JSON.stringify({
      inputs: [{ name: 'src', values: [{ uri: 'git' }] }],
      outputs: [{ name: 'image', values: [{ uri: 'oci', digest: { sha256: 'a' } }] }],
    });
    const message = terminationMessage({}, [
      { key: '/tekton/artifacts/provenance.json', value, type: 6 },
      { key: '/tekton/steps/step-one/artifacts/provenance.json', value, type: 5 },
    ]);
    const found = readSteps(
      pod({ containerStatuses: [ended('step-one', 0, message), ended('step-unnamed-1', 0, message)] }, results),
      results,
      true,
    );
    expect(found.artifacts.outputs).toEqual([{ name: 'image', values: [{ uri: 'oci', digest: { sha256: 'a' } }] }]);
    expect(found.steps[0]?.inputs).toEqual([{ name: 'src', values: [{ uri: 'git' }] }]);
  });

  it("has a step's artifacts among the Task's", () => {
    const value = JSON.stringify({ outputs: [{ name: 'image', values: [{ uri: 'oci', digest: { sha256: 'a' } }] }] });
    const message = terminationMessage({}, [
      { key: '/tekton/steps/step-one/artifacts/provenance.json', value, type: 5 },
    ]);
    const found = readSteps(
      pod({ containerStatuses: [ended('step-one', 0, message), ended('step-unnamed-1')] }, results),
      results,
      true,
    );
    expect(found.artifacts).toEqual({
      outputs: [{ name: 'image', values: [{ uri: 'oci', digest: { sha256: 'a' } }] }],
    });
  });

  it('passes on what the runtime says of a container that never ran', () => {
    const { steps } = readSteps(
      pod({ containerStatuses: [ended('step-b', 128, 'exec: "nope": not found', 'StartError')] }),
      spec,
      true,
    );
    expect(steps[0]?.terminated?.message).toBe('exec: "nope": not found');
    expect(steps[0]?.terminationReason).toBe('StartError');
  });

  it.each([
    ['Skipped', 'Skipped'],
    ['Cancelled', 'Cancelled'],
    ['TimeoutExceeded', 'TimeoutExceeded'],
  ])('terminationReason %s', (reason, expected) => {
    const { steps } = readSteps(
      pod({
        containerStatuses: [ended('step-b', 1, terminationMessage({}, [{ key: 'Reason', value: reason, type: 3 }]))],
      }),
      spec,
      true,
    );
    expect(steps[0]?.terminationReason).toBe(expected);
  });
});

it("readSidecars lists the Task's own, native ones too", () => {
  const found = readSidecars(
    pod({
      containerStatuses: [running('sidecar-s'), running('istio-proxy')],
      initContainerStatuses: [running('sidecar-native'), ended('prepare')],
    }),
  );
  expect(found.map(({ name }) => name)).toEqual(['s', 'native']);
});

describe('failureOf', () => {
  const oom = (name: string) => ended(name, 137, undefined, 'OOMKilled');
  it.each<[string, PodStatus, string, string]>([
    [
      'a step',
      { phase: 'Failed', containerStatuses: [ended('step-b', 1), ended('step-a', 1)] },
      'StepFailed',
      '"step-b" exited with code 1: Error',
    ],
    [
      'the first in the spec, not by name',
      { phase: 'Failed', containerStatuses: [ended('step-a', 1), ended('step-b', 2)] },
      'StepFailed',
      '"step-b" exited with code 2: Error',
    ],
    [
      'a step out of memory',
      { phase: 'Failed', containerStatuses: [ended('step-b'), oom('step-a')] },
      'StepOOM',
      '"step-a" exited with code 137: OOMKilled',
    ],
    [
      'out of memory with exit 0',
      { phase: 'Running', containerStatuses: [ended('step-b', 0, undefined, 'OOMKilled'), ended('step-a')] },
      'StepOOM',
      'OOMKilled',
    ],
    [
      'a sidecar before a step',
      { phase: 'Failed', containerStatuses: [ended('step-b', 1), ended('step-a', 1), ended('sidecar-s', 3)] },
      'SidecarFailed',
      '"sidecar-s" exited with code 3: Error',
    ],
    [
      'a step out of memory before a sidecar that failed',
      { phase: 'Failed', containerStatuses: [ended('step-b', 1), oom('step-a'), ended('sidecar-s', 3)] },
      'StepOOM',
      '"step-a" exited with code 137: OOMKilled',
    ],
    [
      'a sidecar out of memory',
      { phase: 'Failed', containerStatuses: [ended('step-b'), ended('step-a'), oom('sidecar-s')] },
      'SidecarOOM',
      '"sidecar-s" exited with code 137: OOMKilled',
    ],
    [
      'the init container',
      { phase: 'Failed', initContainerStatuses: [ended('prepare', 1)] },
      'InitContainerFailed',
      'init container failed, "prepare" exited with code 1: Error',
    ],
    [
      'the init container out of memory',
      { phase: 'Failed', initContainerStatuses: [oom('prepare')] },
      'InitContainerOOM',
      'init container failed, "prepare" exited with code 137: OOMKilled',
    ],
    [
      'a native sidecar',
      { phase: 'Failed', initContainerStatuses: [ended('prepare'), ended('sidecar-n', 1)] },
      'SidecarFailed',
      'init container failed, "sidecar-n" exited with code 1: Error',
    ],
    [
      'eviction',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: memory.',
        containerStatuses: [ended('step-b', 137)],
      },
      'PodEvicted',
      'The node was low on resource: memory.',
    ],
    [
      'the pod itself',
      { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active too long' },
      'Failed',
      'Pod was active too long',
    ],
    [
      'a pod that the cluster took away',
      {
        phase: 'Failed',
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByPodGC',
            message: 'PodGC: node no longer exists',
          },
        ],
      },
      'Failed',
      'the cluster took the pod away: DeletionByPodGC: PodGC: node no longer exists',
    ],
    ['nothing known', { phase: 'Failed' }, 'Failed', 'build failed for unspecified reasons.'],
    [
      'results that do not fit',
      {
        phase: 'Failed',
        containerStatuses: [
          ended(
            'step-b',
            1,
            terminationMessage({}, [
              { key: 'Reason', value: 'TaskRunResultLargerThanAllowedLimit', type: 3 },
              { key: 'Message', value: 'task result "r" has 5000 bytes, and may have 4096', type: 3 },
            ]),
          ),
        ],
      },
      'TaskRunResultLargerThanAllowedLimit',
      '"step-b" exited with code 1: its results do not fit its termination message: task result "r" has 5000 bytes, and may have 4096; write less, or hand large data on in a workspace',
    ],
    [
      'a result that is a link',
      {
        phase: 'Failed',
        containerStatuses: [
          ended(
            'step-b',
            1,
            terminationMessage({}, [
              { key: 'Reason', value: 'TaskRunResultNotAFile', type: 3 },
              {
                key: 'Message',
                value: 'task result "r": /tekton/results/r is a symbolic link, not a regular file',
                type: 3,
              },
            ]),
          ),
        ],
      },
      'StepFailed',
      '"step-b" exited with code 1: task result "r": /tekton/results/r is a symbolic link, not a regular file; write the value itself into the file',
    ],
    [
      'a guard that cannot be evaluated',
      {
        phase: 'Failed',
        containerStatuses: [
          ended(
            'step-b',
            1,
            terminationMessage({}, [{ key: 'Message', value: 'CEL expression "1": it is no boolean', type: 3 }]),
          ),
        ],
      },
      'StepFailed',
      '"step-b" exited with code 1: CEL expression "1": it is no boolean',
    ],
    [
      'a message that was cut although the step succeeded',
      {
        phase: 'Succeeded',
        containerStatuses: [
          ended('step-b', 0, terminationMessage({ r: 'x'.repeat(4000) }).slice(0, 3072)),
          ended('step-a'),
        ],
      },
      'TaskRunResultLargerThanAllowedLimit',
      '"step-b" exited with code 0, but what it reported is lost: its termination message was cut at 3072 bytes, as the kubelet keeps 12288 bytes for all containers of a pod and this one has 4, those that webhooks added included; write less, or hand large data on in a workspace',
    ],
    [
      'a compressed message that was cut',
      {
        phase: 'Succeeded',
        containerStatuses: [
          ended('step-b', 0, compressed(terminationMessage({ r: 'abc' })).slice(0, -3)),
          ended('step-a'),
        ],
      },
      'TaskRunResultLargerThanAllowedLimit',
      expect.stringContaining('"step-b" exited with code 0, but what it reported is lost'),
    ],
    [
      'step timeout',
      {
        phase: 'Failed',
        containerStatuses: [
          ended('step-b', 1, terminationMessage({}, [{ key: 'Reason', value: 'TimeoutExceeded', type: 3 }])),
        ],
      },
      'StepFailed',
      '"step-b" exited because the step exceeded the specified timeout limit',
    ],
  ])('%s', (_name, status, reason, message) => {
    expect(didFail(pod(status))).toBe(true);
    expect(failureOf(pod(status))).toMatchObject({ reason, message });
  });
});

it('names the container that a webhook added when that is what failed', () => {
  const plain = pod({ phase: 'Failed', containerStatuses: [ended('step-b'), ended('step-a'), ended('injected', 4)] });
  const made = { ...plain, spec: { ...plain.spec, containers: [...plain.spec.containers, { name: 'injected' }] } };
  expect(failureOf(made)).toEqual({
    reason: 'Failed',
    message: '"injected" exited with code 4: Error',
    container: 'injected',
  });
});

it.each<[string, PodStatus, boolean]>([
  ['succeeded', { phase: 'Succeeded' }, true],
  ['failed', { phase: 'Failed' }, true],
  [
    'steps ended, sidecar runs',
    { phase: 'Running', containerStatuses: [ended('step-a'), ended('step-b'), running('sidecar-s')] },
    true,
  ],
  ['one step runs', { phase: 'Running', containerStatuses: [ended('step-a'), running('step-b')] }, false],
  ['one step not heard of', { phase: 'Running', containerStatuses: [ended('step-a')] }, false],
  ['nothing yet', {}, false],
])('isFinished: %s', (_name, status, expected) => expect(isFinished(pod(status))).toBe(expected));

it('a pod without steps is not finished for want of them', () => {
  expect(isFinished(pod({ phase: 'Running' }, { steps: [] }))).toBe(false);
});

describe('pendingState', () => {
  it.each<[string, PodStatus, string, string, boolean]>([
    ['fresh', { phase: 'Pending' }, 'Pending', 'Pending', false],
    [
      'initializing',
      {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Initialized', status: 'False', message: 'containers with incomplete status: [prepare]' },
        ],
      },
      'Pending',
      'pod status "Initialized":"False"; message: "containers with incomplete status: [prepare]"',
      false,
    ],
    [
      'no room',
      {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/1 nodes are available: 1 Insufficient cpu.',
          },
        ],
      },
      'ExceededNodeResources',
      'TaskRun Pod exceeded available resources',
      true,
    ],
    [
      'no fitting node',
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes match' }],
      },
      'Pending',
      'pod status "PodScheduled":"False"; message: "0/1 nodes match"',
      true,
    ],
    [
      'image',
      { phase: 'Pending', containerStatuses: [waiting('step-a', 'ErrImagePull', 'no such host')] },
      'PullImageFailed',
      'build step "step-a" is pending with reason "no such host"',
      true,
    ],
    [
      'image of the init container',
      {
        phase: 'Pending',
        initContainerStatuses: [waiting('prepare', 'ErrImagePull', 'denied')],
        containerStatuses: [waiting('step-a')],
      },
      'PullImageFailed',
      'build step "prepare" is pending with reason "denied"',
      true,
    ],
    ['a message', { phase: 'Pending', message: 'odd' }, 'Pending', 'odd', false],
  ])('%s', (_name, status, reason, message, notable) =>
    expect(pendingState(pod(status))).toEqual({ reason, message, notable }),
  );
});

describe('startFailure', () => {
  const now = new Date('2026-01-01T00:01:00Z');
  const initialized = [{ type: 'Initialized', status: 'True', lastTransitionTime: '2026-01-01T00:00:30Z' }];
  const verdict = (statuses: ContainerStatus[], defaults: Record<string, string> = {}, init: ContainerStatus[] = []) =>
    startFailure(
      pod({ phase: 'Pending', conditions: initialized, containerStatuses: statuses, initContainerStatuses: init }),
      'run',
      settingsOf({}, defaults).defaults,
      now,
    );
  it.each<[string, ReturnType<typeof verdict>, unknown]>([
    ['first failed pull is not the end', verdict([waiting('step-a', 'ErrImagePull', 'm')]), undefined],
    [
      'back-off is',
      verdict([waiting('step-a', 'ImagePullBackOff', 'Back-off')]),
      {
        reason: 'TaskRunImagePullFailed',
        message:
          'the step "a" in TaskRun "run" failed to pull the image "x". The pod errored with the message: "Back-off."',
      },
    ],
    [
      "a sidecar's too",
      verdict([waiting('sidecar-s', 'InvalidImageName', 'bad')]),
      {
        reason: 'TaskRunImagePullFailed',
        message:
          'the sidecar "s" in TaskRun "run" failed to pull the image "x". The pod errored with the message: "bad."',
      },
    ],
    [
      "the init container's too",
      verdict([], {}, [waiting('prepare', 'ImagePullBackOff', 'gone')]),
      {
        reason: 'TaskRunImagePullFailed',
        message:
          'the container "prepare" in TaskRun "run" failed to pull the image "tektite/entrypoint:v1". The pod errored with the message: "gone."',
      },
    ],
    [
      'patience',
      verdict([waiting('step-a', 'ImagePullBackOff', 'm')], { 'default-imagepullbackoff-timeout': '50s' }),
      { retryAfterMs: 20_000 },
    ],
    [
      'patience at its end',
      verdict([waiting('step-a', 'ImagePullBackOff', 'm')], { 'default-imagepullbackoff-timeout': '30s' }),
      { reason: 'TaskRunImagePullFailed', message: expect.stringContaining('"m."') as string },
    ],
    [
      'an invalid name is never waited for',
      verdict([waiting('step-a', 'InvalidImageName', 'm')], { 'default-imagepullbackoff-timeout': '1h' }),
      { reason: 'TaskRunImagePullFailed', message: expect.any(String) as string },
    ],
    [
      'configuration',
      verdict([waiting('step-a', 'CreateContainerConfigError', 'secret "x" not found')]),
      {
        reason: 'CreateContainerConfigError',
        message: 'Failed to create pod due to config error: container "step-a": secret "x" not found',
      },
    ],
    [
      'a slow node that could not read its configuration in time',
      verdict([waiting('step-a', 'CreateContainerConfigError', 'context deadline exceeded')], {
        'default-create-container-error-timeout': '40s',
      }),
      { retryAfterMs: 10_000 },
    ],
    [
      'a slow node',
      verdict([waiting('step-a', 'CreateContainerError', 'context deadline exceeded')], {
        'default-create-container-error-timeout': '40s',
      }),
      { retryAfterMs: 10_000 },
    ],
    [
      'a container that cannot be made, no grace set',
      verdict([waiting('step-a', 'CreateContainerError', 'no command specified')]),
      {
        reason: 'PodCreationFailed',
        message:
          'the step "a" in TaskRun "run" failed to start. The pod errored with the message: "no command specified."',
      },
    ],
    [
      'a container that cannot be made, grace at its end',
      verdict([waiting('sidecar-s', 'CreateContainerError', 'm')], {
        'default-create-container-error-timeout': '30s',
      }),
      {
        reason: 'PodCreationFailed',
        message: 'the sidecar "s" in TaskRun "run" failed to start. The pod errored with the message: "m."',
      },
    ],
    [
      'a folder of a claim that is being made by another pod',
      verdict([
        waiting('step-a', 'CreateContainerConfigError', 'failed to create subPath directory for volumeMount "v"'),
      ]),
      undefined,
    ],
  ])('%s', (_name, found, expected) => expect(found).toEqual(expected));

  it('is counted from when the pod could start containers, whatever came later', () => {
    const status: PodStatus = {
      phase: 'Pending',
      conditions: [...initialized, { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:00:59Z' }],
      containerStatuses: [waiting('step-a', 'ImagePullBackOff', 'm')],
    };
    const { defaults } = settingsOf({}, { 'default-imagepullbackoff-timeout': '50s' });
    expect(startFailure(pod(status), 'run', defaults, now)).toEqual({ retryAfterMs: 20_000 });
  });
});

describe('readyGateChange', () => {
  const { flags } = settingsOf();
  const plain = (status: PodStatus, injected: boolean, ready?: string): Pod => {
    const made = podOf({ steps: [{ name: 'a', image: 'x', command: ['y'] }] }, status);
    return {
      ...made,
      metadata: {
        ...made.metadata,
        annotations: ready === undefined ? {} : { 'tekton.dev/ready': ready },
      },
      spec: { ...made.spec, containers: [...made.spec.containers, ...(injected ? [{ name: 'istio-proxy' }] : [])] },
    };
  };
  const twoSteps = (status: PodStatus): Pod => {
    const one = plain(status, true);
    return { ...one, spec: { ...one.spec, containers: [...one.spec.containers, { name: 'step-b' }] } };
  };
  const both = (ready: boolean) => [running('step-a'), running('istio-proxy', ready)];
  it.each<[string, Pod, 'open' | 'close' | undefined]>([
    ['nothing injected', plain({ phase: 'Pending' }, false, 'READY'), undefined],
    ['injected into an open pod', plain({}, true, 'READY'), 'close'],
    ['already running', plain({ phase: 'Running', containerStatuses: both(false) }, true, 'READY'), undefined],
    ['closed, sidecar comes up', plain({ phase: 'Running', containerStatuses: both(false) }, true, ''), undefined],
    [
      'closed, sidecar not heard of',
      plain({ phase: 'Running', containerStatuses: [running('step-a')] }, true, ''),
      undefined,
    ],
    [
      'closed, two steps and a sidecar that is not heard of',
      twoSteps({ phase: 'Running', containerStatuses: [running('step-a'), running('step-b')] }),
      undefined,
    ],
    [
      'closed, two steps and a sidecar that is ready',
      twoSteps({
        phase: 'Running',
        containerStatuses: [running('step-a'), running('step-b'), running('istio-proxy', true)],
      }),
      'open',
    ],
    [
      'closed, sidecar ready in a pod that is not said to run',
      plain({ phase: 'Pending', containerStatuses: both(true) }, true),
      undefined,
    ],
    ['closed, sidecar ready', plain({ phase: 'Running', containerStatuses: both(true) }, true, ''), 'open'],
    [
      'closed, sidecar ended',
      plain({ phase: 'Running', containerStatuses: [running('step-a'), ended('istio-proxy')] }, true),
      'open',
    ],
  ])('%s', (_name, given, expected) => expect(readyGateChange(given, flags)).toBe(expected));

  it('leaves the gate open where no injection is expected', () => {
    expect(
      readyGateChange(
        plain({}, true, 'READY'),
        settingsOf({ 'running-in-environment-with-injected-sidecars': 'false' }).flags,
      ),
    ).toBeUndefined();
  });
});

it('checkResults', () => {
  const declared = [
    { name: 'list', type: 'array' as const },
    { name: 'o', type: 'object' as const, properties: { a: {}, b: {} } },
  ];
  expect(
    checkResults(
      [
        { name: 'list', type: 'string', value: 'x' },
        { name: 'free', type: 'string', value: '' },
      ],
      declared,
    ),
  ).toEqual({
    results: [{ name: 'free', type: 'string', value: '' }],
    message:
      'Provided results don\'t match declared results; may be invalid JSON or missing result declaration:  "list": task result is expected to be "array" type but was initialized to a different type "string"',
  });
  expect(checkResults([{ name: 'o', type: 'object', value: { a: '1' } }], declared).message).toBe(
    "missing keys for these results which are required in TaskResult's properties map[o:[b]]",
  );
  expect(checkResults([{ name: 'o', type: 'object', value: { a: '1', b: '' } }], declared).message).toBeUndefined();
});
