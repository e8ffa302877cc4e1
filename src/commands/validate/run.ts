import type { FieldError } from '../../api/fielderror.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import { checkObject } from './check.ts';
import { byPosition, type Finding } from './finding.ts';
import { filesOf } from './lint/files.ts';
import { lint, lintForeign, type LintOptions } from './lint/lint.ts';
import { readManifests, type Manifest } from './manifest.ts';
import { templated } from './lint/parts.ts';
import type { Advice } from './lint/wording.ts';
import {
  definitionsOf,
  referenceErrors,
  type Definitions,
  type Filed,
  type Look,
  type RuledError,
} from './references.ts';

/** A file and what is in it. */
export interface SourceFile {
  file: string;
  text: string;
}

interface Looked {
  manifest: Manifest;
  checked: Filed | undefined;
  subject: string;
}

/** A manifest of another kind is no object of ours, and is not counted. */
interface Read {
  findings: Finding[];
  looked: Looked[];
  foreign: Manifest[];
}

/**
 * What is wrong with the objects of these files, each by itself and all together, in the order of the files' lines.
 * Objects of other kinds are passed over.
 * @param options what of the rules of good practice is looked at too; nothing where it is left out
 */
export function validateFiles(
  files: readonly SourceFile[],
  context: ValidationContext,
  options?: LintOptions,
): { findings: Finding[]; objects: number } {
  const { findings, looked, foreign } = readFiles(files, context);
  const objects = looked.flatMap(({ checked }) => checked ?? []);
  const definitions = definitionsOf(objects);
  for (const { manifest, checked, subject } of looked)
    if (checked)
      findings.push(...acrossFiles(checked, definitions).map((error) => found(manifest, subject, error, error.rule)));
  if (options) {
    const all = filesOf(objects);
    for (const { manifest, checked, subject } of looked) {
      if (!checked) continue;
      const look: Look = (kind, name) => definitions(kind, checked, name);
      findings.push(...advised(manifest, subject, lint(checked, manifest.object, { files: all, look, options })));
    }
    for (const manifest of foreign)
      findings.push(...advised(manifest, subjectOf(manifest.object), lintForeign(manifest.object, options)));
  }
  return { findings: findings.sort(byPosition), objects: looked.length };
}

/** Of an object, and of those that a template makes when an event comes. */
function acrossFiles(checked: Filed, definitions: Definitions): RuledError[] {
  const made = templated(checked.kind, checked.spec).flatMap(({ kind, spec, at }) =>
    referenceErrors({ ...checked, kind, spec }, definitions).map((error) => ({
      ...error,
      path: error.path.replace(/^spec/, at),
    })),
  );
  return [...referenceErrors(checked, definitions), ...made];
}

function readFiles(files: readonly SourceFile[], context: ValidationContext): Read {
  const read: Read = { findings: [], looked: [], foreign: [] };
  for (const { file, text } of files) {
    const { manifests, problems } = readManifests(file, text);
    for (const { position, message } of problems)
      read.findings.push({ ...position, severity: 'error', rule: 'yaml', subject: '', path: '', message });
    for (const manifest of manifests) {
      const result = checkObject(manifest.object, context);
      if (!result) {
        read.foreign.push(manifest);
        continue;
      }
      const subject = subjectOf(manifest.object);
      read.looked.push({ manifest, checked: result.checked && { ...result.checked, file }, subject });
      read.findings.push(...result.errors.map((error) => found(manifest, subject, error, 'invalid')));
    }
  }
  return read;
}

function advised(manifest: Manifest, subject: string, advice: readonly Advice[]): Finding[] {
  return advice.map((each) => ({ ...found(manifest, subject, each, each.rule), severity: 'warning' }));
}

function found(manifest: Manifest, subject: string, error: FieldError, rule: string): Finding {
  const { path } = error;
  const message = error.details ? `${error.message}\n${error.details}` : error.message;
  return { ...manifest.positionOf(path), severity: 'error', rule, subject, path, message };
}

function subjectOf({ kind, metadata }: Record<string, unknown>): string {
  const { name, generateName } = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Record<
    string,
    unknown
  >;
  const given = name ?? generateName;
  return `${String(kind)} ${typeof given === 'string' ? given : ''}`.trim();
}
