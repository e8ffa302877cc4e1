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

/** CPU of a size and of four times as much, and the growth per doubling that follows. */
function growth({ prepare }: Family, size: number): { size: number; ms: number[]; perDoubling: number } {
  const [once, fourfold] = [prepare(size), prepare(4 * size)];
  best(once, 3);
  const ms = [best(once, 5), best(fourfold, 3)];
  return { size, ms, perDoubling: Math.sqrt((ms[1] ?? 0) / Math.max(ms[0] ?? 0, 0.2)) };
}

const called = await calledFunctions(() => {
  for (const { prepare } of families) prepare(5)();
});
const exported = (await Promise.all(coveredFiles().map(exportedFunctions))).flat();
console.log(JSON.stringify({ reached: exported.filter((name) => called.has(name)), exported }));

for (const family of families) {
  // Sizes are drawn, so that no table of a lucky length hides a step; the best of the draws counts.
  const sizes = fc.sample(fc.integer({ min: family.size, max: Math.round(family.size * 1.5) }), 2);
  const grown = sizes.map((size) => growth(family, size)).sort((a, b) => a.perDoubling - b.perDoubling)[0];
  console.log(JSON.stringify({ name: family.name, ...grown }));
}
