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

/**
 * The runs of a matrix (docs/matrix.md): every combination of its params, the first param varying fastest; then each
 * include adds its params to the combinations that agree with it, or makes a combination of its own when none of its
 * values is in any. The rules in detail are upstream's (Matrix.FanOut), as is the order of a run's params: by name.
 */
export function fanOut(matrix: Matrix): Combination[] {
  const includes = (matrix.include ?? []).map(
    ({ params = [] }): Values => new Map(params.map(({ name, value }) => [name, textOf(value)])),
  );
  if ((matrix.params ?? []).length === 0) return includes.map(byName);
  const combinations = cartesianProduct(matrix.params ?? []);
  for (const combination of combinations) {
    for (const include of includes) {
      if (!agrees(combination, include)) continue;
      for (const [name, value] of include) combination.set(name, value);
    }
  }
  for (const include of includes) if (isNew(include, combinations)) combinations.push(include);
  return combinations.map(byName);
}

function byName(values: Values): Combination {
  return [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value }));
}

function cartesianProduct(params: readonly Param[]): Values[] {
  let combinations: Values[] = [new Map()];
  for (const { name, value } of params) {
    combinations = valuesOf(value).flatMap((text) =>
      combinations.map((combination): Values => new Map([...combination, [name, text]])),
    );
  }
  return combinations;
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
  return [...include].every(([name, value]) => !combination.has(name) || combination.get(name) === value);
}

function isNew(include: Values, combinations: readonly Values[]): boolean {
  return (
    include.size > 0 &&
    combinations.every((combination) => [...include].every(([name, value]) => combination.get(name) !== value))
  );
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
