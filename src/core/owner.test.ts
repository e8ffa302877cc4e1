import { expect, it } from 'vitest';
import type { OwnerReference } from '../api/meta.ts';
import { isControlledBy, runReference } from './owner.ts';

const own = runReference('PipelineRun', { name: 'run', uid: 'u' });

it.each<[string, Partial<OwnerReference>, boolean]>([
  ['its own reference', {}, true],
  ['one of an older version of the API', { apiVersion: 'tekton.dev/v1beta1' }, true],
  ['one of an earlier run of the same name', { uid: 'earlier' }, false],
  ['one with the same uid under another kind', { kind: 'TaskRun' }, false],
  ['one with the same uid under another group', { apiVersion: 'tekton.dev.evil.example/v1' }, false],
  ['one that is no controller', { controller: false }, false],
])('a run controls what has %s: %s', (_name, fields, expected) => {
  expect(isControlledBy({ metadata: { ownerReferences: [{ ...own, ...fields }] } }, 'PipelineRun', 'u')).toBe(expected);
});

it('a run without a uid controls nothing', () => {
  const metadata = { ownerReferences: [{ ...own, uid: undefined as never }] };
  expect(isControlledBy({ metadata }, 'PipelineRun', undefined)).toBe(false);
});
