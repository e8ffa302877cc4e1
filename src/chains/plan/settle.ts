import { annotations, finalizers, isChainsFinalizer, type RunKind } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import type { Signature } from '../signing/signer.ts';
import type { BackendName } from '../types.ts';
import type { LogEntry } from '../log-entry.ts';
import type { Work } from './artifacts.ts';
import { encodeJournal, LONGEST_JOURNAL, type JournalEntry } from './journal.ts';
import { writeMark, type Mark } from './mark.ts';
import { shownProblems, writeProblems, type Problem } from './problems.ts';
import type { RunState } from './run.ts';
import type { Seal } from './seal.ts';

/** How far one artifact came in this attempt. */
export interface WorkOutcome {
  work: Work;
  signature?: Signature | undefined;
  /** Who made it (Signer.description). */
  signer?: string | undefined;
  logEntry?: LogEntry | undefined;
  timestamp?: Uint8Array | undefined;
  /** All that have it now. */
  stored: BackendName[];
  /** Backends that can never take it, with the reason. */
  refused: Problem[];
  failures: Problem[];
}

/** Nothing more was done for this artifact in this attempt, because of problems of the whole run. */
export function undone(work: Work, problems: readonly Problem[]): WorkOutcome {
  return {
    work,
    signature: work.signature,
    signer: work.signer,
    logEntry: work.logEntry,
    timestamp: work.timestamp,
    stored: [...work.stored],
    refused: [],
    failures: [...problems],
  };
}

export interface SettleFacts {
  kind: RunKind;
  uid: string;
  seal: Seal;
  runAnnotations: Readonly<Record<string, string>> | undefined;
  config: ChainsConfig;
  /** Counts from 1. */
  attempt: number;
  outcomes: readonly WorkOutcome[];
  /** Subjects that were left out of payloads: notes. */
  notes: readonly Problem[];
  /** Payloads that could not be made at all: another attempt gives the same. */
  missing: readonly Problem[];
  now: Date;
  /** From 0 to 1. */
  random: number;
}

export interface Settlement {
  kind: 'signed' | 'again' | 'failed';
  /** Values to be written; null: removed. */
  annotations: Record<string, string | null>;
  /** "drop" takes all finalizers of Chains, also old ones. */
  finalizer: 'add' | 'drop';
  /** When to try again; with kind "again". */
  delayMs?: number;
  events: { type: 'Normal' | 'Warning'; reason: string; message: string }[];
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 300_000;

/** Milliseconds between a failed attempt (from 1) and the next: 1, 3, 9, 27 ... 300 s, a fifth more or less. */
export function retryDelayMs(attempt: number, random: number): number {
  return Math.round(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 3 ** Math.min(attempt - 1, 20)) * (0.8 + 0.4 * random));
}

/**
 * What an attempt means for the run: signed, to be tried again, or failed for good; and all that is written down about
 * it.
 */
export function settle(facts: SettleFacts): Settlement {
  const { outcomes, missing, attempt, config } = facts;
  const unstorable = outcomes.flatMap(nowhereToGo);
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  const final = [...missing, ...unstorable];
  if (failures.length === 0 && final.length === 0) return signed(facts);
  // What can still succeed is tried on, before what cannot ends the run.
  if (failures.length > 0 && attempt < config.attempts) return again(facts, [...failures, ...final]);
  return failed(facts, [...failures, ...final]);
}

/** Refusals count as failures only when no other backend has the artifact. */
function nowhereToGo({ work, stored, refused, failures }: WorkOutcome): Problem[] {
  const isStored = stored.length > 0 || work.todo.length === 0;
  return isStored || failures.length > 0 ? [] : refused;
}

function signed(facts: SettleFacts): Settlement {
  const notes = [...facts.notes, ...facts.outcomes.flatMap(({ refused }) => refused)];
  const targetless = facts.outcomes.flatMap(withoutTarget);
  const told = [...notes, ...targetless];
  return {
    kind: 'signed',
    annotations: {
      [annotations.signed]: 'true',
      ...marked({ kind: 'signed' }, facts),
      ...logged(facts),
      ...cleared(facts, [annotations.pending, annotations.retries, annotations.problems]),
      ...(told.length > 0 ? { [annotations.problems]: writeProblems({ problems: told }) } : {}),
    },
    finalizer: 'drop',
    events: [
      ...shownProblems(notes).map(({ artifact, at, reason }) => ({
        type: 'Warning' as const,
        reason: 'SigningIncomplete',
        message: `${artifact}: ${at}: ${reason}`,
      })),
      ...targetless.map(({ reason }) => ({ type: 'Normal' as const, reason: 'NoSignableTarget', message: reason })),
    ],
  };
}

/** Signed, and kept nowhere: a registry holds it beside images, and the run names none. As upstream, no failure. */
function withoutTarget({ work: { artifact }, stored }: WorkOutcome): Problem[] {
  if (artifact.payload.subjects.length > 0 || stored.length === 0 || stored.some((name) => name !== 'oci')) return [];
  const reason =
    'no signable target was found: no result names an image (IMAGE_URL and IMAGE_DIGEST), and storage oci keeps beside images what it signs; storage tekton keeps it on the run';
  return [{ artifact: artifact.shortKey, at: 'storage oci', reason }];
}

function again(facts: SettleFacts, problems: Problem[]): Settlement {
  const { attempt, config, now, random } = facts;
  const delayMs = retryDelayMs(attempt, random);
  const next = new Date(now.getTime() + delayMs);
  return {
    kind: 'again',
    annotations: {
      [annotations.retries]: String(attempt - 1),
      ...marked({ kind: 'again', attempts: attempt, next }, facts),
      [annotations.problems]: writeProblems({
        failedAttempts: attempt,
        nextAttempt: next.toISOString(),
        problems: [...problems, ...facts.notes],
      }),
      ...pending(facts),
    },
    finalizer: 'add',
    delayMs,
    events: [
      {
        type: 'Warning',
        reason: 'SigningFailed',
        message: `attempt ${attempt} of ${config.attempts} failed, the next follows in ${Math.ceil(delayMs / 1000)} s: ${told(problems)}`,
      },
    ],
  };
}

function failed(facts: SettleFacts, problems: Problem[]): Settlement {
  const { attempt } = facts;
  const wayOut = `remove its annotation ${annotations.signed} to have it signed again`;
  return {
    kind: 'failed',
    annotations: {
      [annotations.signed]: 'failed',
      ...marked({ kind: 'failed' }, facts),
      // Upstream counts the failures before the last.
      ...(attempt > 1 ? { [annotations.retries]: String(attempt - 2) } : {}),
      [annotations.problems]: writeProblems({ failedAttempts: attempt, problems: [...problems, ...facts.notes] }),
      ...logged(facts),
      ...pending(facts),
    },
    finalizer: 'drop',
    events: [
      {
        type: 'Warning',
        reason: 'SigningFailedForGood',
        message: `not signed after ${attempt} attempts; ${wayOut}: ${told(problems)}`,
      },
    ],
  };
}

function marked(mark: Exclude<Mark, { kind: 'none' }>, { uid, seal }: SettleFacts): Record<string, string> {
  return { [annotations.mark]: writeMark(mark, uid, seal) };
}

function told(problems: readonly Problem[]): string {
  return shownProblems(problems)
    .map(({ artifact, at, reason }) => `${artifact}: ${at}: ${reason}`)
    .join('; ');
}

function cleared({ runAnnotations }: SettleFacts, names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.filter((name) => runAnnotations?.[name] !== undefined).map((name) => [name, null]));
}

/** One annotation for all entries, as upstream: the run's own attestation counts before its images. */
function logged({ outcomes }: SettleFacts): Record<string, string> {
  const entries = outcomes.filter((outcome) => outcome.logEntry !== undefined);
  const url = (entries.find(({ work }) => work.artifact.kind !== 'oci') ?? entries[0])?.logEntry?.url;
  return url === undefined ? {} : { [annotations.transparency]: url };
}

/** Annotations of an object may have 256 KiB together. The rest is for what others write. */
const ALL_ANNOTATIONS = 256 * 1024;
const FOR_OTHERS = 32 * 1024;

function roomFor(runAnnotations: SettleFacts['runAnnotations']): number {
  const others = Object.entries(runAnnotations ?? {}).reduce(
    (sum, [name, value]) => (name === annotations.pending ? sum : sum + name.length + value.length),
    0,
  );
  return Math.min(LONGEST_JOURNAL, ALL_ANNOTATIONS - FOR_OTHERS - others);
}

/** The signatures that are made and not stored everywhere, as the annotation holds them. */
export function pending({
  outcomes,
  runAnnotations,
  uid,
  seal,
}: Pick<SettleFacts, 'outcomes' | 'runAnnotations' | 'uid' | 'seal'>): Record<string, string | null> {
  const entries = outcomes.flatMap(journalEntry);
  const text = entries.length > 0 ? encodeJournal(entries, roomFor(runAnnotations), { uid, seal }) : undefined;
  if (text !== undefined) return { [annotations.pending]: text };
  return runAnnotations?.[annotations.pending] === undefined ? {} : { [annotations.pending]: null };
}

function journalEntry(outcome: WorkOutcome): JournalEntry[] {
  const { work, logEntry, timestamp, stored } = outcome;
  // What could not be checked in this attempt is kept for the next.
  const signature = outcome.signature ?? work.signature;
  const signer = outcome.signature ? outcome.signer : work.signer;
  if (!signature || signer === undefined) return [];
  const { kind, shortKey, fullKey } = work.artifact;
  return [{ kind, shortKey, fullKey, digest: work.digest, signer, signature, logEntry, timestamp, stored }];
}

/** The finalizers a run has afterwards. None can be added to a run that is being deleted. */
export function finalizersAfter(
  { metadata }: Pick<RunState, 'metadata'>,
  kind: RunKind,
  change: Settlement['finalizer'],
): string[] {
  const present = metadata.finalizers ?? [];
  switch (change) {
    case 'add':
      return metadata.deletionTimestamp ? [...present] : [...new Set([...present, finalizers[kind]])];
    case 'drop':
      return present.filter((name) => !isChainsFinalizer(name));
    default: {
      const never: never = change;
      return never;
    }
  }
}
