/** What is wrong with a JSONPath template, or with the values it meets. */
export class JsonPathError extends Error {
  override name = 'JsonPathError';
}

/** A path is taken step by step; each step makes any number of values of each value it gets. */
export type Step =
  | { kind: 'field'; name: string }
  /** [n] */
  | { kind: 'index'; index: number }
  /** [from:to:by] and [*] */
  | { kind: 'slice'; from?: number | undefined; to?: number | undefined; by?: number | undefined }
  /** .* */
  | { kind: 'all' }
  /** .. */
  | { kind: 'descent' }
  /** [a,b] */
  | { kind: 'union'; of: Step[] }
  /** [?(...)] */
  | { kind: 'filter'; path: Step[]; operator: string; value: unknown };

/**
 * All values that a path leads to. @throws JsonPathError where kubectl's engine fails as well: a field that is missing
 * is no error, an index is.
 */
export function select(path: readonly Step[], value: unknown): unknown[] {
  return path.reduce<unknown[]>((found, step) => found.flatMap((item) => take(step, item)), [value]);
}

function take(step: Step, value: unknown): unknown[] {
  switch (step.kind) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index':
      return slice(value, ({ length }) => ({
        from: fromEnd(step.index, length),
        to: fromEnd(step.index, length) + 1,
        by: 1,
      }));
    case 'slice':
      return slice(value, ({ length }) => ({
        from: fromEnd(step.from ?? 0, length),
        to: fromEnd(step.to ?? length, length),
        by: step.by ?? 1,
      }));
    case 'all':
      return members(value);
    case 'descent':
      return descend(value);
    case 'union':
      return step.of.flatMap((part) => take(part, value));
    case 'filter':
      return filtered(step, value);
  }
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

function slice(
  value: unknown,
  bounds: (list: readonly unknown[]) => { from: number; to: number; by: number },
): unknown[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new JsonPathError(`${typeName(value)} is not array or slice`);
  const { from, to, by } = bounds(value);
  // Nothing is asked for: allowed anywhere.
  if (from === to) return [];
  const outside = from < 0 || from >= value.length ? from : to < 0 || to > value.length ? to - 1 : undefined;
  if (outside !== undefined)
    throw new JsonPathError(`array index out of bounds: index ${outside}, length ${value.length}`);
  if (from > to) throw new JsonPathError(`starting index ${from} is greater than ending index ${to}`);
  if (by <= 0) throw new JsonPathError('step must be > 0');
  return value.slice(from, to).filter((_item, index) => index % by === 0);
}

function members(value: unknown): unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
}

/** The value and everything below it that has members, from the top down. */
function descend(value: unknown): unknown[] {
  const below = members(value);
  return below.length === 0 ? [] : [value, ...below.flatMap(descend)];
}

function filtered(step: Extract<Step, { kind: 'filter' }>, value: unknown): unknown[] {
  if (!Array.isArray(value))
    throw new JsonPathError(`${JSON.stringify(value)} is not array or slice and cannot be filtered`);
  return value.filter((item) => select(step.path, item).some((found) => compare(step.operator, found, step.value)));
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === 'exists') return true;
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const order = left < (right as typeof left) ? -1 : left > (right as typeof left) ? 1 : 0;
  return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[operator] ?? false;
}

/** As Go names the types of decoded JSON. */
function typeName(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float64';
  return typeof value === 'boolean' ? 'bool' : 'map[string]interface {}';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
