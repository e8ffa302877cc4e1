import type { TaskResult } from '../../api/pipeline/v1/task.ts';
import type { TaskRun, TaskRunResult } from '../../api/pipeline/v1/taskrun.ts';
import { stepContainerName } from '../pod/names.ts';
import { stepResultReference } from '../podstatus/results.ts';
import { entryType } from '../podstatus/termination.ts';
import { typeOfValue } from '../params/value.ts';
import { isProof, type StepMaterial } from './material.ts';
import { statementKey } from './statement.ts';
import { isValueOf, readValue } from './value.ts';

export interface Findings {
  problems: string[];
  /** What could not be checked. */
  gaps: string[];
}

/**
 * Whether the results of the TaskRun, of which attestations speak, are what its steps signed: of results that several
 * steps wrote, the last. `problems`: they are not. `gaps`: results that the entrypoint does not sign.
 */
export function checkStatusResults({ status }: TaskRun, steps: readonly StepMaterial[], found: Findings): void {
  const written = new Map(steps.flatMap(({ entries }) => [...entries]));
  const { taskSpec, results = [] } = status ?? {};
  const declared = new Map((taskSpec?.results ?? []).map((result) => [result.name, result]));
  for (const result of results) {
    const spec = declared.get(result.name);
    checkStatusResult(result, written.get(result.name) ?? stepResultOf(steps, spec), spec, found);
  }
  const names = new Set(results.map(({ name }) => name));
  const dropped = [...written].filter(
    ([name, text]) => !names.has(name) && !isProof(name, written) && !isOfOtherType(text, declared.get(name)),
  );
  for (const [name] of dropped)
    found.problems.push(`result ${name} was signed and is not among the results of the TaskRun`);
}

/** @param text what a step wrote for it, if any */
function checkStatusResult(
  { name, value }: TaskRunResult,
  text: string | undefined,
  declared: TaskResult | undefined,
  { problems, gaps }: Findings,
): void {
  if (text !== undefined) {
    if (!isValueOf(value, text)) problems.push(`result ${name} of the TaskRun is not what the step wrote`);
  } else if (isPassedOn(declared))
    // Upstream's entrypoint signs results of the Task only.
    gaps.push(`result ${name} is passed on from a step's own result, which is not signed`);
  else problems.push(`result ${name} of the TaskRun was written by no step`);
}

/** Whether the results that steps have of their own are what they stated. */
export function checkStepResults({ status }: TaskRun, steps: readonly StepMaterial[], problems: string[]): void {
  for (const { name: step = '', container, results = [] } of status?.steps ?? []) {
    const reported = steps.find((one) => one.reported?.container === container)?.reported;
    for (const { name, value } of results) {
      const text = ownResult(reported, name);
      if (text === undefined || !isValueOf(value, text))
        problems.push(`result ${name} of step ${step} is not what the step wrote`);
    }
  }
}

/** The text of a result that a step has of its own. */
function ownResult(reported: StepMaterial['reported'], name: string): string | undefined {
  return reported?.entries.find(({ type, key }) => type === entryType.stepResult && key === name)?.value;
}

/** The step's own result that a result of the Task passes on, where a statement vouches for it. */
function stepResultOf(steps: readonly StepMaterial[], declared: TaskResult | undefined): string | undefined {
  const source = typeof declared?.value === 'string' ? stepResultReference(declared.value) : undefined;
  if (source === undefined) return undefined;
  const step = steps.find(
    ({ reported, entries }) => entries.has(statementKey) && reported?.container === stepContainerName(source.step, 0),
  );
  return ownResult(step?.reported, source.result);
}

function isPassedOn(declared: TaskResult | undefined): boolean {
  return typeof declared?.value === 'string';
}

/** The pipelines controller leaves out such results. */
function isOfOtherType(text: string, declared: TaskResult | undefined): boolean {
  const type = declared?.type ?? 'string';
  return type !== 'string' && type !== typeOfValue(readValue(text));
}
