/**
 * `npm run soak`: two PipelineRuns a second (--rate) with timeouts of 24 hours for an hour (--minutes 10 or
 * TEKTITE_SOAK_MINUTES), each deleted some time after its end, on a control plane without a node. Prints the slope of
 * the controller's heap after the first quarter. Exit status 1 when it is above 1 MB/h, 3 when the run was too short to
 * tell.
 */
import { parseArgs } from 'node:util';
import { RunFollower, pipelineRunResource } from './batch.ts';
import { LoadedController } from './controller.ts';
import { StandInKubelet } from './kubelet.ts';
import { makeNamespace, onPlane } from './plane.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { ControlPlane } from '../integration/kube-control-plane.ts';
import { judge, slopeAfterFirstQuarter, type Sample } from './slope.ts';
import { deleteWithChildren } from './collect.ts';
import { threeTaskPipelineRun } from '../bench/workloads.ts';

const LIMIT = 1;
/** Runs that are kept: as many at every time, so that a level heap is level. */
const KEPT = 100;
const SAMPLE_MS = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: process.env['TEKTITE_SOAK_MINUTES'] ?? '60' },
    rate: { type: 'string', default: '2' },
  },
});
const [durationMs, perSecond] = [Number(values.minutes) * 60_000, Number(values.rate)];
if (!(durationMs > 0)) throw new Error(`--minutes is ${JSON.stringify(values.minutes)}; give a number above 0`);
if (!(perSecond > 0)) throw new Error(`--rate is ${JSON.stringify(values.rate)}; give runs a second, above 0`);

await onPlane(`soak-${process.pid}`, soak);

async function soak(plane: ControlPlane, client: KubeClient, interrupted: AbortSignal): Promise<void> {
  const stop = new AbortController();
  // Its heap is measured after a collection, or garbage would hide a slope.
  const collecting = ['--expose-gc', '--import', `${import.meta.dirname}/collect-garbage.mjs`];
  const nodeFlags = ['--max-old-space-size=768', ...collecting];
  const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, nodeFlags });
  const background: Promise<unknown>[] = [];
  try {
    const namespace = await makeNamespace(client, 'soak');
    await controller.start();
    background.push(new StandInKubelet(await plane.client()).run(stop.signal));
    const follower = new RunFollower(client, namespace);
    background.push(follower.run(stop.signal));
    const samples = await load(client, namespace, controller, interrupted);
    report(samples, follower, controller.usage().megabytes);
  } finally {
    stop.abort();
    await Promise.allSettled(background);
    await controller.end();
  }
}

/** Makes runs at the rate, deletes old ones, and measures the heap meanwhile. */
async function load(
  client: KubeClient,
  namespace: string,
  controller: LoadedController,
  interrupted: AbortSignal,
): Promise<Sample[]> {
  const began = performance.now();
  const samples: Sample[] = [];
  const names: string[] = [];
  let nextSample = 0;
  for (let made = 0; performance.now() - began < durationMs && !interrupted.aborted; made++) {
    const run = threeTaskPipelineRun(namespace);
    run.spec.timeouts = { pipeline: '24h0m0s' };
    const { metadata } = await client.create(pipelineRunResource, run);
    names.push(metadata.name ?? '');
    while (names.length > KEPT) await deleteWithChildren(client, namespace, names.shift() ?? '');
    const elapsed = performance.now() - began;
    if (elapsed >= nextSample) {
      const megabytes = (await controller.metric('nodejs_heap_size_used_bytes')) / 2 ** 20;
      samples.push({ hours: elapsed / 3_600_000, megabytes });
      nextSample = elapsed + SAMPLE_MS;
    }
    const ahead = ((made + 1) / perSecond) * 1000 - (performance.now() - began);
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  return samples;
}

function report(samples: readonly Sample[], follower: RunFollower, rss: number): void {
  const slope = slopeAfterFirstQuarter(samples);
  const verdict = judge(slope, LIMIT);
  const [first, last] = [samples[Math.floor(samples.length / 4)], samples.at(-1)];
  console.log(
    `${follower.ends.size} runs ended, ${follower.failed.length} of them badly; heap ${first?.megabytes.toFixed(1)} MB after a quarter, ${last?.megabytes.toFixed(1)} MB at the end, RSS ${rss} MB`,
  );
  console.log(
    `slope ${slope.megabytesPerHour.toFixed(2)} MB/h, give or take ${(2 * slope.error).toFixed(2)}: ${verdict} (limit ${LIMIT} MB/h)`,
  );
  process.exitCode = follower.failed.length > 0 || verdict === 'grows' ? 1 : verdict === 'holds' ? 0 : 3;
}
