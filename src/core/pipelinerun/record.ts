import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { EventEffect } from '../decision.ts';
import { childRecord, compactUid, formatChildren, parseChildren, type ChildRecord } from '../digest/children.ts';
import { fieldRecord, specRecord } from '../digest/fields.ts';
import { recordAnnotations, recorded } from '../digest/record.ts';
import { addViolations, type Violation } from '../digest/violations.ts';
import { labels } from '../labels.ts';
import type { Child, ChildObject } from './child/child.ts';

/** The runs that a run controls by their owner references, told apart by its record. */
export interface KnownChildren {
  /** Recorded, by name and uid. */
  own: Child[];
  /** Not recorded: made just before a crash, or by somebody who borrowed the owner reference. */
  unknown: Child[];
  /** What is not as it was made about those that are recorded. */
  violations: Violation[];
}

export function knownChildren(run: PipelineRun, children: readonly Child[]): KnownChildren {
  const { status = {} } = run;
  // Begun by a release that kept no records: whoever is its child by reference is.
  if (recorded(status, 'spec') === undefined && Object.keys(status).length > 0)
    return { own: [...children], unknown: [], violations: [] };
  const records = parseChildren(recorded(status, 'children')) ?? new Map<string, ChildRecord>();
  const isOwn = ({ name, metadata: { uid = '' } }: Child) => records.get(name)?.uid === compactUid(uid);
  const own = children.filter(isOwn);
  const tasks = new Map((status.childReferences ?? []).map((child) => [child.name, child.pipelineTaskName]));
  const violations = own.flatMap((child) => {
    const { name } = child;
    const task = tasks.get(name);
    const fields = [
      ...(records.get(name)?.spec === childRecord(child.object).spec ? [] : ['spec']),
      ...(task === undefined || child.metadata.labels?.[labels.pipelineTask] === task
        ? []
        : [`metadata.labels[${labels.pipelineTask}]`]),
    ];
    return fields.map((field) => ({
      field: `${child.kind} ${name} ${field}`,
      message: 'is not as this PipelineRun made it; the run goes on, but is not attested',
    }));
  });
  return { own, unknown: children.filter((child) => !isOwn(child)), violations };
}

/** Reasons of Warnings about what is not as the controller made it. They are sent whatever becomes of the effects. */
export const recordEvents = { changed: 'ChangedAfterStart', ignored: 'TaskRunIgnored' } as const;

/** The status with the digests of what the run is and of the pipeline as it is run (hack/decisions/0013). */
export function withSpecRecords(run: PipelineRun, status: PipelineRunStatus): PipelineRunStatus {
  const { status: before = {} } = run;
  const isNew = Object.keys(before).length === 0;
  if (!isNew && recorded(before, 'spec') === undefined) return status;
  const isResolved = status.pipelineSpec !== undefined && recorded(status, 'resolvedSpec') === undefined;
  return withAnnotations(status, {
    ...(isNew ? { [recordAnnotations.spec]: specRecord(run.spec) } : {}),
    ...(isResolved ? { [recordAnnotations.resolvedSpec]: fieldRecord(status.pipelineSpec ?? {}) } : {}),
  });
}

/** The status with records of children that were made, or taken over, beside those it has. */
export function withChildRecords(status: PipelineRunStatus, children: readonly ChildObject[]): PipelineRunStatus {
  if (children.length === 0 || recorded(status, 'spec') === undefined) return status;
  const records = parseChildren(recorded(status, 'children')) ?? new Map<string, ChildRecord>();
  for (const child of children) records.set(child.metadata.name ?? '', childRecord(child));
  return withAnnotations(status, { [recordAnnotations.children]: formatChildren([...records.values()]) });
}

/** The status with a note of what was changed under the run, and a Warning for each that it had no note of. */
export function withViolations(
  status: PipelineRunStatus,
  violations: readonly Violation[],
): { status: PipelineRunStatus; events: EventEffect[] } {
  const { text, added } = addViolations(recorded(status, 'violations'), violations);
  if (text === undefined || added.length === 0) return { status, events: [] };
  const events = added.map(({ field, message }) => warning(recordEvents.changed, `${field}: ${message}`));
  return { status: withAnnotations(status, { [recordAnnotations.violations]: text }), events };
}

/** So many strangers are named; a flood of them must not make the status grow. */
const mostIgnored = 10;

/** The status with a note of runs that are not its children, and a Warning for each that it had no note of. */
export function withIgnored(
  status: PipelineRunStatus,
  strangers: readonly Child[],
): { status: PipelineRunStatus; events: EventEffect[] } {
  const noted = recorded(status, 'ignored')?.split(',') ?? [];
  const kinds = new Map(strangers.map(({ name, kind }) => [name, kind]));
  const names = [...kinds.keys()].sort();
  const added = names.filter((name) => !noted.includes(name)).slice(0, Math.max(0, mostIgnored - noted.length));
  if (added.length === 0) return { status, events: [] };
  const events = added.map((name) =>
    warning(
      recordEvents.ignored,
      `${kinds.get(name)} ${name} names this PipelineRun as its controller, but was not made by it: it is ignored; delete it`,
    ),
  );
  return { status: withAnnotations(status, { [recordAnnotations.ignored]: [...noted, ...added].join(',') }), events };
}

function warning(reason: string, message: string): EventEffect {
  return { type: 'event', eventType: 'Warning', reason, message };
}

function withAnnotations(status: PipelineRunStatus, added: Record<string, string>): PipelineRunStatus {
  return Object.keys(added).length === 0 ? status : { ...status, annotations: { ...status.annotations, ...added } };
}
