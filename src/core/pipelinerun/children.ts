import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { ChildStatusReference, SkippedTask } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { replaceString, stringReplacements } from '../substitution/replacements.ts';
import type { TaskState } from './assess.ts';

/** status.childReferences: the TaskRuns there are and those about to be created, in the order of the pipeline. */
export function childReferences(
  tasks: readonly TaskState[],
  created: ReadonlyMap<string, readonly TaskRun[]>,
): ChildStatusReference[] {
  return tasks.flatMap((state) => {
    const existing = new Set(state.runs.map((run) => run.metadata.name));
    const runs = [...state.runs, ...(created.get(state.name) ?? []).filter((run) => !existing.has(run.metadata.name))];
    return runs.map((run) => childReference(state, run));
  });
}

function childReference(state: TaskState, run: TaskRun): ChildStatusReference {
  const displayName = displayNameOf(state, run);
  const when = state.task.when;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    name: run.metadata.name ?? '',
    ...(displayName === '' ? {} : { displayName }),
    pipelineTaskName: state.name,
    ...(when && when.length > 0 ? { whenExpressions: when } : {}),
  };
}

/**
 * The task's display name with the TaskRun's params; of a fan-out, the names of the includes that this TaskRun comes
 * from.
 */
function displayNameOf({ task }: TaskState, run: TaskRun): string {
  const params = (run.spec.params ?? []).map(({ name, value }) => [name, toParamValue(value)] as const);
  const texts = new Map(params.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'));
  const replacements = stringReplacements(
    Object.fromEntries([...texts].map(([name, value]) => [`params.${name}`, value])),
  );
  const includes = (task.matrix?.include ?? []).filter(
    (include) => include.name && (include.params ?? []).every(({ name, value }) => texts.get(name) === value),
  );
  const names = includes.map((include) => replaceString(include.name ?? '', replacements));
  return names.length > 0 ? names.join(' ').trim() : replaceString(task.displayName ?? '', replacements);
}

/** status.skippedTasks. Final tasks carry their guards only when these were the reason. */
export function skippedTasks(tasks: readonly TaskState[]): SkippedTask[] {
  return tasks.flatMap(({ name, section, skip, task: { when = [] } }) => {
    if (skip === undefined) return [];
    const telling = when.length > 0 && (section === 'tasks' || skip === 'When Expressions evaluated to false');
    return [{ name, reason: skip, ...(telling ? { whenExpressions: when } : {}) }];
  });
}
