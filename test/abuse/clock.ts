/** Milliseconds of CPU (user and system, all threads of this process) that something takes. */
export function cpuMs(act: () => unknown): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const document = JSON.stringify(
  Array.from({ length: 12_000 }, (_, index) => ({ name: `step-${index}`, image: 'busybox', env: [{ name: 'A' }] })),
);
/** What reading and writing `document` takes on the machine that the bounds were set on, when it does nothing else. */
const referenceMs = 6;

/**
 * How much slower this machine is now than the one that the bounds were set on: CPU time grows too when others use the
 * same cores and caches. At least 1.
 */
export function machineFactor(): number {
  const times = Array.from({ length: 15 }, () => cpuMs(() => JSON.stringify(JSON.parse(document))));
  return Math.max(1, times.sort((a, b) => a - b)[7] ?? 1) / referenceMs < 1
    ? 1
    : (times[7] ?? referenceMs) / referenceMs;
}
