/**
 * `npm run chaos`: 100 PipelineRuns of three tasks (--pipelineruns N) while a tenth of the controller's calls
 * (--share 0.1) is refused with 429, 500 or 410, cut, delayed by five seconds, or answered into the void, and no watch
 * lasts ten seconds. Exit status 1 when a run is lost, anything is made twice, or a kind is listed anew more than once
 * a minute without a 410.
 */
import { parseArgs } from 'node:util';
import { threeTaskPipelineRun } from '../bench/workloads.ts';
import { runThroughFaults } from './faults.ts';
import { onPlane } from './plane.ts';

const { values } = parseArgs({
  options: { pipelineruns: { type: 'string', default: '100' }, share: { type: 'string', default: '0.1' } },
});
await onPlane(`chaos-${process.pid}`, async (plane, client) => {
  const count = Number(values.pipelineruns);
  const given = { count, share: Number(values.share), make: threeTaskPipelineRun, timeoutMs: 30 * 60_000 };
  const report = await runThroughFaults(plane, client, given);
  console.log(`${count} runs in ${report.seconds.toFixed(0)} s; faults: ${JSON.stringify(report.faults)}`);
  console.log(
    `${report.lost.length} lost, ${report.doubled.length} doubled, ${report.relistsPerMinute.toFixed(2)} relists a minute of the kind with most (${report.forcedLists} more were forced by faults)`,
  );
  for (const line of [...report.lost, ...report.doubled].slice(0, 10)) console.log(line);
  const isWell = report.lost.length + report.doubled.length === 0 && report.relistsPerMinute <= 1;
  process.exitCode = isWell ? 0 : 1;
});
