/**
 * `npm run bench -- --control-plane`: many PipelineRuns of three tasks at once on a control plane without a node, their
 * pods ended by a stand-in: what is measured is the controller and the API server alone. --pipelineruns 1000 sets how
 * many.
 */
import { parseArgs } from 'node:util';
import { LoadedController } from '../load/controller.ts';
import { RunFollower, createMany } from '../load/batch.ts';
import { StandInKubelet } from '../load/kubelet.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import { controllerWrites, difference, readWrites } from './api-writes.ts';
import { threeTaskPipelineRun } from './workloads.ts';

interface Measured {
  limits: string;
  seconds: number;
  firstEnd: number;
  processorSeconds: number;
  peakMegabytes: number;
  writes: number;
  conflicts: number;
  reconciles: number;
  events: number;
  dropped: number;
}

async function measure(count: number, limits: string, flags: string[]): Promise<Measured> {
  const { plane, client } = await loadPlane(`bench-${process.pid}`);
  const stop = new AbortController();
  const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, flags });
  const running: Promise<void>[] = [];
  try {
    const namespace = await makeNamespace(client, 'bench');
    await controller.start();
    running.push(new StandInKubelet(await plane.client()).run(stop.signal));
    const before = await readWrites(client, stop.signal);
    const { processorSeconds } = controller.usage();
    const follower = new RunFollower(client);
    running.push(follower.run(stop.signal));
    await createMany(client, count, () => threeTaskPipelineRun(namespace));
    await follower.ended(count, 30 * 60_000);
    if (follower.failed.length > 0) throw new Error(`runs failed: ${follower.failed.slice(0, 3).join('; ')}`);
    const ends = [...follower.ends.values()];
    // Events are written behind the runs.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const writes = controllerWrites(difference(await readWrites(client, stop.signal), before));
    const usage = controller.usage();
    const sum = (rows: [string, number][]) => rows.reduce((total, [, value]) => total + value, 0);
    return {
      limits,
      seconds: Math.max(...ends),
      firstEnd: Math.min(...ends),
      processorSeconds: usage.processorSeconds - processorSeconds,
      peakMegabytes: usage.peakMegabytes,
      // The benchmark made the runs themselves.
      writes: (sum([...writes]) - count) / count,
      conflicts: sum([...writes].filter(([key]) => key.endsWith(' 409'))),
      reconciles: (await controller.metric('kn_workqueue_process_duration_seconds_count')) / count,
      events: await controller.metric('tekton_pipelines_controller_events_total', 'result="created"'),
      dropped: await controller.metric('tekton_pipelines_controller_events_total', 'result="dropped"'),
    };
  } finally {
    stop.abort();
    await Promise.allSettled(running);
    await controller.remove();
    await client.close(true);
    await plane.down();
  }
}

export async function benchControlPlane(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'control-plane': { type: 'boolean' }, pipelineruns: { type: 'string', default: '300' } },
  });
  const count = Math.max(1, Number(values.pipelineruns));
  const rows = [
    await measure(count, 'default', []),
    await measure(count, 'QPS 500', ['--kube-api-qps=500', '--kube-api-burst=1000']),
  ];
  console.log(`\n${count} PipelineRuns of three tasks at once, pods ended by a stand-in`);
  for (const row of rows) {
    console.log(
      [
        row.limits.padEnd(8),
        `${(count / row.seconds).toFixed(1)} runs/s`,
        `first ended at ${row.firstEnd.toFixed(1)} of ${row.seconds.toFixed(1)} s`,
        `controller ${row.processorSeconds.toFixed(1)} s CPU, peak ${row.peakMegabytes} MB`,
        `${row.writes.toFixed(1)} writes and ${row.reconciles.toFixed(1)} reconciles a run`,
        `${row.conflicts} conflicts`,
        `${row.events} events, ${row.dropped} dropped`,
      ].join(' | '),
    );
  }
}
