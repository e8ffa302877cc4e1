/** Quota frees up when something else ends; upstream's interval. */
export const quotaRetryMs = 60_000;
/** The quota controller changed the quota at the same time (kubernetes #67761). */
export const quotaConflictRetryMs = 1_000;

/**
 * Milliseconds until a claim that was refused is asked for again: quota frees up, a conflict passes, and neither is the
 * run's fault (upstream volumeclaim isRetryableError). Undefined for other failures.
 */
export function claimRetryMs({ status, message }: { status: number; message: string }): number | undefined {
  if (status === 403 && message.includes('exceeded quota')) return quotaRetryMs;
  return status === 409 ? quotaConflictRetryMs : undefined;
}
