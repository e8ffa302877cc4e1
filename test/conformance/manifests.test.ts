import { expect, it } from 'vitest';
import { splitJson } from './manifests.ts';

it('splits what kubectl prints for a file of several documents', () => {
  const printed = [
    { kind: 'ConfigMap', metadata: { name: 'a' } },
    { kind: 'TaskRun', metadata: { name: 'b' } },
  ]
    .map((object) => JSON.stringify(object, null, 4))
    .join('\n');
  expect(splitJson(`${printed}\n`).map((object) => object.kind)).toEqual(['ConfigMap', 'TaskRun']);
});
