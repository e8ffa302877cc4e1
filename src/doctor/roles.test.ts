import { describe, expect, it } from 'vitest';
import { ago, deployment, now, pod } from './installation.fake.ts';
import { podsOf, roleFindings, roleOf, versionFindings } from './roles.ts';

const name = 'tekton-pipelines-controller';
const waiting = (reason: string, message = '', more: object = {}) => ({
  conditions: [],
  containerStatuses: [{ name: 'c', restartCount: 4, state: { waiting: { reason, message } }, ...more }],
});
const ended = (seconds: number, reason = 'OOMKilled') => ({
  lastState: { terminated: { exitCode: 137, reason, finishedAt: ago(seconds) } },
});
const text = (pods: ReturnType<typeof pod>[], more: Parameters<typeof deployment>[1] = {}) =>
  roleFindings(deployment(name, more), pods, now).map(({ severity, text: what }) => `${severity}: ${what}`);

describe('a role', () => {
  it('is shown with the pods that are its own', () => {
    const pods = [pod('a', name), pod('b', 'another'), pod('c', name, { namespace: 'elsewhere' })];
    expect(podsOf(deployment(name), pods).map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(roleOf(deployment(name, { wanted: 2, ready: 1 }), pods)).toEqual({
      namespace: 'tekton-pipelines',
      name,
      wanted: 2,
      ready: 1,
      version: 'v0.1.0',
      pods: [{ name: 'a', isReady: true, restarts: 0, node: 'node-1', started: ago(600) }],
    });
  });

  it('that selects everything has no pods', () => {
    const loose = { ...deployment(name), spec: { selector: {} } } as unknown as ReturnType<typeof deployment>;
    expect(podsOf(loose, [pod('a', name)])).toEqual([]);
  });
});

describe('what is wrong about a role', () => {
  it.each<[string, ReturnType<typeof pod>[], Parameters<typeof deployment>[1], string[]]>([
    ['nothing', [pod('a', name)], {}, []],
    ['one of two is there', [], { wanted: 2, ready: 1 }, ['warning: 1 of 2 replicas are ready']],
    ['none is there', [], { wanted: 2, ready: 0 }, ['problem: 0 of 2 replicas are ready']],
    [
      'it ends again and again',
      [pod('a', name, { status: waiting('CrashLoopBackOff', 'back-off', ended(9, 'Error')) })],
      { ready: 0 },
      ['problem: 0 of 1 replicas are ready: a waits (CrashLoopBackOff, ended with exit 137 (Error))'],
    ],
    [
      'its image is not there',
      [pod('a', name, { status: waiting('ImagePullBackOff', 'no such image') })],
      { ready: 0 },
      ['problem: 0 of 1 replicas are ready: a waits (ImagePullBackOff: no such image)'],
    ],
    [
      'it has just been started',
      [pod('a', name, { status: waiting('ContainerCreating') })],
      { ready: 0 },
      ['problem: 0 of 1 replicas are ready'],
    ],
    [
      'no node has room',
      [
        pod('a', name, {
          status: { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] },
        }),
      ],
      { ready: 0 },
      ['problem: 0 of 1 replicas are ready: a has no node: 0/1 nodes are available'],
    ],
    [
      'it was killed a while ago, and is well',
      [pod('a', name, { status: { containerStatuses: [{ restartCount: 2, ...ended(600) }] } })],
      {},
      ['warning: it was restarted within the last hour, 2 times in all; it ended with exit 137 (OOMKilled)'],
    ],
    [
      'it was killed yesterday',
      [pod('a', name, { status: { containerStatuses: [{ restartCount: 2, ...ended(90_000) }] } })],
      {},
      [],
    ],
    [
      'its next version does not start',
      [pod('a', name), pod('b', name, { status: waiting('ImagePullBackOff', 'no such image') })],
      {},
      ['warning: all replicas are ready, but b waits (ImagePullBackOff: no such image)'],
    ],
    ['its next version has just been started', [pod('b', name, { status: waiting('ContainerCreating') })], {}, []],
  ])('%s', (_name, pods, more, expected) => expect(text(pods, more)).toEqual(expected));

  it.each([
    [name, 'problem'],
    ['tekton-pipelines-webhook', 'problem'],
    ['tekton-chains-controller', 'warning'],
    ['tekton-dashboard', 'warning'],
  ])('nobody wants %s: a %s', (role, severity) => {
    const found = roleFindings(deployment(role, { wanted: 0 }), [], now);
    expect(found).toMatchObject([{ severity, text: 'it is scaled to nothing: what it does is not done' }]);
  });

  it('is bounded, whatever a kubelet says', () => {
    const [found] = text([pod('a', name, { status: waiting('X', 'y'.repeat(100_000)) })], { ready: 0 });
    expect(found?.length).toBeLessThan(500);
  });
});

describe('versions', () => {
  const role = (of: string, version: string) => roleOf(deployment(of, { version }), []);
  it.each<[string, ReturnType<typeof role>[], string[]]>([
    ['the same', [role('a', 'v1'), role('b', 'v1')], []],
    ['one that does not say', [role('a', 'v1'), role('b', '')], []],
    ['two', [role('a', 'v1'), role('b', 'v2'), role('c', 'v1')], ['its roles are of 2 versions (v1: a, c; v2: b)']],
  ])('%s', (_name, roles, expected) => expect(versionFindings(roles).map(({ text: what }) => what)).toEqual(expected));
});
