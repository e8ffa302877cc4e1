import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../integration/kube-control-plane.ts';
import { StandInLogs } from '../load/kubelet-log.ts';
import { makeNamespace } from '../load/plane.ts';
import { finishedFleet, seedEtcd } from '../load/seed.ts';
import { pictured } from './chromium.ts';
import { writeRun } from './dashboard-runs.ts';
import type { DashboardWorld } from './dashboard-world.ts';
import { peakMegabytes, scrolled, shownAfter, type Frames } from './measure.ts';

/** How much there is to show. */
export interface Size {
  pipelineRuns: number;
  logMegabytes: number;
}

/** What a reader feels of it, in milliseconds and megabytes. */
export interface Figures {
  /** Until the first row of the list, of the definitions' list, and the task of a run with its steps are there. */
  list: number;
  run: number;
  /** Between frames while one scrolls to the last run. */
  frames: Frames;
  /** Lines that the page had at the end of the log, of so many. */
  lines: { shown: number; written: number };
  /** Until the whole log was there, and from a further line's writing until it was seen. */
  log: number;
  furtherLine: number;
  /** The most that the tab held meanwhile. */
  megabytes: number;
}

const LOG_MS = 180_000;

/** Finished PipelineRuns of three TaskRuns, newest first in one namespace. */
export async function seedRuns(plane: ControlPlane, namespace: string, count: number): Promise<void> {
  const entries = [...finishedFleet(count, [namespace])].filter(({ key }) => !key.startsWith('/registry/pods/'));
  await seedEtcd(plane, entries);
}

/** Measures in one window; `namespace` has so many seeded runs. */
export async function figuresOf(world: DashboardWorld, namespace: string, size: Size): Promise<Figures> {
  const origin = await world.start();
  const { page } = await world.window(origin);
  return pictured(page, 'figures', async () => {
    const ready = `${origin}/runs?ns=${namespace}`;
    await page.goto(ready);
    await page.getByText(`${size.pipelineRuns.toLocaleString('en')} runs, live`).waitFor({ timeout: 120_000 });
    const list = await shownAfter(page, ready, '[aria-rowindex="20"]');
    const run = await shownAfter(page, `${origin}/runs/${namespace}/run-000001`, '.step');
    await page.goto(ready);
    await page.locator('[aria-rowindex="2"]').waitFor();
    const last = page.locator(`[aria-rowindex="${size.pipelineRuns + 1}"]`);
    const frames = await scrolled(page, '.run-rows', () => last.isVisible());
    await page.close();
    return { list, run, frames, ...(await logFiguresOf(world, { origin, namespace }, size.logMegabytes)) };
  });
}

type LogFigures = Pick<Figures, 'lines' | 'log' | 'furtherLine' | 'megabytes'>;

async function logFiguresOf(
  world: DashboardWorld,
  { origin, namespace }: { origin: string; namespace: string },
  megabytes: number,
): Promise<LogFigures> {
  const { client, browser } = world;
  await makeNamespace(client, namespace);
  const logs = await StandInLogs.start(client, `${namespace}-node`, megabytes);
  const name = `chatty-${Date.now()}`;
  await logs.createPod(namespace, `${name}-talk-pod`, 'step-run');
  await writeRun(client, namespace, { name, outcome: 'running', tasks: [{ name: 'talk', outcome: 'running' }] });
  const { page } = await world.window(origin);
  const began = performance.now();
  let log = 0;
  let furtherLine = 0;
  let shown = 0;
  try {
    const peak = await peakMegabytes(browser, () =>
      pictured(page, 'figures-log', async () => {
        await page.goto(`${origin}/runs/${namespace}/${name}`);
        await page.getByText(`line ${logs.lines} `).waitFor({ timeout: LOG_MS });
        log = performance.now() - began;
        for (let round = 0; round < 5; round += 1) {
          const written = performance.now();
          await page.getByText(`${logs.writeLine()} `).waitFor();
          furtherLine = Math.max(furtherLine, performance.now() - written);
          await sleep(200);
        }
        shown = Number((await page.locator('.log-size').innerText()).replaceAll(/\D/g, ''));
      }),
    );
    return { lines: { shown, written: logs.lines + 5 }, log, furtherLine, megabytes: peak };
  } finally {
    await page.close();
    await logs.stop();
  }
}
