import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { isSuccessful, withCondition } from '../condition.ts';
import { ask, type Planning, type TrustBundleNeed } from '../need.ts';
import type { Pod } from '../pod/types.ts';
import { isReservedName, resultsVerified } from '../spire/material.ts';
import { verifyRunSignatures, type Verdict } from '../spire/verify.ts';
import { endOfSteps } from './collect.ts';
import { failed, type PlanContext } from './context.ts';
import { isSigned } from './identity.ts';
import { reasons, userErrorPrefix } from './reasons.ts';

/** So long the trust bundle is asked for again. */
const troublePatienceMs = 300_000;
const troubleRetryMs = 5_000;

export type Verified = { kind: 'ended'; status: TaskRunStatus } | { kind: 'wait'; againInMs: number; message: string };

/**
 * The status of a run that has ended, with results only if its steps signed them: what cannot be verified is not used,
 * and a run that has succeeded otherwise fails for it.
 */
export function* withVerifiedResults(
  { facts, now }: PlanContext,
  pod: Pod,
  ended: TaskRunStatus,
): Planning<Verified, TrustBundleNeed> {
  if (!isSigned(pod)) return { kind: 'ended', status: ended };
  const status = withoutProof(ended);
  const [trust] = yield* ask<TrustBundleNeed>([{ type: 'trustBundle' }]);
  if (trust?.kind !== 'read') {
    const message = `the trust bundle of SPIRE could not be read: ${trust?.message ?? ''}`;
    const mayWait = now.getTime() - endOfSteps(pod) < troublePatienceMs;
    return mayWait ? notYet(message) : { kind: 'ended', status: unverified(status, message, now) };
  }
  const verdict = verifyRunSignatures({ ...facts.taskRun, status }, trust.bundle, now, { whole: true });
  return { kind: 'ended', status: asJudged(status, verdict, now) };
}

function asJudged(status: TaskRunStatus, { state, details }: Verdict, now: Date): TaskRunStatus {
  switch (state) {
    case 'absent':
      return status;
    case 'verified':
      return { ...status, conditions: withCondition(status.conditions, verified, now) };
    case 'unverifiable':
    case 'tampered':
      return unverified(status, details.join('; '), now);
    default: {
      const never: never = state;
      return never;
    }
  }
}

/** As upstream has it: the proof stays in the termination messages. */
const verified = {
  type: resultsVerified,
  status: 'True',
  reason: reasons.resultsVerified,
  message: 'Successfully verified all spire signed taskrun results',
} as const;

function withoutProof(status: TaskRunStatus): TaskRunStatus {
  const { results = [], ...rest } = status;
  const own = results.filter(({ name }) => !isReservedName(name));
  return own.length > 0 ? { ...rest, results: own } : rest;
}

function notYet(message: string): Verified {
  return {
    kind: 'wait',
    againInMs: troubleRetryMs,
    message: `All Steps have ended; their results could not be verified yet: ${message}; it will be tried again`,
  };
}

/** Without anything that steps report. */
function unverified(status: TaskRunStatus, message: string, now: Date): TaskRunStatus {
  const { results: _results, steps = [], ...rest } = status;
  const condition = {
    type: resultsVerified,
    status: 'False',
    reason: reasons.resultsVerificationFailed,
    message,
  } as const;
  const bare = steps.map(({ results: _own, inputs: _inputs, outputs: _outputs, ...step }) => step);
  const without: TaskRunStatus = { ...rest, steps: bare, artifacts: {} };
  const ended = isSuccessful(without)
    ? failed(without, reasons.resultsVerificationFailed, `the results could not be verified: ${message}`, now)
    : without;
  return { ...ended, conditions: withCondition(ended.conditions, condition, now) };
}

/** Results that must not be called so in a run whose results are signed. */
export function reservedResultProblem(
  results: readonly { name: string }[],
  isSigning: boolean,
): { reason: string; message: string } | undefined {
  const index = isSigning ? results.findIndex(({ name }) => isReservedName(name)) : -1;
  const name = results[index]?.name;
  if (name === undefined) return undefined;
  const message = `${userErrorPrefix}results[${index}].name: ${JSON.stringify(name)} is a name that signed results need themselves (SVID, RESULT_MANIFEST, RESULT_STATEMENT, and what ends in .sig); give the result another name`;
  return { reason: reasons.validationFailed, message };
}
