import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { PipelineTask } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { configMaps } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';

/** Pipelines in pipelines on a real node, at two depths. */
const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('nested');
const sh = (script: string) => ({ name: 'do', image, script: `#!/bin/sh\n${script}\n` });
const task = (name: string, script: string, more: Partial<PipelineTask> = {}): PipelineTask => ({
  name,
  taskSpec: { steps: [sh(script)] },
  ...more,
});

const setAlpha = (value: string | null) =>
  bench.client.patch(configMaps, systemNamespace, 'feature-flags', {
    type: 'merge',
    body: { data: { 'enable-api-fields': value } },
  });

/** Controller and webhook each see the flag at their own time. */
async function alphaIsOn(): Promise<void> {
  const tasks: PipelineTask[] = [{ name: 'in', pipelineSpec: { tasks: [{ name: 'no', taskRef: { name: 'none' } }] } }];
  const run = await bench.startPipeline({ pipelineSpec: { tasks } });
  const { status } = await bench.waitFor(run);
  expect(succeededCondition(status)?.reason).toBe('Failed');
}

beforeAll(async () => {
  await setAlpha('alpha');
  await vi.waitFor(alphaIsOn, { timeout: 30_000, interval: 200 });
});
afterAll(() => setAlpha(null));

/** An object of the test's namespace once it satisfies, within two minutes. */
async function seen<T extends KubeObject>(resource: Resource<T>, name: string, satisfies: (found: T) => boolean) {
  let found: T | undefined;
  const look = async () => {
    found = await bench.client.get(resource, bench.namespace, name);
    expect(satisfies(found)).toBe(true);
  };
  await vi.waitFor(look, { timeout: 120_000, interval: 250 });
  return found as T;
}

const ended = (name: string): Promise<PipelineRun> => seen(pipelineRuns, name, ({ status }) => isDone(status));
const conditionOf = async (name: string) => succeededCondition((await ended(name)).status);
const wasCancelled = (name: string) => ({
  status: 'False',
  reason: 'Cancelled',
  message: `PipelineRun "${name}" was cancelled`,
});
const counted = (status: 'True' | 'False', reason: string, message: string) => ({ status, reason, message });
const succeeded = (tasks: number) =>
  counted('True', 'Succeeded', `Tasks Completed: ${tasks} (Failed: 0, Cancelled 0), Skipped: 0`);
const failed = (tasks: number, failures: number) =>
  counted('False', 'Failed', `Tasks Completed: ${tasks} (Failed: ${failures}, Cancelled 0), Skipped: 0`);

/** `mid` is a pipeline in the pipeline and `low` one in that; each has something to clean up. */
const deep = (slow: string): PipelineRunSpec => {
  const clean = [task('clean', 'true')];
  const low = { tasks: [task('slow', slow), task('next', 'true', { runAfter: ['slow'] })], finally: clean };
  const mid = { tasks: [{ name: 'low', pipelineSpec: low }], finally: clean };
  return { pipelineSpec: { tasks: [{ name: 'mid', pipelineSpec: mid }], finally: clean } };
};

type Request = 'Cancelled' | 'CancelledRunFinally' | 'StoppedRunFinally';

interface Stop {
  ask: Request;
  /** The run that is asked, by what follows the outer one's name. */
  of: '' | '-mid';
  /** What the outer run says, when it was not asked itself. */
  outer?: object;
  /** Where the final tasks ran. */
  cleaned: string[];
  skipped: object[];
}

const slowCancelled = (run: string) => ({
  status: 'False',
  reason: 'TaskRunCancelled',
  message: expect.stringContaining(
    `TaskRun "${run}-mid-low-slow" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has been cancelled.`,
  ) as string,
});
const allClean = ['', '-mid', '-mid-low'];
const oneCancelled = counted('False', 'Cancelled', 'Tasks Completed: 2 (Failed: 0, Cancelled 1), Skipped: 0');
const stops: Stop[] = [
  { ask: 'Cancelled', of: '', cleaned: [], skipped: [] },
  { ask: 'Cancelled', of: '-mid', outer: oneCancelled, cleaned: [''], skipped: [] },
  ...(['', '-mid'] as const).flatMap((of): Stop[] => {
    const outer = of === '' ? {} : { outer: oneCancelled };
    return [
      {
        ...{ ask: 'CancelledRunFinally', of, ...outer, cleaned: allClean },
        // Its task before was cancelled, which comes first.
        skipped: [{ name: 'next', reason: 'PipelineRun was stopping' }],
      },
      {
        ...{ ask: 'StoppedRunFinally', of, ...outer, cleaned: allClean },
        skipped: [{ name: 'next', reason: 'PipelineRun was gracefully stopped' }],
      },
    ];
  }),
];

describe.concurrent('a pipeline in a pipeline in a pipeline is stopped', () => {
  it.each(stops)('$ask of the run$of', { timeout: 200_000 }, async ({ ask, of, outer, cleaned, skipped }) => {
    const started = await bench.startPipeline(deep(ask === 'StoppedRunFinally' ? 'sleep 5' : 'sleep 3600'));
    const run = started.metadata.name ?? '';
    await seen(taskRuns, `${run}-mid-low-slow`, ({ status }) => status?.podName !== undefined);
    const body = { spec: { status: ask } };
    await bench.client.patch(pipelineRuns, bench.namespace, `${run}${of}`, { type: 'merge', body });
    expect(await conditionOf(run)).toMatchObject(outer ?? wasCancelled(run));
    expect(await conditionOf(`${run}-mid`)).toMatchObject(wasCancelled(`${run}-mid`));
    const low = await ended(`${run}-mid-low`);
    expect(succeededCondition(low.status)).toMatchObject(wasCancelled(`${run}-mid-low`));
    expect(low.status?.skippedTasks ?? []).toMatchObject(skipped);
    const slow = await seen(taskRuns, `${run}-mid-low-slow`, ({ status }) => isDone(status));
    const expected = ask === 'StoppedRunFinally' ? { status: 'True', reason: 'Succeeded' } : slowCancelled(run);
    expect(succeededCondition(slow.status)).toMatchObject(expected);
    const { items } = await bench.client.list(taskRuns, { namespace: bench.namespace });
    const final = items.map(({ metadata: { name = '' } }) => name).filter((name) => name.startsWith(`${run}-`));
    expect(final.filter((name) => name.endsWith('-clean')).sort()).toEqual(
      cleaned.map((place) => `${run}${place}-clean`).sort(),
    );
  });
});

interface Row {
  tasks: PipelineTask[];
  more?: Omit<PipelineRunSpec, 'pipelineSpec'>;
  finally?: PipelineTask[];
  results?: { name: string; value: string }[];
  condition: object;
  status?: object;
  /** PipelineRuns within, by what follows the run's name; `RUN` in messages stands for that. */
  nested?: Record<string, object>;
  /** TaskRuns within, likewise. */
  within?: Record<string, object>;
}

const word = (name: string, script: string, more: Partial<PipelineTask> = {}): PipelineTask => ({
  name,
  taskSpec: { results: [{ name: 'word' }], steps: [sh(script)] },
  ...more,
});
/** Says a param of its own as its result. */
const echo = (name: string, value: string): PipelineTask => ({
  name,
  params: [{ name: 'said', value }],
  taskSpec: {
    params: [{ name: 'said' }],
    results: [{ name: 'word' }],
    steps: [sh('printf "%s" "$(params.said)" > $(results.word.path)')],
  },
});
const passOn = (tasks: PipelineTask[], of: string, more: object = {}) => ({
  ...more,
  tasks,
  results: [{ name: 'word', value: `$(tasks.${of}.results.word)` }],
});

const rows: Record<string, Row> = {
  'results through two of them, and what became of each': {
    tasks: [
      {
        name: 'mid',
        pipelineSpec: passOn(
          [{ name: 'low', pipelineSpec: passOn([word('say', 'printf hello > $(results.word.path)')], 'say') }],
          'low',
        ),
      },
      echo('use', '$(tasks.mid.results.word) there'),
      { name: 'bad', onError: 'continue', pipelineSpec: { tasks: [task('fail', 'exit 1')] } },
    ],
    finally: [echo('tell', '$(tasks.mid.status) $(tasks.mid.reason) $(tasks.bad.status) $(tasks.bad.reason)')],
    results: [
      { name: 'used', value: '$(tasks.use.results.word)' },
      { name: 'inner', value: '$(tasks.mid.results.word)' },
      { name: 'told', value: '$(finally.tell.results.word)' },
    ],
    condition: counted('True', 'Succeeded', 'Tasks Completed: 4 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0'),
    status: {
      results: [
        { name: 'used', value: 'hello there' },
        { name: 'inner', value: 'hello' },
        { name: 'told', value: 'Succeeded Succeeded Failed Failed' },
      ],
    },
    nested: { '-mid': succeeded(1), '-mid-low': succeeded(1), '-bad': failed(1, 1) },
  },
  'its own time is over': {
    tasks: [{ name: 'mid', timeout: '3s', pipelineSpec: { tasks: [task('slow', 'sleep 3600')] } }],
    condition: failed(1, 1),
    nested: { '-mid': counted('False', 'PipelineRunTimeout', 'PipelineRun "RUN-mid" failed to finish within "3s"') },
    within: {
      '-mid-slow': counted(
        'False',
        'TaskRunCancelled',
        'TaskRun "RUN-mid-slow" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has timed out.',
      ),
    },
  },
  'the time of the tasks is over, two pipelines deep': {
    more: { timeouts: { pipeline: '5m', tasks: '5s' } },
    tasks: [
      {
        name: 'mid',
        timeout: '1h',
        pipelineSpec: {
          tasks: [{ name: 'low', timeout: '1h', pipelineSpec: { tasks: [task('slow', 'sleep 3600')] } }],
        },
      },
    ],
    finally: [task('clean', 'true')],
    condition: counted(
      'False',
      'PipelineRunTimeout',
      'PipelineRun "RUN" failed due to tasks failed to finish within "5s"',
    ),
    nested: { '-mid': wasCancelled('RUN-mid'), '-mid-low': wasCancelled('RUN-mid-low') },
    within: { '-clean': { status: 'True' }, '-mid-low-slow': { status: 'False', reason: 'TaskRunCancelled' } },
  },
  'tried again until it succeeds': {
    tasks: [
      {
        name: 'mid',
        retries: 2,
        pipelineSpec: passOn(
          [
            {
              name: 'try',
              params: [{ name: 'run', value: '$(context.pipelineRun.name)' }],
              taskSpec: {
                params: [{ name: 'run' }],
                results: [{ name: 'word' }],
                steps: [sh('case "$(params.run)" in *-retry-1) printf once > $(results.word.path);; *) exit 1;; esac')],
              },
            },
          ],
          'try',
        ),
      },
      echo('use', '$(tasks.mid.results.word) more'),
    ],
    results: [{ name: 'used', value: '$(tasks.use.results.word)' }],
    condition: succeeded(2),
    status: {
      results: [{ name: 'used', value: 'once more' }],
      childReferences: ['-mid', '-mid-retry-1', '-use'].map((name) => ({ name: `RUN${name}` })),
    },
    nested: { '-mid': failed(1, 1), '-mid-retry-1': succeeded(1) },
  },
  'fanned out, its results in order, and one tried in vain': {
    tasks: [
      {
        name: 'mid',
        matrix: { params: [{ name: 'os', value: ['linux', 'mac'] }] },
        pipelineSpec: passOn([echo('say', '$(params.os)!')], 'say', { params: [{ name: 'os' }] }),
      },
      {
        name: 'use',
        params: [{ name: 'all', value: ['$(tasks.mid.results.word[*])'] }],
        taskSpec: {
          params: [{ name: 'all', type: 'array' }],
          results: [{ name: 'word' }],
          steps: [{ ...sh('printf "%s" "$*" > $(results.word.path)'), args: ['$(params.all[*])'] }],
        },
      },
      {
        name: 'vain',
        retries: 1,
        runAfter: ['use'],
        matrix: { params: [{ name: 'with', value: ['0', '7'] }] },
        pipelineSpec: { params: [{ name: 'with' }], tasks: [task('exit', 'exit $(params.with)')] },
      },
    ],
    results: [{ name: 'used', value: '$(tasks.use.results.word)' }],
    condition: failed(3, 1),
    status: { results: [{ name: 'used', value: 'linux! mac!' }] },
    nested: {
      '-mid-0': succeeded(1),
      '-mid-1': succeeded(1),
      '-vain-0': succeeded(1),
      '-vain-1': failed(1, 1),
      '-vain-1-retry-1': failed(1, 1),
    },
  },
};

/** `RUN` in texts is the name of the run. */
const named = (value: object, run: string): object =>
  JSON.parse(JSON.stringify(value).replaceAll('RUN', run)) as object;

describe.concurrent('a pipeline in a pipeline', () => {
  it.each(Object.entries(rows))('%s', { timeout: 200_000 }, async (_name, row) => {
    const { tasks, finally: final, results, more, condition, status = {}, nested = {}, within = {} } = row;
    const pipelineSpec = { tasks, ...(final ? { finally: final } : {}), ...(results ? { results } : {}) };
    const run = (await bench.startPipeline({ ...more, pipelineSpec })).metadata.name ?? '';
    const outer = await ended(run);
    expect(succeededCondition(outer.status)).toMatchObject(named(condition, run));
    expect(outer.status).toMatchObject(named(status, run));
    for (const [name, expected] of Object.entries(nested))
      expect(await conditionOf(`${run}${name}`)).toMatchObject(named(expected, run));
    for (const [name, expected] of Object.entries(within)) {
      const found = await seen(taskRuns, `${run}${name}`, (one) => isDone(one.status));
      expect(succeededCondition(found.status)).toMatchObject(named(expected, run));
    }
  });

  it('that fails before it runs anything: the run says so, and describe and logs say why', async () => {
    const tasks: PipelineTask[] = [{ name: 'mid', pipelineRef: { name: 'nowhere' } }];
    const run = (await bench.startPipeline({ pipelineSpec: { tasks } })).metadata.name ?? '';
    expect(await conditionOf(run)).toMatchObject(failed(1, 1));
    const inner = await conditionOf(`${run}-mid`);
    expect(inner).toMatchObject({ status: 'False', reason: 'CouldntGetPipeline' });
    const described = (await bench.tektite('pipelinerun', 'describe', run)).out;
    expect(described).toContain(`${run}-mid: ${inner?.message}`);
    expect(described).toMatch(/-mid +mid .*Failed\(CouldntGetPipeline\)/);
    const logs = await bench.tektite('pipelinerun', 'logs', run);
    expect(logs.out + logs.err).toContain(inner?.message);
  });
});
