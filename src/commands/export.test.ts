import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineRuns } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { pipelineRun, succeeded } from './runs.fake.ts';

const everything = {
  labels: { team: 'a' },
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' },
  uid: 'u',
  generation: 2,
  finalizers: ['chains.tekton.dev'],
  creationTimestamp: '2026-05-01T12:00:00Z',
};

it.each([
  ['its name', {}, { name: 'run' }],
  ['a name to be made anew', { generateName: 'run-' }, { generateName: 'run-' }],
])('exports what can be created again, with %s', async (_name, given, expected) => {
  const made = new FakeEnvironment();
  const metadata = { name: 'run', ...everything, ...given };
  const spec = { pipelineRef: { name: 'build' }, status: 'Cancelled' as const };
  made.cluster.put(
    pipelineRuns,
    pipelineRun('run', { metadata, spec, status: { conditions: succeeded('False', 'Cancelled') } }),
  );
  expect(await made.run('pr export run'), made.err).toBe(0);
  expect(parse(made.out)).toEqual({
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { ...expected, labels: { team: 'a' }, annotations: { note: 'kept' } },
    spec: { pipelineRef: { name: 'build' } },
  });
});
