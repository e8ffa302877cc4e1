/**
 * Reasons of a TaskRun's Succeeded condition (upstream pkg/apis/pipeline/v1/taskrun_types.go), as far as this folder
 * sets them.
 */
export const reasons = {
  started: 'Started',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  failureIgnored: 'FailureIgnored',
  toBeRetried: 'ToBeRetried',
  cancelled: 'TaskRunCancelled',
  timedOut: 'TaskRunTimeout',
  pending: 'TaskRunPending',
  podPending: 'Pending',
  resolvingTaskRef: 'ResolvingTaskRef',
  resolvingStepActionRef: 'ResolvingStepActionRef',
  resolutionFailed: 'TaskRunResolutionFailed',
  verificationFailed: 'ResourceVerificationFailed',
  validationFailed: 'TaskRunValidationFailed',
  invalidParamValue: 'InvalidParamValue',
  podCreationFailed: 'PodCreationFailed',
  podAdmissionFailed: 'PodAdmissionFailed',
  exceededResourceQuota: 'ExceededResourceQuota',
  exceededNodeResources: 'ExceededNodeResources',
  stopSidecarFailed: 'TaskRunStopSidecarFailed',
  couldntCreateClaim: 'CouldntCreateWorkspacePVC',
  resultTooLarge: 'TaskRunResultLargerThanAllowedLimit',
  resultsVerified: 'TaskRunResultsVerified',
  resultsVerificationFailed: 'TaskRunResultsVerificationFailed',
  /** Ours: the results sidecar's log cannot be had, or says why results are missing. */
  resultsUnreadable: 'TaskRunResultsUnreadable',
  /** Ours: the run cannot be stored with the status that it would have. */
  statusTooLarge: 'StatusTooLarge',
} as const;

/** What a new attempt would only meet again: retries are not spent on it. */
const lasting = new Set<string>([
  reasons.resolutionFailed,
  reasons.validationFailed,
  reasons.invalidParamValue,
  reasons.statusTooLarge,
  'TaskValidationFailed',
  reasons.verificationFailed,
]);

export function isWorthRetrying(reason: string | undefined): boolean {
  return reason !== undefined && !lasting.has(reason);
}

/** Reasons of a run on its ordinary way, which nobody needs an event for. */
const ordinary = new Set<string>([reasons.started, reasons.running, reasons.podPending, reasons.pending]);

export function isOrdinary(reason: string | undefined): boolean {
  return reason === undefined || ordinary.has(reason);
}

/** Failures that the author of a run can mend carry this in front of their message. */
export const userErrorPrefix = '[User error] ';
