import { toParamValue, type ParamValue, type ParamType } from '../../api/pipeline/v1/params.ts';
import type { StepResult, TaskResult } from '../../api/pipeline/v1/task.ts';
import type { Artifact, TaskRunResult } from '../../api/pipeline/v1/taskrun.ts';
import { references } from '../../api/variables/scan.ts';
import { goMapOfLists } from '../params/check.ts';
import { typeOfValue } from '../params/value.ts';
import { stepContainerName } from '../pod/names.ts';
import { entryType, type TerminationEntry } from './termination.ts';

interface Declared {
  name: string;
  type?: ParamType;
}

/**
 * A result's value from the text a step wrote. A declared string stays text; anything else is read as JSON where it is
 * JSON.
 */
function typedResult(name: string, text: string, declared: ParamType | undefined): TaskRunResult {
  if (declared === 'string') return { name, type: 'string', value: text };
  const value = fromText(text);
  return { name, type: typeOfValue(value), value };
}

function fromText(text: string): ParamValue {
  try {
    const value = toParamValue(JSON.parse(text));
    // Only lists and maps of strings count as typed; `3` or `[1]` keep the very text that was written.
    return typeof value === 'string' && !text.startsWith('"') ? text : value;
  } catch {
    return text;
  }
}

function resultsOf(entries: readonly TerminationEntry[], type: number, declared: readonly Declared[]): TaskRunResult[] {
  const types = new Map(declared.map((result) => [result.name, result.type ?? 'string']));
  return entries
    .filter((entry) => entry.type === type)
    .map((entry) => typedResult(entry.key, entry.value, types.get(entry.key)));
}

export function taskResults(entries: readonly TerminationEntry[], declared: readonly TaskResult[]): TaskRunResult[] {
  return resultsOf(entries, entryType.taskResult, declared);
}

export function stepResults(entries: readonly TerminationEntry[], declared: readonly StepResult[]): TaskRunResult[] {
  return resultsOf(entries, entryType.stepResult, declared);
}

/** Task results whose value is `$(steps.<step>.results.<result>)`, from the results of the step in `container`. */
export function taskResultsFromStep(
  container: string,
  results: readonly TaskRunResult[],
  declared: readonly TaskResult[],
): TaskRunResult[] {
  return declared.flatMap((wanted): TaskRunResult[] => {
    const source = typeof wanted.value === 'string' ? stepResultReference(wanted.value) : undefined;
    if (source === undefined || stepContainerName(source.step, 0) !== container) return [];
    const found = results.find((result) => result.name === source.result);
    return found ? [{ ...found, name: wanted.name }] : [];
  });
}

/** `$(steps.a.results.b)`, also with `[*]`, in any of the three spellings of the last part. */
export function stepResultReference(value: string): { step: string; result: string } | undefined {
  const match = /^steps\.([^.]+)\.results(?:\.([^.[\]]+)|\[(['"])([^'"]+)\3\])(?:\[\*\])?$/.exec(
    references(value)[0] ?? '',
  );
  const result = match?.[2] ?? match?.[4];
  return match?.[1] !== undefined && result !== undefined ? { step: match[1], result } : undefined;
}

/** The last result of each name, in the order in which the names first came. */
export function latestOfEach(results: readonly TaskRunResult[]): TaskRunResult[] {
  const latest = new Map<string, TaskRunResult>();
  for (const result of results) latest.set(result.name, result);
  return [...latest.values()];
}

/**
 * What is left of the message for status.steps[].terminated.message: everything but what the entrypoint tells the
 * controller.
 */
export function visibleMessage(entries: readonly TerminationEntry[]): string | undefined {
  const visible = entries.filter((entry) => entry.type !== entryType.internal);
  return visible.length > 0 ? JSON.stringify(visible.map(({ key, value, type }) => ({ key, value, type }))) : undefined;
}

export interface Artifacts {
  inputs?: Artifact[];
  outputs?: Artifact[];
}

/** Artifacts of one kind (of the step or of the Task) that a step reported. */
export function artifactsOf(entries: readonly TerminationEntry[], type: number): Artifacts {
  return mergeArtifacts(entries.filter((entry) => entry.type === type).map((entry) => parseArtifacts(entry.value)));
}

function parseArtifacts(text: string): Artifacts {
  try {
    const { inputs, outputs } = JSON.parse(text) as Artifacts;
    return { ...(Array.isArray(inputs) ? { inputs } : {}), ...(Array.isArray(outputs) ? { outputs } : {}) };
  } catch {
    // A step wrote something else into provenance.json; the run does not fail for it, as upstream.
    return {};
  }
}

/** All artifacts, each once; those of one name have their values together. */
export function mergeArtifacts(all: readonly Artifacts[]): Artifacts {
  const inputs = mergeByName(all.flatMap((one) => one.inputs ?? []));
  const outputs = mergeByName(all.flatMap((one) => one.outputs ?? []));
  return { ...(inputs.length > 0 ? { inputs } : {}), ...(outputs.length > 0 ? { outputs } : {}) };
}

function mergeByName(list: readonly Artifact[]): Artifact[] {
  const merged = new Map<string, { artifact: Artifact; values: NonNullable<Artifact['values']>; seen: Set<string> }>();
  for (const artifact of list) {
    const name = artifact.name ?? '';
    const known = merged.get(name) ?? { artifact: {}, values: [], seen: new Set<string>() };
    const added = (artifact.values ?? []).map((value) => ({ value, text: JSON.stringify(value) }));
    for (const { value } of added.filter(({ text }) => !known.seen.has(text))) known.values.push(value);
    for (const { text } of added) known.seen.add(text);
    const buildOutput = known.artifact.buildOutput ? { buildOutput: true } : {};
    merged.set(name, { ...known, artifact: { ...known.artifact, ...artifact, ...buildOutput } });
  }
  return Array.from(merged.values(), ({ artifact, values }) => ({ ...artifact, values }));
}

/**
 * Results that are not what the Task declares, worded as upstream does; those of a wrong type are taken out.
 * `undefined` message: all is well.
 */
export function checkResults(
  results: readonly TaskRunResult[],
  declared: readonly TaskResult[],
): { results: TaskRunResult[]; message?: string } {
  const specs = new Map(declared.map((result) => [result.name, result]));
  const wrong = results.filter(
    (result) => specs.has(result.name) && (specs.get(result.name)?.type ?? 'string') !== result.type,
  );
  const isWrong = new Set(wrong);
  const right = results.filter((result) => !isWrong.has(result));
  if (wrong.length > 0) {
    const texts = wrong.map(
      ({ name, type }) =>
        ` "${name}": task result is expected to be "${specs.get(name)?.type ?? 'string'}" type but was initialized to a different type "${type ?? ''}"`,
    );
    return {
      results: right,
      message: `Provided results don't match declared results; may be invalid JSON or missing result declaration: ${texts.sort().join(',')}`,
    };
  }
  const lacking = right
    .map((result): [string, string[]] => {
      const keys = Object.keys(specs.get(result.name)?.properties ?? {});
      return [
        result.name,
        typeof result.value === 'object' && !Array.isArray(result.value)
          ? keys.filter((key) => !Object.hasOwn(result.value as object, key)).sort()
          : [],
      ];
    })
    .filter(([, keys]) => keys.length > 0);
  if (lacking.length === 0) return { results: right };
  return {
    results: right,
    message: `missing keys for these results which are required in TaskResult's properties ${goMapOfLists(Object.fromEntries(lacking))}`,
  };
}
