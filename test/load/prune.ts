/**
 * `npm run prune`: what pruning costs. Seeds 10,000 finished PipelineRuns (--pipelineruns N), has them brought down to
 * 100 at 50 a second, and prints how long that took and what it did to runs that were going on meanwhile: the time a
 * key of theirs waits and is worked on, beside what it is before and afterwards. Exit status 1 when the rate is
 * exceeded, or that time grows by more than a tenth.
 */
import { parseArgs } from 'node:util';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps } from '../../src/kube/resources.ts';
import type { ControlPlane } from '../integration/kube-control-plane.ts';
import { threeTaskPipelineRun } from '../bench/workloads.ts';
import { createMany, pipelineRunResource, RunFollower } from './batch.ts';
import { LoadedController } from './controller.ts';
import { StandInKubelet } from './kubelet.ts';
import { makeNamespace, onPlane } from './plane.ts';
import { finishedFleet, seedEtcd } from './seed.ts';

const KEPT = 100;
const PER_SECOND = 50;
const PROBES = 40;
/** As often before as afterwards: a machine that gets slower or faster in between is no fault of the pruner. */
const QUIET_ROUNDS = 4;
const SLOWER_AT_MOST = 1.1;

const { values } = parseArgs({ options: { pipelineruns: { type: 'string', default: '10000' } } });
const count = Math.max(KEPT + 1, Number(values.pipelineruns));

await onPlane(`prune-${process.pid}`, async (plane, client, interrupted) => {
  const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, flags: ['--prune'] });
  const stop = new AbortController();
  const kubelet = new StandInKubelet(client).run(AbortSignal.any([stop.signal, interrupted]));
  try {
    await measure(plane, client, controller);
  } finally {
    stop.abort();
    await kubelet.catch(() => undefined);
    await controller.end();
  }
});

async function measure(plane: ControlPlane, client: KubeClient, controller: LoadedController): Promise<void> {
  const fleet = await makeNamespace(client, 'fleet');
  const going = await makeNamespace(client, 'going');
  const entries = [...finishedFleet(count, [fleet])].filter(({ key }) => key.includes('/pipelineruns/'));
  console.log(`${await seedEtcd(plane, entries)} finished PipelineRuns seeded`);
  await controller.start([], 600_000);
  await probe(client, controller, going, 'warm');
  const quiet: number[] = [];
  const inQuiet = async (when: string) => {
    for (let round = 0; round < QUIET_ROUNDS; round++)
      quiet.push(await probe(client, controller, going, `${when}-${round}`));
  };
  await inQuiet('before');
  await configure(client);
  const began = performance.now();
  const during: number[] = [];
  let left = count;
  for (let round = 0; left > KEPT; round++) {
    during.push(await probe(client, controller, going, `during-${round}`));
    left = (await client.list(pipelineRunResource, { namespace: fleet, limit: 500 })).items.length;
  }
  const seconds = (performance.now() - began) / 1_000;
  const rate = (count - KEPT) / seconds;
  await inQuiet('after');
  const [usual, meanwhile] = [median(quiet), median(during)];
  console.log(
    `${count} brought down to ${left} in ${seconds.toFixed(0)} s: ${rate.toFixed(1)} a second of ${PER_SECOND}`,
  );
  const spread = (all: readonly number[]) => `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`;
  console.log(
    `a reconcile of running runs, median of ${PROBES} runs each: ${usual.toFixed(2)} ms without pruning (${quiet.length} times, ${spread(quiet)}), ${meanwhile.toFixed(2)} ms meanwhile (${during.length} times, ${spread(during)}): ${(100 * (meanwhile / usual - 1)).toFixed(0)} % more`,
  );
  const isReached = rate <= PER_SECOND * 1.02 && meanwhile <= usual * SLOWER_AT_MOST;
  if (!isReached) console.log(`missed: at most ${PER_SECOND} deletions a second, and a tenth more time`);
  process.exitCode = isReached ? 0 : 1;
}

async function configure(client: KubeClient): Promise<void> {
  const namespace = 'tekton-pipelines';
  const labels = { 'app.kubernetes.io/part-of': 'tekton-pruner', 'pruner.tekton.dev/config-type': 'global' };
  const rate = { 'deletions-per-second': String(PER_SECOND) };
  await client.create(configMaps, { metadata: { name: 'config-pruner', namespace }, data: rate });
  const limits = { 'global-config': `enforcedConfigLevel: global\nhistoryLimit: ${KEPT}\n` };
  await client.create(configMaps, {
    metadata: { name: 'tekton-pruner-default-spec', namespace, labels },
    data: limits,
  });
}

/** Runs some PipelineRuns to their end. Milliseconds that a reconcile of theirs and its wait took, on average. */
async function probe(
  client: KubeClient,
  controller: LoadedController,
  namespace: string,
  name: string,
): Promise<number> {
  const work = async () => {
    const sum = async (metric: string) => (await controller.metric(`${metric}_sum`, 'run.Reconciler')) * 1_000;
    const total =
      (await sum('kn_workqueue_queue_duration_seconds')) + (await sum('kn_workqueue_process_duration_seconds'));
    return { total, times: await controller.metric('kn_workqueue_process_duration_seconds_count', 'run.Reconciler') };
  };
  const stop = new AbortController();
  const follower = new RunFollower(client, namespace);
  const following = follower.run(stop.signal);
  const known = (await client.list(pipelineRunResource, { namespace })).items.length;
  const first = await work();
  await createMany(client, PROBES, (index): PipelineRun => {
    const run = threeTaskPipelineRun(namespace);
    return { ...run, metadata: { name: `${name}-${index}`, namespace } };
  });
  await follower.ended(known + PROBES, 300_000);
  const last = await work();
  stop.abort();
  await following.catch(() => undefined);
  return (last.total - first.total) / Math.max(1, last.times - first.times);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
