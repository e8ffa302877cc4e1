import { describe, expect, test } from 'vitest';
import { asGoWrites } from './go-spec.ts';

describe('specs as Go writes them', () => {
  test.each<[string, string, unknown, unknown]>([
    ['required texts are there', 'TaskRunSpec', {}, { serviceAccountName: '' }],
    ['struct values are there', 'PipelineRunSpec', {}, { taskRunTemplate: {} }],
    [
      'a step',
      'Step',
      { image: 'a', args: [], timeout: '60s', params: null },
      { name: '', image: 'a', computeResources: {}, timeout: '1m0s' },
    ],
    ['an embedded task', 'EmbeddedTask', { steps: [] }, { spec: null, metadata: {} }],
    [
      'a custom task keeps its spec',
      'EmbeddedTask',
      { apiVersion: 'x/v1', kind: 'K', spec: { a: null } },
      { apiVersion: 'x/v1', kind: 'K', spec: { a: null }, metadata: {} },
    ],
    [
      'a result of a pipeline',
      'PipelineResult',
      { name: 'r', value: ['a'] },
      { name: 'r', description: '', value: ['a'] },
    ],
    [
      'pointers to empty structs stay',
      'TaskRunSpec',
      { podTemplate: {}, computeResources: {} },
      { serviceAccountName: '', podTemplate: {}, computeResources: {} },
    ],
    [
      'values that are no text become their JSON',
      'Param',
      { name: 'p', value: { n: 1 } },
      { name: 'p', value: '{"n":1}' },
    ],
    [
      'quantities',
      'ResourceRequirements',
      { limits: { cpu: '1000m', memory: '$(params.m)' }, requests: {} },
      { limits: { cpu: '1', memory: '$(params.m)' } },
    ],
    [
      'the divisor that nobody gave',
      'EnvVar',
      { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } },
    ],
    [
      'a claim',
      'WorkspaceBinding',
      { name: 'w', volumeClaimTemplate: {} },
      { name: 'w', volumeClaimTemplate: { metadata: {}, spec: { resources: {} }, status: {} } },
    ],
    ['zero timeouts are pointers', 'TaskRunSpec', { timeout: '0' }, { serviceAccountName: '', timeout: '0s' }],
    [
      'a variable for a time',
      'Step',
      { name: 's', timeout: '$(params.t)' },
      { name: 's', computeResources: {}, timeout: '$(params.t)' },
    ],
    [
      'unknown fields stay',
      'Step',
      { name: 's', newField: { a: '' } },
      { name: 's', computeResources: {}, newField: { a: '' } },
    ],
    [
      'values of another form stay',
      'TaskRunSpec',
      { taskSpec: 'x', params: 3, workspaces: { a: 1 } },
      { serviceAccountName: '', taskSpec: 'x', params: 3, workspaces: { a: 1 } },
    ],
  ])('%s', (_, shape, given, expected) => {
    expect(asGoWrites(shape, given)).toEqual(expected);
  });

  test('the input stays as it is', () => {
    const given = Object.freeze({ params: Object.freeze([Object.freeze({ name: 'a', value: 1 })]) });
    asGoWrites('TaskRunSpec', given);
    expect(given).toEqual({ params: [{ name: 'a', value: 1 }] });
  });
});
