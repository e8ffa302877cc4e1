import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { pipelineRun, succeeded, taskRun } from './runs.fake.ts';

function environment(): FakeEnvironment {
  const made = new FakeEnvironment();
  made.cluster.put(pipelineRuns, pipelineRun('running', { status: { conditions: succeeded('Unknown', 'Running') } }));
  made.cluster.put(pipelineRuns, pipelineRun('new'));
  made.cluster.put(pipelineRuns, pipelineRun('done', { status: { conditions: succeeded('True') } }));
  made.cluster.put(taskRuns, taskRun('running', { status: { conditions: succeeded('Unknown', 'Running') } }));
  made.cluster.put(taskRuns, taskRun('failed', { status: { conditions: succeeded('False') } }));
  return made;
}

describe('cancel', () => {
  it.each([
    ['pr cancel running', 'PipelineRun', 'running', 'Cancelled'],
    ['pr cancel new', 'PipelineRun', 'new', 'Cancelled'],
    ['pr cancel running --grace CancelledRunFinally', 'PipelineRun', 'running', 'CancelledRunFinally'],
    ['pr cancel running --grace stoppedrunfinally', 'PipelineRun', 'running', 'StoppedRunFinally'],
    ['tr cancel running', 'TaskRun', 'running', 'TaskRunCancelled'],
  ])('%s', async (line, kind, name, status) => {
    const made = environment();
    expect(await made.run(line)).toBe(0);
    expect(made.out).toBe(`${kind} cancelled: ${name}\n`);
    const patch = made.cluster.requests.at(-1);
    expect(patch).toBe(
      `patch ${kind.toLowerCase()}s/${name} ${JSON.stringify([{ op: 'replace', path: '/spec/status', value: status }])}`,
    );
  });

  it.each([
    ['pr cancel done', 'failed to cancel PipelineRun done: PipelineRun has already finished execution'],
    ['tr cancel failed', 'failed to cancel TaskRun failed: TaskRun has already finished execution'],
    ['pr cancel nope', 'failed to find PipelineRun: nope'],
    ['tr cancel nope', 'failed to find TaskRun: nope'],
    [
      'pr cancel running --grace slowly',
      'invalid --grace "slowly": must be one of CancelledRunFinally, StoppedRunFinally',
    ],
  ])('%s is refused', async (line, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toBe(`Error: ${message}\n`);
    expect(made.cluster.requests.some((request) => request.startsWith('patch'))).toBe(false);
  });

  it('needs a name', async () => {
    const made = environment();
    expect(await made.run('pr cancel')).toBe(1);
    expect(made.err).toBe("Error: accepts 1 arg(s), received 0\nRun 'tektite pipelinerun cancel --help' for usage.\n");
  });

  it('says why the API server refused', async () => {
    const made = environment();
    made.cluster.failures.set('get pipelineruns/running', [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('pr cancel running')).toBe(1);
    expect(made.err).toBe('Error: failed to find PipelineRun: running: forbidden\n');
  });
});
