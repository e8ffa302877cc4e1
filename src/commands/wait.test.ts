import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { pipelineRun, succeeded, taskRun } from './runs.fake.ts';

function environment(): FakeEnvironment {
  const made = new FakeEnvironment();
  const ended = { good: ['True', 'Succeeded'], bad: ['False', 'Failed'], stopped: ['False', 'Cancelled'] } as const;
  for (const [name, [status, reason]] of Object.entries(ended))
    made.cluster.put(pipelineRuns, pipelineRun(name, { status: { conditions: succeeded(status, reason) } }));
  made.cluster.put(pipelineRuns, pipelineRun('running', { status: { conditions: succeeded('Unknown', 'Running') } }));
  made.cluster.put(taskRuns, taskRun('late', { status: { conditions: succeeded('False', 'TaskRunTimeout') } }));
  return made;
}

describe('wait', () => {
  it.each([
    ['pr wait good', 0, 'PipelineRun good: Succeeded\n'],
    ['pr wait bad', 1, 'PipelineRun bad: Failed\n'],
    ['pr wait stopped', 2, 'PipelineRun stopped: Cancelled\n'],
    ['tr wait late', 2, 'TaskRun late: Failed(TaskRunTimeout)\n'],
    ['pr wait good bad', 1, 'PipelineRun good: Succeeded\nPipelineRun bad: Failed\n'],
  ])('%s', async (line, status, out) => {
    const made = environment();
    expect(await made.run(line), made.err).toBe(status);
    expect(made.out).toBe(out);
  });

  it('waits for a run that is under way', async () => {
    const made = environment();
    const waiting = made.run('pr wait running');
    await new Promise((resolve) => setImmediate(resolve));
    made.cluster.change(pipelineRuns, 'running', (run) => {
      run.status = { conditions: succeeded('True', 'Completed') };
    });
    expect(await waiting).toBe(0);
  });

  it('says what still runs when the time is over', async () => {
    const made = environment();
    const waiting = made.run('pr wait running good --timeout 1m');
    await made.clock.advance(60_000);
    expect(await waiting).toBe(2);
    expect(made.err).toBe('PipelineRun running: still running when the time was over\n');
  });

  it('names the run that is not there', async () => {
    const made = environment();
    expect(await made.run('pr wait gone')).toBe(1);
    expect(made.err).toBe('Error: PipelineRun gone: pipelineruns "gone" not found\n');
  });
});
