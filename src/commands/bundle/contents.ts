import { parseAllDocuments } from 'yaml';
import { mostObjects } from '../../resolvers/bundles/layout.ts';
import { goJson } from '../../resolvers/go-json.ts';
import { CommandError } from '../command.ts';

/** A definition as a bundle holds it. */
export interface BundledObject {
  /** Without the group: `v1`. */
  version: string;
  kind: string;
  name: string;
  /** JSON, as tkn stores it. */
  json: string;
}

const kinds = ['Task', 'Pipeline', 'StepAction'];

/**
 * The definitions in files of YAML or JSON, several in one or not.
 * @throws CommandError naming the file and what is wrong with it
 */
export function objectsIn(files: readonly { name: string; text: string }[]): BundledObject[] {
  const objects = files.flatMap(({ name, text }) => documentsOf(name, text).map((value) => objectOf(name, value)));
  if (objects.length === 0) throw new CommandError('there is nothing to push: name files with --filenames (-f)');
  if (objects.length > mostObjects)
    throw new CommandError(
      `bundle contains more than the maximum ${mostObjects} allow objects: it has ${objects.length}; make several bundles`,
    );
  const known = new Set<string>();
  for (const { kind, name } of objects) {
    const key = `${kind} ${name}`;
    if (known.has(key)) throw new CommandError(`${key} is there twice: nobody could tell which one a reference means`);
    known.add(key);
  }
  return objects;
}

function documentsOf(file: string, text: string): unknown[] {
  return parseAllDocuments(text, { uniqueKeys: true, logLevel: 'silent' }).flatMap((document) => {
    const [problem] = document.errors;
    if (problem) throw new CommandError(`failed to read ${file}: ${problem.message.split('\n')[0] ?? ''}`);
    const value: unknown = document.toJS();
    // A comment alone, or "---" at the end.
    return value === null ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
  });
}

function objectOf(file: string, value: unknown): BundledObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Record<string, unknown>;
  const [, version] = /^tekton\.dev\/(v1\w*)$/.exec(String(apiVersion)) ?? [];
  if (typeof value !== 'object' || version === undefined || !kinds.includes(String(kind)))
    throw new CommandError(
      `failed to read ${file}: no kind ${JSON.stringify(kind ?? '')} is registered for version ${JSON.stringify(apiVersion ?? '')}; a bundle holds ${kinds.join(', ')} of tekton.dev`,
    );
  return { version, kind: String(kind), name: nameIn(file, metadata), json: goJson(value) };
}

function nameIn(file: string, metadata: unknown): string {
  const { name } = (metadata ?? {}) as { name?: unknown };
  if (typeof name === 'string' && name !== '') return name;
  throw new CommandError(`failed to read ${file}: kubernetes resources should have a name: write metadata.name`);
}
