/** Statuses that may pass: time-outs, overload, and what proxies say of a server that is away. */
const passing = new Set([408, 429, 499, 500, 502, 503, 504, 522]);
const firstPauseMs = 150;
export const longestPauseMs = 30_000;

/** Whether another try may bring another answer than this status (0: there was none). */
export function isPassing(status: number): boolean {
  return status === 0 || passing.has(status);
}

/** Milliseconds of a Retry-After header (seconds or an HTTP date), at most 30 s; undefined when there is none. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined || header === '') return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestPauseMs);
}

/** Milliseconds to wait after the given try (1 is the first): 150, 450, 1350, spread by half to both sides. */
export function pauseMs(attempt: number, random: () => number): number {
  return firstPauseMs * 3 ** (attempt - 1) * (0.5 + random());
}
