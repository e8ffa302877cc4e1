import type { KubeObject } from '../../resource.ts';
import { itemsOf, textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** Kinds that others name, and the kinds of those. */
export const userKinds = {
  Pipeline: ['Pipeline'],
  Task: ['Pipeline'],
  StepAction: ['Task', 'Pipeline'],
} as const;

export type UsedKind = keyof typeof userKinds;
export type UserKind = (typeof userKinds)[UsedKind][number];

export function isUsedKind(kind: string): kind is UsedKind {
  return Object.hasOwn(userKinds, kind);
}

/** A definition that names another one, and where. */
export interface DefinitionUser {
  kind: UserKind;
  name: string;
  /** Its tasks or steps that do. */
  places: readonly string[];
}

interface Used {
  kind: UsedKind;
  name: string;
  namespace: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Which of these definitions, of the same namespace, name one: by name, or through the resolver cluster. Sorted. */
export function usersOf(used: Used, kind: UserKind, definitions: Iterable<KubeObject>): DefinitionUser[] {
  const found: DefinitionUser[] = [];
  for (const definition of definitions) {
    const spec = fieldsOf((definition as { spec?: unknown }).spec);
    const places = kind === 'Task' ? stepsThatUse(used, spec) : tasksThatUse(used, spec);
    if (places.length > 0) found.push({ kind, name: definition.metadata.name ?? '', places });
  }
  return found.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

function tasksThatUse(used: Used, { tasks, finally: last }: Fields): string[] {
  return [...itemsOf(tasks), ...itemsOf(last)].flatMap((task) => {
    const name = textOf(task['name']);
    if (used.kind === 'StepAction')
      return stepsThatUse(used, fieldsOf(task['taskSpec'])).map((step) => `${name} / ${step}`);
    const reference = fieldsOf(used.kind === 'Task' ? task['taskRef'] : task['pipelineRef']);
    return names(used, reference) ? [name] : [];
  });
}

function stepsThatUse(used: Used, { steps }: Fields): string[] {
  return itemsOf(steps).flatMap(({ name, ref }, at) =>
    names(used, fieldsOf(ref)) ? [textOf(name) || `step ${at + 1}`] : [],
  );
}

/** Whether a reference is to this definition: not to a custom task of that name. */
function names({ kind, name, namespace }: Used, { name: of, kind: ofKind, apiVersion, resolver, params }: Fields) {
  if (resolver === 'cluster') {
    const given = new Map(itemsOf(params).map((param) => [textOf(param['name']), textOf(param['value'])]));
    const place = given.get('namespace') ?? namespace;
    return given.get('name') === name && given.get('kind') === kind.toLowerCase() && place === namespace;
  }
  const isOurs = apiVersion === undefined || textOf(apiVersion).startsWith('tekton.dev/');
  return resolver === undefined && isOurs && of === name && (ofKind === undefined || ofKind === kind);
}
