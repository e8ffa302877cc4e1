import { createHash } from 'node:crypto';
import type { PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { sortedJson } from './canonical-json.ts';

/**
 * Digests of what the controller acted on, kept in status.annotations: only who may write a run's status reaches them,
 * which a namespace's editors may not. Chains compares a finished run with them and believes nothing else.
 */
export const recordAnnotations = {
  /** The run's spec when the controller began to act on it, without what users may still change (`runSpecDigest`). */
  spec: 'digest.tektite.dev/spec',
  /** status.taskSpec or status.pipelineSpec, as it was first written. */
  resolvedSpec: 'digest.tektite.dev/resolved-spec',
  /** The pod of the current attempt of a TaskRun: its uid, and its digests as sent and as the API server gave it back. */
  pod: 'digest.tektite.dev/pod',
  /** Every child of a PipelineRun: its name, uid, and the digest of its spec as the API server gave it back. */
  children: 'digest.tektite.dev/children',
  /** What the controller saw that was not as it made it, one line each, naming the field. Such a run is not attested. */
  violations: 'digest.tektite.dev/violations',
} as const;

/** What of a finished run differs from the controller's record of it. `field` is a path in the run, or names a child or pod. */
export interface RecordProblem {
  field: string;
  message: string;
}

export type RecordVerdict =
  /** All that is recorded is as it was recorded. */
  | { kind: 'sound' }
  /** No controller that keeps records ran it: another one, or ours before it kept them. */
  | { kind: 'unrecorded' }
  | { kind: 'changed'; problems: RecordProblem[] };

type RunStatus = TaskRunStatus | PipelineRunStatus;

/** sha256 of the canonical JSON of a value, as `sha256:<hex>`. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(sortedJson(value)).digest('hex')}`;
}

/** The digest of a run's spec without `status` and `statusMessage`, by which users stop a run that has begun. */
export function runSpecDigest(spec: object): string {
  const fixed = Object.entries(spec).filter(([name]) => name !== 'status' && name !== 'statusMessage');
  return digestOf(Object.fromEntries(fixed));
}

/** The run's recorded value under one of `recordAnnotations`. */
export function recorded(status: RunStatus | undefined, name: keyof typeof recordAnnotations): string | undefined {
  return status?.annotations?.[recordAnnotations[name]];
}
