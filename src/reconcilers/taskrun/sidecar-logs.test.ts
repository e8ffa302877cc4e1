import { expect, it } from 'vitest';
import { container } from '../../core/pod/pod.fake.ts';
import { ApiError } from '../../kube/client.ts';
import { accessReviews } from '../../kube/resources.ts';
import { scene, type Scene } from './scene.fake.ts';

const { running, ended } = container;
const sidecar = 'sidecar-tekton-log-results';
const spec = {
  results: [{ name: 'r', type: 'string' as const }],
  steps: [{ name: 'one', image: 'x', command: ['y'] }],
};
const log = '{"name":"r","value":"of the log","type":"task"}\n{"name":"","value":"1","type":"end"}\n';

async function begin(): Promise<Scene> {
  const one = await scene((it) => {
    it.flags = { 'results-from': 'sidecar-logs' };
    it.run({ taskSpec: spec });
  });
  await one.reconcile();
  return one;
}

it('results come from the log of the pod, with no write more than by termination message', async () => {
  const one = await begin();
  one.client.logs.set(`ns/run-pod/${sidecar}`, log);
  await one.sync();
  await one.podBecomes({ phase: 'Running', containerStatuses: [running('step-one'), running(sidecar)] });
  await one.reconcile();
  await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one'), ended(sidecar)] });
  await one.reconcile();
  expect(await one.reason()).toBe('True Succeeded');
  expect((await one.stored()).status?.results).toEqual([{ name: 'r', type: 'string', value: 'of the log' }]);
  const onRuns = one.writes.filter((write) => !write.includes(accessReviews.plural));
  expect(onRuns).toEqual([
    'create pods run-pod',
    'update taskruns/status run',
    'update taskruns/status run',
    'update taskruns/status run',
  ]);
});

it('a log that cannot be read for now is read later', async () => {
  const one = await begin();
  await one.sync();
  one.client.intercept = ({ subresource }) => {
    if (subresource === 'log') throw new ApiError(502, { message: 'the kubelet is away' });
  };
  await one.podBecomes({ phase: 'Succeeded', containerStatuses: [ended('step-one'), ended(sidecar)] });
  expect(await one.reconcile()).toEqual({ kind: 'requeueAfter', ms: 5_000 });
  expect(await one.reason()).toBe('Unknown Running');
  one.client.intercept = undefined;
  one.client.logs.set(`ns/run-pod/${sidecar}`, log);
  await one.sync();
  await one.reconcile();
  expect(await one.reason()).toBe('True Succeeded');
});
