/**
 * Kubernetes quantities ("500m", "1Gi", "1e3") as an exact number of billionths, the finest step the API server keeps.
 */
const NANO = 1_000_000_000n;
/** One unit (a core, a byte) in that number. */
export const oneWhole = NANO;
type Scale = [multiplier: bigint, divisor: bigint];
const SUFFIXES: ReadonlyMap<string, Scale> = new Map([
  ['n', [1n, NANO]],
  ['u', [1_000n, NANO]],
  ['m', [1_000_000n, NANO]],
  ['', [1n, 1n]],
  ['k', [10n ** 3n, 1n]],
  ['M', [10n ** 6n, 1n]],
  ['G', [10n ** 9n, 1n]],
  ['T', [10n ** 12n, 1n]],
  ['P', [10n ** 15n, 1n]],
  ['E', [10n ** 18n, 1n]],
  ['Ki', [2n ** 10n, 1n]],
  ['Mi', [2n ** 20n, 1n]],
  ['Gi', [2n ** 30n, 1n]],
  ['Ti', [2n ** 40n, 1n]],
  ['Pi', [2n ** 50n, 1n]],
  ['Ei', [2n ** 60n, 1n]],
]);

/** Arithmetic with thousands of digits takes more than its share of time, and means nothing. */
const longestQuantity = 100;

/** Billionths of the quantity (rounded up, as the API server does), or undefined for text that is none. */
export function parseQuantity(text: string | number): bigint | undefined {
  if (String(text).length > longestQuantity) return undefined;
  const written = readQuantity(String(text).trim());
  if (written === undefined) return undefined;
  const { isNegative, digits, decimals, scale, power } = written;
  let numerator = digits * scale[0] * NANO;
  let denominator = 10n ** BigInt(decimals) * scale[1];
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  const rounded = (numerator + denominator - 1n) / denominator;
  return isNegative ? -rounded : rounded;
}

/** All digits of a number, so many of them behind the point, times a suffix's scale, times a power of ten. */
interface Written {
  isNegative: boolean;
  digits: bigint;
  decimals: number;
  scale: Scale;
  power: number;
}

function readQuantity(text: string): Written | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d{1,3})|([a-zA-Z]{0,2}))$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match;
  const digits = whole + fraction;
  const scale = SUFFIXES.get(suffix);
  if (digits === '' || !scale) return undefined;
  return {
    isNegative: sign === '-',
    digits: BigInt(digits),
    decimals: fraction.length,
    scale,
    power: exponent === undefined ? 0 : Number(exponent.slice(1)),
  };
}

/** A plain form of the amount: whole numbers without suffix, else in thousandths, rounded up. */
export function formatQuantity(nano: bigint): string {
  if (nano % NANO === 0n) return String(nano / NANO);
  const milli = NANO / 1000n;
  return `${(nano + milli - 1n) / milli}m`;
}
