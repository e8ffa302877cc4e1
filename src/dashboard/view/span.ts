/**
 * A time span in words that people compare at a glance: `850 ms` is `0.9 s`, then `12 s`, `3 m 04 s`, `2 h 07 m`, `3 d
 * 4 h`. Empty for what is no span.
 */
export function spanText(milliseconds: number | undefined): string {
  if (milliseconds === undefined || !(milliseconds >= 0)) return '';
  if (milliseconds < 10_000) return `${(Math.round(milliseconds / 100) / 10).toString()} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${padded(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${padded(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Milliseconds between two times, the second being `now` while there is none; undefined before the first. */
export function spanBetween(
  started: string | undefined,
  finished: string | undefined,
  now: number,
): number | undefined {
  if (started === undefined) return undefined;
  const span = (finished === undefined ? now : Date.parse(finished)) - Date.parse(started);
  // Clocks of cluster and reader differ.
  return Number.isNaN(span) ? undefined : Math.max(0, span);
}

const steps: readonly [unit: string, seconds: number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** How long ago a time was: `just now`, `5 minutes ago`, `3 days ago`. */
export function agoText(time: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000);
  if (Number.isNaN(seconds)) return '';
  for (const [unit, length] of steps) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return seconds < 10 ? 'just now' : `${seconds} seconds ago`;
}

function padded(value: number): string {
  return value.toString().padStart(2, '0');
}
