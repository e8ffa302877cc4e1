import { toParamValue, type ParamValue } from '../../api/pipeline/v1/params.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { Replacements } from '../substitution/replacements.ts';
import type { ResultReference } from './reference.ts';

/** What one task produced, by result name. */
export type TaskResults = ReadonlyMap<string, ParamValue>;
/** What the tasks of a run produced, by task name. */
export type RunResults = ReadonlyMap<string, TaskResults>;

/** A run of any kind, with what it produced. */
export interface Producer {
  status?:
    { results?: readonly { name: string; value?: unknown }[]; artifacts?: TaskRunStatus['artifacts'] } | undefined;
}

/**
 * The results of a finished task; those of a matrix are lists of strings, one entry per run that has it, in the order
 * given.
 */
export function taskResults(runs: readonly Producer[], matrixed: boolean): TaskResults {
  if (!matrixed) {
    const values = new Map<string, ParamValue>();
    for (const result of runs[0]?.status?.results ?? []) values.set(result.name, toParamValue(result.value));
    return values;
  }
  const lists = new Map<string, string[]>();
  for (const result of runs.flatMap((run) => run.status?.results ?? [])) {
    const value = toParamValue(result.value);
    const list = lists.get(result.name) ?? [];
    lists.set(result.name, list);
    list.push(typeof value === 'string' ? value : JSON.stringify(value));
  }
  return lists;
}

/** Replacements for `tasks.<task>.results.<result>` in all its forms. */
export function resultReplacements(results: RunResults): Replacements {
  return Replacements.ofValues(new Map(Array.from(results, ([task, values]) => [`tasks.${task}.results`, values])));
}

/** A task and the runs that were made for it. */
export interface RunsOfTask {
  name: string;
  runs: readonly Producer[];
}

/**
 * Replacements for `tasks.<task>.outputs.<artifact>` and `inputs`, and for the first of either without its name: the
 * artifact's values as JSON, digest first as upstream writes it (docs/artifacts.md).
 */
export function artifactReplacements(tasks: readonly RunsOfTask[]): Replacements {
  const texts = new Map<string, string>();
  for (const { name: task, runs } of tasks) {
    for (const direction of ['inputs', 'outputs'] as const) {
      const artifacts = runs.flatMap((run) => run.status?.artifacts?.[direction] ?? []);
      for (const { name = '', values = [] } of artifacts.reverse()) {
        const text = JSON.stringify(values.map(({ digest, uri }) => ({ digest, uri })));
        texts.set(`tasks.${task}.${direction}.${name}`, text);
        texts.set(`tasks.${task}.${direction}`, text);
      }
    }
  }
  return Replacements.ofTexts(texts);
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
