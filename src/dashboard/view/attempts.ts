import type { StepState, TaskRun, TaskRunRetryStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../core/condition.ts';
import type { RunStatus } from '../contract.ts';
import { statusOf } from './status.ts';

export type StepStatus = 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped';

/** A step as the page shows it. */
export interface StepView {
  name: string;
  /** Of the pod; logs are asked for by it. */
  container: string;
  status: StepStatus;
  /** As the kubelet or the controller has it: `Error`, `OOMKilled`, `ContainerCreating`. */
  reason?: string;
  message?: string;
  exitCode?: number;
  /** It failed and the task went on (`onError: continue`). */
  isTolerated: boolean;
  started?: string;
  finished?: string;
}

/** One try of a TaskRun. */
export interface AttemptView {
  status: RunStatus;
  reason: string;
  message: string;
  pod?: string;
  started?: string;
  finished?: string;
  steps: readonly StepView[];
  sidecars: readonly StepView[];
}

/** All tries of a TaskRun, the first one first: the last is the one that counts. */
export function attemptsOf(run: TaskRun): AttemptView[] {
  const { retriesStatus = [], ...current } = run.status ?? {};
  return [...retriesStatus, current].map((status) => attemptOf(run, status));
}

function attemptOf(run: TaskRun, status: TaskRunRetryStatus): AttemptView {
  const condition = succeededCondition(status);
  const steps = status.steps ?? declaredSteps(run, status);
  return {
    status: statusOf({ spec: run.spec, status }),
    reason: condition?.reason ?? '',
    message: condition?.message ?? '',
    ...(status.podName ? { pod: status.podName } : {}),
    ...times(status.startTime, status.completionTime),
    steps: steps.map(stepOf),
    sidecars: (status.sidecars ?? []).map((sidecar) =>
      stepOf({ ...sidecar, container: sidecar.container ?? `sidecar-${sidecar.name}` }),
    ),
  };
}

/** Steps of which nothing is told yet. */
function declaredSteps(run: TaskRun, status: TaskRunRetryStatus): StepState[] {
  const declared = (status.taskSpec ?? run.status?.taskSpec ?? run.spec.taskSpec)?.steps ?? [];
  return declared.map(({ name = '' }, at) => ({ name: name || `unnamed-${at}` }));
}

function stepOf(state: StepState): StepView {
  const { name = '', container = `step-${name}`, running, terminated, terminationReason } = state;
  return {
    name,
    container,
    status: stepStatus(state),
    ...wordsOf(state),
    ...(terminated === undefined ? {} : { exitCode: terminated.exitCode }),
    isTolerated: terminationReason === 'Continued',
    ...times(terminated?.startedAt ?? running?.startedAt, terminated?.finishedAt),
  };
}

function wordsOf({ waiting, terminated, terminationReason }: StepState): Pick<StepView, 'reason' | 'message'> {
  const { reason, message } = terminated ?? waiting ?? {};
  const why = terminationReason ?? reason;
  return { ...(why ? { reason: why } : {}), ...(message ? { message } : {}) };
}

function stepStatus({ running, terminated, terminationReason }: StepState): StepStatus {
  if (terminated === undefined) return running === undefined ? 'waiting' : 'running';
  if (terminationReason === 'Skipped') return 'skipped';
  return terminated.exitCode === 0 ? 'succeeded' : 'failed';
}

function times(started: string | undefined, finished: string | undefined): { started?: string; finished?: string } {
  return { ...(started ? { started } : {}), ...(finished ? { finished } : {}) };
}

/** The step that a reader of this attempt looks for: what broke it, what runs, else the last that did something. */
export function stepToShow({ steps }: AttemptView): StepView | undefined {
  return (
    steps.find(({ status, isTolerated }) => status === 'failed' && !isTolerated) ??
    steps.find(({ status }) => status === 'running') ??
    steps.findLast(({ status }) => status === 'succeeded' || status === 'failed') ??
    steps[0]
  );
}
