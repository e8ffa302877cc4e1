/**
 * Which exported functions the families reach, and how the cost of each family grows; started by cost.test.ts in a
 * process of its own, so that nobody else's work is counted. Prints lines of JSON.
 */
import fc from 'fast-check';
import { cpuMs } from './clock.ts';
import { calledFunctions, coveredFiles, exportedFunctions } from './coverage.ts';
import { families } from './families.ts';
import type { Family } from './family.ts';

/** Best of a few: what others do on this machine only ever adds. */
function best(act: () => unknown, tries: number): number {
  return Math.min(...Array.from({ length: tries }, () => cpuMs(act)));
}

interface Growth {
  size: number;
  /** Of the size, and of four times as much. */
  ms: [number, number];
  perDoubling: number;
}

function growth({ prepare }: Family, size: number): Growth {
  const [once, fourfold] = [prepare(size), prepare(4 * size)];
  once();
  const ms: [number, number] = [best(once, 4), best(fourfold, 3)];
  return { size, ms, perDoubling: Math.sqrt(ms[1] / Math.max(ms[0], leastMs)) };
}

/** Below this, a clock tick and a collection of garbage are most of what is seen. */
const leastMs = 2;
/** A step up that is there shows every time; one that is noise does not. */
const mostTries = 8;

/** Sizes are drawn, so that no lucky length hides a step. */
function smallestGrowth(family: Family): Growth | undefined {
  const tries: Growth[] = [];
  for (const size of fc.sample(fc.integer({ min: family.size, max: Math.round(family.size * 1.5) }), mostTries)) {
    tries.push(growth(family, size));
    if ((tries.at(-1)?.perDoubling ?? 0) <= wanted) break;
  }
  return tries.sort((one, other) => one.perDoubling - other.perDoubling)[0];
}

/** No further try is needed below this. */
const wanted = 2.4;

const called = await calledFunctions(() => {
  for (const { prepare } of families) prepare(5)();
});
const exported = (await Promise.all(coveredFiles().map(exportedFunctions))).flat();
console.log(JSON.stringify({ reached: exported.filter((name) => called.has(name)), exported }));

for (const family of families) console.log(JSON.stringify({ name: family.name, ...smallestGrowth(family) }));
