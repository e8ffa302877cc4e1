import type { FieldError } from '../../api/fielderror.ts';
import type { Param, ParamSpec } from '../../api/pipeline/v1/params.ts';
import { typeOfParamSpec, typeOfParamValue } from '../../api/pipeline/v1/param-type.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import { resultReferences } from '../../api/variables/reference.ts';
import { isolatedReference, textsIn } from '../../api/variables/scan.ts';
import type { Checked } from './check.ts';

/** Definitions that were given, by kind, namespace and name. */
export type Definitions = (kind: string, user: Filed, name: string | undefined) => Filed | undefined;

/** The same for one user of them. */
export type Look = (kind: string, name: string | undefined) => Filed | undefined;

export type RuledError = FieldError & { rule: string };

/** An object and the file that it is in. */
export interface Filed extends Checked {
  file: string;
}

/**
 * Lookup among the objects that were given: in the user's own file, else where there is one of that name alone, for
 * folders hold variants of one thing. An object without a namespace is of every namespace.
 */
export function definitionsOf(objects: readonly Filed[]): Definitions {
  const byName = Map.groupBy(objects, ({ kind, name }) => JSON.stringify([kind, name]));
  return (kind, user, name) => {
    if (!name) return undefined;
    const found = (byName.get(JSON.stringify([kind, name])) ?? []).filter(
      (each) => each.namespace === undefined || user.namespace === undefined || each.namespace === user.namespace,
    );
    const own = found.filter((each) => each.file === user.file);
    const [only, ...more] = own.length > 0 ? own : found;
    return more.length > 0 ? undefined : only;
  };
}

/** What a definition wants of its user. */
interface Wanted {
  what: string;
  params: readonly ParamSpec[];
  workspaces: readonly { name: string; optional?: boolean | undefined }[];
}

/** What its user gives. */
interface Given {
  params: readonly Param[];
  workspaces: readonly { name: string }[];
  /** Names of params that come from elsewhere too (a matrix). */
  more: readonly string[];
}

/**
 * Params, workspaces and results of objects that refer to each other. What a reference names and was not given may be
 * on the cluster: nothing is said of it.
 */
export function referenceErrors(user: Filed, definitions: Definitions): RuledError[] {
  switch (user.kind) {
    case 'Pipeline':
      return ofPipeline(user.spec as PipelineSpec, 'spec', user, definitions);
    case 'PipelineRun':
      return ofPipelineRun(user.spec as PipelineRunSpec, user, definitions);
    case 'TaskRun':
      return ofTaskRun(user.spec as TaskRunSpec, user, definitions);
    default:
      return [];
  }
}

function ofTaskRun({ taskRef, params, workspaces }: TaskRunSpec, user: Filed, definitions: Definitions): RuledError[] {
  const task = definitions('Task', user, taskRef?.name)?.spec as TaskSpec | undefined;
  return task ? compared(wantedBy('Task', taskRef?.name, task), givenBy({ params, workspaces }), 'spec') : [];
}

function ofPipelineRun(run: PipelineRunSpec, user: Filed, definitions: Definitions): RuledError[] {
  const { pipelineRef, pipelineSpec } = run;
  const pipeline = definitions('Pipeline', user, pipelineRef?.name)?.spec as PipelineSpec | undefined;
  return [
    ...(pipeline ? compared(wantedBy('Pipeline', pipelineRef?.name, pipeline), givenBy(run), 'spec') : []),
    ...(pipelineSpec ? ofPipeline(pipelineSpec, 'spec.pipelineSpec', user, definitions) : []),
  ];
}

function ofPipeline(spec: PipelineSpec, path: string, user: Filed, definitions: Definitions): RuledError[] {
  const tasks = new Map([...(spec.tasks ?? []), ...(spec.finally ?? [])].map((task) => [task.name ?? '', task]));
  const specOf = (task: PipelineTask | undefined) =>
    task?.taskSpec ?? (definitions('Task', user, task?.taskRef?.name)?.spec as TaskSpec | undefined);
  return (['tasks', 'finally'] as const).flatMap((section) =>
    (spec[section] ?? []).flatMap((task, index) => {
      const at = `${path}.${section}[${index}]`;
      const used = definitions('Task', user, task.taskRef?.name)?.spec as TaskSpec | undefined;
      return [
        ...(used ? compared(wantedBy('Task', task.taskRef?.name, used), givenBy(task), at) : []),
        ...resultErrors(task, at, (name) => specOf(tasks.get(name))),
      ];
    }),
  );
}

function wantedBy(kind: string, name: string | undefined, { params, workspaces }: TaskSpec | PipelineSpec): Wanted {
  return { what: `${kind} ${name}`, params: params ?? [], workspaces: workspaces ?? [] };
}

function givenBy(
  user: Pick<PipelineTask, 'params' | 'matrix'> & { workspaces?: readonly { name: string }[] | undefined },
): Given {
  const { params = [], workspaces = [], matrix } = user;
  const more = [...(matrix?.params ?? []), ...(matrix?.include ?? []).flatMap((each) => each.params ?? [])];
  return { params, workspaces, more: more.map(({ name }) => name) };
}

function compared({ what, params, workspaces }: Wanted, given: Given, path: string): RuledError[] {
  const declared = new Map(params.map((each) => [each.name, each]));
  const names = new Set([...given.params.map(({ name }) => name), ...given.more]);
  const bound = new Set(given.workspaces.map(({ name }) => name));
  const unset = params.filter((each) => each.default === undefined && !names.has(each.name));
  const unbound = workspaces.filter((each) => each.optional !== true && !bound.has(each.name));
  return [
    ...unset.map(({ name }) => ruled('missing-param', `${what} needs param "${name}"; give it a value`, path)),
    ...given.params.flatMap(({ name, value }, index) => {
      const at = `${path}.params[${index}]`;
      const spec = declared.get(name);
      if (!spec) return [ruled('unknown-param', `${what} has no param "${name}"${oneOf([...declared.keys()])}`, at)];
      const wanted = typeOfParamSpec(spec);
      if (isolatedReference(value) !== undefined || typeOfParamValue(value) === wanted) return [];
      return [
        ruled('param-type', `param "${name}" of ${what} is of type ${wanted}, not ${typeOfParamValue(value)}`, at),
      ];
    }),
    ...unbound.map(({ name }) => ruled('missing-workspace', `${what} needs workspace "${name}"; bind it`, path)),
    ...given.workspaces.flatMap(({ name }, index) =>
      workspaces.some((each) => each.name === name)
        ? []
        : [
            ruled(
              'unknown-workspace',
              `${what} has no workspace "${name}"${oneOf(workspaces.map((each) => each.name))}`,
              `${path}.workspaces[${index}]`,
            ),
          ],
    ),
  ];
}

function resultErrors(task: PipelineTask, path: string, specOf: (task: string) => TaskSpec | undefined): RuledError[] {
  return (task.params ?? []).flatMap(({ value }, index) =>
    textsIn(value)
      .flatMap(resultReferences)
      .flatMap(({ task: name, result }) => {
        const results = specOf(name)?.results?.map((each) => each.name);
        if (results === undefined && specOf(name) === undefined) return [];
        if (results?.includes(result)) return [];
        const message = `task "${name}" has no result "${result}"${oneOf(results ?? [])}`;
        return [ruled('unknown-result', message, `${path}.params[${index}].value`)];
      }),
  );
}

function ruled(rule: string, message: string, path: string): RuledError {
  return { rule, message, path };
}

function oneOf(names: readonly string[]): string {
  return names.length === 0 ? '; it has none' : `; it has ${names.join(', ')}`;
}
