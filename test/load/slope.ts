/** A measurement: hours since the start, megabytes. */
export interface Sample {
  hours: number;
  megabytes: number;
}

export interface Slope {
  megabytesPerHour: number;
  /** Standard error of the slope: how far it may be off by chance. */
  error: number;
}

/** Least squares over the samples after the first quarter of the time, when caches have filled. */
export function slopeAfterFirstQuarter(samples: readonly Sample[]): Slope {
  const end = samples.at(-1)?.hours ?? 0;
  const late = samples.filter(({ hours }) => hours >= end / 4);
  if (late.length < 3) throw new Error(`${late.length} samples are too few for a slope`);
  const mean = (pick: (sample: Sample) => number) => late.reduce((sum, one) => sum + pick(one), 0) / late.length;
  const [x, y] = [mean(({ hours }) => hours), mean(({ megabytes }) => megabytes)];
  const spread = late.reduce((sum, { hours }) => sum + (hours - x) ** 2, 0);
  const slope = late.reduce((sum, { hours, megabytes }) => sum + (hours - x) * (megabytes - y), 0) / spread;
  const rest = late.reduce((sum, { hours, megabytes }) => sum + (megabytes - y - slope * (hours - x)) ** 2, 0);
  return { megabytesPerHour: slope, error: Math.sqrt(rest / (late.length - 2) / spread) };
}

export type Verdict = 'holds' | 'grows' | 'too short to tell';

/**
 * Whether the heap stays below `limit` megabytes an hour. A run whose own noise is as large as the limit cannot say so:
 * that is neither a pass nor a leak.
 */
export function judge({ megabytesPerHour, error }: Slope, limit: number): Verdict {
  // Two standard errors: one run in forty is judged wrong by chance.
  if (megabytesPerHour - 2 * error > limit) return 'grows';
  return megabytesPerHour + 2 * error <= limit ? 'holds' : 'too short to tell';
}
