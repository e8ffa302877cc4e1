import {
  celFunc,
  celMethod,
  CelScalar,
  celUint,
  isCelList,
  isCelUint,
  listType,
  type CelFunc,
  type CelInput,
  type CelList,
  type CelValue,
} from '@bufbuild/cel';
import { equalValues } from './equal.ts';

/** cel-go's extensions that @bufbuild/cel does not have: encoders, sets, lists, math. */
const { STRING, BYTES, INT, UINT, BOOL, DOUBLE, DYN } = CelScalar;
const list = listType(DYN);

export const libraryNamespaces = ['base64', 'sets', 'lists', 'math'];

const encoders: CelFunc[] = [
  celFunc('base64.encode', [BYTES], STRING, (bytes) => Buffer.from(bytes).toString('base64')),
  celFunc('base64.decode', [STRING], BYTES, (text) => {
    const unpadded = text.replace(/={0,2}$/, '');
    if (!/^[A-Za-z0-9+/]*$/.test(unpadded) || unpadded.length % 4 === 1) throw new Error('illegal base64 data');
    return new Uint8Array(Buffer.from(unpadded, 'base64'));
  }),
];

const has = (values: CelList, wanted: CelValue): boolean => [...values].some((value) => equalValues(value, wanted));

const sets: CelFunc[] = [
  celFunc('sets.contains', [list, list], BOOL, (all, some) => [...some].every((value) => has(all, value))),
  celFunc(
    'sets.equivalent',
    [list, list],
    BOOL,
    (left, right) => [...left].every((value) => has(right, value)) && [...right].every((value) => has(left, value)),
  ),
  celFunc('sets.intersects', [list, list], BOOL, (left, right) => [...left].some((value) => has(right, value))),
];

/** Elements that a list may get. */
const longestList = 10_000;

function flat(values: CelList, depth: bigint): CelValue[] {
  const found = [...values].flatMap((value) => (isCelList(value) && depth > 0n ? flat(value, depth - 1n) : [value]));
  if (found.length > longestList) throw new Error(`flatten: it has more than ${longestList} elements`);
  return found;
}

function ordered(values: CelList): CelValue[] {
  const all = [...values];
  const kinds = new Set(all.map((value) => typeof value));
  if (kinds.size > 1) throw new Error('list elements must have the same type');
  const [kind] = kinds;
  if (kind !== undefined && !['bigint', 'number', 'string', 'boolean'].includes(kind))
    throw new Error('list elements must be comparable');
  return all.sort((left, right) => {
    if (typeof left === 'string' && typeof right === 'string')
      return Buffer.compare(Buffer.from(left), Buffer.from(right));
    return (left as number) < (right as number) ? -1 : (left as number) > (right as number) ? 1 : 0;
  });
}

const lists: CelFunc[] = [
  celMethod('slice', list, [INT, INT], list, function (from, to) {
    if (from < 0n || to < from || to > BigInt(this.size))
      throw new Error(`cannot slice(${from}, ${to}), list length is ${this.size}`);
    return [...this].slice(Number(from), Number(to));
  }),
  celMethod('flatten', list, [], list, function () {
    return flat(this, 1n);
  }),
  celMethod('flatten', list, [INT], list, function (depth) {
    if (depth < 0n) throw new Error('level must be non-negative');
    return flat(this, depth);
  }),
  celMethod('distinct', list, [], list, function () {
    if (this.size > 1_000) throw new Error('distinct: it has more than 1000 elements');
    const found: CelValue[] = [];
    for (const value of this) if (!found.some((other) => equalValues(value, other))) found.push(value);
    return found;
  }),
  celMethod('reverse', list, [], list, function () {
    return [...this].reverse();
  }),
  celMethod('sort', list, [], list, function () {
    return ordered(this);
  }),
  celFunc('lists.range', [INT], list, (count) => {
    if (count > BigInt(longestList)) throw new Error(`lists.range: more than ${longestList} elements`);
    return Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index));
  }),
];

type Amount = bigint | number | ReturnType<typeof celUint>;
const plain = (value: Amount): bigint | number => (isCelUint(value) ? value.value : value);

function extreme(
  name: string,
  values: readonly CelValue[],
  isBetter: (left: Amount, right: Amount) => boolean,
): Amount {
  if (values.length === 0) throw new Error(`math.@${name}(list) argument must not be empty`);
  const amounts = values.map((value): Amount => {
    if (typeof value === 'bigint' || typeof value === 'number' || isCelUint(value)) return value;
    throw new Error(`math.${name}: no such overload`);
  });
  return amounts.reduce((best, value) => (isBetter(value, best) ? value : best));
}

/** math.greatest and math.least take any number of numbers, or a list of them. */
function extremes(name: 'greatest' | 'least'): CelFunc[] {
  const isBetter = (left: Amount, right: Amount): boolean =>
    name === 'greatest' ? plain(left) > plain(right) : plain(left) < plain(right);
  const of = (...values: CelValue[]): CelInput =>
    extreme(name, values.length === 1 && isCelList(values[0]) ? [...values[0]] : values, isBetter);
  return Array.from({ length: 6 }, (_, count) =>
    celFunc(
      `math.${name}`,
      Array.from({ length: count + 1 }, () => DYN),
      DYN,
      of as never,
    ),
  );
}

/** The highest and lowest number that an int holds. */
const inInt = (value: bigint): bigint => {
  if (BigInt.asIntN(64, value) !== value) throw new Error('integer overflow');
  return value;
};
const onDoubles: Record<string, (value: number) => number> = {
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
  // Half away from zero, as in Go.
  round: (value) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5),
  sqrt: Math.sqrt,
};
const bitwise: Record<string, (left: bigint, right: bigint) => bigint> = {
  bitAnd: (left, right) => left & right,
  bitOr: (left, right) => left | right,
  bitXor: (left, right) => left ^ right,
  bitShiftLeft: (left, by) => shifted(by, () => BigInt.asIntN(64, left << by)),
  bitShiftRight: (left, by) => shifted(by, () => BigInt.asUintN(64, left) >> by),
};

function shifted(by: bigint, work: () => bigint): bigint {
  if (by < 0n) throw new Error(`math.bitShift: negative offset: ${by}`);
  return by >= 64n ? 0n : BigInt.asIntN(64, work());
}

const math: CelFunc[] = [
  ...extremes('greatest'),
  ...extremes('least'),
  ...Object.entries(onDoubles).map(([name, work]) => celFunc(`math.${name}`, [DOUBLE], DOUBLE, work)),
  celFunc('math.isNaN', [DOUBLE], BOOL, Number.isNaN),
  celFunc('math.isInf', [DOUBLE], BOOL, (value) => Math.abs(value) === Infinity),
  celFunc('math.isFinite', [DOUBLE], BOOL, Number.isFinite),
  celFunc('math.abs', [DOUBLE], DOUBLE, Math.abs),
  celFunc('math.abs', [INT], INT, (value) => inInt(value < 0n ? -value : value)),
  celFunc('math.abs', [UINT], UINT, (value) => value),
  celFunc('math.sign', [DOUBLE], DOUBLE, Math.sign),
  celFunc('math.sign', [INT], INT, (value) => (value > 0n ? 1n : value < 0n ? -1n : 0n)),
  celFunc('math.sign', [UINT], UINT, (value) => celUint(value.value > 0n ? 1n : 0n)),
  ...Object.entries(bitwise).map(([name, work]) => celFunc(`math.${name}`, [INT, INT], INT, work)),
  celFunc('math.bitNot', [INT], INT, (value) => ~value),
];

export const libraryFunctions: readonly CelFunc[] = [...encoders, ...sets, ...lists, ...math];
