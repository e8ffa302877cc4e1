import { describe, expect, it } from 'vitest';
import { customRuns, pipelineRuns, taskRuns } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const ended = (exitCode: number) => ({
  startTime: minutesAgo(10),
  completionTime: minutesAgo(8),
  conditions: succeeded(exitCode === 0 ? 'True' : 'False', exitCode === 0 ? 'Succeeded' : 'Failed'),
  steps: [
    {
      name: 'push',
      container: 'step-push',
      terminated: { exitCode, reason: 'Error', startedAt: minutesAgo(9), finishedAt: minutesAgo(8) },
    },
  ],
});
const child = (kind: string, name: string, pipelineTaskName: string) => ({
  apiVersion: kind === 'CustomRun' ? 'tekton.dev/v1beta1' : 'tekton.dev/v1',
  kind,
  name,
  pipelineTaskName,
});

function runWith(kind: string, name: string, status: 'False' | 'Unknown') {
  return pipelineRun('p', {
    spec: { pipelineSpec: { tasks: [{ name: 'build', taskSpec: { steps: [] } }] } },
    status: {
      startTime: minutesAgo(10),
      ...(status === 'False' ? { completionTime: minutesAgo(8) } : {}),
      conditions: succeeded(status, status === 'False' ? 'Failed' : 'Running', 'as it is\u001b[2J'),
      childReferences: [child(kind, name, 'build')],
    },
  });
}

describe('how a run is, in one sentence', () => {
  it.each<[string, (made: FakeEnvironment) => void, string, string]>([
    [
      'a PipelineRun, by the step that broke it',
      ({ cluster }) => {
        cluster.put(pipelineRuns, runWith('TaskRun', 'p-build', 'False'));
        cluster.put(taskRuns, taskRun('p-build', { of: 'p', task: 'build', status: ended(1) }));
      },
      'pipelinerun describe p --sentence',
      'failed in build / push: exit 1 after 1 m 00 s\n',
    ],
    [
      'a PipelineRun that runs another one',
      ({ cluster }) => {
        cluster.put(pipelineRuns, runWith('PipelineRun', 'p-build', 'Unknown'));
        const status = { startTime: minutesAgo(9), conditions: succeeded('Unknown', 'Running') };
        cluster.put(
          pipelineRuns,
          pipelineRun('p-build', { metadata: { labels: { 'tekton.dev/pipelineRun': 'p' } }, status }),
        );
      },
      'pr describe p --sentence',
      'running for 10 m 00 s\n',
    ],
    [
      'a PipelineRun whose custom task failed, with what it said made harmless',
      ({ cluster }) => {
        cluster.put(pipelineRuns, runWith('CustomRun', 'p-build', 'False'));
        const metadata = { namespace: 'ns', name: 'p-build', labels: { 'tekton.dev/pipelineRun': 'p' } };
        cluster.put(customRuns, { metadata, spec: {}, status: { conditions: succeeded('False', 'No') } });
      },
      'pr describe p --sentence',
      'failed: as it is\\u001b[2J\n',
    ],
    [
      'a TaskRun',
      ({ cluster }) => cluster.put(taskRuns, taskRun('t', { status: ended(0) })),
      'taskrun describe t --sentence',
      'succeeded in 2 m 00 s\n',
    ],
  ])('%s', async (_name, prepare, line, expected) => {
    const made = new FakeEnvironment();
    prepare(made);
    expect(await made.run(line)).toBe(0);
    expect(made.out).toBe(expected);
  });

  it('is asked for with a name that is there', async () => {
    const made = new FakeEnvironment();
    expect(await made.run('pr describe absent --sentence')).toBe(1);
    expect(made.err).toMatch(/absent/);
  });
});
