import { references } from './scan.ts';

/**
 * References to variables, `$(…)`, as validation sees them (docs/variables.md). Three spellings mean the same:
 * `$(params.name)`, `$(params['name'])`, `$(params["name"])`; the quoted ones allow dots in the name.
 */
export interface VariableReference {
  /** The whole text, `$(params.list[1])`. */
  text: string;
  /** Names after the prefix: ['list'] here, ['object', 'key'] in `$(params.object.key)`. */
  path: string[];
  /** '*' for the whole array or object, digits for one element, undefined without brackets. */
  index: string | undefined;
  quoted: boolean;
}

const QUOTED = /^\[(?:'([^']*)'|"([^"]*)")\](?:\[(\*|\d+)\])?$/;
const DOTTED = /^\.(.*?)(?:\[(\*|\d+)\])?$/s;

/** The references below a prefix: `variables('$(params.a) $(context.task.name)', 'context.task')` has the second. */
export function variables(text: unknown, prefix: string): VariableReference[] {
  // Values of params are whatever JSON was sent; only texts hold references.
  if (typeof text !== 'string' || !text.includes(`$(${prefix}`)) return [];
  return references(text).flatMap((inner) => variable(inner, prefix) ?? []);
}

/** What an inner text says below a prefix; undefined when it is something else, or the shell's. */
export function variable(inner: string, prefix: string): VariableReference | undefined {
  if (!inner.startsWith(prefix)) return undefined;
  const rest = inner.slice(prefix.length);
  // Not a variable's name but the shell's: $(results.part-${i}.path) in a script.
  if (/[${}]/.test(rest)) return undefined;
  const text = `$(${inner})`;
  const quoted = QUOTED.exec(rest);
  if (quoted) return { text, path: [quoted[1] ?? quoted[2] ?? ''], index: quoted[3], quoted: true };
  const dotted = DOTTED.exec(rest);
  if (dotted) return { text, path: (dotted[1] ?? '').split('.'), index: dotted[2], quoted: false };
  return undefined;
}

/** A reference to a result of another task: `tasks.build.results.image`, also with `.key`, `[1]` or `[*]` behind. */
export interface ResultReference {
  section: 'tasks' | 'finally';
  task: string;
  result: string;
  /** Key of an object result. */
  key: string | undefined;
  index: string | undefined;
}

const RESULT =
  /^(tasks|finally)\.([^.[\]]+)\.results(?:\.([^.[\]]+)|\['([^']*)'\]|\["([^"]*)"\])(?:\.([^[\]]+))?(?:\[(\*|\d+)\])?$/;

/** The result an inner text refers to, undefined when it is something else. */
export function resultReference(inner: string): ResultReference | undefined {
  const match = RESULT.exec(inner);
  if (!match) return undefined;
  const [, section, task, plain, single, double, key, index] = match;
  return {
    section: section === 'finally' ? 'finally' : 'tasks',
    task: task ?? '',
    result: plain ?? single ?? double ?? '',
    key,
    index,
  };
}

/** The results that a text refers to, in order. */
export function resultReferences(text: string): ResultReference[] {
  return references(text).flatMap((inner) => resultReference(inner) ?? []);
}

/** A reference to a result of another step: `steps.build.results.image`, also with `[*]` behind. */
export interface StepResultReference {
  step: string;
  /** With a key of an object behind it, if one is named: `image.digest`. */
  result: string;
}

const STEP_RESULT = /^steps\.([^.[\]]+)\.results\.([^[\]]+?)(?:\[\*\])?$/;

/** The step result that an inner text refers to, undefined when it is something else. */
export function stepResultReference(inner: string): StepResultReference | undefined {
  const [, step, result] = STEP_RESULT.exec(inner) ?? [];
  return step === undefined || result === undefined ? undefined : { step, result };
}

/** Whether an inner text is about artifacts: those of steps and tasks, or the files that list them. */
export function isArtifactReference(inner: string): boolean {
  const [root, name, direction] = inner.split('.');
  if (root === 'steps' || root === 'tasks') return Boolean(name) && (direction === 'inputs' || direction === 'outputs');
  return inner === 'step.artifacts.path' || inner === 'artifacts.path';
}

/** The param of a TriggerTemplate that an inner text stands for, `tt.params.name`; undefined for something else. */
export function templateParam(inner: string): string | undefined {
  const name = inner.startsWith(TEMPLATE_PARAM) ? inner.slice(TEMPLATE_PARAM.length) : '';
  return name === '' || name.includes('$') ? undefined : name;
}

const TEMPLATE_PARAM = 'tt.params.';
