import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { changedFields, restoredFields, specRecord } from './fields.ts';
import { fixedPart, recorded } from './record.ts';
import type { Violation } from './violations.ts';

/** What somebody changed of a run's spec after the controller had begun to act on it. */
export interface SpecChange {
  /** Names of the fields. */
  fields: string[];
  /** Those of which the record keeps only a digest: the run goes on without them, and makes nothing new. */
  lost: string[];
}

/**
 * A run as the controller began to act on it: changes of its spec since have no effect, `status` and `statusMessage`
 * aside. A run without a record is as it is.
 */
export function asRecorded<R extends TaskRun | PipelineRun>(run: R): { run: R; change?: SpecChange } {
  const record = recorded(run.status, 'spec');
  if (record === undefined) return { run };
  if (record === specRecord(run.spec)) return { run };
  const fixed = fixedPart(run.spec);
  const fields = changedFields(record, fixed) ?? Object.keys(fixed).sort();
  const { value, lost } = restoredFields(record, fixed);
  const free = Object.entries(run.spec).filter(([name]) => !(name in fixed));
  return { run: { ...run, spec: { ...value, ...Object.fromEntries(free) } }, change: { fields, lost } };
}

export function specViolations(change: SpecChange | undefined): Violation[] {
  return (change?.fields ?? []).map((name) => ({
    field: `spec.${name}`,
    message: 'was changed after the run had begun; the change has no effect, but the run is not attested',
  }));
}

/** Why nothing more is made for a run whose spec was changed beyond what can be had back. */
export function lostMessage(kind: string, { lost }: SpecChange): string {
  const fields = lost.map((name) => `spec.${name}`).join(', ');
  const were = lost.length === 1 ? 'was' : 'were';
  return `${fields} ${were} changed after the ${kind} had begun, and nothing is made from a changed spec; create a new ${kind} instead`;
}
