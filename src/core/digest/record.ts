import { hash } from 'node:crypto';
import type { PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { sortedJson } from './canonical-json.ts';

/**
 * Digests of what the controller acted on, kept in status.annotations: only who may write a run's status reaches them,
 * which a namespace's editors may not. Chains compares a finished run with them and believes nothing else.
 */
export const recordAnnotations = {
  /** The run's spec when the controller began to act on it, without what users may still change (a `fieldRecord`). */
  spec: 'digest.tektite.dev/spec',
  /** status.taskSpec or status.pipelineSpec, as it was first written (a `fieldRecord`). */
  resolvedSpec: 'digest.tektite.dev/resolved-spec',
  /** The pod of a TaskRun's current attempt: its uid, its digests as sent and as the API server gave it back. */
  pod: 'digest.tektite.dev/pod',
  /** Every child of a PipelineRun: its name, uid, and the digest of its spec as the API server gave it back. */
  children: 'digest.tektite.dev/children',
  /** What the controller saw that is not as it made it, a line each, naming the field. Such a run is not attested. */
  violations: 'digest.tektite.dev/violations',
  /** TaskRuns that say they belong to a PipelineRun and were not made by it, by name: they count for nothing. */
  ignored: 'digest.tektite.dev/ignored',
  /** Of a rerun: the earlier PipelineRun, and the claims that it goes on with (`formatInheritance`). */
  inheritance: 'digest.tektite.dev/inheritance',
  /** Of a TaskRun that did not run: the earlier one whose results it has (`formatOrigin`). */
  inherited: 'digest.tektite.dev/inherited',
} as const;

/** What of a finished run differs from its record. `field` is a path in the run, or names a child or pod. */
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
  return `sha256:${hash('sha256', sortedJson(value), 'hex')}`;
}

/** The same digest in 43 characters of base64url, for records that hold many. */
export function shortDigestOf(value: unknown): string {
  return shortDigestOfJson(sortedJson(value));
}

/** The same, for who has the canonical JSON already. */
export function shortDigestOfJson(json: string): string {
  return hash('sha256', json, 'base64url');
}

/** The digest of a run's spec without `status` and `statusMessage`, by which users stop a run that has begun. */
export function runSpecDigest(spec: object): string {
  return digestOf(fixedPart(spec));
}

/** A run's spec without what users may still change once it has begun. */
export function fixedPart(spec: object): Record<string, unknown> {
  const fixed = Object.entries(spec).filter(([name]) => name !== 'status' && name !== 'statusMessage');
  return Object.fromEntries(fixed);
}

/** The run's recorded value under one of `recordAnnotations`. */
export function recorded(status: RunStatus | undefined, name: keyof typeof recordAnnotations): string | undefined {
  return status?.annotations?.[recordAnnotations[name]];
}
