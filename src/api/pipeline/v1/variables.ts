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

// No parentheses inside: of `$($(params.x))` only the inner one is a reference.
const ANY = /\$\(([^()]*)\)/g;
const QUOTED = /^\[(?:'([^']*)'|"([^"]*)")\](?:\[(\*|\d+)\])?$/;
const DOTTED = /^\.(.*?)(?:\[(\*|\d+)\])?$/s;

/** The inner texts of all `$(…)` in a text, in order. */
export function innerTexts(text: string): string[] {
  return text.includes('$(') ? Array.from(text.matchAll(ANY), (match) => match[1] ?? '') : [];
}

/** The references below a prefix: `variables('$(params.a) $(context.task.name)', 'context.task')` has the second. */
export function variables(text: unknown, prefix: string): VariableReference[] {
  // Values of params are whatever JSON was sent; only texts hold references.
  if (typeof text !== 'string' || !text.includes(`$(${prefix}`)) return [];
  return innerTexts(text).flatMap((inner) => parseBelow(inner, prefix) ?? []);
}

function parseBelow(inner: string, prefix: string): VariableReference | undefined {
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
  return innerTexts(text).flatMap((inner) => resultReference(inner) ?? []);
}

/** All texts in a param value or another JSON tree. */
export function textsIn(tree: unknown): string[] {
  if (typeof tree === 'string') return [tree];
  if (Array.isArray(tree)) return tree.flatMap(textsIn);
  if (tree !== null && typeof tree === 'object') return Object.values(tree).flatMap(textsIn);
  return [];
}
