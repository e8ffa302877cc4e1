import { isCelList, isCelMap, isCelUint, type CelMap, type CelValue } from '@bufbuild/cel';

/** CEL's `==` on values of JSON: numbers of all types on one line, lists and maps by what they hold. */
export function equalValues(left: CelValue, right: CelValue): boolean {
  const [a, b] = [numberOf(left), numberOf(right)];
  // eslint-disable-next-line eqeqeq -- 1n and 1 are the same number
  if (a !== undefined && b !== undefined) return a == b;
  if (isCelList(left) && isCelList(right)) return equalLists([...left], [...right]);
  if (isCelMap(left) && isCelMap(right)) return equalMaps(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  return left === right;
}

function equalMaps(left: CelMap, right: CelMap): boolean {
  if (left.size !== right.size) return false;
  return [...left.entries()].every(([key, value]) => {
    const other = right.get(key);
    return other !== undefined && equalValues(value, other);
  });
}

function numberOf(value: CelValue): bigint | number | undefined {
  if (isCelUint(value)) return value.value;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

function equalLists(left: readonly CelValue[], right: readonly CelValue[]): boolean {
  return (
    left.length === right.length &&
    left.every((value, index) => {
      const other = right[index];
      return other !== undefined && equalValues(value, other);
    })
  );
}
