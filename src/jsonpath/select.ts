import { JsonPathError, type Operator, type Step } from './parse.ts';
import { isJsonObject } from '../json-object.ts';

export interface SelectOptions {
  /** A field that no value has gives nothing, instead of failing. */
  allowMissingKeys: boolean;
}

/** `..` twice in a path makes many values of few. */
const mostValues = 100_000;

/** All values that a path leads to, as client-go finds them. @throws JsonPathError where it fails as well. */
export function select(path: readonly Step[], value: unknown, options: SelectOptions): unknown[] {
  return walk(path, [value], options);
}

function walk(path: readonly Step[], values: unknown[], options: SelectOptions): unknown[] {
  return path.reduce<unknown[]>((found, step) => {
    const next = take(step, found, options);
    if (next.length > mostValues) throw new JsonPathError(`it finds more than ${mostValues} values`);
    return next;
  }, values);
}

function take(step: Step, values: unknown[], options: SelectOptions): unknown[] {
  switch (step.kind) {
    case 'field':
      return fields(step.name, values, options);
    case 'literal':
      return [step.value];
    case 'slice':
      return values.flatMap((value) => slice(step, value));
    case 'all':
      return values.flatMap(members);
    case 'descent':
      return descents(values);
    case 'union':
      return step.of.flatMap((path) => walk(path, values, options));
    case 'filter':
      return values.flatMap((value) => filtered(step, value, options));
  }
}

function fields(name: string, values: unknown[], { allowMissingKeys }: SelectOptions): unknown[] {
  if (values.length === 0) return [];
  const found = values.flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));
  if (found.length === 0 && !allowMissingKeys) throw new JsonPathError(`${name} is not found`);
  return found;
}

function slice(step: Extract<Step, { kind: 'slice' }>, value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new JsonPathError(`${typeName(value)} is not array or slice`);
  const { length } = value;
  const from = fromEnd(step.from ?? 0, length);
  const to = fromEnd(step.to ?? length, length);
  // Nothing is asked for: allowed anywhere.
  if (from === to) return [];
  checkBounds({ from, to, length });
  const by = step.by ?? 1;
  if (by <= 0) throw new JsonPathError('step must be > 0');
  return value.slice(from, to).filter((_item, index) => index % by === 0);
}

function checkBounds({ from, to, length }: { from: number; to: number; length: number }): void {
  const outside = from < 0 || from >= length ? from : to < 0 || to > length ? to - 1 : undefined;
  if (outside !== undefined) throw new JsonPathError(`array index out of bounds: index ${outside}, length ${length}`);
  if (from > to) throw new JsonPathError(`starting index ${from} is greater than ending index ${to}`);
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

/** Those of a text are its bytes, as in Go. */
function members(value: unknown): unknown[] {
  if (typeof value === 'string') return [...Buffer.from(value)];
  return Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
}

/** The values and everything below them that has members, from the top down. */
function descents(values: readonly unknown[]): unknown[] {
  const found: unknown[] = [];
  const open = [...values].reverse();
  while (open.length > 0) {
    const value = open.pop();
    if (found.length > mostValues) throw new JsonPathError(`it finds more than ${mostValues} values`);
    if (typeof value === 'string') {
      if (value !== '') found.push(value);
      continue;
    }
    const below = members(value);
    if (below.length === 0) continue;
    found.push(value);
    for (let index = below.length - 1; index >= 0; index--) open.push(below[index]);
  }
  return found;
}

function filtered(step: Extract<Step, { kind: 'filter' }>, value: unknown, options: SelectOptions): unknown[] {
  if (!Array.isArray(value))
    throw new JsonPathError(`${JSON.stringify(value)} is not array or slice and cannot be filtered`);
  return value.filter((item: unknown) =>
    step.operator === 'exists' ? exists(step.left, item, options) : passes(step, item, options),
  );
}

function exists(path: readonly Step[], item: unknown, options: SelectOptions): boolean {
  try {
    return select(path, item, options).length > 0;
  } catch (error) {
    if (error instanceof JsonPathError) return false;
    throw error;
  }
}

function passes(step: Extract<Step, { kind: 'filter' }>, item: unknown, options: SelectOptions): boolean {
  const [left, right] = [step.left, step.right].map((path) => {
    const found = select(path, item, options);
    if (found.length > 1) throw new JsonPathError('can only compare one element at a time');
    return found;
  });
  if (!left?.length || !right?.length) return false;
  return compare(step.operator, left[0], right[0]);
}

function compare(operator: Operator, left: unknown, right: unknown): boolean {
  if (operator === '==') return areEqual(left, right);
  if (operator === '!=') return !areEqual(left, right);
  if (typeof left !== typeof right) throw new JsonPathError('incompatible types for comparison');
  if (typeof left !== 'number' && typeof left !== 'string') throw new JsonPathError('invalid type for comparison');
  const order = left < (right as typeof left) ? -1 : left > (right as typeof left) ? 1 : 0;
  return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0, exists: true }[operator];
}

function areEqual(left: unknown, right: unknown): boolean {
  if (!isBasic(left) || !isBasic(right)) throw new JsonPathError('invalid type for comparison');
  if (typeof left !== typeof right) throw new JsonPathError('incompatible types for comparison');
  return left === right;
}

function isBasic(value: unknown): boolean {
  return ['boolean', 'number', 'string'].includes(typeof value);
}

/** As Go names the types of decoded JSON. */
function typeName(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float64';
  return typeof value === 'boolean' ? 'bool' : 'map[string]interface {}';
}
