import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, persistentVolumeClaims } from '../../src/kube/resources.ts';
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
  condition: object;
  status?: object;
  /** What the TaskRuns of the run end as, by the name of their task. */
  tasks?: Record<string, object>;
}

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
};

describe('PipelineRuns of all kinds at once', () => {
  const started = new Map<string, PipelineRun>();
  beforeAll(async () => {
    const all = Object.entries(rows).map(async ([name, { spec }]) =>
      started.set(name, await bench.startPipeline(spec)),
    );
    await Promise.all(all);
  }, 60_000);

  it.each(Object.entries(rows))('%s', { timeout: 190_000 }, async (name, { condition, status = {}, tasks = {} }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 180);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    expect(ended.status).toMatchObject(status);
    const labelSelector = `tekton.dev/pipelineRun=${run.metadata.name}`;
    const { items } = await bench.client.list(taskRuns, { namespace: bench.namespace, labelSelector });
    const ends = items.map(({ metadata, status: of }) => [
      metadata.labels?.['tekton.dev/pipelineTask'],
      succeededCondition(of),
    ]);
    expect(Object.fromEntries(ends)).toMatchObject(tasks);
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

  const ask = { apiVersion: 'example.dev/v1', kind: 'Approval' };
  const asked = async (name: string) => {
    const appears = () => bench.client.get(customRuns, bench.namespace, name);
    return vi.waitFor(appears, { timeout: 20_000, interval: 100 });
  };
  /** What the custom task's own controller says. */
  const say = (name: string, status: 'True' | 'False', reason: string, more: object = {}) => {
    const body = { status: { conditions: [{ type: 'Succeeded', status, reason, message: 'by Ada' }], ...more } };
    return bench.client.patch(customRuns, bench.namespace, name, { type: 'merge', body, subresource: 'status' });
  };

  it('in a matrix is a CustomRun for each, with results in order', async () => {
    const run = await bench.startPipeline({
      pipelineSpec: {
        tasks: [
          { name: 'ask', taskRef: ask, matrix: { params: [{ name: 'of', value: ['Ada', 'Bob'] }] } },
          {
            name: 'after',
            params: [{ name: 'all', value: ['$(tasks.ask.results.who[*])'] }],
            taskSpec: {
              params: [{ name: 'all', type: 'array' }],
              steps: [{ ...sh('[ "$*" = "Ada Bob" ]'), args: ['$(params.all[*])'] }],
            },
          },
        ],
      },
    });
    const names = [1, 0].map((index) => `${run.metadata.name}-ask-${index}`);
    for (const name of names) {
      const [param] = (await asked(name)).spec.params ?? [];
      await say(name, 'True', 'Approved', { results: [{ name: 'who', value: param?.value }] });
    }
    expect(succeededCondition((await bench.waitFor(run)).status)).toMatchObject(completed(2));
  });

  it('is told to stop when the run is cancelled, which is over at once', async () => {
    const run = await bench.startPipeline({ pipelineSpec: { tasks: [{ name: 'ask', taskRef: ask }] } });
    const name = `${run.metadata.name}-ask`;
    await asked(name);
    const body = { spec: { status: 'Cancelled' } };
    await bench.client.patch(pipelineRuns, bench.namespace, run.metadata.name ?? '', { type: 'merge', body });
    expect(succeededCondition((await bench.waitFor(run)).status)).toMatchObject({
      status: 'False',
      reason: 'Cancelled',
      message: `PipelineRun "${run.metadata.name}" was cancelled`,
    });
    expect((await asked(name)).spec).toMatchObject({
      status: 'RunCancelled',
      statusMessage: 'CustomRun cancelled as the PipelineRun it belongs to has been cancelled.',
    });
  });

  it.each([
    [
      'cancelled by a person',
      'CustomRunCancelled',
      'Cancelled',
      'Tasks Completed: 2 (Failed: 0, Cancelled 1), Skipped: 0',
    ],
    ['over its time', 'CustomRunTimedOut', 'Failed', 'Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0'],
  ])(
    'that is %s has the time limit and the tries of its task, and ends the run',
    async (_name, reason, of, message) => {
      const run = await bench.startPipeline({
        pipelineSpec: {
          tasks: [{ name: 'ask', taskRef: ask, timeout: '7s', retries: 2 }],
          finally: [task('clean', 'true')],
        },
      });
      const name = `${run.metadata.name}-ask`;
      expect((await asked(name)).spec).toMatchObject({ timeout: '7s', retries: 2 });
      if (of === 'Cancelled')
        await bench.client.patch(customRuns, bench.namespace, name, {
          type: 'merge',
          body: { spec: { status: 'RunCancelled' } },
        });
      await say(name, 'False', reason);
      const ended = await bench.waitFor(run);
      expect(succeededCondition(ended.status)).toMatchObject({ status: 'False', reason: of, message });
    },
  );

  it('that its controller tries again is waited for', async () => {
    const run = await bench.startPipeline({ pipelineSpec: { tasks: [{ name: 'ask', taskRef: ask, retries: 1 }] } });
    const name = `${run.metadata.name}-ask`;
    await asked(name);
    const first = { conditions: [{ type: 'Succeeded', status: 'False', reason: 'Refused' }] };
    const body = {
      status: { conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }], retriesStatus: [first] },
    };
    await bench.client.patch(customRuns, bench.namespace, name, { type: 'merge', body, subresource: 'status' });
    await say(name, 'True', 'Approved', { retriesStatus: [first] });
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject(completed(1));
    expect(ended.status?.childReferences?.map((child) => child.name)).toEqual([name]);
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

describe('the claim of a template', () => {
  const spec: PipelineRunSpec = {
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
          workspaces: [{ name: 'data', workspace: 'disk' }],
          taskSpec: { workspaces: [{ name: 'data' }], steps: [sh('printf kept > $(workspaces.data.path)/note')] },
        },
      ],
    },
  };
  const setFlag = (coschedule: string | null) =>
    bench.client.patch(configMaps, systemNamespace, 'feature-flags', { type: 'merge', body: { data: { coschedule } } });
  const claimsOf = async ({ metadata: { uid } }: PipelineRun) => {
    const { items } = await bench.client.list(persistentVolumeClaims, { namespace: bench.namespace });
    return items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
  };
  /** Runs under the flag, which the controller sees within moments. */
  const runUnder = async (coschedule: string, annotations: Record<string, string>): Promise<PipelineRun> => {
    for (;;) {
      const ended = await bench.runPipeline(spec, { generateName: 'claim-', annotations });
      if (ended.status?.provenance?.featureFlags?.['coschedule'] === coschedule) return ended;
    }
  };
  const asked = { 'tekton.dev/auto-cleanup-pvc': 'true' };

  afterAll(() => setFlag(null));

  it.each([
    ['workspaces', {}, 1],
    ['workspaces', asked, 0],
    ['pipelineruns', {}, 0],
    ['isolate-pipelinerun', {}, 0],
    ['disabled', asked, 1],
  ])(
    'coschedule %s, annotations %j: of the ended run %i is left, of the deleted one none',
    async (mode, annotations, left) => {
      await setFlag(mode);
      const run = await runUnder(mode, annotations);
      expect(succeededCondition(run.status)).toMatchObject(completed(1));
      await expect.poll(() => claimsOf(run), { timeout: 20_000, interval: 250 }).toHaveLength(left);
      await bench.client.delete(pipelineRuns, bench.namespace, run.metadata.name ?? '');
      await expect.poll(() => claimsOf(run), { timeout: 30_000, interval: 250 }).toEqual([]);
    },
  );
});
