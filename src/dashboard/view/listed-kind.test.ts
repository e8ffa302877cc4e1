import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../resource.ts';
import { definitionKinds, listedKind, objectsWith } from './listed-kind.ts';

const cellsOf = (kind: string, more: object) =>
  listedKind(definitionKinds, kind)?.cells({ metadata: { name: 'a' }, ...more });

describe('what a list tells of', () => {
  it.each<[kind: string, object: object, cells: string[]]>([
    ['Pipeline', { spec: { tasks: [{}, {}], finally: [{}], params: [{}], description: 'd' } }, ['3', '1', 'd']],
    ['Task', { spec: { steps: [{}], description: 'd' } }, ['1', '0', 'd']],
    ['StepAction', { spec: { image: 'busybox', params: [{}] } }, ['busybox', '1', '']],
    [
      'CustomRun',
      {
        spec: { customRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'w' } },
        status: { conditions: [{ type: 'Succeeded', status: 'Unknown', message: 'waits' }] },
      },
      ['Wait w (example.dev/v1)', 'waits'],
    ],
    ['CustomRun', { spec: { customSpec: { apiVersion: 'e/v1', kind: 'Wait' } } }, ['Wait (e/v1)', '']],
    ['Pipeline', { spec: 'none' }, ['0', '0', '']],
    ['Pipeline', {}, ['0', '0', '']],
  ])('a %s %j', (kind, object, cells) => {
    expect(cellsOf(kind, object)).toEqual(cells);
  });

  it('no kind that it does not have', () => {
    expect(listedKind(definitionKinds, 'Secret')).toBeUndefined();
  });
});

describe('objects with a text', () => {
  const objects = [
    { metadata: { name: 'b', namespace: 'x' } },
    { metadata: { name: 'a', namespace: 'y' }, spec: { description: 'Builds' } },
    { metadata: { name: 'a', namespace: 'x' } },
  ] as KubeObject[];
  const cells = ({ spec }: KubeObject & { spec?: { description: string } }) => [spec?.description ?? ''];
  it.each([
    ['', ['x/a', 'y/a', 'x/b']],
    ['BUILD', ['y/a']],
    ['x', ['x/a', 'x/b']],
    ['none', []],
  ])('%j', (text, expected) => {
    const found = objectsWith(objects, { cells }, text);
    expect(found.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual(expected);
  });
});
