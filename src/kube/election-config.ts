import { parseDuration } from '../duration.ts';
import { messageOf } from '../errors.ts';

/** The contents of config-leader-election-controller (and -events, -webhook, -resolvers). */
export interface ElectionConfig {
  buckets: number;
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** "component.queue" to the prefix that replaces it in lease names. */
  leasePrefixes: Readonly<Record<string, string>>;
}

/** knative.dev/pkg/leaderelection's defaults (the 15/10/2 s of Tekton's documentation are outdated). */
export const DEFAULT_ELECTION: ElectionConfig = { buckets: 1, leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 10_000, leasePrefixes: {} };

const MAX_BUCKETS = 10;
/** client-go waits up to this much longer than the retry period between two tries. */
export const JITTER = 1.2;
const PREFIX_KEY = 'map-lease-prefix.';

/**
 * Reads the ConfigMap's data; unknown keys (as `_example`) are passed over, a kebab-case key wins over its old camelCase form.
 * @throws naming the key, the value and what is allowed.
 */
export function parseElectionConfig(data: Readonly<Record<string, string>> | undefined): ElectionConfig {
  const values = data ?? {};
  const config: ElectionConfig = {
    leaseDurationMs: duration(values, ['lease-duration', 'leaseDuration'], DEFAULT_ELECTION.leaseDurationMs),
    renewDeadlineMs: duration(values, ['renew-deadline', 'renewDeadline'], DEFAULT_ELECTION.renewDeadlineMs),
    retryPeriodMs: duration(values, ['retry-period', 'retryPeriod'], DEFAULT_ELECTION.retryPeriodMs),
    buckets: buckets(values['buckets']),
    leasePrefixes: Object.fromEntries(Object.entries(values).filter(([key]) => key.startsWith(PREFIX_KEY)).map(([key, value]) => [key.slice(PREFIX_KEY.length), value])),
  };
  if (config.renewDeadlineMs >= config.leaseDurationMs) throw new Error(`renew-deadline: must be shorter than lease-duration (${config.leaseDurationMs / 1000}s), is ${config.renewDeadlineMs / 1000}s`);
  if (config.retryPeriodMs * JITTER >= config.renewDeadlineMs) throw new Error(`retry-period: ${JITTER} times it must be shorter than renew-deadline (${config.renewDeadlineMs / 1000}s), is ${config.retryPeriodMs / 1000}s`);
  return config;
}

function duration(values: Readonly<Record<string, string>>, keys: readonly string[], fallback: number): number {
  const key = keys.find((candidate) => values[candidate] !== undefined);
  if (key === undefined) return fallback;
  let ms: number;
  try {
    ms = parseDuration((values[key] ?? '').trim());
  } catch (error) {
    throw new Error(`failed to parse ${JSON.stringify(key)}: ${messageOf(error)}; write a duration such as "60s"`, { cause: error });
  }
  if (ms <= 0) throw new Error(`${key}: must be greater than zero, is ${JSON.stringify(values[key])}`);
  return ms;
}

function buckets(text: string | undefined): number {
  if (text === undefined) return DEFAULT_ELECTION.buckets;
  const count = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(count >= 1 && count <= MAX_BUCKETS)) throw new Error(`buckets: value must be between 1 and ${MAX_BUCKETS}, is ${JSON.stringify(text)}`);
  return count;
}

/** "component.queue.00-of-01" in lower case, as knative names leases. */
export function leaseName(component: string, queueName: string, ordinal: number, config: ElectionConfig): string {
  const own = `${component}.${queueName}`;
  const two = (n: number) => String(n).padStart(2, '0');
  return `${config.leasePrefixes[own] ?? own}.${two(ordinal)}-of-${two(config.buckets)}`.toLowerCase();
}
