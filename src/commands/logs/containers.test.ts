import { describe, expect, it } from 'vitest';
import { exited, pod, running, waiting } from '../runs.fake.ts';
import { containerFailure, hindrances, isReadable, selectContainers } from './containers.ts';

const some = pod(
  'p',
  'Running',
  { 'step-build': running, 'step-unnamed-1': running, 'sidecar-db': running },
  { prepare: exited(), 'place-scripts': exited() },
);

describe('selectContainers', () => {
  it.each([
    ['steps and sidecars in pod order', { allSteps: false, steps: [] }, ['build', 'unnamed-1', 'sidecar-db']],
    [
      'init containers first with --all',
      { allSteps: true, steps: [] },
      ['prepare', 'place-scripts', 'build', 'unnamed-1', 'sidecar-db'],
    ],
    ['named steps only, in pod order', { allSteps: false, steps: ['sidecar-db', 'build'] }, ['build', 'sidecar-db']],
    ['no such step', { allSteps: false, steps: ['nope'] }, []],
  ])('%s', (_name, choice, expected) => {
    expect(selectContainers(some, choice).map(({ step }) => step)).toEqual(expected);
  });
});

it('reads sidecars of Kubernetes own kind last, because their logs end with the pod', () => {
  const beside = pod('p', 'Running', { 'step-a': running }, { 'sidecar-proxy': running, prepare: exited() });
  (beside.spec?.initContainers ?? []).forEach((container) => {
    if (container.name === 'sidecar-proxy') container.restartPolicy = 'Always';
  });
  expect(selectContainers(beside, { allSteps: true, steps: [] })).toEqual([
    { container: 'prepare', step: 'prepare', init: true },
    { container: 'step-a', step: 'a', init: false },
    { container: 'sidecar-proxy', step: 'sidecar-proxy', init: true },
  ]);
});

describe('containerFailure', () => {
  const step = { container: 'step-a', step: 'a', init: false };
  it.each([
    ['running', running, undefined],
    ['waiting', waiting(), undefined],
    ['done', exited(), undefined],
    ['exit code 1', exited(1), 'container step-a has failed '],
    ['another exit code', exited(127), 'container step-a has failed '],
    ['with a message', exited(1, 'boom'), 'container step-a has failed  : boom'],
    [
      'with a reason',
      { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      'container step-a has failed  : OOMKilled',
    ],
  ])('%s', (_name, state, expected) => {
    expect(containerFailure(pod('p', 'Running', { 'step-a': state }), step)).toBe(expected);
  });

  it('of a sidecar: to be killed is no failure', () => {
    const sidecar = { container: 'sidecar-db', step: 'sidecar-db', init: false };
    expect(containerFailure(pod('p', 'Failed', { 'sidecar-db': exited(137) }), sidecar)).toBeUndefined();
    expect(containerFailure(pod('p', 'Failed', { 'sidecar-db': exited(1) }), sidecar)).toBe(
      'container sidecar-db has failed ',
    );
  });

  it('of an init container', () => {
    expect(
      containerFailure(pod('p', 'Pending', {}, { prepare: exited(1) }), {
        container: 'prepare',
        step: 'prepare',
        init: true,
      }),
    ).toBe('container prepare has failed: Error');
  });
});

describe('isReadable', () => {
  it.each([
    ['Pending', undefined],
    ['Running', true],
    ['Succeeded', true],
    ['Failed', true],
  ])('%s', (phase, expected) => {
    expect(isReadable(pod('p', phase, {}))).toBe(expected);
  });

  it('throws for a pod that is being deleted or that a node lost', () => {
    const deleted = pod('p', 'Pending', {});
    deleted.metadata.deletionTimestamp = '2026-05-01T12:00:00Z';
    expect(() => isReadable(deleted)).toThrow('failed to run the pod p');
    const lost = pod('p', 'Pending', {});
    lost.status = {
      ...lost.status,
      conditions: [{ type: 'ContainersReady', status: 'Unknown', message: 'node is gone' }],
    };
    expect(() => isReadable(lost)).toThrow('node is gone');
  });
});

describe('hindrances', () => {
  it('names what waits for something that may never come', () => {
    const stuck = pod(
      'p',
      'Pending',
      { 'step-a': waiting('ImagePullBackOff', 'no such image'), 'step-b': waiting() },
      { prepare: waiting('CreateContainerConfigError') },
    );
    stuck.status = {
      ...stuck.status,
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' },
      ],
    };
    expect(hindrances(stuck).map(({ sentence }) => sentence)).toEqual([
      'pod p is waiting for a node: 0/1 nodes are available',
      'container prepare is waiting: CreateContainerConfigError',
      'container step-a is waiting: ImagePullBackOff: no such image',
    ]);
    expect(hindrances(some)).toEqual([]);
  });

  it('knows one trouble by its several names', () => {
    const causes = ['ErrImagePull', 'ImagePullBackOff'].map(
      (reason) => hindrances(pod('p', 'Pending', { 'step-a': waiting(reason) }))[0]?.cause,
    );
    expect(new Set(causes).size).toBe(1);
    expect(hindrances(pod('p', 'Pending', { 'step-b': waiting('ErrImagePull') }))[0]?.cause).not.toBe(causes[0]);
  });
});
