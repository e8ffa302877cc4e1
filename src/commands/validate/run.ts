import type { FieldError } from '../../api/fielderror.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import { checkObject } from './check.ts';
import { byPosition, type Finding } from './finding.ts';
import { lint } from './lint/lint.ts';
import { readManifests, type Manifest } from './manifest.ts';
import { definitionsOf, referenceErrors, type Filed } from './references.ts';

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

/**
 * What is wrong with the objects of these files, each by itself and all together, in the order of the files' lines.
 * Objects of other kinds are passed over.
 */
export function validateFiles(
  files: readonly SourceFile[],
  context: ValidationContext,
  withLint: boolean,
): { findings: Finding[]; objects: number } {
  const findings: Finding[] = [];
  const looked: Looked[] = [];
  for (const { file, text } of files) {
    const { manifests, problems } = readManifests(file, text);
    for (const { position, message } of problems)
      findings.push({ ...position, severity: 'error', rule: 'yaml', subject: '', path: '', message });
    for (const manifest of manifests) {
      const result = checkObject(manifest.object, context);
      if (!result) continue;
      const subject = subjectOf(manifest.object);
      looked.push({ manifest, checked: result.checked && { ...result.checked, file }, subject });
      findings.push(...result.errors.map((error) => found(manifest, subject, error, 'invalid')));
    }
  }
  const definitions = definitionsOf(looked.flatMap(({ checked }) => checked ?? []));
  for (const { manifest, checked, subject } of looked) {
    if (!checked) continue;
    findings.push(...referenceErrors(checked, definitions).map((error) => found(manifest, subject, error, error.rule)));
    if (!withLint) continue;
    const advice = lint(checked, manifest.object);
    findings.push(
      ...advice.map((each): Finding => ({ ...found(manifest, subject, each, each.rule), severity: 'warning' })),
    );
  }
  return { findings: findings.sort(byPosition), objects: looked.length };
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
