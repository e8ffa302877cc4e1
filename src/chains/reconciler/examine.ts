import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { messageOf } from '../../errors.ts';
import type { RunKind } from '../annotations.ts';
import type { ChainsConfig } from '../config.ts';
import type { Problem } from '../plan/problems.ts';
import { verifyRunSignatures } from '../spire/verify.ts';
import type { RunObject } from '../types.ts';
import type { Services } from './options.ts';

export interface Examining {
  kind: RunKind;
  run: RunObject;
  children: readonly TaskRun[];
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

/**
 * Judges what SPIRE signed in a TaskRun, or in the TaskRuns of a PipelineRun: an attestation would vouch for results
 * that somebody has changed. Runs without such signatures cost nothing.
 */
export async function examine({ kind, run, children, config, services, now, signal }: Examining): Promise<Examined> {
  const taskRuns = kind === 'taskrun' ? [run as TaskRun] : children;
  const examined: Examined = { sound: true, refusals: [], failures: [], notes: [] };
  const signed = taskRuns.filter((taskRun) => verifyRunSignatures(taskRun, undefined, now).state !== 'absent');
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
    const { state, details } = verifyRunSignatures(taskRun, trustBundle, now);
    const problems = details.map<Problem>((reason) => ({
      artifact: taskRun.metadata.name ?? '',
      at: 'verification',
      reason,
    }));
    if (state === 'tampered') examined.refusals.push(...problems);
    // What is not known of a PipelineRun's TaskRun is told on that TaskRun.
    else if (kind === 'taskrun') examined.notes.push(...problems);
  }
  return { ...examined, sound: examined.refusals.length === 0 };
}
