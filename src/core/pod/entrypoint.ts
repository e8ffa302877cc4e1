import type { Step } from '../../api/pipeline/v1/task.ts';
import { paths } from './names.ts';

/** Bytes of a termination message that the kubelet keeps of a container (its MaxContainerTerminationMessageLength). */
const longestMessage = 4096;
/** Bytes that it keeps of all containers of a pod, in equal shares (MaxPodTerminationMessageLogLength). */
const longestMessages = 12_288;

/** By it steps sign what they report. */
export const signingFlag = '-enable_spire';

/** Bytes of a termination message that the kubelet keeps in a pod of so many containers, init containers included. */
export function messageLimit(containers: number): number {
  return Math.min(longestMessage, Math.floor(longestMessages / Math.max(containers, 1)));
}

/** What a step's entrypoint is told beyond the step's own fields. */
export interface MoreFlags {
  credentials: string[];
  /** Results are told by the results sidecar, not in the termination message. */
  resultsFromSidecar: boolean;
  compressTerminationMessage: boolean;
  /** Names of the Task's results. */
  results: string[];
  /** Bytes that the kubelet keeps of the step's termination message. */
  messageLimit: number;
  /** How it signs what the step reports; absent: not at all. */
  signing?: { socket: string; as: string } | undefined;
  /** Breakpoints of this step. */
  debug: string[];
}

/**
 * The argv after /tekton/bin/entrypoint for step `index` (src/entrypoint/CONTRACT.md). `command` is what the step runs,
 * empty when the image's own entrypoint comes from TEKTON_PLATFORM_COMMANDS.
 */
export function entrypointArguments(step: Step, index: number, command: readonly string[], more: MoreFlags): string[] {
  const [head, ...rest] = command;
  return [
    ...orderFlags(index),
    ...(more.messageLimit < longestMessage ? ['-termination_message_limit', String(more.messageLimit)] : []),
    ...(more.signing
      ? [signingFlag, '-spire_socket_path', more.signing.socket, '-spire_sign_as', more.signing.as]
      : []),
    ...more.credentials,
    ...(more.resultsFromSidecar ? ['-result_from', 'sidecar-logs'] : []),
    ...(more.compressTerminationMessage ? ['-compress_termination_message=true'] : []),
    ...stepFlags(step),
    ...(more.results.length > 0 ? ['-results', more.results.join(',')] : []),
    ...more.debug,
    ...(head === undefined ? [] : ['-entrypoint', head]),
    '--',
    ...rest,
    ...(step.args ?? []),
  ];
}

/** The first step waits for the pod to be ready, each other one for the step before it. */
function orderFlags(index: number): string[] {
  const wait =
    index === 0
      ? ['-wait_file', `${paths.downward}/${paths.readyFile}`, '-wait_file_content']
      : ['-wait_file', `${paths.run}/${index - 1}/out`];
  return [
    ...wait,
    '-post_file',
    `${paths.run}/${index}/out`,
    '-termination_path',
    paths.termination,
    '-step_metadata_dir',
    `${paths.run}/${index}/status`,
    ...(index === 0 ? [] : ['-only_changed_results']),
  ];
}

function stepFlags(step: Step): string[] {
  return [
    ...flag('-on_error', step.onError),
    ...flag('-timeout', step.timeout),
    ...flag('-stdout_path', step.stdoutConfig?.path),
    ...flag('-stderr_path', step.stderrConfig?.path),
    ...flag('-step_results', step.results?.map((result) => result.name).join(',')),
    ...flag('-when_expressions', step.when?.length ? JSON.stringify(step.when) : undefined),
  ];
}

/** An empty value is none. */
function flag(name: string, value: string | undefined): string[] {
  return value ? [name, value] : [];
}
