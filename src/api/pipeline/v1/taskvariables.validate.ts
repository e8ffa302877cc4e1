import { fieldError, via, type FieldError } from '../../fielderror.ts';
import { isArtifactReference, type VariableReference, variables } from '../../variables/reference.ts';
import { references } from '../../variables/scan.ts';
import type { ParamType } from './params.ts';
import type { DeclaredParams } from './params.validate.ts';
import type { Step, TaskSpec } from './task.ts';

/** A text of a step that may hold variables. In `isolated` ones an array may stand alone. */
interface StepText {
  path: string;
  text: string;
  isolated: boolean;
}

function stepTexts(step: Step): StepText[] {
  const plain = (path: string, text: string | undefined): StepText[] =>
    text?.includes('$(') ? [{ path, text, isolated: false }] : [];
  const list = (path: string, items: readonly string[] | undefined) =>
    (items ?? []).flatMap((text, index) =>
      text.includes('$(') ? [{ path: `${path}[${index}]`, text, isolated: true }] : [],
    );
  return [
    ...plain('name', step.name),
    ...plain('image', step.image),
    ...plain('workingDir', step.workingDir),
    ...plain('script', step.script),
    ...list('command', step.command),
    ...list('args', step.args),
    ...(step.env ?? []).flatMap((env) => plain(`env[${env.name}]`, env.value)),
    ...(step.volumeMounts ?? []).flatMap((mount, index) => [
      ...plain(`volumeMounts[${index}].name`, mount.name),
      ...plain(`volumeMounts[${index}].mountPath`, mount.mountPath),
      ...plain(`volumeMounts[${index}].subPath`, mount.subPath),
    ]),
    ...plain('onError', step.onError),
  ];
}

type Check = (text: StepText) => FieldError[];

/** A set of names, however it is kept. */
export type Names = Pick<ReadonlySet<string>, 'has'>;

function checkSteps(steps: readonly Step[] | undefined, check: Check): FieldError[] {
  return (steps ?? []).flatMap((step, index) =>
    via(
      `steps[${index}]`,
      stepTexts(step).flatMap((text) => via(text.path, check(text))),
    ),
  );
}

/** The error of a text whose reference below `prefix` is none of `names`; at most one per text, as upstream. */
export function unknownVariable(text: string, prefix: string, names: Names): FieldError[] {
  for (const reference of variables(text, prefix)) {
    if (!reference.quoted && reference.path.length > 2) {
      return fieldError(
        `Invalid referencing of parameters in ${JSON.stringify(text)}! Only two dot-separated components after the prefix ${JSON.stringify(prefix)} are allowed.`,
      );
    }
    if (!names.has(reference.path[0] ?? '')) return fieldError(`non-existent variable in ${JSON.stringify(text)}`);
  }
  return [];
}

/** An array in a text that takes only strings. */
export function prohibitedArray(text: string, arrays: Names): FieldError[] {
  const found = variables(text, 'params').some(
    (reference) => isWhole(reference) && arrays.has(reference.path[0] ?? ''),
  );
  return found ? fieldError(`variable type invalid in ${JSON.stringify(text)}`) : [];
}

/** An array that shares an item of a list with other text. */
export function notIsolatedArray(text: string, arrays: Names): FieldError[] {
  const found = variables(text, 'params').some(
    (reference) => isWhole(reference) && arrays.has(reference.path[0] ?? '') && reference.text !== text,
  );
  return found ? fieldError(`variable is not properly isolated in ${JSON.stringify(text)}`) : [];
}

/** An object where one of its keys should be. */
export function wholeObject(text: string, objects: Names): FieldError[] {
  const found = variables(text, 'params').some(
    (reference) => reference.path.length === 1 && objects.has(reference.path[0] ?? ''),
  );
  return found ? fieldError(`variable type invalid in ${JSON.stringify(text)}`) : [];
}

/** Keys that object params do not have: one error for each declaration that lacks one. */
export function unknownKeys(text: string, declared: DeclaredParams): FieldError[] {
  const lacking = new Set(
    variables(text, 'params').flatMap(({ path: [name = '', key = '', ...more], quoted, path }) =>
      quoted || path.length !== 2 || more.length > 0
        ? []
        : declared(name).filter(({ type, hasKey }) => type === 'object' && !hasKey(key)),
    ),
  );
  return Array.from(lacking).flatMap(() => fieldError(`non-existent variable in ${JSON.stringify(text)}`));
}

function isWhole(reference: VariableReference): boolean {
  return reference.index === undefined || reference.index === '*';
}

export function namesOfType(declared: DeclaredParams, wanted: ParamType): Names {
  return { has: (name) => declared(name).some(({ type }) => type === wanted) };
}

/** Arrays stand alone, and only in command and args. */
export function validateArrayUsage(steps: readonly Step[] | undefined, declared: DeclaredParams): FieldError[] {
  const arrays = namesOfType(declared, 'array');
  return checkSteps(steps, ({ text, isolated }) =>
    isolated ? notIsolatedArray(text, arrays) : prohibitedArray(text, arrays),
  );
}

/**
 * Every param that the steps use is declared (or among `known`, which may reach them from outside), and objects are
 * used by their keys.
 */
export function validateDeclaredParams(
  steps: readonly Step[] | undefined,
  declared: DeclaredParams,
  known: Names = new Set(),
): FieldError[] {
  const names = { has: (name: string) => declared(name).length > 0 || known.has(name) };
  const objects = namesOfType(declared, 'object');
  return checkSteps(steps, ({ text }) => [
    ...unknownVariable(text, 'params', names),
    ...unknownKeys(text, declared),
    ...wholeObject(text, objects),
  ]);
}

const TASK_RUN_CONTEXT = new Set(['name', 'namespace', 'uid']);
const TASK_CONTEXT = new Set(['name', 'retry-count']);

/** Context variables that exist, and results that the task or the step declares. */
export function validateKnownVariables(spec: TaskSpec): FieldError[] {
  const results = new Set((spec.results ?? []).map((result) => result.name));
  return [
    ...checkSteps(spec.steps, ({ text }) => unknownVariable(text, 'context.taskRun', TASK_RUN_CONTEXT)),
    ...checkSteps(spec.steps, ({ text }) => unknownVariable(text, 'context.task', TASK_CONTEXT)),
    ...(spec.steps ?? []).flatMap((step, index) => {
      const own = new Set((step.results ?? []).map((result) => result.name));
      return via(`steps[${index}].script`, [
        ...unknownVariable(step.script ?? '', 'results', results),
        ...(step.ref || own.size === 0 ? [] : unknownVariable(step.script ?? '', 'step.results', own)),
      ]);
    }),
  ];
}

/** Whether a step reads or writes artifacts. */
export function usesArtifacts(step: Step): boolean {
  return stepTexts(step).some(({ text }) => references(text).some(isArtifactReference));
}
