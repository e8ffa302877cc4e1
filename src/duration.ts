/**
 * Go durations ("1h30m", "60s"): the form in which Kubernetes and Tekton users write time spans.
 * Meaning follows Go's time.ParseDuration and Duration.String; values here are milliseconds.
 */
const NANOSECONDS_PER_MS = 1_000_000n;
const LARGEST = 2n ** 63n - 1n;
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** No time span that Go can hold needs more; arithmetic with thousands of digits takes more than its share of time. */
const longestDuration = 200;

/** A string that is no Go duration. The message is Go's, which users of Tekton know. */
export class DurationError extends Error {
  override name = 'DurationError';
}

/**
 * Milliseconds (fractions down to a nanosecond) of a Go duration such as "1h0m0s", "-1.5s" or "0".
 * @throws DurationError with Go's message when the text has no number, no unit or an unknown unit, or is out of range.
 */
export function parseDuration(text: string): number {
  if (text.length > longestDuration) throw invalid(`${text.slice(0, longestDuration)}...`);
  const negative = text.startsWith('-');
  const unsigned = negative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0;
  let total = 0n;
  let at = 0;
  do {
    const term = parseTerm(unsigned, at, text);
    total += term.nanoseconds;
    at = term.end;
    // Go allows one more on the negative side.
    if (total > LARGEST + (negative ? 1n : 0n)) throw invalid(text);
  } while (at < unsigned.length);
  const ms = Number(total / NANOSECONDS_PER_MS) + Number(total % NANOSECONDS_PER_MS) / 1e6;
  return negative && ms !== 0 ? -ms : ms;
}

/** One number with its unit, such as "1.5h", from position `at`. `whole` is for messages. */
function parseTerm(text: string, at: number, whole: string): { nanoseconds: bigint; end: number } {
  const [number = '', integer = '', fraction = ''] = /^(\d*)(?:\.(\d*))?/.exec(text.slice(at)) ?? [];
  if (integer === '' && fraction === '') throw invalid(whole);
  const name = /^[^.\d]*/.exec(text.slice(at + number.length))?.[0] ?? '';
  const nanoseconds = nanosecondsOf(integer, fraction, unitNamed(name, whole));
  return { nanoseconds, end: at + number.length + name.length };
}

function unitNamed(name: string, whole: string): bigint {
  if (name === '') throw new DurationError(`time: missing unit in duration ${JSON.stringify(whole)}`);
  const unit = UNITS.get(name);
  if (unit === undefined)
    throw new DurationError(`time: unknown unit ${JSON.stringify(name)} in duration ${JSON.stringify(whole)}`);
  return unit;
}

function nanosecondsOf(integer: string, fraction: string, unit: bigint): bigint {
  const part = fraction === '' ? 0n : (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  return BigInt(integer || '0') * unit + part;
}

function invalid(text: string): DurationError {
  return new DurationError(`time: invalid duration ${JSON.stringify(text)}`);
}

/**
 * Text of a span given in milliseconds, exactly as Go prints a time.Duration: 3600000 is "1h0m0s", 1500 is "1.5s", 0 is
 * "0s".
 * @throws DurationError when the number is not finite.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) throw new DurationError(`duration ${ms} is not a finite number of milliseconds`);
  const whole = Math.trunc(ms);
  const signed = BigInt(whole) * NANOSECONDS_PER_MS + BigInt(Math.round((ms - whole) * 1e6));
  const nanoseconds = signed < 0n ? -signed : signed;
  return (signed < 0n ? '-' : '') + formatNanoseconds(nanoseconds);
}

function formatNanoseconds(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}\u00b5s`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  if (minutes < 60n) return `${minutes}m${seconds}`;
  return `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value` divided by 10^digits, without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits);
  const fraction = (value % scale).toString().padStart(digits, '0').replace(/0+$/, '');
  return `${value / scale}${fraction === '' ? '' : `.${fraction}`}`;
}
