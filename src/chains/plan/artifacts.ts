import { X509Certificate } from 'node:crypto';
import { annotations } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import type { Signature } from '../signing/signer.ts';
import type { Artifact, BackendName } from '../types.ts';
import type { LogEntry } from '../log-entry.ts';
import { backendsFor } from './images.ts';
import { completed, payloadDigest, type JournalEntry } from './journal.ts';

/** What is left to do for one artifact. */
export interface Work {
  artifact: Artifact;
  digest: string;
  /** Made in an earlier attempt; whether by the key of now is still to be checked (`startedOver`). */
  signature?: Signature | undefined;
  /** Who made it. */
  signer?: string | undefined;
  logEntry?: LogEntry | undefined;
  timestamp?: Uint8Array | undefined;
  needsLogEntry: boolean;
  needsTimestamp: boolean;
  /** Backends that have it already, and those that must still get it. */
  stored: BackendName[];
  todo: BackendName[];
}

export interface WorkFacts {
  artifacts: readonly Artifact[];
  journal: readonly JournalEntry[];
  runAnnotations: Readonly<Record<string, string>> | undefined;
  config: ChainsConfig;
  /** The run had failed for good and is to be signed again: signatures that nobody has seen are made anew. */
  afresh: boolean;
  now: Date;
}

/** Matches what is to be signed with what earlier attempts have done: only the rest is work. */
export function planArtifacts(facts: WorkFacts): Work[] {
  const known = new Map(facts.journal.map((entry) => [entry.fullKey, entry]));
  return facts.artifacts.map((artifact) => {
    const entry = known.get(artifact.fullKey);
    const wanted = backendsFor(artifact, facts.config);
    const usable = entry && isUsable(entry, artifact, facts) ? entry : undefined;
    return usable ? continued(artifact, usable, wanted, facts) : fresh(artifact, wanted, facts);
  });
}

/** The work as it is when its earlier signature is not to be used: nothing that goes with that one counts. */
export function startedOver({ artifact }: Work, facts: Pick<WorkFacts, 'config' | 'runAnnotations'>): Work {
  return fresh(artifact, backendsFor(artifact, facts.config), facts);
}

function fresh(
  artifact: Artifact,
  wanted: readonly BackendName[],
  facts: Pick<WorkFacts, 'config' | 'runAnnotations'>,
): Work {
  return {
    artifact,
    digest: payloadDigest(artifact.payload.json),
    needsLogEntry: wantsLogEntry(facts),
    needsTimestamp: facts.config.transparency.timestampUrl !== '',
    stored: [],
    todo: [...wanted],
  };
}

function continued(artifact: Artifact, entry: JournalEntry, wanted: readonly BackendName[], facts: WorkFacts): Work {
  return {
    artifact,
    digest: entry.digest,
    signature: completed(entry.signature, artifact.payload),
    signer: entry.signer,
    logEntry: entry.logEntry,
    timestamp: entry.timestamp,
    needsLogEntry: entry.logEntry === undefined && wantsLogEntry(facts),
    needsTimestamp: entry.timestamp === undefined && facts.config.transparency.timestampUrl !== '',
    stored: [...entry.stored],
    todo: wanted.filter((name) => !entry.stored.includes(name)),
  };
}

function isUsable(entry: JournalEntry, artifact: Artifact, { afresh, now }: WorkFacts): boolean {
  // A signature is of one payload: that of now, which says what ran, or it is of no use.
  if (payloadDigest(artifact.payload.json) !== entry.digest) return false;
  const seen = entry.logEntry !== undefined || entry.stored.length > 0;
  return seen || !(afresh || isExpired(entry.signature, now));
}

/** A keyless certificate lives for minutes; a log or a timestamp authority must see the signature in that time. */
function isExpired({ certificate }: Signature, now: Date): boolean {
  if (!certificate) return false;
  try {
    return now.getTime() >= new X509Certificate(certificate).validToDate.getTime();
  } catch {
    return true;
  }
}

/** transparency.enabled "manual": only runs that ask for it, and those once. */
function wantsLogEntry({ config, runAnnotations }: Pick<WorkFacts, 'config' | 'runAnnotations'>): boolean {
  const { mode } = config.transparency;
  switch (mode) {
    case 'off':
      return false;
    case 'all':
      return true;
    case 'manual':
      return (
        runAnnotations?.[annotations.transparencyUpload] === 'true' &&
        runAnnotations[annotations.transparency] === undefined
      );
    default: {
      const never: never = mode;
      return never;
    }
  }
}

/**
 * Whether the signatures must be written down before anybody sees them. Not if they only ever go to annotations of the
 * run itself: a later signature replaces an earlier one there.
 */
export function needsJournal(work: readonly Work[]): boolean {
  return work.some(
    ({ needsLogEntry, needsTimestamp, todo, stored }) =>
      needsLogEntry || needsTimestamp || [...todo, ...stored].some((name) => name !== 'tekton'),
  );
}
