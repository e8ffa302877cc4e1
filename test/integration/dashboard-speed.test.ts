import { availableParallelism, loadavg } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figuresOf, seedRuns, type Figures } from '../browser/dashboard-figures.ts';
import { DashboardWorld } from '../browser/dashboard-world.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { ControlPlane } from './kube-control-plane.ts';

/** `npm run bench:dashboard` in small: on a control plane of its own, for the runs go straight into etcd. */
const namespace = 'many';
const size = { pipelineRuns: 2_000, logMegabytes: 20 };
let plane: ControlPlane;
let client: KubeClient;
let world: DashboardWorld;
let figures: Figures;
/** How many wanted each processor meanwhile: what is waited for them is not the page's. */
let busy = 1;

beforeAll(async () => {
  ({ plane, client } = await loadPlane(`dashboard-${process.pid}`));
  await makeNamespace(client, namespace);
  await seedRuns(plane, namespace, size.pipelineRuns);
  world = await DashboardWorld.on(plane.kubeconfig, 'chromium');
  figures = await figuresOf(world, namespace, size);
  busy = Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());
}, 400_000);

afterAll(async () => {
  expect(await world.close()).toEqual([]);
  await client.close(true);
  await plane.down();
}, 60_000);

describe('with thousands of runs and a log of megabytes', () => {
  it('the list and the page of a run are there within a second of a machine of their own', () => {
    expect(figures.list / busy).toBeLessThan(1_000);
    expect(figures.run / busy).toBeLessThan(1_000);
  });

  it('one scrolls to the last run, and frames come', () => {
    expect(figures.frames.middle / busy).toBeLessThan(100);
  });

  it('a log is followed to its last line', () => {
    expect(figures.lines.shown).toBe(figures.lines.written);
    expect(figures.furtherLine / busy).toBeLessThan(2_000);
  });

  it('the tab holds little more than the log', () => {
    expect(figures.megabytes).toBeLessThan(160);
  });
});
