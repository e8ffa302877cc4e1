import { toParamValue, type ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { variable } from '../../api/variables/reference.ts';
import { isolatedReference } from '../../api/variables/scan.ts';
import { goList } from '../params/check.ts';
import { RunFailure, userError } from './failure.ts';

/**
 * The values that a pipeline allows for a param which it hands on must be among those that the task allows (flag
 * enable-param-enum): then no run of the pipeline can fail for a value that the pipeline itself accepted.
 * @param spec with its variables in place
 * @param declarationsOf what a task declares, by its name in the pipeline
 * @throws RunFailure at the first task that allows less
 */
export function checkEnumSubsets(spec: PipelineSpec, declarationsOf: (task: string) => TaskSpec | undefined): void {
  const { params = [], tasks = [], finally: last = [] } = spec;
  const outer = new Map(params.map((param) => [param.name, param]));
  const enumsOf = rememberedEnums();
  for (const task of [...tasks, ...last]) {
    const enums = enumsOf(declarationsOf(task.name ?? ''));
    if (enums !== undefined) checkTask(task, enums, outer);
  }
}

function checkTask(task: PipelineTask, enums: ReadonlyMap<string, Enum>, outer: ReadonlyMap<string, ParamSpec>): void {
  for (const { name, value } of task.params ?? []) {
    const [inner, given] = [enums.get(name), outer.get(nameIn(toParamValue(value)) ?? '')];
    if (inner === undefined || given === undefined || !isText(given) || inner.judged.has(given.name)) continue;
    refuseMore(task, { name: given.name, values: given.enum ?? [] }, inner.values);
    inner.judged.add(given.name);
  }
}

function isText({ type = 'string' }: ParamSpec): boolean {
  return type === 'string';
}

/** What one param of a Task allows, and the params of the pipeline that keep to it. */
interface Enum {
  values: ReadonlySet<string>;
  judged: Set<string>;
}

/** Thousands of tasks may refer to one Task with thousands of values: it is looked through once. */
function rememberedEnums(): (declared: TaskSpec | undefined) => ReadonlyMap<string, Enum> | undefined {
  const known = new Map<TaskSpec, ReadonlyMap<string, Enum>>();
  return (declared) => {
    if (declared === undefined) return undefined;
    const enums = known.get(declared) ?? enumsIn(declared);
    known.set(declared, enums);
    return enums;
  };
}

function enumsIn({ params = [] }: TaskSpec): ReadonlyMap<string, Enum> {
  return new Map(
    params.flatMap((param) =>
      param.enum?.length ? [[param.name, { values: new Set(param.enum), judged: new Set<string>() }] as const] : [],
    ),
  );
}

/** The param that is handed on as it is; not one value among others in a longer text. */
function nameIn(value: unknown): string | undefined {
  const found = variable(isolatedReference(value) ?? '', 'params');
  return found?.index === undefined ? found?.path.join('.') : undefined;
}

function refuseMore(
  { name = '', taskRef }: PipelineTask,
  outer: { name: string; values: readonly string[] },
  allowed: ReadonlySet<string>,
): void {
  const task = taskRef?.name ?? name;
  const fail = (problem: string) =>
    new RunFailure('PipelineValidationFailed', `Validation failed for pipelinerun with error ${userError(problem)}`);
  if (outer.values.length === 0)
    throw fail(
      `pipeline param "${outer.name}" has no enum, but referenced in "${task}" task has enums: ${shown(allowed)}`,
    );
  if (outer.values.every((value) => allowed.has(value))) return;
  throw fail(
    `pipeline param "${outer.name}" enum: ${shown(outer.values)} is not a subset of the referenced in "${task}" task param enum: ${shown(allowed)}`,
  );
}

/** Conditions are for people: a list of thousands tells them nothing more. */
function shown(values: Iterable<string>): string {
  const text = goList([...values]);
  return text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
}

const longestShown = 512;
