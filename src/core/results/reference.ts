import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { referencesIn } from '../../api/variables/scan.ts';

/** `$(tasks.<task>.results.<result>)`, with `[*]`, `[i]` or `.key` behind it. */
export interface ResultReference {
  /** `finally` only occurs in a pipeline's own results. */
  section: 'tasks' | 'finally';
  task: string;
  result: string;
  /** A key of an object result. */
  key?: string;
  /** An element of an array result; `*` is the whole. */
  index?: number | '*';
}

const FORM =
  /^(tasks|finally)\.([^.[\]]+)\.results(?:\.([^.[\]]+)|\[(['"])(.+?)\4\])(?:\.([^.[\]]+))?(?:\[(\d+|\*)\])?$/;

/** A result reference from the inner text of `$(…)`, undefined when it is about something else. */
export function parseResultReference(text: string): ResultReference | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, section, task = '', dotted, , quoted, key, index] = match;
  return {
    section: section as ResultReference['section'],
    task,
    result: dotted ?? quoted ?? '',
    ...(key === undefined ? {} : { key }),
    ...(index === undefined ? {} : { index: index === '*' ? '*' : Number(index) }),
  };
}

/** The fields of a pipeline task in which results stand, beside its embedded spec (upstream PipelineTaskResultRefs). */
export function explicitReferences(task: PipelineTask): string[] {
  const { params, matrix, when, displayName, taskRef, pipelineRef } = task;
  const workspaces = task.workspaces?.map((workspace) => workspace.subPath);
  const references = [taskRef, pipelineRef].map((ref) => [ref?.name, ref?.params]);
  return referencesIn([params, matrix, when, displayName, workspaces, references]);
}

/** The results a task cannot do without. */
export function resultReferences(task: PipelineTask): ResultReference[] {
  return explicitReferences(task).flatMap((text) => parseResultReference(text) ?? []);
}
