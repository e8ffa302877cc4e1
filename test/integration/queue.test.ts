import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { annotations } from '../../src/core/labels.ts';
import { isDone } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { silentLogger } from '../../src/log.ts';
import { RunFollower, createMany, pipelineRunResource } from '../load/batch.ts';
import { allowAlpha, FeatureBatch } from '../load/feature-batch.ts';
import { LoadedController } from '../load/controller.ts';
import { StandInKubelet } from '../load/kubelet.ts';
import { loadPlane, newNamespace } from '../load/plane.ts';
import { sized } from '../long.ts';
import type { ControlPlane } from './kube-control-plane.ts';

/** The controller as a process that is killed again and again, on a control plane of its own. */
let plane: ControlPlane;
let client: KubeClient;
beforeAll(async () => {
  ({ plane, client } = await loadPlane(`queue-${process.pid}`));
}, 240_000);
afterAll(async () => {
  await client?.close(true);
  await plane?.down();
});

const LIMIT = 3;
const RUNS = sized(15, 100);
/** At most, while nine tenths of the runs have not ended. */
const KILLS = sized(3, 6);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs that nothing limits: that more than LIMIT of these run at once shows that the count can tell. */
const FREE_RUNS = 12;

function freeRun(namespace: string, index: number): PipelineRun {
  const run = limitedRun(namespace, index);
  return { ...run, metadata: { name: `free-${index}`, namespace } };
}

function limitedRun(namespace: string, index: number): PipelineRun {
  const steps = [{ name: 'one', image: 'busybox', command: ['true'] }];
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      name: `run-${index}`,
      namespace,
      annotations: { [annotations.concurrencyLimit]: String(LIMIT), [annotations.concurrencyKey]: 'param:lane' },
    },
    spec: {
      params: [{ name: 'lane', value: 'one' }],
      pipelineSpec: { params: [{ name: 'lane' }], tasks: [{ name: 'only', taskSpec: { steps } }] },
    },
  };
}

/** Counts the runs that have begun and not ended: one watch tells every state in its order. */
class Running {
  /** At most at the same time. */
  readonly most = { limited: 0, free: 0 };
  readonly #now = { limited: new Set<string>(), free: new Set<string>() };
  readonly #informer: Informer<PipelineRun>;

  constructor(client: KubeClient, namespace: string) {
    this.#informer = new Informer({ client, namespace, resource: pipelineRunResource, log: silentLogger });
    this.#informer.onChange(({ key, object: { status } }) => {
      const kind = key.includes('/free-') ? 'free' : 'limited';
      if (status?.startTime === undefined || isDone(status)) this.#now[kind].delete(key);
      else this.#now[kind].add(key);
      this.most[kind] = Math.max(this.most[kind], this.#now[kind].size);
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }
}

describe('a limit of concurrent runs', () => {
  test(`holds for ${RUNS} runs while the controller is killed, and all end`, { timeout: 400_000 }, async () => {
    const namespace = await newNamespace(client, 'queue');
    const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig });
    const stop = new AbortController();
    const running = new Running(client, namespace);
    const follower = new RunFollower(client, namespace);
    const background = [running, follower, new StandInKubelet(client, 100)].map((one) => one.run(stop.signal));
    let kills = 0;
    try {
      await controller.start();
      await createMany(client, FREE_RUNS, (index) => freeRun(namespace, index));
      await createMany(client, RUNS, (index) => limitedRun(namespace, index));
      while (follower.ends.size < (RUNS + FREE_RUNS) * 0.9 && kills < KILLS) {
        await sleep(300 + Math.random() * sized(1_000, 5_000));
        await controller.end('SIGKILL');
        kills += 1;
        await controller.start();
      }
      await follower.ended(RUNS + FREE_RUNS, 240_000);
      expect(follower.failed).toEqual([]);
      expect(running.most.limited).toBe(LIMIT);
      expect(running.most.free).toBeGreaterThan(LIMIT);
      expect(kills).toBeGreaterThanOrEqual(KILLS / 2);
      console.log(`${kills} kills; at the same time at most ${JSON.stringify(running.most)}`);
    } finally {
      stop.abort();
      await Promise.allSettled(background);
      await controller.end();
    }
  });
});

describe('runs with all that a run can have', () => {
  test('end as they would have, and nothing is made twice', { timeout: 500_000 }, async () => {
    await allowAlpha(client, true);
    const batch = new FeatureBatch(client, await newNamespace(client, 'features'), sized(['a-'], ['a-', 'b-']));
    const controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig });
    const stop = new AbortController();
    const background = [batch, new StandInKubelet(client, 400)].map((one) => one.run(stop.signal));
    let kills = 0;
    try {
      await controller.start();
      await batch.create();
      while (batch.open > 0 && kills < sized(3, 8)) {
        await sleep(200 + Math.random() * 2_000);
        await controller.end('SIGKILL');
        kills += 1;
        await controller.start();
      }
      console.log(`${kills} kills, ${batch.open} runs to go`);
      await batch.ended(200_000);
      expect(await batch.verdict()).toEqual([]);
      expect(kills).toBeGreaterThan(sized(1, 3));
    } finally {
      stop.abort();
      await Promise.allSettled(background);
      await controller.end();
    }
  });
});
