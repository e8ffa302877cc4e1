import { ConfigValues } from '../api/config/values.ts';
import type { ConfigData } from './resolver.ts';

/** How a server that is away is asked again. */
export interface Backoff {
  /** Milliseconds before the second try; each further pause is longer by the factor, up to the cap. */
  firstMs: number;
  factor: number;
  capMs: number;
  /** Tries in all, the first included; the time limit ends them in any case. */
  steps: number;
  /** What a pause is multiplied by, from a random number below 1. */
  jitter: (random: number) => number;
}

/** Reads the keys backoff-* of a resolver's ConfigMap. A bad value keeps its default. */
export function readBackoff(values: ConfigValues): Backoff {
  const jitter = values.number('backoff-jitter', Number.NaN, 0);
  return {
    firstMs: values.durationMs('backoff-duration', 250),
    factor: values.number('backoff-factor', 2, 1),
    capMs: values.durationMs('backoff-cap', 10_000),
    steps: values.integer('backoff-steps', Number.MAX_SAFE_INTEGER, 1),
    // Without a setting replicas that lost the same server at the same moment spread over as much time again.
    jitter: (random) => (Number.isNaN(jitter) ? 0.5 + random : 1 + random * jitter),
  };
}

export function backoffOf(config: ConfigData): Backoff {
  return readBackoff(new ConfigValues(config));
}

/** Milliseconds before the next try, after so many; undefined: there is none. */
export function pauseAfter({ firstMs, factor, capMs, steps, jitter }: Backoff, tries: number, random: number) {
  if (tries >= steps) return undefined;
  return Math.min(firstMs * factor ** (tries - 1), capMs) * jitter(random);
}
