import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { findKind } from '../../src/api/kinds.ts';
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
  const kinds = parse(text) as Record<string, Record<string, Record<string, unknown>>>;
  return Object.entries(kinds).flatMap(([kind, rows]) =>
    Object.entries(rows).flatMap(([what, spec], index) => {
      const name = `${kind.toLowerCase()}-${index}`;
      const written = (version: string) => ({ apiVersion: `tekton.dev/${version}`, kind, metadata: { name }, spec });
      const stored = findKind('tekton.dev/v1', kind) ? 'v1' : 'v1beta1';
      const object = written(stored);
      const older =
        stored === 'v1' ? findKind('tekton.dev/v1beta1', kind)?.version.convert?.fromStored(object) : undefined;
      return [object, ...(older ? [older] : [])].map((each) => ({
        title: `${kind} ${each.apiVersion?.split('/')[1]}: ${what}`,
        object: each as Refused['object'],
      }));
    }),
  );
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
