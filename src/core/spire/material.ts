import type { StepState, TaskRun, TaskRunResult } from '../../api/pipeline/v1/taskrun.ts';
import { entryType, parseTerminationMessage, type TerminationEntry } from '../podstatus/termination.ts';
import { reportedEntries, statementKey } from './statement.ts';

/** Keys of what the entrypoint adds to the results it signs (upstream pkg/spire). */
export const svidKey = 'SVID';
export const manifestKey = 'RESULT_MANIFEST';
export const signatureSuffix = '.sig';

/** Annotations of a TaskRun's status by which the pipelines controller vouches for the rest of the status. */
export const statusAnnotations = {
  hash: 'tekton.dev/status-hash',
  signature: 'tekton.dev/status-hash-sig',
  svid: 'tekton.dev/controller-svid',
  /** Set by the pipelines controller when it found the status changed by somebody else. */
  notVerified: 'tekton.dev/not-verified',
} as const;

/** Condition in which the pipelines controller says whether it could verify the results. */
export const resultsVerified = 'SignedResultsVerified';

/** What one step wrote: its results as text, by name, with what proves them. */
export interface StepMaterial {
  /** For messages: `step build`. */
  where: string;
  entries: ReadonlyMap<string, string>;
  /** False for a step that wrote results and no proof of them. */
  signed: boolean;
  /** The step had signed by then. */
  finishedAt?: string | undefined;
  /** All that its termination message reports, which its statement is about; absent where that is not at hand. */
  reported?: { container: string; entries: readonly TerminationEntry[] };
}

/**
 * The results of each step that wrote any, in the order of the steps. Proof is looked for in the termination messages,
 * where the entrypoint leaves it, then in the results of the steps; in the results of the TaskRun only if no step has
 * any.
 */
export function stepMaterials({ status }: TaskRun): StepMaterial[] {
  const found = (status?.steps ?? []).flatMap((step): StepMaterial[] => {
    const where = `step ${step.name ?? step.container ?? ''}`;
    const finishedAt = step.terminated?.finishedAt;
    const message = materialOfMessage(where, step, finishedAt);
    const results = material(where, asText(step.results), finishedAt);
    return [message.signed || !results.signed ? message : results].filter(({ entries }) => entries.size > 0);
  });
  if (found.some(({ signed }) => signed)) return found;
  const ofRun = material('the TaskRun', asText(status?.results), status?.completionTime);
  return ofRun.signed ? [ofRun] : [];
}

function materialOfMessage(
  where: string,
  { container = '', terminated }: StepState,
  finishedAt: string | undefined,
): StepMaterial {
  const all = parseTerminationMessage(terminated?.message) ?? [];
  const written = all.filter(({ type }) => type === entryType.taskResult);
  const entries = new Map(written.map(({ key, value }) => [key, value]));
  const reported = reportedEntries(all, (name) => isProof(name, entries));
  return { ...material(where, entries, finishedAt), reported: { container, entries: reported } };
}

function material(where: string, entries: ReadonlyMap<string, string>, finishedAt: string | undefined): StepMaterial {
  // A user's own result may be named SVID.
  const signed =
    entries.has(manifestKey) ||
    entries.has(`${manifestKey}${signatureSuffix}`) ||
    entries.get(svidKey)?.includes('-----BEGIN CERTIFICATE-----') === true;
  return { where, entries, signed, finishedAt };
}

function asText(results: readonly TaskRunResult[] | undefined): Map<string, string> {
  return new Map(
    (results ?? []).map(({ name, value }) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** Names that no result may have in a run whose results are signed. */
export function isReservedName(name: string): boolean {
  return name === svidKey || isWholeProof(name) || name.endsWith(signatureSuffix);
}

/** What is signed beside the results: the list of their names, and the statement over all. */
export function isWholeProof(name: string): boolean {
  return name === manifestKey || name === statementKey;
}

function withoutSuffix(name: string): string {
  return name.endsWith(signatureSuffix) ? name.slice(0, -signatureSuffix.length) : name;
}

/** Whether a name is that of proof, not of a result, among these entries. */
export function isProof(name: string, entries: ReadonlyMap<string, unknown>): boolean {
  if (name === svidKey || isWholeProof(name) || isWholeProof(withoutSuffix(name))) return true;
  return name.endsWith(signatureSuffix) && entries.has(name.slice(0, -signatureSuffix.length));
}
