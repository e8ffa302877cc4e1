import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { leases, pods } from '../../src/kube/resources.ts';
import { threeTaskPipelineRun } from '../bench/workloads.ts';
import { openWorkbench } from './cluster.ts';
import { Installation, controllerPods } from './installation.ts';
import { PodCount } from './pod-count.ts';

/** Several replicas work at once, and any of them may go at any time. */
const buckets = 4;
const reconcilers = ['taskrun', 'pipelinerun', 'resolutionrequest'] as const;
const bench = openWorkbench('replicas');
let installation: Installation;

beforeAll(async () => {
  installation = await Installation.open();
  await installation.upgrade({
    'controller.replicas': '3',
    'configLeaderElection.buckets': String(buckets),
    // How long the runs of a replica that died without a word wait: short, for the test's sake.
    'configLeaderElection.lease-duration': '8s',
    'configLeaderElection.renew-deadline': '5s',
    'configLeaderElection.retry-period': '1s',
  });
});
afterAll(async () => {
  await installation.upgrade();
  await installation.close();
});

const leaseName = (reconciler: string, bucket: number) =>
  `tekton-pipelines-controller.github.com.tektoncd.pipeline.pkg.reconciler.${reconciler}.reconciler.0${bucket}-of-0${buckets}`;

/** Holder by lease, of this test's number of buckets. */
async function holders(): Promise<Map<string, string>> {
  const { items } = await bench.client.list(leases, { namespace: systemNamespace });
  return new Map(
    items
      .filter((lease) => lease.metadata.name?.endsWith(`-of-0${buckets}`))
      .map((lease) => [lease.metadata.name ?? '', lease.spec?.holderIdentity ?? '']),
  );
}

async function podNames(): Promise<string[]> {
  return (await controllerPods(bench.client)).map((pod) => pod.metadata.name ?? '').sort();
}

/** How many buckets of a reconciler each replica holds, fewest first. */
async function spread(reconciler: string): Promise<number[]> {
  const held = await holders();
  const mine = Array.from({ length: buckets }, (_, bucket) => held.get(leaseName(reconciler, bucket)));
  return (await podNames()).map((pod) => mine.filter((holder) => holder === pod).length).sort((a, b) => a - b);
}

async function untilSpread(expected: number[]): Promise<void> {
  for (const reconciler of reconcilers)
    await expect.poll(() => spread(reconciler), { timeout: 40_000, interval: 200 }).toEqual(expected);
}

/**
 * Starts runs, does something to the replicas in their midst, and checks that every one ends right and had one pod per
 * task.
 */
async function undisturbed(count: number, disturb: () => Promise<void>): Promise<void> {
  const name = `load-${Math.random().toString(36).slice(2, 8)}`;
  const podCount = new PodCount(bench.client, bench.namespace);
  for (let index = 0; index < count; index += 1) {
    const run = threeTaskPipelineRun(bench.namespace);
    await bench.create(pipelineRuns, {
      ...run,
      metadata: { ...run.metadata, labels: { load: name } },
    });
  }
  const selection = { namespace: bench.namespace, labelSelector: `load=${name}` };
  const list = async () => (await bench.client.list(pipelineRuns, selection)).items;
  await expect
    .poll(async () => (await list()).some((run) => run.status?.childReferences?.length), {
      timeout: 20_000,
      interval: 100,
    })
    .toBe(true);
  await disturb();
  expect(
    (await list()).some((run) => !isDone(run.status)),
    'runs were still going on',
  ).toBe(true);
  await expect
    .poll(async () => (await list()).filter((run) => !isDone(run.status)).length, { timeout: 150_000, interval: 300 })
    .toBe(0);

  const ended = await list();
  expect(ended.map((run) => succeededCondition(run.status)?.message)).toEqual(
    Array.from({ length: count }, () => 'Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0'),
  );
  const children = (await bench.client.list(taskRuns, selection)).items;
  expect(children).toHaveLength(3 * count);
  const third = children.filter((run) => run.metadata.labels?.['tekton.dev/pipelineTask'] === 'third');
  expect(third.map((run) => run.status?.results?.[0]?.value)).toEqual(third.map(() => 'start+++'));
  const counts = await podCount.end();
  expect(children.map((run) => counts[run.metadata.name ?? ''])).toEqual(children.map(() => 1));
}

/** Milliseconds until every lease that the pod held is another's. */
async function handedOver(pod: string): Promise<number> {
  const started = performance.now();
  for (;;) {
    const held = await holders();
    if (
      held.size === reconcilers.length * buckets &&
      [...held.values()].every((holder) => holder !== '' && holder !== pod)
    )
      return performance.now() - started;
    if (performance.now() - started > 60_000) throw new Error(`after a minute ${JSON.stringify([...held])}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The controller's process in a pod, as the test cluster's node, which is this machine, sees it. */
function processOf(pod: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`POD_NAME=${pod}`);
    } catch {
      return false; // gone meanwhile
    }
  });
  if (found.length !== 1) throw new Error(`${found.length} processes have POD_NAME=${pod}`);
  return Number(found[0]);
}

describe(`three replicas and ${buckets} buckets`, () => {
  it("share the leases, which have upstream's names, evenly", async () => {
    await untilSpread([1, 1, 2]);
    expect([...(await holders()).keys()].sort()).toEqual(
      reconcilers
        .flatMap((reconciler) => Array.from({ length: buckets }, (_, bucket) => leaseName(reconciler, bucket)))
        .sort(),
    );
  });

  it('hand the buckets of one that is told to end to the others within 2 s', async () => {
    await untilSpread([1, 1, 2]);
    const [victim = ''] = await podNames();
    await bench.client.delete(pods, systemNamespace, victim);
    const milliseconds = await handedOver(victim);
    console.log(`handed over ${Math.round(milliseconds)} ms after the deletion`);
    expect(milliseconds).toBeLessThan(2000);
  });

  it('lose nothing when one is deleted', async () => {
    await untilSpread([1, 1, 2]);
    await undisturbed(6, async () => {
      const [victim = ''] = await podNames();
      await bench.client.delete(pods, systemNamespace, victim);
      // It finishes what is in work first, on a busy machine.
      const milliseconds = await handedOver(victim);
      console.log(`handed over ${Math.round(milliseconds)} ms after the deletion under load`);
      expect(milliseconds).toBeLessThan(6000);
    });
  });

  it('lose nothing when one is deleted by force', async () => {
    await untilSpread([1, 1, 2]);
    await undisturbed(4, async () => {
      const [victim = ''] = await podNames();
      await installation.kubectl(['delete', 'pod', victim, '--grace-period=0', '--force']);
      // Its pod is gone, so nobody waits until the leases run out (8 s).
      expect(await handedOver(victim)).toBeLessThan(5_000);
    });
  });

  it("lose nothing when one hangs until its leases are another's, and then goes on", async () => {
    await untilSpread([1, 1, 2]);
    await undisturbed(6, async () => {
      const [victim = ''] = await podNames();
      const pid = processOf(victim);
      process.kill(pid, 'SIGSTOP');
      try {
        const milliseconds = await handedOver(victim);
        console.log(`taken over ${Math.round(milliseconds)} ms after the replica hung`);
        // The leases run out 8 s after their last renewal.
        expect(milliseconds).toBeLessThan(12_000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  });
});

describe('two replicas', () => {
  beforeAll(async () => {
    await installation.kubectl(['scale', 'deployment/tekton-pipelines-controller', '--replicas=2']);
    await installation.settled();
  });

  it('share the leases', () => untilSpread([2, 2]));

  it('lose nothing when the Deployment is restarted under a load of 20 runs', async () => {
    const before = await podNames();
    await undisturbed(20, async () => {
      await installation.kubectl(['rollout', 'restart', 'deployment/tekton-pipelines-controller']);
      await installation.settled();
    });
    expect((await podNames()).filter((name) => before.includes(name))).toEqual([]);
  });
});
