/** Plans every abuse case in a small heap and prints a line of JSON for each; started by abuse.test.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { succeededCondition } from '../../src/core/condition.ts';
import { cases, type AbuseCase } from './cases.ts';
import { cpuMs, machineFactor } from './clock.ts';
import { plan } from './plan.ts';

/** The highest resident set since the last call in MB, where the kernel tells it. */
function peakMb(): number {
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  writeFileSync('/proc/self/clear_refs', '5');
  return Number(peak ?? 0) / 1024;
}

function measure(one: AbuseCase): object {
  const json = JSON.stringify(one.spec());
  const times: number[] = [];
  let said: string | undefined;
  globalThis.gc?.();
  peakMb();
  const before = process.memoryUsage().rss / 1024 / 1024;
  for (let round = 0; round < 3; round++)
    times.push(cpuMs(() => (said = succeededCondition(plan(one, json).status)?.message)));
  return { name: one.name, bytes: json.length, ms: Math.min(...times), mb: peakMb() - before, said };
}

// Nobody's first plan: the controller has been running for a while.
const warmUp = cases.filter(({ name }) => name.includes('1,000 steps') || name.includes('lists of 100'));
for (let round = 0; round < 20; round++) for (const one of warmUp) plan(one, JSON.stringify(one.spec()));
console.log(JSON.stringify({ factor: machineFactor() }));
for (const one of cases) {
  console.log(JSON.stringify({ begins: one.name }));
  console.log(JSON.stringify(measure(one)));
}
