import { describe, expect, it } from 'vitest';
import type { ParamValue } from '../../api/pipeline/v1/param-value.ts';
import { firstInput, startForm, startRequest, type StartForm, type StartInput } from './start.ts';
import type { WorkspaceInput } from './start-workspace.ts';

const pipeline = (spec: object): StartForm => startForm({ kind: 'Pipeline', namespace: 'ci', name: 'release' }, spec);
const specOf = (form: StartForm, change: (input: StartInput) => Partial<StartInput> = () => ({})) => {
  const input = firstInput(form);
  const request = startRequest(form, { ...input, ...change(input) });
  return request.problems ?? (request.body as unknown as { spec: Record<string, unknown> }).spec;
};

describe('a form', () => {
  it('of nothing starts a run of the definition', () => {
    expect(startRequest(pipeline({}), firstInput(pipeline({})))).toEqual({
      body: {
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: { namespace: 'ci', generateName: 'release-run-' },
        spec: { pipelineRef: { name: 'release' } },
      },
    });
  });

  it('of a Task starts a TaskRun', () => {
    const form = startForm({ kind: 'Task', namespace: 'ci', name: 'x'.repeat(80) }, { workspaces: [{ name: 'w' }] });
    const request = startRequest(form, { ...firstInput(form), serviceAccount: 'builder', timeout: '5m' });
    expect(request).toMatchObject({
      body: {
        kind: 'TaskRun',
        metadata: { generateName: `${'x'.repeat(50)}-run-` },
        spec: {
          taskRef: { kind: 'Task' },
          serviceAccountName: 'builder',
          timeout: '5m',
          workspaces: [{ name: 'w', emptyDir: {} }],
        },
      },
    });
  });

  it.each([undefined, null, 'text', { params: 'none', workspaces: 3 }])('of a spec like %j asks nothing', (spec) => {
    expect(startForm({ kind: 'Task', namespace: 'n', name: 'a' }, spec)).toMatchObject({ params: [], workspaces: [] });
  });
});

describe('the params', () => {
  const given = (spec: object, value?: ParamValue) =>
    specOf(pipeline({ params: [{ name: 'p', ...spec }] }), () =>
      value === undefined ? {} : { params: new Map([['p', value]]) },
    );
  const sent = (value: ParamValue) => ({ pipelineRef: { name: 'release' }, params: [{ name: 'p', value }] });
  const nothing = { pipelineRef: { name: 'release' } };
  const wrong = (text: string) => [{ field: 'params.p', text: expect.stringContaining(text) as string }];
  const keys = { properties: { url: {}, tag: {} } };

  it.each<[name: string, spec: object, value: ParamValue | undefined, expected: object]>([
    ['text', {}, 'v', sent('v')],
    ['text without a default, untouched', {}, undefined, wrong('has to be given')],
    ['an untouched default', { default: 'd' }, undefined, nothing],
    ['another text than the default', { default: 'd' }, 'v', sent('v')],
    ['an empty text in place of the default', { default: 'd' }, '', sent('')],
    ['a list', { type: 'array' }, ['a', 'b,c', ''], sent(['a', 'b,c', ''])],
    ['no items', { type: 'array', default: ['a'] }, [], sent([])],
    ['the list of the default', { default: ['a'] }, ['a'], nothing],
    ['an object', keys, { url: 'u', tag: 't' }, sent({ url: 'u', tag: 't' })],
    ['an object that lacks a key', keys, { url: 'u', tag: '' }, wrong('needs a value for: tag')],
    ['an object whose default has the key', { ...keys, default: { tag: 'x', url: 'u' } }, undefined, nothing],
    [
      'an object, half of its default',
      { ...keys, default: { tag: 'x' } },
      { url: 'u', tag: 'x' },
      sent({ url: 'u', tag: 'x' }),
    ],
    ['the first of what is allowed', { enum: ['a', 'b'] }, undefined, sent('a')],
    ['what is not allowed', { enum: ['a', 'b'] }, 'c', wrong('one of: a, b')],
    ['a default that is a number', { default: 3 }, undefined, nothing],
  ])('%s', (_name, spec, value, expected) => {
    expect(given(spec, value)).toEqual(expected);
  });

  it('may be called anything', () => {
    const form = pipeline({ params: [{ name: '__proto__' }, { name: 'constructor' }] });
    const params = new Map([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(specOf(form, () => ({ params }))).toMatchObject({
      params: [
        { name: '__proto__', value: 'a' },
        { name: 'constructor', value: 'b' },
      ],
    });
  });
});

describe('a workspace', () => {
  const bound = (input: Partial<WorkspaceInput> | undefined, more: object = {}) =>
    specOf(pipeline({ workspaces: [{ name: 'w', ...more }] }), ({ workspaces }) => {
      const first = workspaces.get('w');
      return input && first ? { workspaces: new Map([['w', { ...first, ...input }]]) } : {};
    });
  const claim = (more: object = {}) => ({
    volumeClaimTemplate: {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
    },
  });
  it.each<[name: string, input: Partial<WorkspaceInput> | undefined, expected: object]>([
    ['of a pipeline is a new volume', undefined, claim()],
    ['may have a storage class', { name: 'fast' }, claim({ storageClassName: 'fast' })],
    ['may be an empty directory', { source: 'emptyDir' }, { emptyDir: {} }],
    ['may be a claim', { source: 'claim', name: 'c' }, { persistentVolumeClaim: { claimName: 'c' } }],
    ['may be a ConfigMap', { source: 'configMap', name: 'c' }, { configMap: { name: 'c' } }],
    ['may be a Secret', { source: 'secret', name: 's' }, { secret: { secretName: 's' } }],
    [
      'may be a folder of a claim',
      { source: 'claim', name: 'old', subPath: 'build/output' },
      { persistentVolumeClaim: { claimName: 'old' }, subPath: 'build/output' },
    ],
    [
      'may be several',
      { source: 'projected', name: 'configmap/a, secret/b' },
      { projected: { sources: [{ configMap: { name: 'a' } }, { secret: { name: 'b' } }] } },
    ],
    [
      'may be of a driver, with attributes',
      { source: 'csi', name: 'secrets-store.csi.k8s.io', attributes: 'secretProviderClass=vault, a=b=c' },
      { csi: { driver: 'secrets-store.csi.k8s.io', volumeAttributes: { secretProviderClass: 'vault', a: 'b=c' } } },
    ],
    ['may be of a driver alone', { source: 'csi', name: 'd.example' }, { csi: { driver: 'd.example' } }],
  ])('%s', (_name, input, expected) => {
    expect(bound(input)).toMatchObject({ workspaces: [{ name: 'w', ...expected }] });
  });

  it.each<[name: string, input: Partial<WorkspaceInput>, text: string]>([
    ['that is needed', { source: 'none' }, 'has to be given'],
    ['without the name of a claim', { source: 'claim' }, 'give the name of a volume claim'],
    ['with a name that is none', { source: 'secret', name: '../x' }, '"../x" is no name'],
    ['with a size that is none', { size: 'large' }, '"large" is no quantity: write 1Gi'],
    ['with a storage class that is none', { name: 'A b' }, '"A b" is no name of a storage class'],
    [
      'with a folder outside of the volume',
      { source: 'claim', name: 'a', subPath: 'b/../../c' },
      'leads out of the volume',
    ],
    ['with a folder from the root', { source: 'template', subPath: '/etc' }, 'leads out of the volume'],
    ['of several, one of another kind,', { source: 'projected', name: 'secret/a, pod/b' }, '"pod/b" is neither'],
    ['of several that are none', { source: 'projected', name: ' , ' }, 'configmap/NAME, secret/NAME'],
    ['of a driver without a name', { source: 'csi' }, 'the name of the CSI driver'],
    ['with an attribute without a key', { source: 'csi', name: 'd', attributes: '=b' }, '"=b" is no attribute'],
  ])('%s is told of', (_name, input, text) => {
    expect(bound(input)).toEqual([{ field: 'workspaces.w', text: expect.stringContaining(text) as string }]);
  });

  it('that is optional is left out', () => {
    expect(bound(undefined, { optional: true })).toEqual({ pipelineRef: { name: 'release' } });
  });
});

describe('what else a run is given', () => {
  it.each<[input: Partial<StartInput>, expected: object]>([
    [{ serviceAccount: 'builder' }, { taskRunTemplate: { serviceAccountName: 'builder' } }],
    [{ timeout: '1h30m' }, { timeouts: { pipeline: '1h30m' } }],
    [{ timeout: '0' }, { timeouts: { pipeline: '0' } }],
  ])('%j', (input, expected) => {
    expect(specOf(pipeline({}), () => input)).toEqual({ pipelineRef: { name: 'release' }, ...expected });
  });

  it.each<[input: Partial<StartInput>, field: string, text: string]>([
    [{ serviceAccount: 'Not This' }, 'serviceAccount', 'is no name of a service account'],
    [{ timeout: '-1h' }, 'timeout', 'is below zero'],
    [{ timeout: '90' }, 'timeout', 'missing unit in duration "90": write 1h30m'],
  ])('%j is told of', (input, field, text) => {
    expect(specOf(pipeline({}), () => input)).toEqual([{ field, text: expect.stringContaining(text) as string }]);
  });
});
