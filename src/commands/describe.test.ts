import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const child = (name: string, pipelineTaskName: string, kind = 'TaskRun') => ({
  apiVersion: 'tekton.dev/v1',
  kind,
  name,
  pipelineTaskName,
});

interface Row {
  runs: PipelineRun[];
  taskRuns: TaskRun[];
  colour?: boolean;
}

/** The first two texts are tkn's own golden files, word for word. */
const ofPipelineRuns: Record<string, Row> = {
  results: {
    runs: [
      pipelineRun('pipeline-run', {
        spec: { pipelineRef: { name: 'pipeline' }, params: [{ name: 'p-1', value: 'somethingdifferent' }] },
        status: {
          startTime: minutesAgo(10),
          completionTime: minutesAgo(-10),
          conditions: succeeded('True'),
          childReferences: [child('tr-1', 't-1')],
          results: [
            { name: 'result-1', value: 'value-1' },
            { name: 'result-2', value: 'value-2' },
          ],
        },
      }),
    ],
    taskRuns: [
      taskRun('tr-1', {
        of: 'pipeline-run',
        status: { startTime: minutesAgo(0), completionTime: minutesAgo(-5), conditions: succeeded('False') },
      }),
    ],
  },
  nested: {
    runs: [
      pipelineRun('pinp-pipeline-run', {
        metadata: { labels: { 'tekton.dev/pipeline': 'pipeline' } },
        spec: { pipelineRef: { name: 'pipeline' }, timeouts: { pipeline: '60m' } },
        status: {
          startTime: minutesAgo(10),
          completionTime: minutesAgo(5),
          conditions: succeeded('True'),
          childReferences: [child('pinp-run-call-child', 'call-child', 'PipelineRun')],
        },
      }),
      pipelineRun('pinp-run-call-child', {
        status: { childReferences: [child('pinp-run-call-child-greet', 'greet')] },
      }),
    ],
    taskRuns: [
      taskRun('pinp-run-call-child-greet', {
        of: 'pinp-run-call-child',
        status: { startTime: minutesAgo(8), completionTime: minutesAgo(5), conditions: succeeded('True') },
      }),
    ],
  },
  failed: {
    runs: [
      pipelineRun('failed', {
        metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', owner: 'me' } },
        spec: {
          pipelineRef: { name: 'p' },
          taskRunTemplate: { serviceAccountName: 'bot' },
          timeouts: { pipeline: '1h', tasks: '30m', finally: '90s' },
          params: [
            { name: 'list', value: ['a', 'b'] },
            { name: 'object', value: { key: 'value' } },
          ],
          workspaces: [
            { name: 'source', subPath: 'dir', persistentVolumeClaim: { claimName: 'claim' } },
            { name: 'scratch', emptyDir: {} },
          ],
        },
        status: {
          startTime: minutesAgo(90),
          completionTime: minutesAgo(30),
          conditions: succeeded('False', 'Failed', 'Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1'),
          childReferences: [
            child('failed-first', 'first'),
            child('failed-second', 'second'),
            child('failed-gone', 'gone'),
            child('failed-not-started', 'not-started'),
          ],
          skippedTasks: [{ name: 'deploy', reason: 'PipelineRun was stopping' }],
        },
      }),
    ],
    taskRuns: [
      taskRun('failed-first', {
        of: 'failed',
        status: {
          startTime: minutesAgo(89),
          completionTime: minutesAgo(60),
          conditions: succeeded('True', 'Succeeded'),
        },
      }),
      taskRun('failed-second', {
        of: 'failed',
        status: {
          startTime: minutesAgo(60),
          completionTime: minutesAgo(30),
          conditions: succeeded('False', 'Failed', 'boom'),
        },
      }),
      taskRun('failed-not-started', { of: 'failed' }),
    ],
  },
  'nested-without-taskruns': {
    runs: [
      pipelineRun('outer', {
        spec: { pipelineRef: { name: 'outer' } },
        status: {
          startTime: minutesAgo(10),
          completionTime: minutesAgo(5),
          conditions: succeeded('False', 'Failed', 'Tasks Completed: 2 (Failed: 2, Cancelled 0), Skipped: 0'),
          childReferences: [
            child('outer-lost', 'lost', 'PipelineRun'),
            child('outer-deep', 'deep', 'PipelineRun'),
            child('outer-gone', 'gone', 'PipelineRun'),
          ],
        },
      }),
      pipelineRun('outer-lost', {
        status: {
          startTime: minutesAgo(10),
          completionTime: minutesAgo(10),
          conditions: succeeded('False', 'CouldntGetPipeline', 'pipelines.tekton.dev "lost" not found'),
        },
      }),
      pipelineRun('outer-deep', {
        status: {
          startTime: minutesAgo(9),
          completionTime: minutesAgo(5),
          conditions: succeeded('False', 'Failed'),
          childReferences: [child('outer-deep-in', 'in', 'PipelineRun'), child('outer-deep-do', 'do')],
        },
      }),
      pipelineRun('outer-deep-in', {
        status: {
          startTime: minutesAgo(8),
          completionTime: minutesAgo(8),
          conditions: succeeded('False', 'PipelineValidationFailed', 'the pipeline runs itself'),
        },
      }),
    ],
    taskRuns: [
      taskRun('outer-deep-do', {
        of: 'outer-deep',
        status: {
          startTime: minutesAgo(7),
          completionTime: minutesAgo(6),
          conditions: succeeded('False', 'StepFailed'),
        },
      }),
    ],
  },
  bare: { runs: [pipelineRun('bare')], taskRuns: [] },
  coloured: {
    colour: true,
    runs: [
      pipelineRun('coloured', {
        spec: { params: [{ name: 'p', value: 'v' }] },
        status: {
          startTime: minutesAgo(2),
          conditions: succeeded('Unknown', 'Running'),
          childReferences: [child('coloured-a', 'a')],
        },
      }),
    ],
    taskRuns: [
      taskRun('coloured-a', {
        of: 'coloured',
        status: { startTime: minutesAgo(1), conditions: succeeded('False', 'TaskRunTimeout') },
      }),
    ],
  },
};

describe('pipelinerun describe', () => {
  it.each(Object.entries(ofPipelineRuns))('%s', async (name, row) => {
    const environment = new FakeEnvironment({ colour: row.colour ?? false });
    for (const run of row.runs) environment.cluster.put(pipelineRuns, run);
    for (const run of row.taskRuns) environment.cluster.put(taskRuns, run);
    expect(await environment.run(`pr desc ${row.runs[0]?.metadata.name}`)).toBe(0);
    await expect(environment.out).toMatchFileSnapshot(`golden/pipelinerun-describe-${name}.txt`);
    expect(environment.err).toBe('');
  });

  it('finds all TaskRuns with one request', async () => {
    const environment = new FakeEnvironment();
    const names = ['a', 'b', 'c', 'd'];
    environment.cluster.put(
      pipelineRuns,
      pipelineRun('run', { status: { childReferences: names.map((name) => child(name, name)) } }),
    );
    for (const name of names) environment.cluster.put(taskRuns, taskRun(name, { of: 'run' }));
    await environment.run('pr describe run');
    expect(environment.cluster.requests).toEqual(['get pipelineruns/run', 'list taskruns tekton.dev/pipelineRun=run']);
  });

  it('says which run it did not find', async () => {
    const environment = new FakeEnvironment();
    expect(await environment.run('pr desc nope')).toBe(1);
    expect(environment.err).toBe('Error: failed to find pipelinerun "nope"\n');
  });
});

const steps = [
  { name: 'waits', waiting: { reason: 'PodInitializing' } },
  { name: 'second', running: { startedAt: minutesAgo(2) } },
  { name: 'first', terminated: { exitCode: 0, reason: 'Completed', startedAt: minutesAgo(3) } },
  { name: 'unknown' },
];
const ofTaskRuns: Record<string, TaskRun> = {
  running: taskRun('running', {
    metadata: { labels: { app: 'x' } },
    spec: {
      taskRef: { name: 'build' },
      serviceAccountName: 'bot',
      timeout: '1h',
      params: [
        { name: 'p', value: 'v' },
        { name: 'list', value: ['a', 'b'] },
      ],
      workspaces: [{ name: 'w', secret: { secretName: 's' } }],
    },
    status: {
      startTime: minutesAgo(3),
      conditions: succeeded('Unknown', 'Running'),
      steps,
      sidecars: [
        { name: 'docker', running: { startedAt: minutesAgo(3) } },
        { name: 'db', terminated: { exitCode: 1, reason: 'Error' } },
      ],
      results: [
        { name: 'digest', value: 'sha256:1\n' },
        { name: 'list', type: 'array', value: ['a', 'b'] },
        { name: 'object', type: 'object', value: { k: 'v' } },
      ],
    },
  }),
  failed: taskRun('failed', {
    spec: { timeout: '0' },
    status: {
      startTime: minutesAgo(9),
      completionTime: minutesAgo(8),
      conditions: succeeded('False', 'Failed', '"step-a" exited with code 1: Error'),
      steps: [{ name: 'a', terminated: { exitCode: 1, reason: 'Error' } }],
    },
  }),
  bare: taskRun('bare'),
};

describe('taskrun describe', () => {
  it.each(Object.entries(ofTaskRuns))('%s', async (name, run) => {
    const environment = new FakeEnvironment();
    environment.cluster.put(taskRuns, run);
    expect(await environment.run(`tr describe ${name}`)).toBe(0);
    await expect(environment.out).toMatchFileSnapshot(`golden/taskrun-describe-${name}.txt`);
  });

  it('says which run it did not find', async () => {
    const environment = new FakeEnvironment();
    expect(await environment.run('tr desc nope')).toBe(1);
    expect(environment.err).toBe('Error: failed to get TaskRun nope: taskruns.tekton.dev "nope" not found\n');
  });
});

describe('describe without a name', () => {
  const older = taskRun('older', { status: { startTime: minutesAgo(9) } });
  const newer = taskRun('newer', { status: { startTime: minutesAgo(1) } });
  const environmentWith = (runs: TaskRun[], options = {}) => {
    const environment = new FakeEnvironment(options);
    for (const run of runs) environment.cluster.put(taskRuns, run);
    return environment;
  };

  it('takes the newest with --last', async () => {
    const environment = environmentWith([older, newer]);
    expect(await environment.run('tr desc -L -o name')).toBe(0);
    expect(environment.out).toBe('taskrun.tekton.dev/newer\n');
  });

  it.each([
    ['with --last the limit says nothing', 'tr desc --last --limit 0 -o name', 'newer'],
    ['nor beside a name, nor do other arguments', 'tr desc older newer --limit 0 -o name', 'older'],
    ['a limit of one leaves nothing to choose', 'tr desc --limit 1 -o name', 'newer'],
  ])('%s', async (_name, line, found) => {
    const environment = environmentWith([older, newer]);
    expect(await environment.run(line)).toBe(0);
    expect(environment.out).toBe(`taskrun.tekton.dev/${found}\n`);
  });

  it('refuses to choose from none', async () => {
    const environment = environmentWith([older, newer]);
    expect(await environment.run('tr desc --limit 0')).toBe(1);
    expect(environment.err).toBe('Error: limit was 0 but must be a positive number\n');
  });

  it('takes the only one', async () => {
    const environment = environmentWith([older]);
    await environment.run('tr desc -o name');
    expect(environment.out).toBe('taskrun.tekton.dev/older\n');
  });

  it('asks a person which', async () => {
    const environment = environmentWith([older, newer], { interactive: true, answers: ['7', '2'] });
    await environment.run('tr desc -o name');
    expect(environment.out).toBe(
      '  1  newer started 1 minute ago\n  2  older started 9 minutes ago\nSelect TaskRun (1-2): Select TaskRun (1-2): taskrun.tekton.dev/older\n',
    );
  });

  it('tells a script to choose', async () => {
    const environment = environmentWith([older, newer]);
    expect(await environment.run('tr desc')).toBe(1);
    expect(environment.err).toBe(
      'Error: there are 2 TaskRuns in namespace ns: give the name of one (newer, older) or use --last\n',
    );
  });

  it('says when there are none', async () => {
    const last = environmentWith([]);
    expect(await last.run('pr desc --last')).toBe(0);
    expect(last.out).toBe('No PipelineRuns present in namespace ns\n');
    const any = environmentWith([]);
    expect(await any.run('pr desc')).toBe(1);
    expect(any.err).toBe('Error: no PipelineRuns found\n');
  });
});
