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

beforeAll(async () => {
  ({ plane, client } = await loadPlane(`dashboard-${process.pid}`));
  await makeNamespace(client, namespace);
  await seedRuns(plane, namespace, size.pipelineRuns);
  world = await DashboardWorld.on(plane.kubeconfig);
  figures = await figuresOf(world, namespace, size);
}, 400_000);

afterAll(async () => {
  expect(await world.close()).toEqual([]);
  await client.close(true);
  await plane.down();
}, 60_000);

describe('with thousands of runs and a log of megabytes', () => {
  it('the list and the page of a run are there within a second', () => {
    expect(figures.list).toBeLessThan(1_000);
    expect(figures.run).toBeLessThan(1_000);
  });

  it('one scrolls to the last run, and frames come', () => {
    expect(figures.frames.middle).toBeLessThan(100);
  });

  it('a log is followed to its last line', () => {
    expect(figures.lines.shown).toBe(figures.lines.written);
    expect(figures.furtherLine).toBeLessThan(2_000);
  });

  it('the tab holds little more than the log', () => {
    expect(figures.megabytes).toBeLessThan(160);
  });
});
