import { oneWhole, parseQuantity } from '../../core/pod/quantity.ts';

const decimal = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** A quantity in the form in which Kubernetes' Go types write it: `1000m` is `1`. Text that is none stays. */
export function canonicalQuantity(given: string | number): string {
  const text = String(given).trim();
  const nano = parseQuantity(text);
  if (nano === undefined) return text;
  if (nano === 0n) return '0';
  const isBinary = /i$/.test(text) && nano % oneWhole === 0n && magnitude(nano) >= 1024n * oneWhole;
  if (isBinary) return scaled(nano / oneWhole, 1024n, binary);
  const exponent = /[eE][+-]?\d+$/.test(text);
  return scaled(nano, 1000n, exponent ? decimal.map((_suffix, index) => exponentOf(index)) : decimal);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function exponentOf(index: number): string {
  return index === 3 ? '' : `e${(index - 3) * 3}`;
}

/** The largest suffix that leaves a whole number. */
function scaled(value: bigint, step: bigint, suffixes: readonly string[]): string {
  let [number, index] = [value, 0];
  while (number % step === 0n && index < suffixes.length - 1) {
    number /= step;
    index += 1;
  }
  return `${number}${suffixes[index] ?? ''}`;
}
