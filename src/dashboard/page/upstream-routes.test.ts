import { expect, it } from 'vitest';
import { fromHashRoute } from './upstream-routes.ts';

it.each([
  ['#/namespaces/ci/pipelineruns/build-1', '/runs/ci/build-1'],
  ['#/namespaces/ci/pipelineruns/build-1?pipelineTask=test&step=unit', '/runs/ci/build-1?task=test&step=unit'],
  ['#/namespaces/ci/taskruns/t-1', '/runs/ci/t-1?kind=TaskRun'],
  ['#/namespaces/ci/pipelineruns', '/runs?ns=ci'],
  ['#/pipelineruns?labelSelector=team%3Da', '/runs?label=team%3Da'],
  ['#/namespaces/a%2Fb/pipelineruns/c%2Fd', '/runs/a%2Fb/c%2Fd'],
  ['#/namespaces/ci/pipelineruns/%E0%A4%A', '/runs/ci/%25E0%25A4%25A'],
  ['#/namespaces/ci/pipelines/release', '/definitions/ci/Pipeline/release'],
  ['#/namespaces/ci/tasks', '/definitions?kind=Task&ns=ci'],
  ['#/stepactions', '/definitions?kind=StepAction'],
  ['#/namespaces/ci/eventlisteners/github', '/triggers/ci/EventListener/github'],
  ['#/batch/v1/cronjobs', '/extensions?kind=cronjobs.batch'],
  ['#/namespaces/ci/batch/v1/cronjobs/nightly', '/extensions/ci/cronjobs.batch/nightly'],
  ['#/constructor', undefined],
  ['#/about', undefined],
  ['#L12', undefined],
  ['', undefined],
])('%s leads to %s', (hash, address) => {
  expect(fromHashRoute(hash)).toBe(address);
});
