import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import { pods } from '../../src/kube/resources.ts';
import { threeTaskPipelineRun } from '../bench/workloads.ts';
import { sized } from '../long.ts';
import { openWorkbench } from './cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { testCluster } from './setup.ts';

const bench = openWorkbench('kill');
const kills = sized(8, 20);
const runs = sized(6, 10);
let controller: ControllerProcess;

beforeAll(async () => {
  controller = await ControllerProcess.takeOver(await testCluster());
});
afterAll(() => controller.handBack());

/** Counts the pods ever made for each TaskRun, by uid. */
async function countPods(seen: Map<string, Set<string>>, signal: AbortSignal): Promise<void> {
  for await (const event of bench.client.watch(pods, { namespace: bench.namespace, resourceVersion: '0', signal })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    const taskRun = event.object.metadata.labels?.['tekton.dev/taskRun'] ?? '';
    seen.set(taskRun, (seen.get(taskRun) ?? new Set()).add(event.object.metadata.uid ?? ''));
  }
}

describe(`a controller that is killed ${kills} times`, () => {
  it('loses no run, gets every result right and makes no second pod', { timeout: 300_000 }, async () => {
    const stop = new AbortController();
    const podsOf = new Map<string, Set<string>>();
    const counting = countPods(podsOf, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    if (controller.isRunning) await controller.end('SIGKILL');
    controller.start();
    for (let index = 0; index < runs; index += 1)
      await bench.create(pipelineRuns, threeTaskPipelineRun(bench.namespace));
    const unfinished = async () =>
      (await bench.client.list(pipelineRuns, { namespace: bench.namespace })).items.filter((run) => !isDone(run.status))
        .length;

    let midRun = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400 + Math.random() * 1400));
      if ((await unfinished()) > 0) midRun += 1;
      // New work keeps coming, so that every kill meets runs in all stages.
      if (kill % 4 === 3) await bench.create(pipelineRuns, threeTaskPipelineRun(bench.namespace));
      await controller.end('SIGKILL');
      controller.start();
    }
    expect(midRun).toBe(kills);
    await expect.poll(unfinished, { timeout: 180_000, interval: 500 }).toBe(0);
    stop.abort();
    await counting;

    const ended = (await bench.client.list(pipelineRuns, { namespace: bench.namespace })).items;
    expect(ended).toHaveLength(runs + kills / 4);
    expect(ended.map((run) => succeededCondition(run.status)?.message)).toEqual(
      ended.map(() => 'Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0'),
    );
    const tasks = (await bench.client.list(taskRuns, { namespace: bench.namespace })).items;
    expect(tasks).toHaveLength(3 * ended.length);
    const third = tasks.filter((run) => run.metadata.labels?.['tekton.dev/pipelineTask'] === 'third');
    expect(third.map((run) => run.status?.results?.[0]?.value)).toEqual(third.map(() => 'start+++'));
    expect([...podsOf].filter(([, uids]) => uids.size !== 1)).toEqual([]);
    expect(podsOf.size).toBe(tasks.length);
    for (const run of ended) expect(run.status?.childReferences).toHaveLength(3);
  });

  it('ends on SIGTERM with status 0', async () => {
    const said = controller.isRunning ? 0 : controller.log.length;
    if (!controller.isRunning) controller.start();
    await expect.poll(() => controller.log.slice(said).includes('started leading'), { timeout: 20_000 }).toBe(true);
    expect(await controller.end('SIGTERM')).toBe(0);
  });
});
