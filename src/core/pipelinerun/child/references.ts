import { toParamValue } from '../../../api/pipeline/v1/params.ts';
import type { ChildStatusReference, SkippedTask } from '../../../api/pipeline/v1/pipelinerun.ts';
import { replaceString, stringReplacements } from '../../substitution/replacements.ts';
import type { TaskState } from '../assess.ts';
import { traits, type ChildKind, type ChildObject, type NewChild } from './child.ts';

/**
 * status.childReferences: the runs there are and those about to be created, in the order of the pipeline. Of one task
 * what was `recorded` keeps its place, and another attempt comes behind: another look writes no other status.
 */
export function childReferences(
  tasks: readonly TaskState[],
  created: ReadonlyMap<string, readonly NewChild[]>,
  recorded: readonly ChildStatusReference[] = [],
): ChildStatusReference[] {
  const places = new Map(recorded.map(({ name }, place) => [name, place]));
  const placeOf = ({ name }: ChildStatusReference) => places.get(name) ?? recorded.length;
  return tasks.flatMap((state) => {
    const existing = new Set(state.children.map(({ name }) => name));
    const added = (created.get(state.name) ?? []).filter(({ metadata: { name = '' } }) => !existing.has(name));
    return [
      ...state.children.map(({ kind, object }) => childReference(state, kind, object)),
      ...added.map((child) => childReference(state, child.kind, child)),
    ].sort((a, b) => placeOf(a) - placeOf(b));
  });
}

function childReference(state: TaskState, kind: ChildKind, run: ChildObject): ChildStatusReference {
  const displayName = displayNameOf(state, run);
  const when = state.task.when;
  return {
    apiVersion: traits[kind].apiVersion,
    kind,
    name: run.metadata.name ?? '',
    ...(displayName === '' ? {} : { displayName }),
    pipelineTaskName: state.name,
    ...(when && when.length > 0 ? { whenExpressions: when } : {}),
  };
}

/**
 * The task's display name with the run's params; of a fan-out, the names of the includes that this run comes from.
 */
function displayNameOf({ task }: TaskState, run: ChildObject): string {
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
