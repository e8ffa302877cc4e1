/**
 * `npm run bench -- --control-plane`: many PipelineRuns of three tasks at once on a control plane without a node, their
 * pods ended by a stand-in: what is measured is the controller and the API server alone. --pipelineruns 1000 sets how
 * many, --qps "100 500" the limits to measure with beside the default ("" for none), --profile FOLDER keeps a CPU
 * profile of each controller, --node-flags="--max-semi-space-size=4" starts them with other flags of Node as well.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { KubeClient } from '../../src/kube/client.ts';
import { RunFollower, createMany } from '../load/batch.ts';
import { LoadedController } from '../load/controller.ts';
import { StandInKubelet } from '../load/kubelet.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import { controllerWrites, difference, readWrites } from './api-writes.ts';
import { threeTaskPipelineRun } from './workloads.ts';

/** One measurement: a process of the controller from its start to the end of all runs. */
interface Case {
  limits: string;
  flags: string[];
}

interface World {
  client: KubeClient;
  controller: LoadedController;
  signal: AbortSignal;
}

async function measure({ limits, flags }: Case, count: number, { client, controller, signal }: World): Promise<string> {
  const namespace = await makeNamespace(client, `bench-${randomUUID()}`);
  await controller.start(flags);
  const [before, idle] = [await readWrites(client, signal), controller.usage()];
  const follower = new RunFollower(client, namespace);
  const following = follower.run(signal);
  await createMany(client, count, () => threeTaskPipelineRun(namespace));
  await follower.ended(count, 30 * 60_000);
  follower.stop();
  await following;
  if (follower.failed.length > 0) throw new Error(`runs failed: ${follower.failed.slice(0, 3).join('; ')}`);
  const used = controller.usage();
  // Events are written behind the runs.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const writes = [...controllerWrites(difference(await readWrites(client, signal), before))];
  const sum = (rows: [string, number][]) => rows.reduce((total, [, value]) => total + value, 0);
  const ends = [...follower.ends.values()];
  const seconds = Math.max(...ends);
  const reconciles = await controller.metric('kn_workqueue_process_duration_seconds_count');
  const [written, dropped] = await Promise.all(
    ['created', 'dropped'].map((result) =>
      controller.metric('tekton_pipelines_controller_events_total', `result="${result}"`),
    ),
  );
  await controller.end();
  return [
    limits.padEnd(8),
    `${(count / seconds).toFixed(1)} runs/s`,
    `first ended at ${Math.min(...ends).toFixed(1)} of ${seconds.toFixed(1)} s`,
    `controller ${(used.processorSeconds - idle.processorSeconds).toFixed(1)} s CPU, peak ${used.peakMegabytes} MB`,
    // The benchmark made the runs themselves.
    `${((sum(writes) - count) / count).toFixed(1)} writes and ${(reconciles / count).toFixed(1)} reconciles a run`,
    `${sum(writes.filter(([key]) => key.endsWith(' 409')))} conflicts`,
    `${written} events, ${dropped} dropped`,
  ].join(' | ');
}

export async function benchControlPlane(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'control-plane': { type: 'boolean' },
      pipelineruns: { type: 'string', default: '300' },
      qps: { type: 'string', default: '500' },
      profile: { type: 'string' },
      'node-flags': { type: 'string', default: '' },
    },
  });
  const count = Math.max(1, Number(values.pipelineruns));
  const cases: Case[] = [
    { limits: 'default', flags: [] },
    ...(values.qps.match(/\S+/g) ?? []).map((qps) => ({
      limits: `QPS ${qps}`,
      flags: [`--kube-api-qps=${qps}`, `--kube-api-burst=${2 * Number(qps)}`],
    })),
  ];
  const { plane, client } = await loadPlane(`bench-${process.pid}`);
  const stop = new AbortController();
  const nodeFlags = [
    ...(values['node-flags'].match(/\S+/g) ?? []),
    ...(values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]),
  ];
  const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, nodeFlags });
  const kubelet = new StandInKubelet(await plane.client()).run(stop.signal);
  try {
    console.log(`${count} PipelineRuns of three tasks at once, pods ended by a stand-in`);
    for (const one of cases) console.log(await measure(one, count, { client, controller, signal: stop.signal }));
  } finally {
    stop.abort();
    await Promise.allSettled([kubelet]);
    await controller.end();
    await client.close(true);
    await plane.down();
  }
}
