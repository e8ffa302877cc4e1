import { expect, it } from 'vitest';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { openWorkbench } from './cluster.ts';

/**
 * How soon steps begin, by the clock of their own pod: the first after its container, every other after the one before.
 * Bash reads that clock itself, so a step's time includes what the entrypoint does and the start of a shell. The first
 * step goes on until the kubelet has started the last container, which it does one by one: what is measured between
 * steps is the entrypoint's.
 */
const bench = openWorkbench('latency');
const steps = 8;
const runs = 3;
const firstWithinMs = 150;
const furtherWithinMs = 20;
/** Some 150 ms a container, and room for a slow machine. */
const allContainersUp = '5';

/** Microseconds since 1970 when the step began and ended; of the first also the age of its container. */
const script = `#!/usr/bin/env bash
began=$EPOCHREALTIME
read -r up _ < /proc/uptime
read -r -a process < /proc/1/stat
age=$(( \${up/./}0 - \${process[21]}0 ))
printf '%s %s ' "\${began/./}" "$age" > $(step.results.times.path)
sleep "$PAUSE"
printf '%s' "\${EPOCHREALTIME/./}" >> $(step.results.times.path)
`;

interface Times {
  began: number;
  /** Milliseconds, exact to 10, from the start of the container's first process. */
  age: number;
  ended: number;
}

function timesOf(run: TaskRun): Times[] {
  return (run.status?.steps ?? []).map(({ results }) => {
    const [began = NaN, age = NaN, ended = NaN] = String(results?.[0]?.value).split(' ').map(Number);
    return { began, age, ended };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const oneAfterTheOther = (count: number) => ({
  // Their share of the processors, whatever else wants one.
  computeResources: { requests: { cpu: '500m' } },
  taskSpec: {
    steps: Array.from({ length: count }, (_, index) => ({
      name: `s${index}`,
      image: 'docker.io/library/bash:5.2',
      results: [{ name: 'times' }],
      env: [{ name: 'PAUSE', value: index === 0 ? allContainersUp : '0' }],
      script,
    })),
  },
});

it('a first step begins at once, and every further one right after the one before', async () => {
  const first: number[] = [];
  const further: number[] = [];
  // One at a time: they would wait for each other.
  for (let left = runs; left > 0; left -= 1) {
    const run = await bench.runTask(oneAfterTheOther(steps));
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True' });
    const times = timesOf(run);
    first.push(times[0]?.age ?? NaN);
    further.push(...times.slice(1).map(({ began }, index) => (began - (times[index]?.ended ?? NaN)) / 1000));
  }
  console.log(
    `first steps ${first.join(', ')} ms after their containers; ${further.length} further steps ${median(further).toFixed(1)} ms after the one before (median; most ${Math.max(...further).toFixed(1)})`,
  );
  expect(further).toHaveLength(runs * (steps - 1));
  expect(median(first)).toBeLessThan(firstWithinMs);
  expect(median(further)).toBeLessThan(furtherWithinMs);
});
