import type { TaskResult } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { stepContainerName } from '../pod/names.ts';
import { stepResultReference } from '../podstatus/results.ts';
import { entryType } from '../podstatus/termination.ts';
import { typeOfValue } from '../params/value.ts';
import { isProof, type StepMaterial } from './material.ts';
import { statementKey } from './statement.ts';
import { isValueOf, readValue } from './value.ts';

/**
 * Whether the results of the TaskRun, of which attestations speak, are what its steps signed: of results that several
 * steps wrote, the last. `problems`: they are not. `gaps`: results that the entrypoint does not sign.
 */
export function checkStatusResults(
  { status }: TaskRun,
  steps: readonly StepMaterial[],
  { problems, gaps }: { problems: string[]; gaps: string[] },
): void {
  const written = new Map(steps.flatMap(({ entries }) => [...entries]));
  const declared = new Map((status?.taskSpec?.results ?? []).map((result) => [result.name, result]));
  const results = status?.results ?? [];
  const names = new Set(results.map(({ name }) => name));
  for (const { name, value } of results) {
    const spec = declared.get(name);
    const text = written.get(name) ?? stepResultOf(steps, spec);
    if (text !== undefined) {
      if (!isValueOf(value, text)) problems.push(`result ${name} of the TaskRun is not what the step wrote`);
    } else if (isPassedOn(spec))
      // Upstream's entrypoint signs results of the Task only.
      gaps.push(`result ${name} is passed on from a step's own result, which is not signed`);
    else problems.push(`result ${name} of the TaskRun was written by no step`);
  }
  for (const [name, text] of written) {
    if (names.has(name) || isProof(name, written) || isOfOtherType(text, declared.get(name))) continue;
    problems.push(`result ${name} was signed and is not among the results of the TaskRun`);
  }
}

/** The step's own result that a result of the Task passes on, where a statement vouches for it. */
function stepResultOf(steps: readonly StepMaterial[], declared: TaskResult | undefined): string | undefined {
  const source = typeof declared?.value === 'string' ? stepResultReference(declared.value) : undefined;
  if (source === undefined) return undefined;
  const step = steps.find(
    ({ reported, entries }) => entries.has(statementKey) && reported?.container === stepContainerName(source.step, 0),
  );
  return step?.reported?.entries.find(({ type, key }) => type === entryType.stepResult && key === source.result)?.value;
}

function isPassedOn(declared: TaskResult | undefined): boolean {
  return typeof declared?.value === 'string';
}

/** The pipelines controller leaves out such results. */
function isOfOtherType(text: string, declared: TaskResult | undefined): boolean {
  const type = declared?.type ?? 'string';
  return type !== 'string' && type !== typeOfValue(readValue(text));
}
