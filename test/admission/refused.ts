import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { storedVersion } from '../../src/api/kind.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/resource.ts';

/** An object that admission refuses. */
export interface Refused {
  /** Title in refusals.txt: kind, version and what is wrong. */
  title: string;
  object: KubeObject & { apiVersion: string; kind: string; spec: Record<string, unknown> };
}

/** The specs of refused.yaml as objects, of every version that their kind has. */
export function refusedObjects(): Refused[] {
  const text = readFileSync(new URL('refused.yaml', import.meta.url), 'utf8');
  const rows = parse(text) as Record<string, Record<string, Record<string, unknown>>>;
  return Object.entries(rows).flatMap(([kind, specs]) =>
    Object.entries(specs).flatMap(([what, spec], index) =>
      versionsOf(kind, { metadata: { name: `${kind.toLowerCase()}-${index}` }, spec }).map((object) => ({
        title: `${kind} ${object.apiVersion?.split('/')[1]}: ${what}`,
        object: object as Refused['object'],
      })),
    ),
  );
}

/** The object in the stored version of its kind, then in those that are converted to it. */
function versionsOf(
  name: string,
  { metadata, spec }: { metadata: KubeObject['metadata']; spec: unknown },
): KubeObject[] {
  const kind = kinds.find((each) => each.kind === name);
  if (!kind) throw new Error(`refused.yaml has specs of ${name}, which is no kind`);
  const object = { apiVersion: `${kind.group}/${storedVersion(kind).name}`, kind: name, metadata, spec };
  const older = kind.versions.flatMap(({ name: version, convert }) =>
    convert ? [{ ...convert.fromStored(object), apiVersion: `${kind.group}/${version}` }] : [],
  );
  return [object, ...older];
}

/** What is said of each, by title. */
export function refusals(): Map<string, string> {
  const text = readFileSync(new URL('refusals.txt', import.meta.url), 'utf8');
  return new Map(
    text.split('\n\n').flatMap((entry) => {
      const [title = '', ...lines] = entry.trim().split('\n');
      return title === '' ? [] : [[title.replace(/^# /, ''), lines.join('\n')] as const];
    }),
  );
}
