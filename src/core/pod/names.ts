import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { childName } from '../naming.ts';

/** Names and places inside a pod that tools and steps know (docs/container-contract.md, pipeline docs/developers). */
export const paths = {
  workspace: '/workspace',
  tekton: '/tekton',
  home: '/tekton/home',
  results: '/tekton/results',
  steps: '/tekton/steps',
  artifacts: '/tekton/artifacts',
  bin: '/tekton/bin',
  run: '/tekton/run',
  scripts: '/tekton/scripts',
  downward: '/tekton/downward',
  creds: '/tekton/creds',
  credsSecrets: '/tekton/creds-secrets',
  termination: '/tekton/termination',
  /** Where upstream mounts the SPIFFE Workload API. */
  spiffe: '/spiffe-workload-api',
  entrypoint: '/tekton/bin/entrypoint',
  /** Where the entrypoint's image holds the binary. */
  entrypointInImage: '/ko-app/entrypoint',
  readyFile: 'ready',
  cancelFile: 'cancel',
} as const;

export const prepareContainer = 'prepare';
const stepPrefix = 'step-';
const sidecarPrefix = 'sidecar-';
const longestName = 63;

/** `step-<name>`, or `step-unnamed-<index>`; cut to 63 characters. */
export function stepContainerName(name: string | undefined, index: number): string {
  return (name ? `${stepPrefix}${name}` : `${stepPrefix}unnamed-${index}`).slice(0, longestName);
}

/** `sidecar-<name>`; one without a name (upstream's API allows it) is known by its place. */
export function sidecarContainerName(name: string | undefined, index: number): string {
  return (name ? `${sidecarPrefix}${name}` : `${sidecarPrefix}unnamed-${index}`).slice(0, longestName);
}

export function isStepContainer(name: string): boolean {
  return name.startsWith(stepPrefix);
}

export function isSidecarContainer(name: string): boolean {
  return name.startsWith(sidecarPrefix);
}

/** The step's name as status.steps[].name has it. */
export function withoutStepPrefix(container: string): string {
  return container.startsWith(stepPrefix) ? container.slice(stepPrefix.length) : container;
}

export function withoutSidecarPrefix(container: string): string {
  return container.startsWith(sidecarPrefix) ? container.slice(sidecarPrefix.length) : container;
}

/** The pod of a TaskRun's current attempt. Deterministic: a restarted controller never makes a second one. */
export function podName(taskRun: TaskRun): string {
  const retries = taskRun.status?.retriesStatus?.length ?? 0;
  return childName(taskRun.metadata.name ?? '', retries > 0 ? `-pod-retry${retries}` : '-pod');
}
