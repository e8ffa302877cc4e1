import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { explicitReferences } from '../results/reference.ts';

/**
 * The tasks that must be done before this one: `runAfter`, and every task whose results, artifacts or fan-out it names.
 * References inside an embedded taskSpec order the task too when they name a task of the same section: upstream leaves
 * such a reference as text when its task happens to be slower.
 * @param siblings names of the tasks of the same section
 */
export function taskDependencies(task: PipelineTask, siblings: ReadonlySet<string>): string[] {
  const named = explicitReferences(task).flatMap(taskOfReference);
  const propagated = referencesIn(task.taskSpec)
    .flatMap(taskOfReference)
    .filter((name) => siblings.has(name) && name !== task.name);
  return [...new Set([...(task.runAfter ?? []), ...named, ...propagated])];
}

/**
 * `tasks.a.results.r`, `tasks.a.matrix.length`, `tasks.a.outputs.x` are about task `a`; `tasks.a.status` orders
 * nothing.
 */
function taskOfReference(reference: string): string[] {
  const match = /^tasks\.([^.[\]]+)\.(?:results\b|matrix\.|outputs\b|inputs\b)/.exec(reference);
  return match?.[1] === undefined ? [] : [match[1]];
}
