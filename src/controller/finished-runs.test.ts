import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../api/pipeline/v1beta1/customrun.ts';
import type { KubeObject } from '../kube/object.ts';
import { Store } from '../kube/store.ts';
import { recordFinishedChildren } from './finished-runs.ts';
import { ChildMetrics } from './metrics/child.ts';

it('counts what PipelineRuns made, of every kind, once and where its maker is led', async () => {
  const registry = new Registry();
  const caches = {
    taskRuns: new Store<TaskRun>(),
    customRuns: new Store<CustomRun>(),
    pipelineRuns: new Store<PipelineRun>(),
  };
  recordFinishedChildren(caches, { owns: (key) => key === 'ns/outer' }, new ChildMetrics(registry));
  let version = 0;
  const finish = <T extends KubeObject>(store: Store<T>, reason: string, maker: string | undefined) => {
    const controller = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: maker, uid: 'u', controller: true };
    const put = (status: string) => {
      const conditions = [{ type: 'Succeeded', status, reason }];
      const metadata = {
        name: `run-${reason}-${maker}`,
        namespace: 'ns',
        uid: reason,
        resourceVersion: `${++version}`,
      };
      const ownerReferences = maker === undefined ? [] : [controller];
      store.upsert({ metadata: { ...metadata, ownerReferences }, spec: {}, status: { conditions } } as unknown as T);
    };
    for (const status of ['Unknown', reason === 'Succeeded' ? 'True' : 'False']) put(status);
    put(reason === 'Succeeded' ? 'True' : 'False');
  };
  finish(caches.taskRuns, 'Succeeded', 'outer');
  finish(caches.taskRuns, 'Failed', 'outer');
  finish(caches.customRuns, 'CustomRunCancelled', 'outer');
  finish(caches.pipelineRuns, 'Cancelled', 'outer');
  finish(caches.pipelineRuns, 'Succeeded', 'led-elsewhere');
  finish(caches.taskRuns, 'Succeeded', undefined);
  const values = (await registry.getSingleMetric('tekton_pipelines_controller_pipelinerun_child_total')?.get())?.values;
  expect(values?.map(({ labels, value }) => `${labels['kind']} ${labels['status']} ${value}`)).toEqual([
    'TaskRun success 1',
    'TaskRun failed 1',
    'CustomRun cancelled 1',
    'PipelineRun cancelled 1',
  ]);
});
