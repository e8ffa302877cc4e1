/**
 * `npm run bench:dashboard`: what a reader of the dashboard feels of 10,000 PipelineRuns (--pipelineruns N) and of a
 * log of 100 MB (--megabytes N), measured in Chromium on a control plane without a node. Prints how long the list and
 * the page of a run take, how scrolling goes, how long the log takes to come, and what the tab holds at most. Exit
 * status 1 above 1 s for a page or 300 MB for the tab.
 */
import { parseArgs } from 'node:util';
import { figuresOf, seedRuns, type Figures } from '../browser/dashboard-figures.ts';
import { DashboardWorld } from '../browser/dashboard-world.ts';
import { makeNamespace, onPlane } from '../load/plane.ts';

const GOAL = { milliseconds: 1_000, megabytes: 300 };
const namespace = 'many';

const { values } = parseArgs({
  options: { pipelineruns: { type: 'string', default: '10000' }, megabytes: { type: 'string', default: '100' } },
});
const size = { pipelineRuns: Number(values.pipelineruns), logMegabytes: Number(values.megabytes) };
if (!(size.pipelineRuns >= 20 && size.pipelineRuns <= 100_000 && size.logMegabytes > 0 && size.logMegabytes <= 250))
  throw new Error(
    `--pipelineruns ${values.pipelineruns} --megabytes ${values.megabytes}: give 20 to 100000 runs and up to 250 MB`,
  );

await onPlane(`bench-page-${process.pid}`, async (plane, client) => {
  await makeNamespace(client, namespace);
  await seedRuns(plane, namespace, size.pipelineRuns);
  const world = await DashboardWorld.on(plane.kubeconfig, 'chromium');
  try {
    report(await figuresOf(world, namespace, size));
  } finally {
    for (const wrong of await world.close()) console.log(`the page: ${wrong}`);
  }
});

function report({ list, run, frames, lines, log, furtherLine, megabytes }: Figures): void {
  const ms = (milliseconds: number) => `${milliseconds.toFixed(0)} ms`;
  console.log(`${size.pipelineRuns} PipelineRuns: the list after ${ms(list)}, the page of a run after ${ms(run)}`);
  console.log(`scrolled to the last: ${ms(frames.middle)} between frames, ${ms(frames.worst)} at worst`);
  console.log(
    `a log of ${size.logMegabytes} MB: ${lines.shown} of ${lines.written} lines after ${ms(log)}, a further one after ${ms(furtherLine)} at worst`,
  );
  console.log(`the tab held ${megabytes.toFixed(0)} MB at most`);
  const isReached =
    Math.max(list, run) < GOAL.milliseconds && megabytes < GOAL.megabytes && lines.shown === lines.written;
  if (!isReached) console.log(`missed: ${GOAL.milliseconds} ms, ${GOAL.megabytes} MB, every line`);
  process.exitCode = isReached ? 0 : 1;
}
