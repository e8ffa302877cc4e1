import { celMethod, CelScalar, listType, type CelFunc } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';

const { STRING, INT } = CelScalar;

/** Characters that a text may get. */
const longestText = 1_000_000;

/**
 * cel-go's functions for texts. Of the library's own, `split` with a limit loses what is left, and `replace` takes a
 * time that grows with the square of the text.
 */
export const textFunctions: readonly CelFunc[] = [
  ...strings.filter(({ name, arguments: given }) => name !== 'replace' && !(name === 'split' && given.length === 2)),
  celMethod('split', STRING, [STRING, INT], listType(STRING), function (separator, limit) {
    return splitAtMost(this, separator, limit);
  }),
  celMethod('replace', STRING, [STRING, STRING], STRING, function (wanted, replacement) {
    return replaced(this, [wanted, replacement], -1n);
  }),
  celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (wanted, replacement, limit) {
    return replaced(this, [wanted, replacement], limit);
  }),
  celMethod('reverse', STRING, [], STRING, function () {
    return [...this].reverse().join('');
  }),
];

/** At most so many parts, the last one with all that is left; a negative limit is none. */
function splitAtMost(text: string, separator: string, limit: bigint): string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return parts;
  const most = Number(limit);
  return [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
}

function replaced(text: string, [wanted, replacement]: readonly [string, string], limit: bigint): string {
  let left = limit < 0n ? Infinity : Number(limit);
  let length = text.length;
  return text.replaceAll(wanted, (found) => {
    if (left <= 0) return found;
    left -= 1;
    length += replacement.length - wanted.length;
    if (length > longestText) throw new Error(`replace: the text has more than ${longestText} characters`);
    return replacement;
  });
}
