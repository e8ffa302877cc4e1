/** Waits of a key that fails again and again, in the place of the queue's own. Kubernetes' wait.Backoff. */
export interface BackOff {
  durationMs: number;
  factor: number;
  /** Up to this part of a wait is added by chance. */
  jitter: number;
  /** How often a wait may be longer than the one before. */
  steps: number;
  /** 0: none. */
  capMs: number;
}

/**
 * Milliseconds to wait after so many failures before the last one.
 * @param chance from 0 to 1
 */
export function backOffMs(
  { durationMs, factor, jitter, steps, capMs }: BackOff,
  failures: number,
  chance: number,
): number {
  const growth = factor === 0 ? 1 : Math.min(factor ** Math.min(failures, steps), endless);
  const wait = durationMs * growth;
  return (capMs > 0 ? Math.min(wait, capMs) : wait) * (1 + Math.min(jitter, endless) * chance);
}

/** Keeps products of settings numbers. */
const endless = 1e9;

/** How a failed key waits: by a back-off of its own, but look at it again by then. */
export interface Waiting {
  backOff: BackOff;
  /** Milliseconds; for what comes whether or not it goes well, such as a timeout. */
  latestMs?: number | undefined;
}

/** A failure that says itself how long to wait. */
export class BackOffError extends Error {
  override name = 'BackOffError';
  readonly waiting: Waiting;

  constructor(message: string, waiting: Waiting) {
    super(message);
    this.waiting = waiting;
  }
}
