import { parseQuantity } from '../../core/pod/quantity.ts';

const nano = 1_000_000_000n;
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * A quantity in the form that the API machinery writes (resource.Quantity, "canonical form"): no fraction, the largest
 * suffix that needs none, in the family of suffixes that the text was in. `1000m` is `1`, `1.5Gi` is `1536Mi`.
 * What is no quantity (a variable) stays as it is.
 */
export function canonicalQuantity(value: string | number): string {
  const text = String(value);
  const amount = parseQuantity(text);
  if (amount === undefined) return text;
  if (amount === 0n) return '0';
  // Below 1024 the binary family has nothing to say.
  if (text.trim().endsWith('i') && amount % nano === 0n && magnitude(amount) >= 1024n * nano)
    return scaled(amount / nano, 1024n, binarySuffixes);
  if (/[eE][+-]?\d+$/.test(text)) return exponent(amount);
  return scaled(amount, 1000n, decimalSuffixes);
}

function scaled(amount: bigint, step: bigint, suffixes: readonly string[]): string {
  let rest = amount;
  let index = 0;
  while (index < suffixes.length - 1 && rest % step === 0n) {
    rest /= step;
    index += 1;
  }
  return `${rest}${suffixes[index]}`;
}

/** Powers of ten in threes: `1e3`; nothing behind the number when the power is zero. */
function exponent(amount: bigint): string {
  let rest = amount;
  let power = -9;
  while (rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  return power === 0 ? String(rest) : `${rest}e${power}`;
}

function magnitude(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}
