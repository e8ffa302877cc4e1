import type { PodTemplate } from '../../api/core/podtemplate.ts';
import type { Param } from '../../api/pipeline/v1/params.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { isSuccessful } from '../condition.ts';
import { changedFields, fieldRecord } from '../digest/fields.ts';
import { digestOf, fixedPart, recorded } from '../digest/record.ts';
import { verifyTaskRunRecord } from '../digest/verify.ts';
import { isControlledBy } from '../owner.ts';
import { parseOrigin, type Origin, type Source } from './record.ts';

/** What a TaskRun is to do, its variables replaced. */
export interface Work {
  taskRun: TaskRun;
  /** As it would be stored in status.taskSpec. */
  taskSpec: TaskSpec;
}

/** Whether what an earlier TaskRun did is what another is to do. */
export type Comparison =
  | { kind: 'same'; origin: Origin }
  /** It did not succeed: the very reason for the rerun. */
  | { kind: 'undone' }
  | { kind: 'different'; why: string };

/**
 * Compares field by field, as the API server has both: a PipelineRun makes its TaskRuns with all defaults. How long it
 * may take, and with which others on a node, makes no difference; all else does, also who it runs as. The earlier one
 * has to be what the controller made of it (its record), for its results go into what is attested.
 */
export function compareWork(work: Work, earlier: TaskRun | undefined, source: Source): Comparison {
  const different = (why: string): Comparison => ({ kind: 'different', why });
  if (earlier === undefined) return different(`TaskRun ${source.taskRun} is not there any more`);
  if (!isControlledBy(earlier, 'PipelineRun', source.pipelineRunUid))
    return different(`TaskRun ${source.taskRun} is not of the earlier PipelineRun`);
  if (!isSuccessful(earlier.status)) return { kind: 'undone' };
  const verdict = verifyTaskRunRecord(earlier);
  if (verdict.kind !== 'sound')
    return different(
      verdict.kind === 'unrecorded'
        ? `TaskRun ${source.taskRun} was run by a controller that keeps no record`
        : `TaskRun ${source.taskRun} is not as it was run: ${verdict.problems[0]?.field}`,
    );
  const fields = [
    ...changed(comparable(work.taskRun), comparable(earlier), 'spec'),
    ...changed(work.taskSpec, earlier.status?.taskSpec ?? {}, 'status.taskSpec'),
  ];
  if (fields.length > 0) return different(`${fields.join(', ')} differ from those of TaskRun ${source.taskRun}`);
  return { kind: 'same', origin: originOf(earlier) };
}

function changed(one: object, other: object, path: string): string[] {
  return (changedFields(fieldRecord(one), other) ?? []).map((field) => `${path}.${field}`);
}

/** The resolved Task is compared by itself, lists of named things in any order. */
function comparable({ spec }: TaskRun): object {
  const { timeout: _timeout, retries: _retries, taskRef: _ref, taskSpec: _spec, ...rest } = fixedPart(spec);
  return {
    ...rest,
    podTemplate: withoutGroup(spec.podTemplate),
    params: byName<Param>(spec.params),
    workspaces: byName<WorkspaceBinding>(spec.workspaces),
  };
}

/** Each run keeps its pods together by an affinity of its own (`withGroupAffinity`). */
function withoutGroup(template: PodTemplate = {}): PodTemplate | undefined {
  const { affinity, ...rest } = template;
  const { podAffinity: _together, podAntiAffinity: _apart, ...node } = affinity ?? {};
  const kept = { ...rest, ...(Object.keys(node).length === 0 ? {} : { affinity: node }) };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

function byName<T extends { name?: string }>(items: readonly T[] | undefined): T[] | undefined {
  return items?.length ? items.toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)) : undefined;
}

/** A TaskRun that itself took over names the one that ran. */
function originOf(earlier: TaskRun): Origin {
  const { name = '', uid = '', ownerReferences = [] } = earlier.metadata;
  const before = parseOrigin(recorded(earlier.status, 'inherited'));
  const pipelineRun = ownerReferences.find((owner) => owner.controller === true)?.name ?? '';
  return before ?? { taskRun: name, uid, pipelineRun, digest: digestOf(takenOver(earlier)) };
}

/** What a provenance vouches for by one digest. */
function takenOver({ metadata, spec, status = {} }: TaskRun): object {
  const { taskSpec, results, artifacts } = status;
  return { uid: metadata.uid, spec: fixedPart(spec), taskSpec, results, artifacts };
}
