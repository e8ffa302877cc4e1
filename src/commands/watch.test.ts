import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { REST_MS } from './describe-watch.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const running = { startTime: minutesAgo(1), conditions: succeeded('Unknown', 'Running') };
const ended = { startTime: minutesAgo(1), completionTime: minutesAgo(0), conditions: succeeded('True', 'Succeeded') };

/** A command that goes on; `stop` is what Ctrl-C does. */
function started(line: string, prepare: (made: FakeEnvironment) => void = () => undefined) {
  const made = new FakeEnvironment();
  prepare(made);
  const interrupt = new AbortController();
  const status = made.run(line, interrupt.signal);
  const stop = async () => {
    interrupt.abort(new Error('SIGINT'));
    return await status;
  };
  /** What was written since the last look. */
  let read = 0;
  const next = async () => {
    await made.clock.advance(0);
    const text = made.out.slice(read);
    read = made.out.length;
    return text;
  };
  return { made, status, stop, next };
}

describe('list --watch', () => {
  it('lists, and goes on with the line of each run that changes', async () => {
    const { made, stop, next } = started('pr list --watch', ({ cluster }) => {
      cluster.put(pipelineRuns, pipelineRun('first', { status: running }));
      cluster.put(pipelineRuns, pipelineRun('a-longer-name', { status: ended }));
    });
    expect(await next()).toBe(
      [
        'NAME            STARTED        DURATION   STATUS',
        'first           1 minute ago   ---        Running',
        'a-longer-name   1 minute ago   1m0s       Succeeded',
        '',
      ].join('\n'),
    );
    const { cluster } = made;
    cluster.change(pipelineRuns, 'first', (run) => void (run.metadata.labels = { more: 'yes' }));
    expect(await next()).toBe('');
    cluster.change(pipelineRuns, 'first', (run) => void (run.status = ended));
    expect(await next()).toBe('first           1 minute ago   1m0s       Succeeded\n');
    cluster.put(pipelineRuns, pipelineRun('new', {}));
    cluster.remove(pipelineRuns, 'a-longer-name');
    expect(await next()).toBe(
      ['new             ---            ---        ---', 'a-longer-name   1 minute ago   1m0s       Deleted', ''].join(
        '\n',
      ),
    );
    expect(await stop()).toBe(130);
    expect(cluster.requests).toEqual(['list pipelineruns', 'watch pipelineruns']);
  });

  it('says that there is nothing yet, and has the header above what comes', async () => {
    const { made, stop, next } = started('tr list -w');
    expect(await next()).toBe('');
    expect(made.err).toBe('No TaskRuns found\n');
    made.cluster.put(taskRuns, taskRun('one', { status: running }));
    expect(await next()).toBe(
      ['NAME   STARTED        DURATION   STATUS', 'one    1 minute ago   ---        Running', ''].join('\n'),
    );
    await stop();
  });

  it('has what happened while no watch was there, once each', async () => {
    const { made, stop, next } = started('pr list build --watch --no-headers -o name', ({ cluster }) => {
      for (const name of ['stays', 'goes', 'changes'])
        cluster.put(pipelineRuns, pipelineRun(name, { metadata: { labels: { 'tekton.dev/pipeline': 'build' } } }));
    });
    expect((await next()).split('\n')).toHaveLength(4);
    const { cluster, clock } = made;
    cluster.breakWatches();
    await clock.advance(0);
    cluster.change(pipelineRuns, 'changes', (run) => void (run.status = running));
    cluster.remove(pipelineRuns, 'goes');
    await clock.advance(1_000);
    expect(await next()).toBe('pipelinerun.tekton.dev/goes\npipelinerun.tekton.dev/changes\n');
    await stop();
  });

  it('documents of YAML are parted', async () => {
    const { made, stop, next } = started('pr list -w -o yaml', ({ cluster }) =>
      cluster.put(pipelineRuns, pipelineRun('one', {})),
    );
    expect(await next()).toMatch(/^---\napiVersion: tekton.dev\/v1\nkind: PipelineRun\n/);
    made.cluster.put(pipelineRuns, pipelineRun('two', {}));
    expect(await next()).toMatch(/^---\n[^]*name: two\n/);
    await stop();
  });

  it('ends when the API server refuses', async () => {
    const { made, status } = started('pr list -w', ({ cluster }) =>
      cluster.failures.set('list pipelineruns', [new ApiError(403, { reason: 'Forbidden', message: 'not yours' })]),
    );
    expect(await status).toBe(1);
    expect(made.err).toBe('Error: failed to watch PipelineRuns from namespace ns: not yours\n');
  });

  it('bears with a server that is away for a while', async () => {
    const away = () => new Error('connection refused');
    const { made, stop, next } = started('pr list -w', ({ cluster }) => {
      cluster.put(pipelineRuns, pipelineRun('one', {}));
      cluster.failures.set('list pipelineruns', [away(), away()]);
    });
    await made.clock.advance(2_000);
    expect(await next()).toContain('one');
    await stop();
  });
});

describe('describe --watch', () => {
  it('shows a PipelineRun anew when it or a TaskRun of it changes, until it has ended', async () => {
    const reference = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'run-a', pipelineTaskName: 'a' };
    const { made, status, next } = started('pr describe run --watch', ({ cluster }) => {
      cluster.put(pipelineRuns, pipelineRun('run', { status: { ...running, childReferences: [reference] } }));
    });
    expect(await next()).toMatch(/^Name: +run\n[^]*Running/);
    const { cluster, clock } = made;
    await clock.advance(REST_MS);
    expect(await next()).toBe('');
    cluster.put(taskRuns, taskRun('run-a', { of: 'run', status: running }));
    cluster.change(pipelineRuns, 'run', (run) => void (run.metadata.annotations = { more: 'yes' }));
    expect(await next()).toMatch(/^---\nName: +run\n[^]*run-a +a +1 minute ago/);
    await clock.advance(REST_MS);
    expect(await next()).toBe('');
    cluster.change(pipelineRuns, 'run', (run) => void (run.status = { ...ended, childReferences: [reference] }));
    expect(await status).toBe(0);
    expect(await next()).toMatch(/^---\nName: +run\n[^]*Succeeded/);
  });

  it('shows what has ended once', async () => {
    const { status, next } = started('tr describe one -w', ({ cluster }) =>
      cluster.put(taskRuns, taskRun('one', { status: ended })),
    );
    expect(await status).toBe(0);
    expect((await next()).match(/Name:/g)).toHaveLength(1);
  });

  it.each([
    ['of the wrong name', () => undefined, 'Error: failed to get TaskRun one: taskruns.tekton.dev "one" not found\n'],
    [
      'that is deleted',
      (made: FakeEnvironment) => made.cluster.put(taskRuns, taskRun('one', { status: running })),
      'Error: failed to get TaskRun one: taskruns.tekton.dev "one" not found\n',
    ],
  ])('fails for a run %s', async (_name, prepare, message) => {
    const { made, status, next } = started('tr describe one -w', prepare);
    await next();
    if (made.cluster.has(taskRuns, 'one')) made.cluster.remove(taskRuns, 'one');
    await made.clock.advance(REST_MS);
    expect(await status).toBe(1);
    expect(made.err).toBe(message);
  });

  it('is interrupted like any command', async () => {
    const { stop, next } = started('tr describe one -w', ({ cluster }) =>
      cluster.put(taskRuns, taskRun('one', { status: running })),
    );
    await next();
    expect(await stop()).toBe(130);
  });
});
