import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { image, sh } from './shell-step.ts';

/** Results from the log of a sidecar, as the chart's values switch them on: the right to read it comes with them. */
const bench = openWorkbench('sidecar-logs');
const fill = (bytes: number, result: string) => `head -c ${bytes} /dev/zero | tr '\\0' x > $(results.${result}.path)`;
let installation: Installation;

async function inEffect(): Promise<unknown> {
  const started = await bench.startTask({ taskSpec: { steps: [sh('s', 'true')] } });
  return (await bench.waitFor(started, ({ status }) => status?.provenance !== undefined)).status?.provenance;
}

beforeAll(async () => {
  installation = await Installation.open();
  await installation.upgrade({
    'featureFlags.results-from': 'sidecar-logs',
    'featureFlags.max-result-size': '1480000',
    'configDefaults.default-sidecar-log-polling-interval': '10ms',
  });
  const flags = { featureFlags: { resultExtractionMethod: 'sidecar-logs', maxResultSize: 1_480_000 } };
  await vi.waitFor(async () => expect(await inEffect()).toMatchObject(flags), { timeout: 60_000, interval: 500 });
}, 240_000);
afterAll(async () => {
  await installation.upgrade();
  await installation.close();
}, 240_000);

interface Row {
  spec: TaskRunSpec;
  condition: object;
  /** Results by the length of their values. */
  lengths?: Record<string, number>;
  /** Seconds that it takes at most. */
  within?: number;
}

const rows: Record<string, Row> = {
  'as much as can be stored with a run, of the Task and of its steps': {
    spec: {
      taskSpec: {
        results: [{ name: 'long' }, { name: 'inner', value: '$(steps.make.results.own)' }],
        steps: [
          {
            ...sh(
              'make',
              `${fill(1_440_000, 'long')}\nhead -c 20000 /dev/zero | tr '\\0' y > $(step.results.own.path)`,
            ),
            results: [{ name: 'own' }],
          },
        ],
      },
    },
    condition: { status: 'True', reason: 'Succeeded', message: 'All Steps have completed executing' },
    lengths: { long: 1_440_000, inner: 20_000 },
  },
  'one that is too large, by its name, with the limit and the way out': {
    spec: { taskSpec: { results: [{ name: 'big' }], steps: [sh('make', fill(1_480_001, 'big'))] } },
    condition: {
      status: 'False',
      reason: 'TaskRunResultLargerThanAllowedLimit',
      message: expect.stringMatching(
        /^TaskRun "task-\w+" failed: results exceeded size limit 1480000 bytes: task result "big" has 1480001 bytes; write less, .*max-result-size/,
      ) as string,
    },
  },
  'those of a run that fails are kept': {
    spec: {
      taskSpec: { results: [{ name: 'note' }], steps: [sh('write', fill(5_000, 'note')), sh('fail', 'exit 3')] },
    },
    condition: { status: 'False', reason: 'StepFailed', message: '"step-fail" exited with code 3: Error' },
    lengths: { note: 5_000 },
  },
  // Its container never ran: the sidecar has no lock of it to watch.
  'a last step whose container cannot start keeps nobody waiting': {
    spec: {
      taskSpec: {
        results: [{ name: 'note' }],
        steps: [sh('write', fill(5_000, 'note')), { name: 'odd', image, workingDir: '/etc/passwd', command: ['true'] }],
      },
    },
    condition: {
      status: 'False',
      reason: 'StepFailed',
      message: expect.stringMatching(/^"step-odd" exited with code 128: StartError: /) as string,
    },
    within: 25,
  },
};

describe('results from the log of a sidecar', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    const runs = Object.entries(rows).map(async ([name, { spec }]) => started.set(name, await bench.startTask(spec)));
    await Promise.all(runs);
  });

  it.each(Object.entries(rows))('%s', async (name, { condition, lengths = {}, within = Infinity }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 90);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    const found = ended.status?.results?.map((result) => [result.name, String(result.value).length]) ?? [];
    expect(Object.fromEntries(found)).toEqual(lengths);
    const { startTime = '', completionTime = '' } = ended.status ?? {};
    expect((Date.parse(completionTime) - Date.parse(startTime)) / 1000).toBeLessThan(within);
    expect(ended.status?.sidecars).toMatchObject([{ container: 'sidecar-tekton-log-results' }]);
  });
});
