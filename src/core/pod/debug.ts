import type { Volume, VolumeMount } from '../../api/core/container.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { ScriptFile } from './scripts.ts';

/** Breakpoints of a run (docs/debug.md, alpha): a step waits until someone in its container runs one of the scripts. */
export interface Breakpoints {
  onFailure: boolean;
  beforeSteps: ReadonlySet<string>;
}

const scriptsPath = '/tekton/debug/scripts';
const infoPath = '/tekton/debug/info';
const scriptsVolume = 'tekton-internal-debug-scripts';
const infoVolume = 'tekton-internal-debug-info';

/** The breakpoints a run asks for, undefined when there are none. */
export function breakpointsOf(taskRun: TaskRun): Breakpoints | undefined {
  const given = taskRun.spec.debug?.breakpoints;
  const found = { onFailure: given?.onFailure === 'enabled', beforeSteps: new Set(given?.beforeSteps ?? []) };
  return found.onFailure || found.beforeSteps.size > 0 ? found : undefined;
}

export function debugFlags(step: Step, breakpoints: Breakpoints | undefined): string[] {
  return [
    ...(breakpoints?.onFailure ? ['-breakpoint_on_failure'] : []),
    ...(breakpoints?.beforeSteps.has(step.name ?? '') ? ['-debug_before_step'] : []),
  ];
}

/** Finds its own step by the one folder that is mounted beneath the info path; needs nothing but a shell. */
function script(name: string, ...decision: string[]): ScriptFile {
  const lines = [
    '#!/bin/sh',
    'set -e',
    `for info in ${infoPath}/*; do step=\${info##*/}; done`,
    'out=/tekton/run/$step/out',
    ...decision,
  ];
  return { name: `${scriptsPath}/${name}`, content: `${lines.join('\n')}\n` };
}

/**
 * The scripts that the entrypoint tells of while it waits. The file with the exit status is filled last: the entrypoint
 * wakes on it.
 */
export const debugScripts: readonly ScriptFile[] = [
  script('debug-continue', 'touch "$out"', 'echo 0 > "$out.breakpointexit"'),
  script('debug-fail-continue', 'touch "$out.err"', 'echo 1 > "$out.breakpointexit"'),
  script('debug-beforestep-continue', 'touch "$out.beforestepexit"'),
  script('debug-beforestep-fail-continue', 'touch "$out.beforestepexit.err"'),
];

export const debugVolumes: readonly Volume[] = [
  { name: scriptsVolume, emptyDir: {} },
  { name: infoVolume, emptyDir: {} },
];

export const debugPrepareMount: VolumeMount = { name: scriptsVolume, mountPath: scriptsPath };

export function debugMounts(index: number): VolumeMount[] {
  return [
    { name: scriptsVolume, mountPath: scriptsPath, readOnly: true },
    { name: infoVolume, mountPath: `${infoPath}/${index}` },
  ];
}
