import type { ChildStatusReference, PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { labels } from '../labels.ts';
import { isControlledBy } from '../owner.ts';
import { childRecord, parseChildren, type ChildRecord } from './children.ts';
import { changedFields } from './fields.ts';
import { readPodRecord } from './pod-record.ts';
import { fixedPart, recorded, type RecordProblem, type RecordVerdict } from './record.ts';
import { readViolations } from './violations.ts';

/** Whether a TaskRun, as the API server has it, is what the controller acted on. */
export function verifyTaskRunRecord(taskRun: TaskRun): RecordVerdict {
  const { spec, status } = taskRun;
  if (recorded(status, 'spec') === undefined) return { kind: 'unrecorded' };
  return verdict([
    ...fieldProblems('spec', recorded(status, 'spec'), fixedPart(spec)),
    ...fieldProblems('status.taskSpec', recorded(status, 'resolvedSpec'), status?.taskSpec),
    ...podProblems(taskRun),
    ...violationProblems(status),
  ]);
}

/** A PipelineRun within another, with what is there of its own children. */
export interface NestedRun {
  run: PipelineRun;
  children: readonly TaskRun[];
  nested: readonly NestedRun[];
}

/**
 * Whether a PipelineRun and its children, as the API server has them, are what the controller acted on and made.
 * `children` and `nested` are the TaskRuns and PipelineRuns that its childReferences name and that still exist: what
 * happened within a nested one is part of what the outer one says.
 */
export function verifyPipelineRunRecord(
  pipelineRun: PipelineRun,
  children: readonly TaskRun[],
  nested: readonly NestedRun[] = [],
): RecordVerdict {
  const { spec, status } = pipelineRun;
  if (recorded(status, 'spec') === undefined) return { kind: 'unrecorded' };
  return verdict([
    ...fieldProblems('spec', recorded(status, 'spec'), fixedPart(spec)),
    ...fieldProblems('status.pipelineSpec', recorded(status, 'resolvedSpec'), status?.pipelineSpec),
    ...childrenProblems(pipelineRun, [
      ...children.map((object) => ({ kind: 'TaskRun' as const, object, own: verifyTaskRunRecord(object) })),
      ...nested.map((one) => ({
        kind: 'PipelineRun' as const,
        object: one.run,
        own: verifyPipelineRunRecord(one.run, one.children, one.nested),
      })),
    ]),
    ...violationProblems(status),
  ]);
}

/** A field is named once, though it may show in the object and in the notes of the controller. */
function verdict(all: RecordProblem[]): RecordVerdict {
  const byField = new Map(all.toReversed().map((problem) => [problem.field, problem]));
  const problems = [...byField.values()].toReversed();
  return problems.length === 0 ? { kind: 'sound' } : { kind: 'changed', problems };
}

/** A value that is absent must not have been recorded, and one that is there must. */
function fieldProblems(path: string, record: string | undefined, value: object | undefined): RecordProblem[] {
  if (record === undefined)
    return value === undefined ? [] : [{ field: path, message: 'the controller did not record it' }];
  if (value === undefined) return [{ field: path, message: 'was recorded and is gone' }];
  const changed = changedFields(record, value);
  if (changed === undefined) return [{ field: path, message: 'its record cannot be read' }];
  return changed.map((name) => ({ field: `${path}.${name}`, message: 'is not what the controller acted on' }));
}

function podProblems({ status }: TaskRun): RecordProblem[] {
  const text = recorded(status, 'pod');
  if (text === undefined)
    return status?.podName ? [{ field: 'status.podName', message: `pod ${status.podName} was not recorded` }] : [];
  return readPodRecord(text) === undefined
    ? [{ field: 'status.podName', message: 'the record of its pod cannot be read' }]
    : [];
}

function violationProblems(status: TaskRun['status'] | PipelineRun['status']): RecordProblem[] {
  return readViolations(recorded(status, 'violations')).map(({ field, message }) => ({ field, message }));
}

/** A child, and what its own record says of it. */
type JudgedChild =
  | { kind: 'TaskRun'; object: TaskRun; own: RecordVerdict }
  | { kind: 'PipelineRun'; object: PipelineRun; own: RecordVerdict };

function childrenProblems(run: PipelineRun, children: readonly JudgedChild[]): RecordProblem[] {
  const records = parseChildren(recorded(run.status, 'children'));
  if (records === undefined) return [{ field: 'status.childReferences', message: 'their record cannot be read' }];
  const references = new Map((run.status?.childReferences ?? []).map((child) => [child.name ?? '', child]));
  const unrecorded = [...references.values()].filter(({ name = '' }) => !records.has(name));
  return [
    ...unrecorded.map(({ kind = 'TaskRun', name }) => ({
      field: `${kind} ${name}`,
      message: 'was not recorded as made by this PipelineRun',
    })),
    ...children.flatMap((child) => {
      const name = child.object.metadata.name ?? '';
      const record = records.get(name);
      if (record !== undefined) return childProblems(run, child, record, references.get(name));
      return references.has(name)
        ? []
        : [{ field: `${child.kind} ${name}`, message: 'is no child of this PipelineRun' }];
    }),
  ];
}

function childProblems(
  run: PipelineRun,
  { kind, object: child, own }: JudgedChild,
  record: ChildRecord,
  reference: ChildStatusReference | undefined,
): RecordProblem[] {
  const now = childRecord(child);
  const path = `${kind} ${record.name}`;
  if (now.uid !== record.uid)
    return [{ field: `${path} metadata.uid`, message: 'is another object than the one this PipelineRun made' }];
  const task = reference?.pipelineTaskName;
  return [
    ...(isControlledBy(child, 'PipelineRun', run.metadata.uid)
      ? []
      : [{ field: `${path} metadata.ownerReferences`, message: 'the PipelineRun is not its controller any more' }]),
    ...(child.metadata.labels?.[labels.pipelineTask] === task
      ? []
      : [
          {
            field: `${path} metadata.labels[${labels.pipelineTask}]`,
            message: `is not the pipeline task that it was made for, ${task ?? 'none'}`,
          },
        ]),
    ...(now.spec === record.spec ? [] : [{ field: `${path} spec`, message: 'is not what this PipelineRun made' }]),
    ...ownProblems(path, child, own),
  ];
}

/** What the child's own record says. One that nothing was done for yet has none. */
function ownProblems(path: string, child: TaskRun | PipelineRun, own: RecordVerdict): RecordProblem[] {
  switch (own.kind) {
    case 'sound':
      return [];
    case 'unrecorded':
      return Object.keys(child.status ?? {}).length === 0
        ? []
        : [{ field: `${path} status`, message: 'was not written by a controller that records what it runs' }];
    case 'changed':
      return own.problems.map(({ field, message }) => ({ field: `${path} ${field}`, message }));
    default: {
      const never: never = own;
      return never;
    }
  }
}
