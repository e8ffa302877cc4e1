import type { Param } from '../../api/pipeline/v1/params.ts';
import type { Matrix, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { toParamValue } from '../params/value.ts';

/** Params of one run out of a fan-out, in upstream's order. */
export type Combination = Param[];

/** Whether a task is fanned out at all; an empty matrix is none. */
export function isMatrixed(task: PipelineTask): boolean {
  return (task.matrix?.params?.length ?? 0) > 0 || (task.matrix?.include?.length ?? 0) > 0;
}

/**
 * The runs of a matrix (docs/matrix.md): every combination of its params, the first param varying fastest; then each
 * include adds its params to the combinations that agree with it, or makes a combination of its own when none does.
 */
export function fanOut(matrix: Matrix): Combination[] {
  const combinations = cartesianProduct(matrix.params ?? []);
  const extras: Combination[] = [];
  const names = new Set((matrix.params ?? []).map((param) => param.name));
  for (const { params = [] } of matrix.include ?? []) {
    const shared = params.filter((param) => names.has(param.name));
    const matching = combinations.filter((combination) => shared.every((param) => agrees(combination, param)));
    if (combinations.length === 0 || matching.length === 0) extras.push([...params]);
    for (const combination of matching) combination.push(...params.filter((param) => !names.has(param.name)));
  }
  return [...combinations, ...extras];
}

function cartesianProduct(params: readonly Param[]): Combination[] {
  if (params.length === 0) return [];
  let combinations: Combination[] = [[]];
  for (const { name, value } of params) {
    combinations = valuesOf(value).flatMap((text) => combinations.map((combination) => [...combination, { name, value: text }]));
  }
  return combinations;
}

/** A value that is still text is a reference whose array is not known yet: one run, as upstream counts it. */
function valuesOf(json: unknown): string[] {
  const value = toParamValue(json);
  if (Array.isArray(value)) return value;
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

function agrees(combination: Combination, { name, value }: Param): boolean {
  return combination.some((param) => param.name === name && param.value === value);
}

/** A matrix over an empty array runs nothing: the task is skipped. */
export function hasEmptyArray(task: PipelineTask): boolean {
  return (task.matrix?.params ?? []).some(({ value }) => Array.isArray(value) && value.length === 0);
}

/** What is wrong with the types in a matrix once everything is replaced; undefined when nothing is. */
export function matrixProblem(task: PipelineTask): string | undefined {
  for (const { name, value } of task.matrix?.params ?? []) {
    if (!Array.isArray(toParamValue(value))) return `parameters of type array only are allowed, but param "${name}" has type "${typeName(value)}" in pipelineTask "${task.name}"`;
  }
  for (const { name, value } of (task.matrix?.include ?? []).flatMap((include) => include.params ?? [])) {
    if (typeof toParamValue(value) !== 'string') return `parameters of type string only are allowed, but param "${name}" has type "${typeName(value)}" in pipelineTask "${task.name}"`;
  }
  return undefined;
}

function typeName(json: unknown): string {
  const value = toParamValue(json);
  return Array.isArray(value) ? 'array' : typeof value;
}
