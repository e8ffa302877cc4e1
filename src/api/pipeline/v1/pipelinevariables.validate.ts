import { fieldError, invalidValue, via, type FieldError } from '../../fielderror.ts';
import { resultReferences, variable } from '../../variables/reference.ts';
import { isolatedReference, references } from '../../variables/scan.ts';
import { isMatrixed, paramTexts } from './matrix.validate.ts';
import type { Param } from './params.ts';
import type { DeclaredParams } from './params.validate.ts';
import type { PipelineSpec, PipelineTask } from './pipeline.ts';
import {
  namesOfType,
  notIsolatedArray,
  prohibitedArray,
  unknownKeys,
  unknownVariable,
  wholeObject,
  type Names,
} from './taskvariables.validate.ts';

/** Texts of guards, with their paths. */
function whenTexts(task: PipelineTask): { path: string; text: string }[] {
  return (task.when ?? []).flatMap((when, index) => [
    ...(when.input ? [{ path: `when[${index}].input`, text: when.input }] : []),
    ...(when.values ?? []).map((text) => ({ path: `when[${index}].values`, text })),
  ]);
}

function taskTexts(task: PipelineTask): { path: string; text: string }[] {
  return [...paramTexts(task).map(({ path, text }) => ({ path: `${path}.value`, text })), ...whenTexts(task)];
}

const CONTEXTS: readonly [string, ReadonlySet<string>][] = [
  ['context.pipelineRun', new Set(['name', 'namespace', 'uid'])],
  ['context.pipeline', new Set(['name'])],
  ['context.pipelineTask', new Set(['retries'])],
];

/**
 * What the first word of a dotted reference may be. Beside Pipelines' own there are those that a Task resolves later
 * when a script is passed as a param, and `tt`, which Triggers leaves behind; shell commands such as `$(ls)` have no
 * dot. (upstream #10050, #10443, #10444, #10688)
 */
const PREFIXES = new Set([
  'params',
  'tasks',
  'finally',
  'context',
  'workspaces',
  'results',
  'step',
  'steps',
  'artifacts',
  'credentials',
  'tt',
]);
const DOTTED = /^[_a-zA-Z0-9-]+(?:\.[_a-zA-Z0-9-]+)+(?:\[(?:\d+|\*)\])?$/;

/** Variables of one task that need nothing but the task to judge. */
export function validateTaskReferences(task: PipelineTask): FieldError[] {
  return taskTexts(task).flatMap(({ path, text }) => [
    ...CONTEXTS.flatMap(([prefix, names]) => via(path, unknownVariable(text, prefix, names))),
    ...references(text)
      .filter((inner) => DOTTED.test(inner) && !PREFIXES.has(inner.split('.')[0] ?? ''))
      .flatMap((inner) =>
        invalidValue(
          `invalid variable reference ${JSON.stringify(`$(${inner})`)}, must start with a valid prefix: params, tasks, finally, context, workspaces, or results; if you meant a shell variable, use \${VAR} instead`,
          path,
        ),
      ),
  ]);
}

const STATUS = /^tasks\.(?:([^.]+)\.)?(?:status|reason)$/;

/** Only finally may look at how tasks ended, and only at tasks that exist. */
export function validateExecutionStatus(spec: PipelineSpec): FieldError[] {
  const names = taskNames(spec.tasks);
  const statuses = (task: PipelineTask) =>
    taskTexts(task).flatMap(({ path, text }) =>
      references(text).flatMap((inner) => (STATUS.test(inner) ? [{ path, task: STATUS.exec(inner)?.[1] }] : [])),
    );
  return [
    ...inTasks('tasks', spec.tasks, (task) =>
      statuses(task).flatMap(({ path }) =>
        invalidValue(
          'pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks',
          path,
        ),
      ),
    ),
    ...inTasks('finally', spec.finally, (task) =>
      statuses(task).flatMap(({ path, task: name }) =>
        name === undefined || names.has(name)
          ? []
          : invalidValue(`pipeline task ${name} is not defined in the pipeline`, path),
      ),
    ),
  ];
}

/** Results that finally uses come from the tasks before it. */
export function validateResultsInFinally(spec: PipelineSpec): FieldError[] {
  const names = taskNames(spec.tasks);
  const finals = taskNames(spec.finally);
  return inTasks('finally', spec.finally, (task) =>
    taskTexts(task).flatMap(({ path, text }) =>
      resultReferences(text).flatMap(({ task: name }) => {
        if (finals.has(name))
          return invalidValue(
            `invalid task result reference, final task has task result reference from a final task ${name}`,
            path,
          );
        return names.has(name)
          ? []
          : invalidValue(
              `invalid task result reference, final task has task result reference from a task ${name} which is not defined in the pipeline`,
              path,
            );
      }),
    ),
  );
}

/** Results of a task that fans out are lists of all its runs, and only texts. */
export function validateMatrixResults(spec: PipelineSpec): FieldError[] {
  const matrixed = new Map((spec.tasks ?? []).filter(isMatrixed).map((task) => [task.name ?? '', task]));
  if (matrixed.size === 0) return [];
  const check = (task: PipelineTask) =>
    taskTexts(task).flatMap(({ path, text }) =>
      resultReferences(text).flatMap(({ task: name, result, index }) => {
        const source = matrixed.get(name);
        if (source === undefined) return [];
        if (index !== '*')
          return invalidValue(
            `A matrixed pipelineTask can only be consumed in aggregate using [*] notation, but is currently set to tasks.${name}.results.${result}`,
            path,
          );
        const declared = source.taskSpec?.results?.find((candidate) => candidate.name === result);
        const type = declared?.type || 'string';
        return type === 'string'
          ? []
          : invalidValue(
              `Matrixed PipelineTasks emitting results must have an underlying type string, but result ${result} has type ${type} in pipelineTask`,
              path,
            );
      }),
    );
  return [...inTasks('tasks', spec.tasks, check), ...inTasks('finally', spec.finally, check)];
}

/**
 * Params that the tasks use: declared, of a fitting type, objects by their keys. `known` are names that count as
 * declared without a type.
 */
export function validateParamUsage(
  section: string,
  tasks: readonly PipelineTask[] | undefined,
  declared: DeclaredParams,
  known: Names = new Set(),
): FieldError[] {
  const checks = checksFor(declared, known);
  return inTasks(section, tasks, (task) => {
    return [
      ...(task.params ?? []).flatMap((param) => via(`params[${param.name}]`, validateParamValue(param, checks))),
      ...(task.matrix?.params ?? []).flatMap((param) =>
        via(`matrix.params[${param.name}]`, validateParamValue(param, checks)),
      ),
      ...(task.matrix?.include ?? []).flatMap((entry, index) =>
        (entry.params ?? []).flatMap((param) =>
          via(`matrix.include[${index}].params[${param.name}]`, validateParamValue(param, checks)),
        ),
      ),
      ...whenTexts(task).flatMap(({ path, text }) =>
        via(path, path.endsWith('values') ? checks.item(text) : checks.text(text)),
      ),
    ];
  });
}

interface ParamChecks {
  /** A text that takes strings only. */
  text(text: string): FieldError[];
  /** An item of a list, which may be a whole array. */
  item(text: string): FieldError[];
  known: Names;
}

function checksFor(declared: DeclaredParams, more: Names): ParamChecks {
  const arrays = namesOfType(declared, 'array');
  const objects = namesOfType(declared, 'object');
  const known = { has: (name: string) => declared(name).length > 0 || more.has(name) };
  const common = (text: string) => [
    ...unknownVariable(text, 'params', known),
    ...unknownKeys(text, declared),
    ...wholeObject(text, objects),
  ];
  return {
    known,
    text: (text) => [...common(text), ...prohibitedArray(text, arrays)],
    item: (text) => [...common(text), ...notIsolatedArray(text, arrays)],
  };
}

function validateParamValue({ value }: Param, checks: ParamChecks): FieldError[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => via(`value[${index}]`, checks.item(item)));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, text]) => via(`properties[${key}]`, checks.text(text)));
  if (typeof value !== 'string') return [];
  const whole = wholeParam(value);
  if (whole === undefined) return checks.text(value);
  return checks.known.has(whole) ? [] : fieldError(`non-existent variable in ${JSON.stringify(value)}`);
}

/** The param that a text hands on as a whole array or object, whatever its type. */
function wholeParam(text: string): string | undefined {
  const whole = variable(isolatedReference(text) ?? '', 'params');
  return whole?.index === '*' && whole.path.length === 1 ? (whole.path[0] ?? '') : undefined;
}

export function taskNames(tasks: readonly PipelineTask[] | undefined): Set<string> {
  return new Set((tasks ?? []).map((task) => task.name ?? ''));
}

function inTasks(
  section: string,
  tasks: readonly PipelineTask[] | undefined,
  check: (task: PipelineTask) => FieldError[],
): FieldError[] {
  return (tasks ?? []).flatMap((task, index) => via(`${section}[${index}]`, check(task)));
}
