import type { Filed, Look } from '../references.ts';
import { partsOf, templated, type Reference, type Subject } from './parts.ts';
import { advice, isVariable, type Advice } from './wording.ts';

/** What all files together say, once for all of their objects. */
export interface Files {
  /** Whether an object of that kind and name is among them; undefined where no object of that kind is. */
  has(kind: string, name: string): boolean | undefined;
  /** Whether anything among them refers to the definition; undefined where that cannot be known. */
  refersTo(kind: string, name: string): boolean | undefined;
  /** The object of this kind and name that was given before this one. */
  earlier(object: Filed): Filed | undefined;
}

const keyOf = (...words: (string | undefined)[]) => JSON.stringify(words);

export function filesOf(objects: readonly Filed[]): Files {
  const there = new Set(objects.map(({ kind, name }) => keyOf(kind, name)));
  const kinds = new Set(objects.map(({ kind }) => kind));
  const uses = usesOf(objects);
  const first = new Map<string, Filed>();
  for (const object of objects) {
    const key = keyOf(object.group, object.kind, object.namespace, object.name);
    if (object.name !== '' && !first.has(key)) first.set(key, object);
  }
  return {
    has: (kind, name) => (kinds.has(kind) ? there.has(keyOf(kind, name)) : undefined),
    refersTo: (kind, name) =>
      uses.open.has(kind) || !uses.kinds.has(kind)
        ? undefined
        : uses.names.has(keyOf(kind, name)) || uses.words.has(name),
    earlier: (object) => {
      const found = first.get(keyOf(object.group, object.kind, object.namespace, object.name));
      return found === object ? undefined : found;
    },
  };
}

interface Uses {
  /** Kind and name of all that is referred to. */
  names: Set<string>;
  /** Kinds that something refers to by name. */
  kinds: Set<string>;
  /** Kinds that something refers to by a variable. */
  open: Set<string>;
  /** Words of the params of resolvers: one may be the name of a file here. */
  words: Set<string>;
}

function usesOf(objects: readonly Filed[]): Uses {
  const uses: Uses = { names: new Set(), kinds: new Set(), open: new Set(), words: new Set() };
  for (const { kind, spec } of objects) {
    const subjects: Subject[] = [{ kind, spec, at: '', written: undefined }, ...templated(kind, spec)];
    for (const { part } of subjects.flatMap((subject) => partsOf(subject).references)) addUse(uses, part);
  }
  return uses;
}

function addUse(uses: Uses, { kind, ref }: Reference): void {
  for (const word of JSON.stringify(ref.params ?? []).split(/[^A-Za-z0-9-]+/)) uses.words.add(word);
  if (kind === undefined || !ref.name) return;
  uses.kinds.add(kind);
  uses.names.add(keyOf(kind, ref.name));
  if (isVariable(ref.name)) uses.open.add(kind);
}

/** An object among the others. */
export function amongFiles(object: Filed, files: Files): Advice[] {
  const { kind, name } = object;
  const earlier = files.earlier(object);
  return [
    ...(earlier
      ? [
          advice(
            'duplicate-object',
            'metadata.name',
            `${kind} ${name} is in ${earlier.file} already: the last one counts`,
          ),
        ]
      : []),
    ...((kind === 'Task' || kind === 'StepAction') && files.refersTo(kind, name) === false
      ? [advice('unused-definition', 'metadata.name', `nothing in these files refers to ${kind} ${name}`)]
      : []),
  ];
}

/** A reference by name to what may be among the files. */
export function referenceAmongFiles({ kind, ref }: Reference, path: string, files: Files, look: Look): Advice[] {
  if (kind === undefined || ref.resolver) return [];
  const at = `${path}.name`;
  if (look(kind, ref.name)?.deprecated !== true) return missingAdvice(kind, ref.name, at, files);
  const message = `${kind} ${ref.name} is marked as deprecated; its description may say what to use`;
  return [advice('deprecated-definition', at, message)];
}

/** For files that have objects of this kind, and not this one. */
export function missingAdvice(kind: string, name: string | undefined, at: string, files: Files): Advice[] {
  if (!name || isVariable(name) || files.has(kind, name) !== false) return [];
  return [advice('missing-definition', at, `${kind} ${name} is not in these files; it has to be on the cluster`)];
}
