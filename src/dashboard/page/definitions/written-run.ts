import { parseDocument } from 'yaml';
import type { KubeObject } from '../../../resource.ts';
import type { StartForm } from '../../view/start.ts';
import { textOf } from '../../view/untyped.ts';
import { fieldsOf, isJsonObject } from '../../../json-object.ts';

/** More than the API server takes of one object. */
const LONGEST = 1_500_000;

/** A run that somebody wrote, to be created where the form is; what is wrong with it else, as a sentence. */
export function writtenRun(
  { kind, namespace }: Pick<StartForm, 'kind' | 'namespace'>,
  text: string,
): { body: KubeObject } | { problem: string } {
  if (text.length > LONGEST) return { problem: `it has more than ${LONGEST.toLocaleString('en')} characters` };
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) return { problem: error.message };
  let written: unknown;
  try {
    written = document.toJS();
  } catch {
    return { problem: 'its aliases make far more of it than is written' };
  }
  const problem = problemOf(written, `${kind}Run`, namespace);
  return problem === undefined ? { body: written as KubeObject } : { problem };
}

function problemOf(written: unknown, kind: string, namespace: string): string | undefined {
  const { apiVersion, kind: of, metadata, spec } = fieldsOf(written);
  if (apiVersion !== 'tekton.dev/v1' || of !== kind)
    return `it has to be a ${kind} of tekton.dev/v1, and is ${said(of)} of ${said(apiVersion)}`;
  const { namespace: place, name, generateName } = fieldsOf(metadata);
  if (place !== undefined && place !== namespace)
    return `metadata.namespace has to be ${namespace} here, or missing, and is ${said(place)}`;
  if (!isName(name) && !isName(generateName)) return 'metadata has to have a name, or a generateName';
  return isJsonObject(spec) ? undefined : 'it has no spec';
}

function said(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(textOf(value)).slice(0, 200);
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
