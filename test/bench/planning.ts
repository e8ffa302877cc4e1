/**
 * `npm run bench:planning`: CPU time of one look of the planner at a PipelineRun under way, by the number of its tasks.
 * Exit status 1 when one of 300 tasks takes longer than 5 ms, or one of 1,200 more than four times as long and a half.
 */
import { cpuMs } from '../abuse/clock.ts';
import { halfDone } from '../abuse/half-done.ts';

const LIMIT_MS = 5;
const GROWTH = 4 * 1.5;
const ROUNDS = 60;
const sizes = [75, 150, 300, 600, 1_200];

const times = new Map<number, number>();
for (const size of sizes) {
  const look = halfDone(size);
  for (let round = 0; round < ROUNDS; round++) look(); // until it is compiled
  // The least of many: what others do on this machine only ever adds.
  times.set(size, Math.min(...Array.from({ length: ROUNDS }, () => cpuMs(look))));
  const ms = times.get(size) ?? 0;
  console.log(
    `${String(size).padStart(5)} tasks ${ms.toFixed(2).padStart(7)} ms ${((ms / size) * 1000).toFixed(1)} us each`,
  );
}
const [at300 = 0, at1200 = 0] = [times.get(300), times.get(1_200)];
console.log(`limit ${LIMIT_MS} ms for 300 tasks; from 300 to 1,200 the time grew ${(at1200 / at300).toFixed(1)}-fold`);
process.exitCode = at300 <= LIMIT_MS && at1200 <= GROWTH * at300 ? 0 : 1;
