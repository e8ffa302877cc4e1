/**
 * `npm run fleet`: what a restart costs on a cluster that keeps many finished runs. Seeds 10,000 PipelineRuns of three
 * TaskRuns with their pods (--pipelineruns N), starts the controller, and prints how long it took to get ready and how
 * much memory it needs. Exit status 1 above 60 s or 500 MB, for 10,000 runs.
 */
import { parseArgs } from 'node:util';
import { LoadedController } from './controller.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { ControlPlane } from '../integration/kube-control-plane.ts';
import { makeNamespace, onPlane } from './plane.ts';
import { finishedFleet, seedEtcd } from './seed.ts';

const GOAL = { readySeconds: 60, megabytes: 500 };
/** After it is ready it looks at every run once. */
const SETTLE_MS = 15_000;

const { values } = parseArgs({ options: { pipelineruns: { type: 'string', default: '10000' } } });
const count = Math.max(1, Number(values.pipelineruns));

await onPlane(`fleet-${process.pid}`, async (plane, client) => {
  // The heap of a container with the chart's limit of 1 Gi.
  const nodeFlags = ['--max-old-space-size=768'];
  const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, nodeFlags });
  try {
    await restart(plane, client, controller);
  } finally {
    await controller.end();
  }
});

async function restart(plane: ControlPlane, client: KubeClient, controller: LoadedController): Promise<void> {
  const namespaces = Array.from({ length: 20 }, (_, i) => `fleet-${i}`);
  for (const namespace of namespaces) await makeNamespace(client, namespace);
  const seeded = await seedEtcd(plane, finishedFleet(count, namespaces));
  console.log(`${seeded} objects seeded`);
  const ready = await controller.start([], 600_000);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const { megabytes, peakMegabytes, processorSeconds } = controller.usage();
  const heap = (await controller.metric('nodejs_heap_size_used_bytes')) / 2 ** 20;
  console.log(
    `ready after ${ready.toFixed(1)} s, ${processorSeconds.toFixed(1)} s CPU; RSS ${megabytes} MB, peak ${peakMegabytes} MB, heap ${heap.toFixed(0)} MB`,
  );
  const isReached = ready <= GOAL.readySeconds && peakMegabytes <= GOAL.megabytes;
  if (!isReached) console.log(`missed: at most ${GOAL.readySeconds} s and ${GOAL.megabytes} MB`);
  process.exitCode = isReached ? 0 : 1;
}
