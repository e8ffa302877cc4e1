import { expect, it } from 'vitest';
import type { KubeObject } from './object.ts';
import { byController, controllerId, controllerIndex } from './owners.ts';
import { Store } from './store.ts';

type Owner = NonNullable<KubeObject['metadata']['ownerReferences']>[number];
const owner: Owner = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'run', uid: 'u', controller: true };

it.each<[string, Partial<Owner>, boolean]>([
  ['by its controller', {}, true],
  ['whatever version its reference has', { apiVersion: 'tekton.dev/v1beta1' }, true],
  ['not by an object of another uid', { uid: 'other' }, false],
  ['not by one of another kind with the same uid', { kind: 'PipelineRun' }, false],
  ['not by one of another group with the same uid', { apiVersion: 'evil.dev/v1' }, false],
  ['not by one of the core group with the same uid', { apiVersion: 'v1' }, false],
  ['not by an owner that is no controller', { controller: false }, false],
])('an object is found %s', (_name, fields, expected) => {
  const store = new Store<KubeObject>({ indexes: { [byController]: controllerIndex } });
  const object = { metadata: { name: 'pod', namespace: 'ns', ownerReferences: [{ ...owner, ...fields }] } };
  store.replace([object], '1');
  expect(store.byIndex(byController, controllerId(owner)).length > 0).toBe(expected);
});
