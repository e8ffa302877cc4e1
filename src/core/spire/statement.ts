import { createHash } from 'node:crypto';
import { entryType, type TerminationEntry } from '../podstatus/termination.ts';

/** Key of the statement that our signer adds to upstream's proof (src/entrypoint/spire). */
export const statementKey = 'RESULT_STATEMENT';

/** The step of a run that reports: a signature for it holds for no other step, attempt, or run of the same name. */
export function stepIdentity(runUid: string, pod: string, container: string): string {
  return `${runUid}/${pod}/${container}`;
}

/**
 * The SHA-256 of a step and of all that it reported: results of the Task and of the step, and artifacts, in the order
 * of key and type, each text with its length in bytes before it. What the entrypoint says of itself and the proof are
 * left out.
 */
export function statementOf(identity: string, reported: readonly TerminationEntry[]): string {
  const digest = createHash('sha256');
  const write = (text: string) => digest.update(`${Buffer.byteLength(text)}:${text}`);
  write(identity);
  for (const { type, key, value } of sorted(reported)) {
    write(String(type));
    write(key);
    write(value);
  }
  return digest.digest('hex');
}

/** Entries that a statement is about, given whether the name of a result is that of proof. */
export function reportedEntries(
  entries: readonly TerminationEntry[],
  isProof: (name: string) => boolean,
): TerminationEntry[] {
  return entries.filter(
    ({ type, key }) => type !== entryType.internal && !(type === entryType.taskResult && isProof(key)),
  );
}

function sorted(entries: readonly TerminationEntry[]): TerminationEntry[] {
  return entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.type - b.type);
}
