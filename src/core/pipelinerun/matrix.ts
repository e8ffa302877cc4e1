import { toParamValue, type Param } from '../../api/pipeline/v1/params.ts';
import type { Matrix, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';

/** Params of one run out of a fan-out, in upstream's order. */
export type Combination = Param[];

/** Whether a task is fanned out at all; an empty matrix is none. */
export function isMatrixed(task: PipelineTask): boolean {
  return (task.matrix?.params?.length ?? 0) > 0 || (task.matrix?.include?.length ?? 0) > 0;
}

/** Param values by name. */
type Values = Map<string, string>;

/** Values of all combinations, and comparisons with includes: more is too much for one plan. */
const mostValues = 100_000;

/**
 * How many runs a matrix makes, as far as its lists are known: combinations of params, and includes that agree with
 * none. Counted without making them where that is enough to tell that they are more than `most`.
 */
export function countRuns(matrix: Matrix, most: number): number {
  const { include = [] } = matrix;
  if ((matrix.params ?? []).length === 0) return include.length;
  const product = countProduct(matrix);
  return product > most || include.length === 0 || isTooWide(matrix) ? product : fanOut(matrix).length;
}

/** How many combinations the params of a matrix have; 1 for a task without any. */
export function countProduct(matrix: Matrix | undefined): number {
  return (matrix?.params ?? []).reduce((product, { value }) => product * valuesOf(value).length, 1);
}

function isTooWide({ params = [], include = [] }: Matrix): boolean {
  const added = include.reduce((sum, entry) => sum + (entry.params ?? []).length, 0);
  return params.length > 0 && countProduct({ params }) * (params.length + added) > mostValues;
}

/** Why a matrix is not fanned out, undefined when it can be. To be asked before `fanOut`. */
export function fanOutProblem(task: PipelineTask, most: number): string | undefined {
  const matrix = task.matrix ?? {};
  const count = countRuns(matrix, most);
  if (count > most)
    return `expected 0 <= ${count} <= ${most}: matrix of pipeline task "${task.name}"; an operator may raise default-max-matrix-combinations-count`;
  return isTooWide(matrix)
    ? `matrix of pipeline task "${task.name}": ${count} combinations of ${(matrix.params ?? []).length} params with ${(matrix.include ?? []).length} entries in include are more than ${mostValues} values; leave some out, or split the task`
    : undefined;
}

/**
 * The runs of a matrix (docs/matrix.md): every combination of its params, the first param varying fastest; then each
 * include adds its params to the combinations that agree with it, or makes a combination of its own when none of its
 * values is in any. The rules in detail are upstream's (Matrix.FanOut), as is the order of a run's params: by name.
 */
export function fanOut({ params = [], include = [] }: Matrix): Combination[] {
  const includes = include.map((entry): Values => textsOf(entry.params ?? []));
  if (params.length === 0) return includes.map(byName);
  const combinations = cartesianProduct(params);
  completeAgreeing(combinations, includes);
  return [...combinations, ...onTheirOwn(combinations, includes)].map(byName);
}

function textsOf(params: readonly Param[]): Values {
  return new Map(params.map(({ name, value }) => [name, textOf(value)]));
}

function completeAgreeing(combinations: readonly Values[], includes: readonly Values[]): void {
  for (const combination of combinations) {
    for (const include of includes) {
      if (!agrees(combination, include)) continue;
      for (const [name, value] of include) combination.set(name, value);
    }
  }
}

/** Includes of which no value is in a combination, or in an include before them. */
function onTheirOwn(combinations: readonly Values[], includes: readonly Values[]): Values[] {
  const taken = new Set(combinations.flatMap((combination) => Array.from(combination, valueKey)));
  return includes.filter((include) => {
    const keys = Array.from(include, valueKey);
    if (keys.length === 0 || keys.some((key) => taken.has(key))) return false;
    for (const key of keys) taken.add(key);
    return true;
  });
}

function valueKey(entry: readonly [string, string]): string {
  return JSON.stringify(entry);
}

function byName(values: Values): Combination {
  return [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value }));
}

function cartesianProduct(params: readonly Param[]): Values[] {
  const lists = params.map(({ name, value }) => ({ name, values: valuesOf(value) }));
  const count = lists.reduce((product, { values }) => product * values.length, 1);
  return Array.from({ length: count }, (_, index): Values => {
    const combination: Values = new Map();
    let rest = index;
    for (const { name, values } of lists) {
      combination.set(name, values[rest % values.length] ?? '');
      rest = Math.floor(rest / values.length);
    }
    return combination;
  });
}

/** A value that is still text is a reference whose array is not known yet: one run, as upstream counts it. */
function valuesOf(json: unknown): string[] {
  const value = toParamValue(json);
  return Array.isArray(value) ? value : [textOf(value)];
}

function textOf(json: unknown): string {
  const value = toParamValue(json);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether an include contradicts nothing in a combination. */
function agrees(combination: Values, include: Values): boolean {
  for (const [name, value] of include) if ((combination.get(name) ?? value) !== value) return false;
  return true;
}

/** A matrix over an empty array runs nothing: the task is skipped. */
export function hasEmptyArray(task: PipelineTask): boolean {
  return (task.matrix?.params ?? []).some(({ value }) => Array.isArray(value) && value.length === 0);
}

/** What is wrong with the types in a matrix once everything is replaced; undefined when nothing is. */
export function matrixProblem(task: PipelineTask): string | undefined {
  for (const { name, value } of task.matrix?.params ?? []) {
    if (!Array.isArray(toParamValue(value)))
      return `parameters of type array only are allowed, but param "${name}" has type "${typeName(value)}" in pipelineTask "${task.name}"`;
  }
  for (const { name, value } of (task.matrix?.include ?? []).flatMap((include) => include.params ?? [])) {
    if (typeof toParamValue(value) !== 'string')
      return `parameters of type string only are allowed, but param "${name}" has type "${typeName(value)}" in pipelineTask "${task.name}"`;
  }
  return undefined;
}

function typeName(json: unknown): string {
  const value = toParamValue(json);
  return Array.isArray(value) ? 'array' : typeof value;
}
