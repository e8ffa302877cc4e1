import { ConfigValues, type ConfigProblem } from './values.ts';

/**
 * How long a creation waits that the webhook of somebody else did not answer in time: durationMs before the second try,
 * then factor times as long each time, which happens at most `steps` times and never beyond capMs. Of each wait up to
 * the part `jitter` is added by chance.
 */
export interface CreationBackOff {
  durationMs: number;
  factor: number;
  jitter: number;
  steps: number;
  /** 0: no bound but the queue's own. */
  capMs: number;
}

/**
 * ConfigMap config-wait-exponential-backoff, which counts while feature flag enable-wait-exponential-backoff is set;
 * `undefined` gives upstream's defaults. Never throws.
 */
export function parseBackOff(data: Readonly<Record<string, string>> | undefined): {
  backOff: CreationBackOff;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const backOff: CreationBackOff = {
    durationMs: values.durationMs('duration', 1_000),
    factor: values.number('factor', 2, 0),
    jitter: values.number('jitter', 0, 0),
    steps: values.integer('steps', 10),
    capMs: values.durationMs('cap', 60_000),
  };
  return { backOff, problems: values.reportUnknownKeys() };
}
