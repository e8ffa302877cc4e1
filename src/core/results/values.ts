import { toParamValue, type ParamValue } from '../../api/pipeline/v1/params.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { addValue } from '../params/replacements.ts';
import { emptyReplacements, type Replacements } from '../substitution/replacements.ts';
import type { ResultReference } from './reference.ts';

/** What one task produced, by result name. */
export type TaskResults = ReadonlyMap<string, ParamValue>;
/** What the tasks of a run produced, by task name. */
export type RunResults = ReadonlyMap<string, TaskResults>;

/**
 * The results of a finished task; those of a matrix are lists of strings, one entry per run that has it, in the order
 * given.
 */
export function taskResults(runs: readonly TaskRun[], matrixed: boolean): TaskResults {
  const values = new Map<string, ParamValue>();
  if (!matrixed) {
    for (const result of runs[0]?.status?.results ?? []) values.set(result.name, toParamValue(result.value));
    return values;
  }
  for (const run of runs) {
    for (const result of run.status?.results ?? []) {
      const value = toParamValue(result.value);
      const list = (values.get(result.name) ?? []) as string[];
      values.set(result.name, [...list, typeof value === 'string' ? value : JSON.stringify(value)]);
    }
  }
  return values;
}

/** Replacements for `tasks.<task>.results.<result>` in all its forms. */
export function resultReplacements(results: RunResults): Replacements {
  const replacements = emptyReplacements();
  for (const [task, values] of results) {
    for (const [name, value] of values) addValue(replacements, `tasks.${task}.results`, name, value);
  }
  return replacements;
}

/**
 * Replacements for `tasks.<task>.outputs.<artifact>` and `inputs`, and for the first of either without its name: the
 * artifact's values as JSON, digest first as upstream writes it (docs/artifacts.md).
 */
export function artifactReplacements(task: string, runs: readonly TaskRun[]): Replacements {
  const replacements = emptyReplacements();
  for (const direction of ['inputs', 'outputs'] as const) {
    for (const { name = '', values = [] } of runs
      .flatMap((run) => run.status?.artifacts?.[direction] ?? [])
      .reverse()) {
      const text = JSON.stringify(values.map(({ digest, uri }) => ({ digest, uri })));
      replacements.strings.set(`tasks.${task}.${direction}.${name}`, text);
      replacements.strings.set(`tasks.${task}.${direction}`, text);
    }
  }
  return replacements;
}

/** References without a value: the task did not produce them. */
export function missingReferences(references: readonly ResultReference[], results: RunResults): ResultReference[] {
  return references.filter((reference) => results.get(reference.task)?.has(reference.result) !== true);
}

/** Upstream's text for the first reference past the end of an array result; undefined when there is none. */
export function indexBeyondEnd(references: readonly ResultReference[], results: RunResults): string | undefined {
  for (const { task, result, index } of references) {
    const value = results.get(task)?.get(result);
    if (typeof index !== 'number' || !Array.isArray(value) || index < value.length) continue;
    return `Array Result Index ${index} for Task ${task} Result ${result} is out of bound of size ${value.length}`;
  }
  return undefined;
}
