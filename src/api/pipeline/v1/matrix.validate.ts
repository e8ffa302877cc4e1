import { each, invalidValue, multipleOneOf, outOfBounds, via, type FieldError } from '../../fielderror.ts';
import { isolatedReference, textsIn } from '../../variables/scan.ts';
import type { Param } from './params.ts';
import { typeOfParamValue } from './param-type.ts';
import { validateTaskParams } from './params.validate.ts';
import type { Matrix, PipelineTask } from './pipeline.ts';
import { requireApiFields, type ValidationContext } from './validation.ts';

/** Whether the task fans out. */
export function isMatrixed(task: PipelineTask): boolean {
  return (task.matrix?.params ?? []).length > 0 || (task.matrix?.include ?? []).length > 0;
}

/** How many runs a matrix makes, as far as its lists are written out: combinations of params, and what include adds. */
export function countCombinations(matrix: Matrix): number {
  const params = matrix.params ?? [];
  const include = matrix.include ?? [];
  if (params.length === 0) return include.length;
  const lengths = params.map(({ value }) => (Array.isArray(value) ? value.length : 0));
  const generated = lengths.reduce((product, length) => product * length, 1);
  const values = new Map(
    params.map(({ name, value }) => [name, Array.isArray(value) ? new Set<unknown>(value) : undefined]),
  );
  const added = include.filter((entry) => isNewCombination(entry.params ?? [], values));
  return generated + added.length;
}

/** An include that contradicts every generated value makes a run of its own; one that fits only adds params to runs. */
function isNewCombination(
  params: readonly Param[],
  values: ReadonlyMap<string, ReadonlySet<unknown> | undefined>,
): boolean {
  return params.some(({ name, value }) => values.get(name)?.has(value) === false);
}

/** The matrix of a pipeline task. Paths are relative to the task. */
export function validateMatrix(task: PipelineTask, context: ValidationContext): FieldError[] {
  const { matrix } = task;
  if (matrix === undefined || !isMatrixed(task)) return [];
  const limit = context.defaults.maxMatrixCombinationsCount;
  const count = countCombinations(matrix);
  return [
    ...requireApiFields(context, 'matrix', 'beta', 'matrix'),
    ...(count > limit ? outOfBounds(count, 0, limit, 'matrix') : []),
    ...via('matrix', [
      ...validateMatrixParams(matrix),
      ...each('include', matrix.include, (entry) => validateInclude(entry.params ?? [])),
    ]),
    ...validateOneOfMatrixOrParams(task, matrix),
  ];
}

function validateMatrixParams(matrix: Matrix): FieldError[] {
  return [
    ...validateTaskParams(matrix.params ?? []),
    ...(matrix.params ?? []).flatMap(({ name, value }) => {
      // `$(params.list[*])` is text until it is replaced.
      const type = typeOfParamValue(value);
      return type === 'array' || isolatedReference(value)?.endsWith('[*]')
        ? []
        : invalidValue(`parameters of type array only are allowed, but got param type ${type}`, `params[${name}]`);
    }),
  ];
}

function validateInclude(params: readonly Param[]): FieldError[] {
  return [
    ...validateTaskParams(params),
    ...params.flatMap(({ name, value }) => {
      const type = typeOfParamValue(value);
      return type === 'string'
        ? []
        : invalidValue(`parameters of type string only are allowed, but got param type ${type}`, `params[${name}]`);
    }),
  ];
}

function validateOneOfMatrixOrParams(task: PipelineTask, matrix: Matrix): FieldError[] {
  const names = new Set(
    [...(matrix.params ?? []), ...(matrix.include ?? []).flatMap((entry) => entry.params ?? [])].map(
      (param) => param.name,
    ),
  );
  return (task.params ?? [])
    .filter((param) => names.has(param.name))
    .flatMap(({ name }) => multipleOneOf(`matrix[${name}]`, `params[${name}]`));
}

/** All texts of a task's params and matrix in which variables are replaced. */
export function paramTexts(task: PipelineTask): { path: string; text: string }[] {
  const of = (prefix: string, params: readonly Param[] | undefined) =>
    (params ?? []).flatMap((param) => textsIn(param.value).map((text) => ({ path: `${prefix}[${param.name}]`, text })));
  return [
    ...of('params', task.params),
    ...of('matrix.params', task.matrix?.params),
    ...(task.matrix?.include ?? []).flatMap((entry, index) => of(`matrix.include[${index}].params`, entry.params)),
  ];
}
