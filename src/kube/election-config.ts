/**
 * Leader election's settings, as config-leader-election-* has them (src/api parses the ConfigMap). Periods in
 * milliseconds.
 */
export interface ElectionConfig {
  buckets: number;
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** "component.queue" to the prefix that replaces it in lease names. */
  leasePrefixes: Readonly<Record<string, string>>;
}

/** knative.dev/pkg/leaderelection's defaults (the 15/10/2 s of Tekton's documentation are outdated). */
export const DEFAULT_ELECTION: ElectionConfig = {
  buckets: 1,
  leaseDurationMs: 60_000,
  renewDeadlineMs: 40_000,
  retryPeriodMs: 10_000,
  leasePrefixes: {},
};

/** client-go waits up to this many times the retry period between two tries. */
export const JITTER = 1.2;

/** @throws naming the key, when the periods cannot work together (client-go's rules). */
export function checkPeriods(
  config: Pick<ElectionConfig, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>,
): void {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = config;
  if (!(retryPeriodMs > 0)) throw new Error(`retry-period: must be greater than zero, is ${retryPeriodMs / 1000}s`);
  if (!(renewDeadlineMs < leaseDurationMs))
    throw new Error(
      `renew-deadline: must be shorter than lease-duration (${leaseDurationMs / 1000}s), is ${renewDeadlineMs / 1000}s`,
    );
  if (!(retryPeriodMs * JITTER < renewDeadlineMs))
    throw new Error(
      `retry-period: ${JITTER} times it must be shorter than renew-deadline (${renewDeadlineMs / 1000}s), is ${retryPeriodMs / 1000}s`,
    );
}

/** What a lease's name says: `queue` is "component.queue", or the prefix that replaces it. */
export interface ElectionLease {
  queue: string;
  ordinal: number;
  buckets: number;
}

/** Undefined for a name that `leaseName` does not make. */
export function readLeaseName(name: string): ElectionLease | undefined {
  const [, queue, ordinal, buckets] = /^(.+)\.(\d{2,4})-of-(\d{2,4})$/.exec(name) ?? [];
  return queue === undefined ? undefined : { queue, ordinal: Number(ordinal), buckets: Number(buckets) };
}

/** "component.queue.00-of-01" in lower case, as knative names leases. */
export function leaseName(
  component: string,
  queueName: string,
  ordinal: number,
  config: Pick<ElectionConfig, 'buckets' | 'leasePrefixes'>,
): string {
  const own = `${component}.${queueName}`;
  const two = (n: number) => String(n).padStart(2, '0');
  return `${config.leasePrefixes[own] ?? own}.${two(ordinal)}-of-${two(config.buckets)}`.toLowerCase();
}
