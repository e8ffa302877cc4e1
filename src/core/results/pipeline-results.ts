import { toParamValue, type ParamValue } from '../../api/pipeline/v1/params.ts';
import type { PipelineResult } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunResult } from '../../api/pipeline/v1/pipelinerun.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { Budget } from '../budget.ts';
import { replaceParamValue } from '../substitution/replacements.ts';
import { parseResultReference, type ResultReference } from './reference.ts';
import { resultReplacements, type RunResults } from './values.ts';

/**
 * A pipeline's results from those of its tasks, also of those that failed (upstream #9367). One that a failed task does
 * not have is left out; one that a task which succeeded does not have makes the pipeline's result `invalid`. Results
 * without any reference are left out, as upstream.
 * @param results of all tasks that have ended
 * @param succeeded whether a task of that name succeeded
 */
export function pipelineResults(
  declared: readonly PipelineResult[],
  results: RunResults,
  succeeded: (task: string) => boolean,
): { results: PipelineRunResult[]; invalid: string[] } {
  const replacements = resultReplacements(results);
  const budget = new Budget('results of the pipeline', 'let tasks return less, or hand large data on in a workspace');
  const values: PipelineRunResult[] = [];
  const invalid: string[] = [];
  for (const { name, value } of declared) {
    const references = referencesIn(value);
    if (references.length === 0) continue;
    const verdicts = references.map((reference) => judge(reference, results, succeeded));
    if (verdicts.includes('invalid')) invalid.push(name);
    // `$(finally.t.results.r)` reads the same results as `$(tasks.t.results.r)`: names are unique over both sections.
    else if (!verdicts.includes('left out'))
      values.push({ name, value: replaceParamValue(asTasks(toParamValue(value)), replacements, budget) });
  }
  return { results: values, invalid };
}

function judge(
  text: string,
  results: RunResults,
  succeeded: (task: string) => boolean,
): 'there' | 'left out' | 'invalid' {
  const reference = parseResultReference(text);
  if (!reference) return 'invalid';
  const value = results.get(reference.task)?.get(reference.result);
  if (value !== undefined && holds(value, reference)) return 'there';
  return succeeded(reference.task) ? 'invalid' : 'left out';
}

function holds(value: ParamValue, { index, key }: ResultReference): boolean {
  if (typeof index === 'number' && Array.isArray(value)) return index < value.length;
  if (key !== undefined) return typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, key);
  return true;
}

function asTasks(value: ParamValue): ParamValue {
  const rename = (text: string) => text.replaceAll('$(finally.', '$(tasks.');
  if (typeof value === 'string') return rename(value);
  if (Array.isArray(value)) return value.map(rename);
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, rename(text)]));
}
