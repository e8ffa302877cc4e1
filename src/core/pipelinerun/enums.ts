import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { goList } from '../params/check.ts';
import { RunFailure, userError } from './failure.ts';

/** A param that is handed on as it is; not one value among others in a longer text. */
const handedOn = /^\$\(params(?:\.([^[\]()]+)|\[(['"])([^()]+?)\2\])\)$/;

/**
 * The values that a pipeline allows for a param which it hands on must be among those that the task allows (flag
 * enable-param-enum): then no run of the pipeline can fail for a value that the pipeline itself accepted.
 * @param spec with its variables in place
 * @param declarationsOf what a task declares, by its name in the pipeline
 * @throws RunFailure at the first task that allows less
 */
export function checkEnumSubsets(spec: PipelineSpec, declarationsOf: (task: string) => TaskSpec | undefined): void {
  const given = new Map((spec.params ?? []).map((param) => [param.name, param]));
  for (const task of [...(spec.tasks ?? []), ...(spec.finally ?? [])]) {
    const enums = enumsOf(declarationsOf(task.name ?? ''));
    for (const { name, value } of task.params ?? []) {
      const [allowed, outer] = [enums.get(name), given.get(nameIn(toParamValue(value)) ?? '')];
      if (allowed === undefined || outer === undefined || (outer.type ?? 'string') !== 'string') continue;
      refuseMore(task, { name: outer.name, values: outer.enum ?? [] }, allowed);
    }
  }
}

function enumsOf(declared: TaskSpec | undefined): Map<string, readonly string[]> {
  return new Map(
    (declared?.params ?? []).flatMap((param) => (param.enum?.length ? [[param.name, param.enum] as const] : [])),
  );
}

function nameIn(value: unknown): string | undefined {
  const match = typeof value === 'string' ? handedOn.exec(value) : null;
  return match?.[1] ?? match?.[3];
}

function refuseMore(
  { name = '', taskRef }: PipelineTask,
  outer: { name: string; values: readonly string[] },
  allowed: readonly string[],
): void {
  const task = taskRef?.name ?? name;
  const fail = (problem: string) =>
    new RunFailure('PipelineValidationFailed', `Validation failed for pipelinerun with error ${userError(problem)}`);
  if (outer.values.length === 0)
    throw fail(
      `pipeline param "${outer.name}" has no enum, but referenced in "${task}" task has enums: ${goList(allowed)}`,
    );
  const known = new Set(allowed);
  if (outer.values.every((value) => known.has(value))) return;
  throw fail(
    `pipeline param "${outer.name}" enum: ${goList(outer.values)} is not a subset of the referenced in "${task}" task param enum: ${goList(allowed)}`,
  );
}
