import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { ownManagedBy } from '../../core/labels.ts';
import { changesAtCreation, readPodRecord } from '../../core/digest/pod-record.ts';
import { recorded, type RecordVerdict } from '../../core/digest/record.ts';
import { verifyPipelineRunRecord, verifyTaskRunRecord, type NestedRun } from '../../core/digest/verify.ts';
import { messageOf } from '../../errors.ts';
import type { RunKind } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import type { Problem } from '../plan/problems.ts';
import { verifyRunSignatures } from '../../core/spire/verify.ts';
import type { RunObject } from '../types.ts';
import type { Children } from './children.ts';
import type { Services } from './options.ts';

export interface Examining {
  kind: RunKind;
  run: RunObject;
  children: Children;
  config: ChainsConfig;
  services: Pick<Services, 'trustBundle'>;
  now: Date;
  signal: AbortSignal;
}

export interface Examined {
  /** False: nothing may be attested now. */
  sound: boolean;
  /** Why the run must not be attested at all. */
  refusals: Problem[];
  /** Why it cannot be judged now. */
  failures: Problem[];
  /** What was not checked. */
  notes: Problem[];
}

/** Judges whether what the run says is what ran: by the controller's record of it, and by what SPIRE signed. */
export async function examine(examining: Examining): Promise<Examined> {
  const refusals = [...examining.children.refusals, ...recordRefusals(examining), ...podRefusals(examining)];
  if (refusals.length > 0) return { sound: false, refusals, failures: [], notes: [] };
  return examineSignedResults(examining);
}

/** Why the controller's record speaks against the run. */
function recordRefusals({ kind, run, children, config }: Examining): Problem[] {
  const verdict: RecordVerdict =
    kind === 'taskrun' ? verifyTaskRunRecord(run) : verifyPipelineRunRecord(run, children.found, children.nested);
  switch (verdict.kind) {
    case 'sound':
      return [];
    case 'changed':
      return verdict.problems.map(({ field, message }) => refusal(field, message));
    case 'unrecorded':
      return mayBeUnrecorded(run, config) ? [] : [refusal(run.metadata.name ?? '', unrecordedReason(config))];
    default: {
      const never: never = verdict;
      return never;
    }
  }
}

/** Pods that somebody's webhook changed as they were created, where that is not to be. */
function podRefusals(examining: Examining): Problem[] {
  const { podChanges } = examining.config.trust;
  if (podChanges === undefined) return [];
  return taskRunsOf(examining).flatMap(({ status }) => {
    const record = readPodRecord(recorded(status, 'pod'));
    const fields = record === undefined ? [] : changesAtCreation(record, podChanges);
    return fields.map((field) => refusal(`pod ${status?.podName} ${field}`, changedAtCreation));
  });
}

/** The TaskRuns that an attestation of the run vouches for. */
function taskRunsOf({ kind, run, children }: Examining): TaskRun[] {
  return kind === 'taskrun' ? [run] : [...children.own, ...children.ownNested.flatMap(taskRunsWithin)];
}

function taskRunsWithin({ children, nested }: NestedRun): TaskRun[] {
  return [...children, ...nested.flatMap(taskRunsWithin)];
}

const changedAtCreation =
  'an admission webhook changed it when the pod was created, and enforce-nonfalsifiable in chains-config is "true"; fields that webhooks may change are listed in artifacts.pod-changes';

function unrecordedReason({ trust }: ChainsConfig): string {
  const wayOut =
    trust.unrecorded === 'never'
      ? 'no setting signs such runs while enforce-nonfalsifiable in chains-config is "true"'
      : 'to sign such runs all the same, set artifacts.unrecorded to "sign" in chains-config, or name their controller in filter.managed-by';
  return `no record tells what ran, since the controller that ran it keeps none; ${wayOut}`;
}

/** Runs of another controller that the operator has named come as they are, unless that is forbidden. */
function mayBeUnrecorded({ spec }: RunObject, { trust, managedBy }: ChainsConfig): boolean {
  if (trust.unrecorded === 'never') return false;
  const by = spec.managedBy ?? '';
  return trust.unrecorded === 'sign' || (by !== '' && by !== ownManagedBy && managedBy.includes(by));
}

function refusal(artifact: string, reason: string): Problem {
  return { artifact, at: 'verification', reason };
}

const unsignedReason =
  'no step signed what it reports, and artifacts.taskrun.spire.required is "true" in chains-config: run it with enforce-nonfalsifiability "spire" in feature-flags';

/**
 * Judges what SPIRE signed in a TaskRun, or in the TaskRuns of a PipelineRun: an attestation would vouch for results
 * that somebody has changed. Runs without such signatures cost nothing.
 */
async function examineSignedResults(examining: Examining): Promise<Examined> {
  const { kind, config, services, now, signal } = examining;
  const examined: Examined = { sound: true, refusals: [], failures: [], notes: [] };
  const { required } = config.spire;
  const signed = taskRunsOf(examining).filter(
    (taskRun) => required || verifyRunSignatures(taskRun, undefined, now).state !== 'absent',
  );
  if (signed.length === 0) return examined;
  let trustBundle: Awaited<ReturnType<Services['trustBundle']>>;
  try {
    trustBundle = await services.trustBundle(config, signal);
  } catch (error) {
    signal.throwIfAborted();
    return {
      ...examined,
      sound: false,
      failures: [{ artifact: 'signed results', at: 'verification', reason: messageOf(error) }],
    };
  }
  for (const taskRun of signed) {
    const { state, details } = verifyRunSignatures(taskRun, trustBundle, now, { whole: required });
    const isRefused = state === 'tampered' || (required && state !== 'verified');
    const reasons = required && state === 'absent' ? [...details, unsignedReason] : details;
    const problems = reasons.map((reason) => refusal(taskRun.metadata.name ?? '', reason));
    if (isRefused) {
      examined.sound = false;
      examined.refusals.push(...problems);
    }
    // What is not known of a PipelineRun's TaskRun is told on that TaskRun.
    else if (kind === 'taskrun') examined.notes.push(...problems);
  }
  return examined;
}
