import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../resource.ts';
import { isUsedKind, usersOf, type UsedKind, type UserKind } from './used-by.ts';

const definition = (name: string, spec: unknown) => ({ metadata: { name, namespace: 'ci' }, spec }) as KubeObject;
const inCluster = (given: Record<string, string>) => ({
  resolver: 'cluster',
  params: Object.entries(given).map(([name, value]) => ({ name, value })),
});

describe('where a definition is used', () => {
  it.each<[name: string, used: UsedKind, by: UserKind, spec: unknown, places: string[]]>([
    ['by tasks', 'Task', 'Pipeline', { tasks: [{ name: 'a', taskRef: { name: 'x' } }] }, ['a']],
    [
      'by several, and by finally',
      'Task',
      'Pipeline',
      {
        tasks: [{ name: 'a', taskRef: { name: 'x', kind: 'Task' } }],
        finally: [{ name: 'b', taskRef: { name: 'x' } }],
      },
      ['a', 'b'],
    ],
    [
      'through the resolver cluster',
      'Task',
      'Pipeline',
      { tasks: [{ name: 'a', taskRef: inCluster({ kind: 'task', name: 'x', namespace: 'ci' }) }] },
      ['a'],
    ],
    ['by a pipeline of it', 'Pipeline', 'Pipeline', { tasks: [{ name: 'a', pipelineRef: { name: 'x' } }] }, ['a']],
    [
      'by steps',
      'StepAction',
      'Task',
      { steps: [{ name: 's', ref: { name: 'x' } }, { ref: { name: 'x' } }] },
      ['s', 'step 2'],
    ],
    [
      'by steps of a task in place',
      'StepAction',
      'Pipeline',
      { tasks: [{ name: 'a', taskSpec: { steps: [{ name: 's', ref: { name: 'x' } }] } }] },
      ['a / s'],
    ],
  ])('is told: %s', (_name, kind, by, spec, places) => {
    const definitions = [definition('z', spec), definition('none', {}), definition('a', spec)];
    expect(usersOf({ kind, name: 'x', namespace: 'ci' }, by, definitions)).toEqual([
      { kind: by, name: 'a', places },
      { kind: by, name: 'z', places },
    ]);
  });

  it.each<[name: string, spec: unknown]>([
    ['another name', { tasks: [{ name: 'a', taskRef: { name: 'y' } }] }],
    ['a custom task of that name', { tasks: [{ name: 'a', taskRef: { name: 'x', apiVersion: 'e.dev/v1' } }] }],
    ['a kind that is another', { tasks: [{ name: 'a', taskRef: { name: 'x', kind: 'Approval' } }] }],
    ['one of another place', { tasks: [{ name: 'a', taskRef: { name: 'x', resolver: 'hub' } }] }],
    [
      'one of another namespace',
      { tasks: [{ name: 'a', taskRef: inCluster({ kind: 'task', name: 'x', namespace: 'other' }) }] },
    ],
    ['a pipeline of that name', { tasks: [{ name: 'a', pipelineRef: { name: 'x' } }] }],
    ['what is no pipeline', 'text'],
    ['tasks that are none', { tasks: { name: 'a' }, finally: ['x'] }],
  ])('is not %s', (_name, spec) => {
    expect(usersOf({ kind: 'Task', name: 'x', namespace: 'ci' }, 'Pipeline', [definition('p', spec)])).toEqual([]);
  });

  it('is asked of kinds that others name', () => {
    expect(['Pipeline', 'Task', 'StepAction', 'CustomRun', 'toString'].filter(isUsedKind)).toEqual([
      'Pipeline',
      'Task',
      'StepAction',
    ]);
  });
});
