import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../../src/api/pipeline/v1beta1/customrun.ts';
import { customRuns, pipelineRuns, pipelines, taskRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { persistentVolumeClaims } from '../../src/kube/resources.ts';
import { StandInCustomController } from '../load/custom-controller.ts';
import { allowAlpha } from '../load/feature-batch.ts';
import { openWorkbench } from './cluster.ts';

const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('pipelines');
const sh = (script: string) => ({ name: 'do', image, script: `#!/bin/sh\n${script}\n` });
const task = (name: string, script: string, more: object = {}) => ({
  name,
  taskSpec: { steps: [sh(script)] },
  ...more,
});

/** A task with one result per name, which the script writes. */
const telling = (name: string, results: object[], script: string, more: object = {}) => ({
  name,
  taskSpec: { results: results as never, steps: [sh(script)] },
  ...more,
});

const completed = (tasks: number, skipped = 0) =>
  skipped === 0
    ? {
        status: 'True',
        reason: 'Succeeded',
        message: `Tasks Completed: ${tasks} (Failed: 0, Cancelled 0), Skipped: 0`,
      }
    : {
        status: 'True',
        reason: 'Completed',
        message: `Tasks Completed: ${tasks} (Failed: 0, Cancelled 0), Skipped: ${skipped}`,
      };

interface Row {
  spec: PipelineRunSpec;
  annotations?: Record<string, string>;
  /** What the user asks for once the task `slow` runs, at whatever depth. */
  request?: string;
  condition: object;
  status?: object;
  /** What the runs that it made end as, by the name of their task. */
  tasks?: Record<string, object>;
}

const slow = task('slow', 'sleep 3600');
const quick = task('quick', 'true');
const nested = (name: string, tasks: object[], more: object = {}) => ({
  name,
  pipelineSpec: { tasks: tasks as never },
  ...more,
});
/** Ended by a controller of the test's own (StandInCustomController); `never` only when it is told to stop. */
const custom = (name: string, reference: 'well' | 'never', more: object = {}) => ({
  name,
  taskRef: { apiVersion: 'example.dev/v1', kind: 'StandIn', name: reference },
  ...more,
});
const cancelled = {
  status: 'False',
  reason: 'Cancelled',
  message: expect.stringMatching(/^PipelineRun "[^"]+" was cancelled$/) as string,
};
const failed = (message: string) => ({ status: 'False', reason: 'Failed', message });
const timedOut = (what: string) => ({
  status: 'False',
  reason: 'PipelineRunTimeout',
  message: expect.stringMatching(new RegExp(`^PipelineRun "[^"]+" failed ${what}$`)) as string,
});
const stoppedTask = { status: 'False', reason: 'TaskRunCancelled' };
const succeededTask = { status: 'True', reason: 'Succeeded' };

/** All of these run at the same time. Messages are upstream's. */
const rows: Record<string, Row> = {
  'a matrix: a TaskRun for each combination, whose results are gathered': {
    spec: {
      pipelineSpec: {
        tasks: [
          {
            name: 'build',
            matrix: {
              params: [
                { name: 'os', value: ['linux', 'mac'] },
                { name: 'arch', value: ['amd', 'arm'] },
              ],
            },
            taskSpec: {
              params: [{ name: 'os' }, { name: 'arch' }],
              results: [{ name: 'made' }],
              steps: [sh('printf "$(params.os)-$(params.arch)" > $(results.made.path)')],
            },
          },
          {
            name: 'sum',
            params: [{ name: 'all', value: ['$(tasks.build.results.made[*])'] }],
            taskSpec: {
              params: [{ name: 'all', type: 'array' }],
              results: [{ name: 'list' }],
              steps: [
                { ...sh(''), script: '#!/bin/sh\nprintf "$*" > $(results.list.path)\n', args: ['$(params.all[*])'] },
              ],
            },
          },
        ],
        results: [{ name: 'list', value: '$(tasks.sum.results.list)' }],
      },
    },
    condition: completed(2),
    status: { results: [{ name: 'list', value: 'linux-amd mac-amd linux-arm mac-arm' }] },
  },
  'a when that does not hold, what depends on it, and what does not': {
    spec: {
      pipelineSpec: {
        tasks: [
          task('first', 'true'),
          task('never', 'exit 1', { when: [{ input: 'a', operator: 'in', values: ['b'] }], runAfter: ['first'] }),
          task('after', 'true', { runAfter: ['never'] }),
        ],
      },
    },
    condition: completed(2, 1),
    status: { skippedTasks: [{ name: 'never', reason: 'When Expressions evaluated to false' }] },
  },
  'results of every type, between tasks and of the run': {
    spec: {
      pipelineSpec: {
        tasks: [
          telling(
            'make',
            [
              { name: 'text' },
              { name: 'list', type: 'array' },
              { name: 'object', type: 'object', properties: { a: {}, b: {} } },
            ],
            'printf one > $(results.text.path); printf \'["x","y"]\' > $(results.list.path); printf \'{"a":"A","b":"B"}\' > $(results.object.path)',
          ),
          {
            name: 'take',
            params: [
              { name: 'text', value: '$(tasks.make.results.text)' },
              { name: 'second', value: '$(tasks.make.results.list[1])' },
              { name: 'list', value: ['$(tasks.make.results.list[*])'] },
              { name: 'key', value: '$(tasks.make.results.object.b)' },
            ],
            taskSpec: {
              params: [{ name: 'text' }, { name: 'second' }, { name: 'list', type: 'array' }, { name: 'key' }],
              results: [{ name: 'all' }],
              steps: [
                {
                  ...sh(''),
                  script:
                    '#!/bin/sh\nprintf "$(params.text) $(params.second) $(params.key) $*" > $(results.all.path)\n',
                  args: ['$(params.list[*])'],
                },
              ],
            },
          },
        ],
        results: [
          { name: 'all', value: '$(tasks.take.results.all)' },
          { name: 'list', type: 'array', value: ['$(tasks.make.results.list[*])'] },
          { name: 'key', value: '$(tasks.make.results.object.a)' },
        ],
      },
    },
    condition: completed(2),
    status: {
      results: [
        { name: 'all', value: 'one y B x y' },
        { name: 'list', value: ['x', 'y'] },
        { name: 'key', value: 'A' },
      ],
    },
  },
  'finally, with what became of the tasks': {
    spec: {
      pipelineSpec: {
        tasks: [
          telling('good', [{ name: 'said' }], 'printf hello > $(results.said.path)'),
          task('bad', 'exit 4', { runAfter: ['good'] }),
          task('late', 'true', { runAfter: ['bad'] }),
        ],
        finally: [
          {
            name: 'report',
            params: [
              { name: 'good', value: '$(tasks.good.status)' },
              { name: 'bad', value: '$(tasks.bad.status)' },
              { name: 'why', value: '$(tasks.bad.reason)' },
              { name: 'late', value: '$(tasks.late.status)' },
              { name: 'all', value: '$(tasks.status)' },
              { name: 'said', value: '$(tasks.good.results.said)' },
            ],
            taskSpec: {
              params: ['good', 'bad', 'why', 'late', 'all', 'said'].map((name) => ({ name })),
              results: [{ name: 'line' }],
              steps: [
                sh(
                  'printf "$(params.good) $(params.bad) $(params.why) $(params.late) $(params.all) $(params.said)" > $(results.line.path)',
                ),
              ],
            },
          },
          task('on-success', 'true', { when: [{ input: '$(tasks.status)', operator: 'in', values: ['Succeeded'] }] }),
        ],
        results: [{ name: 'line', value: '$(finally.report.results.line)' }],
      },
    },
    condition: {
      status: 'False',
      reason: 'Failed',
      message: 'Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 2',
    },
    status: { results: [{ name: 'line', value: 'Succeeded Failed StepFailed None Failed hello' }] },
  },
  'the time of the tasks is over: finally runs': {
    spec: {
      timeouts: { pipeline: '5m', tasks: '2s' },
      pipelineSpec: { tasks: [task('slow', 'sleep 3600')], finally: [task('clean', 'true')] },
    },
    condition: {
      status: 'False',
      reason: 'PipelineRunTimeout',
      message: expect.stringMatching(
        /^PipelineRun "[^"]+" failed due to tasks failed to finish within "2s"$/,
      ) as string,
    },
    tasks: {
      slow: { status: 'False', reason: 'TaskRunCancelled' },
      clean: { status: 'True', reason: 'Succeeded' },
    },
  },
  'the time of finally is over': {
    spec: {
      timeouts: { pipeline: '5m', finally: '2s' },
      pipelineSpec: { tasks: [task('quick', 'true')], finally: [task('slow', 'sleep 3600')] },
    },
    condition: { status: 'False', reason: 'Failed' },
    tasks: { quick: { status: 'True' }, slow: { status: 'False', reason: 'TaskRunCancelled' } },
  },
  "a task's own time is over": {
    spec: { pipelineSpec: { tasks: [task('slow', 'sleep 3600', { timeout: '2s' })] } },
    condition: {
      status: 'False',
      reason: 'Failed',
      message: 'Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0',
    },
    tasks: { slow: { status: 'False', reason: 'TaskRunTimeout' } },
  },
  'onError: continue: a failed task whose result has a default': {
    spec: {
      pipelineSpec: {
        tasks: [task('fails', 'exit 3', { onError: 'continue' }), task('after', 'true', { runAfter: ['fails'] })],
      },
    },
    condition: {
      status: 'True',
      reason: 'Succeeded',
      message: 'Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0',
    },
    tasks: { fails: { status: 'False', reason: 'FailureIgnored' } },
  },
  'retries of a task': {
    spec: {
      pipelineSpec: {
        tasks: [
          {
            name: 'flaky',
            retries: 2,
            params: [{ name: 'most', value: '$(context.pipelineTask.retries)' }],
            taskSpec: {
              params: [{ name: 'most' }],
              steps: [sh('[ "$(context.task.retry-count)/$(params.most)" = 1/2 ]')],
            },
          },
        ],
      },
    },
    condition: completed(1),
    tasks: { flaky: { status: 'True' } },
  },
  'parts of one volume, made from a template, that goes with the run': {
    spec: {
      workspaces: [
        {
          name: 'disk',
          volumeClaimTemplate: {
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
          },
        },
      ],
      pipelineSpec: {
        workspaces: [{ name: 'disk' }],
        tasks: [
          {
            name: 'write',
            workspaces: [{ name: 'data', workspace: 'disk', subPath: 'a' }],
            taskSpec: { workspaces: [{ name: 'data' }], steps: [sh('printf kept > $(workspaces.data.path)/note')] },
          },
          {
            name: 'read',
            runAfter: ['write'],
            workspaces: [{ name: 'data', workspace: 'disk' }],
            taskSpec: {
              workspaces: [{ name: 'data' }],
              results: [{ name: 'seen' }],
              steps: [sh('cat $(workspaces.data.path)/a/note > $(results.seen.path)')],
            },
          },
        ],
        results: [{ name: 'seen', value: '$(tasks.read.results.seen)' }],
      },
    },
    condition: completed(2),
    status: { results: [{ name: 'seen', value: 'kept' }] },
  },
  'an optional workspace that is not given, in a when': {
    spec: {
      pipelineSpec: {
        workspaces: [{ name: 'cache', optional: true }],
        tasks: [
          task('with', 'exit 1', { when: [{ input: '$(workspaces.cache.bound)', operator: 'in', values: ['true'] }] }),
          task('without', 'true', {
            when: [{ input: '$(workspaces.cache.bound)', operator: 'in', values: ['false'] }],
          }),
        ],
      },
    },
    condition: completed(1, 1),
    status: { skippedTasks: [{ name: 'with', reason: 'When Expressions evaluated to false' }] },
  },
  'Cancelled: at once, and finally does not run': {
    spec: { pipelineSpec: { tasks: [slow], finally: [quick] } },
    request: 'Cancelled',
    condition: cancelled,
    tasks: { slow: stoppedTask },
  },
  'CancelledRunFinally: tasks stop, finally runs': {
    spec: { pipelineSpec: { tasks: [slow, { ...task('late', 'true'), runAfter: ['slow'] }], finally: [quick] } },
    request: 'CancelledRunFinally',
    condition: cancelled,
    status: { skippedTasks: [{ name: 'late', reason: 'PipelineRun was stopping' }] },
    tasks: { slow: stoppedTask, quick: succeededTask },
  },
  'StoppedRunFinally: what runs goes on, nothing else begins, finally runs': {
    spec: {
      pipelineSpec: {
        tasks: [task('slow', 'sleep 6'), { ...task('late', 'true'), runAfter: ['slow'] }],
        finally: [quick],
      },
    },
    request: 'StoppedRunFinally',
    condition: cancelled,
    status: { skippedTasks: [{ name: 'late', reason: 'PipelineRun was gracefully stopped' }] },
    tasks: { slow: succeededTask, quick: succeededTask },
  },
  'the time of the run is over: finally does not run': {
    spec: { timeouts: { pipeline: '4s' }, pipelineSpec: { tasks: [slow], finally: [quick] } },
    condition: timedOut('to finish within "4s"'),
    tasks: { slow: stoppedTask },
  },
  'fail fast: the first failure stops the others, finally runs': {
    annotations: { 'tektite.dev/fail-fast': 'true' },
    spec: {
      pipelineSpec: { tasks: [slow, task('bad', 'exit 1'), custom('wait', 'never')], finally: [quick] },
    },
    condition: failed('Tasks Completed: 4 (Failed: 1, Cancelled 2), Skipped: 0'),
    tasks: {
      slow: stoppedTask,
      bad: { status: 'False', reason: 'Failed' },
      quick: succeededTask,
      wait: { status: 'False', reason: 'CustomRunCancelled' },
    },
  },
  'pipelines in pipelines, written in place and by reference: results come up, a matrix fans out': {
    spec: {
      pipelineSpec: {
        tasks: [
          {
            name: 'inner',
            pipelineSpec: {
              tasks: [telling('say', [{ name: 'word' }], 'printf up > $(results.word.path)')],
              results: [{ name: 'word', value: '$(tasks.say.results.word)' }],
            },
          },
          {
            name: 'named',
            params: [{ name: 'word', value: '$(tasks.inner.results.word)' }],
            matrix: { params: [{ name: 'n', value: ['1', '2'] }] },
            pipelineRef: { name: 'echo' },
          },
        ],
        results: [
          { name: 'word', value: '$(tasks.inner.results.word)' },
          { name: 'all', type: 'array', value: ['$(tasks.named.results.said[*])'] },
        ],
      },
    },
    condition: completed(2),
    status: {
      results: [
        { name: 'word', value: 'up' },
        { name: 'all', value: ['up 1', 'up 2'] },
      ],
    },
    tasks: { inner: { status: 'True' }, named: { status: 'True' } },
  },
  'a pipeline in the pipeline that fails, tried again': {
    spec: { pipelineSpec: { tasks: [nested('inner', [task('bad', 'exit 1')], { retries: 1 })] } },
    condition: failed('Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0'),
    tasks: { inner: failed('Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0') },
  },
  'Cancelled reaches what is nested': {
    spec: { pipelineSpec: { tasks: [nested('inner', [nested('deep', [slow])])] } },
    request: 'Cancelled',
    condition: cancelled,
    tasks: { inner: cancelled },
  },
  'CancelledRunFinally reaches what is nested': {
    spec: { pipelineSpec: { tasks: [nested('inner', [slow])], finally: [quick] } },
    request: 'CancelledRunFinally',
    condition: cancelled,
    tasks: { quick: succeededTask, inner: cancelled },
  },
  'StoppedRunFinally reaches what is nested': {
    spec: {
      pipelineSpec: {
        tasks: [nested('inner', [task('slow', 'sleep 6'), { ...task('late', 'true'), runAfter: ['slow'] }])],
        finally: [quick],
      },
    },
    request: 'StoppedRunFinally',
    condition: cancelled,
    tasks: { quick: succeededTask, inner: cancelled },
  },
  'the time of a pipeline in the pipeline is over': {
    spec: { pipelineSpec: { tasks: [nested('inner', [slow], { timeout: '3s' })] } },
    condition: failed('Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0'),
    tasks: { inner: timedOut('to finish within "3s"') },
  },
  'the time of the tasks is over for what is nested': {
    spec: {
      timeouts: { pipeline: '5m', tasks: '3s' },
      pipelineSpec: { tasks: [nested('inner', [slow])], finally: [quick] },
    },
    condition: timedOut('due to tasks failed to finish within "3s"'),
    tasks: { quick: succeededTask, inner: cancelled },
  },
  'custom tasks in a matrix, with results': {
    spec: {
      pipelineSpec: {
        tasks: [
          custom('fan', 'well', { retries: 2, matrix: { params: [{ name: 'm', value: ['1', '2'] }] } }),
          {
            name: 'after',
            params: [{ name: 'all', value: ['$(tasks.fan.results.r[*])'] }],
            taskSpec: {
              params: [{ name: 'all', type: 'array' }],
              steps: [{ ...sh('[ "$*" = "x x" ]'), args: ['$(params.all[*])'] }],
            },
          },
        ],
      },
    },
    condition: completed(2),
    tasks: { after: succeededTask, fan: { status: 'True' } },
  },
  'Cancelled reaches custom tasks': {
    spec: { pipelineSpec: { tasks: [slow, custom('wait', 'never')] } },
    request: 'Cancelled',
    condition: cancelled,
    tasks: { slow: stoppedTask, wait: { status: 'False', reason: 'CustomRunCancelled' } },
  },
};

describe('PipelineRuns of all kinds at once', () => {
  const started = new Map<string, PipelineRun>();
  const stop = new AbortController();
  let standIn: Promise<void> = Promise.resolve();
  beforeAll(async () => {
    await allowAlpha(bench.client, true);
    standIn = new StandInCustomController(bench.client, bench.namespace).run(stop.signal);
    await bench.create(pipelines, {
      metadata: { name: 'echo' },
      spec: {
        params: [{ name: 'word' }, { name: 'n' }],
        tasks: [telling('say', [{ name: 'said' }], 'printf "$(params.word) $(params.n)" > $(results.said.path)')],
        results: [{ name: 'said', value: '$(tasks.say.results.said)' }],
      },
    });
    // The webhook and the controller hear of the flag a moment later.
    await vi.waitFor(() => start('pipelines in pipelines, written'), { timeout: 20_000, interval: 500 });
    await Promise.all(Object.keys(rows).map((name) => start(name)));
  }, 90_000);
  afterAll(async () => {
    stop.abort();
    await standIn.catch(() => undefined);
    await allowAlpha(bench.client, false);
  });

  /** Starts the row whose name begins so, once; and asks for what it is to be asked for when its task is under way. */
  async function start(beginning: string): Promise<void> {
    const [name, row] = Object.entries(rows).find(([each]) => each.startsWith(beginning)) ?? [];
    if (name === undefined || row === undefined || started.has(name)) return;
    const { annotations } = row;
    const run = await bench.startPipeline(row.spec, {
      generateName: 'pipeline-',
      ...(annotations ? { annotations } : {}),
    });
    started.set(name, run);
    const { request } = row;
    if (request !== undefined) asking.push(ask(run, request));
  }
  const asking: Promise<void>[] = [];

  async function ask({ metadata: { name = '' } }: PipelineRun, status: string): Promise<void> {
    const isSlow = ({ metadata, status: of }: TaskRun) =>
      (metadata.name ?? '').startsWith(`${name}-`) && metadata.name?.endsWith('slow') && of?.startTime !== undefined;
    await vi.waitFor(
      async () => {
        const { items } = await bench.client.list(taskRuns, { namespace: bench.namespace });
        expect(items.some(isSlow)).toBe(true);
      },
      { timeout: 120_000, interval: 500 },
    );
    await bench.client.patch(pipelineRuns, bench.namespace, name, { type: 'merge', body: { spec: { status } } });
  }

  it.each(Object.entries(rows))('%s', { timeout: 190_000 }, async (name, row) => {
    const { condition, status = {}, tasks = {} } = row;
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 180);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    expect(ended.status).toMatchObject(status);
    // Of a run that was cancelled, those below it end after it.
    await expect.poll(() => endsBelow(ended), { timeout: 40_000 }).toMatchObject(tasks);
  });

  async function endsBelow({ metadata: { name = '' } }: PipelineRun): Promise<Record<string, unknown>> {
    const where = { namespace: bench.namespace, labelSelector: `tekton.dev/pipelineRun=${name}` };
    const lists = [
      bench.client.list(taskRuns, where),
      bench.client.list(customRuns, where),
      bench.client.list(pipelineRuns, where),
    ];
    const runs = (await Promise.all(lists)).flatMap(({ items }): (TaskRun | CustomRun | PipelineRun)[] => items);
    return Object.fromEntries(
      runs.map(({ metadata, status }) => [metadata.labels?.['tekton.dev/pipelineTask'], succeededCondition(status)]),
    );
  }

  it('every request was made', () => Promise.all(asking));

  it('a claim made from a template goes when the run says so', async () => {
    const claims = async (run: PipelineRun) =>
      (await bench.client.list(persistentVolumeClaims, { namespace: bench.namespace })).items.filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === run.metadata.uid),
      );
    const spec = rows['parts of one volume, made from a template, that goes with the run']?.spec;
    if (spec === undefined) throw new Error('the row is gone');
    const annotations = { 'tekton.dev/auto-cleanup-pvc': 'true' };
    const run = await bench.runPipeline(spec, { generateName: 'cleans-', annotations });
    expect(succeededCondition(run.status)).toMatchObject(completed(2));
    // One that is still used by a finished pod stays until the pod goes.
    await expect
      .poll(async () => (await claims(run)).filter(({ metadata }) => !metadata.deletionTimestamp).length, {
        timeout: 30_000,
      })
      .toBe(0);
  });
});

describe('a custom task', () => {
  it('is a CustomRun that its own controller ends, with results for what comes after it', async () => {
    const run = await bench.startPipeline({
      pipelineSpec: {
        tasks: [
          { name: 'ask', taskRef: { apiVersion: 'example.dev/v1', kind: 'Approval', name: 'release' } },
          {
            name: 'after',
            params: [{ name: 'who', value: '$(tasks.ask.results.who)' }],
            taskSpec: { params: [{ name: 'who' }], steps: [sh('[ "$(params.who)" = Ada ]')] },
          },
        ],
      },
    });
    const name = `${run.metadata.name}-ask`;
    await expect
      .poll(() => bench.client.get(customRuns, bench.namespace, name).then(({ spec }) => spec, String))
      .toMatchObject({ customRef: { apiVersion: 'example.dev/v1', kind: 'Approval', name: 'release' } });
    const body = {
      status: {
        conditions: [{ type: 'Succeeded', status: 'True', reason: 'Approved', message: 'by Ada' }],
        results: [{ name: 'who', value: 'Ada' }],
      },
    };
    await bench.client.patch(customRuns, bench.namespace, name, { type: 'merge', body, subresource: 'status' });
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject(completed(2));
  });

  it('is told to stop when the time of the run is over', async () => {
    const run = await bench.startPipeline({
      timeouts: { pipeline: '2s' },
      pipelineSpec: { tasks: [{ name: 'ask', taskRef: { apiVersion: 'example.dev/v1', kind: 'Approval' } }] },
    });
    const name = `${run.metadata.name}-ask`;
    await expect
      .poll(() => bench.client.get(customRuns, bench.namespace, name).then(({ spec }) => spec, String), {
        timeout: 20_000,
      })
      .toMatchObject({
        status: 'RunCancelled',
        statusMessage: 'CustomRun cancelled as the PipelineRun it belongs to has timed out.',
      });
    const conditions = [{ type: 'Succeeded', status: 'False', reason: 'CustomRunCancelled', message: 'too late' }];
    const body = { status: { conditions } };
    await bench.client.patch(customRuns, bench.namespace, name, { type: 'merge', body, subresource: 'status' });
    expect(succeededCondition((await bench.waitFor(run)).status)).toMatchObject({
      status: 'False',
      reason: 'PipelineRunTimeout',
      message: `PipelineRun "${run.metadata.name}" failed to finish within "2s"`,
    });
  });
});
