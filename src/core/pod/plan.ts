import { stepsSign } from '../../api/config/feature-flags.ts';
import type { Sidecar, Step } from '../../api/pipeline/v1/task.ts';
import { credentials, type Credentials } from './credentials.ts';
import { breakpointsOf, type Breakpoints } from './debug.ts';
import type { PodInput } from './input.ts';
import { isNativeSidecar } from './native-sidecars.ts';
import { withSpecs, withTaskLevelResources } from './resources.ts';
import { hasResultsSidecar, resultsSidecar } from './results-sidecar.ts';
import { scriptFile, scriptPath, type ScriptFile } from './scripts.ts';
import { mergeStepTemplate } from './steptemplate.ts';
import type { Container } from './types.ts';
import type { PodShape } from './volumes.ts';

/** Init containers of ours. */
const prepareContainers = 1;

interface Script {
  file: ScriptFile;
  path: string;
}

/** What several containers of the pod need: the steps and sidecars as they will run, and what is shared. */
export interface PodPlan {
  input: PodInput;
  steps: Step[];
  sidecars: Sidecar[];
  stepScripts: (Script | undefined)[];
  sidecarScripts: (Script | undefined)[];
  credentials: Credentials;
  shape: PodShape;
  breakpoints: Breakpoints | undefined;
  /** Sidecar that tells the results, if they do not come by termination message. */
  resultsSidecar: Container | undefined;
}

/** What the containers of the pod are made from: steps with their template, overrides, resources and scripts. */
export function planPod(input: PodInput, owner: string, mountedSteps: Step[], mountedSidecars: Sidecar[]): PodPlan {
  const { taskRun, settings } = input;
  const templated = withSpecs(mergeStepTemplate(mountedSteps, input.spec.stepTemplate), taskRun.spec.stepSpecs);
  const steps = withTaskLevelResources(templated, taskRun.spec.computeResources);
  const sidecars = withSpecs(mountedSidecars, taskRun.spec.sidecarSpecs);
  const stepScripts = steps.map((step, index) => script('script', index, step.script, owner));
  const sidecarScripts = sidecars.map((sidecar, index) => script('sidecar-script', index, sidecar.script, owner));
  const shape: PodShape = {
    steps: steps.length,
    hasScripts: [...stepScripts, ...sidecarScripts].some((file) => file !== undefined),
    credentials: !settings.flags.disableCredsInit,
    cancelFile: settings.flags.keepPodOnCancel,
    signed: stepsSign(settings.flags),
  };
  const found = settings.flags.disableCredsInit
    ? { flags: [], volumes: [], mounts: [] }
    : credentials(input.secrets, settings.flags.requireGitSshSecretKnownHosts);
  return {
    input,
    steps,
    sidecars,
    stepScripts,
    sidecarScripts,
    credentials: found,
    shape,
    breakpoints: breakpointsOf(taskRun),
    resultsSidecar: hasResultsSidecar(input.spec, settings.flags)
      ? resultsSidecar({
          steps,
          results: input.spec.results,
          settings,
          podSecurity: taskRun.spec.podTemplate?.securityContext,
        })
      : undefined,
  };
}

function script(
  kind: 'script' | 'sidecar-script',
  index: number,
  text: string | undefined,
  owner: string,
): Script | undefined {
  if (!text) return undefined;
  const file = scriptFile(kind, index, text, owner);
  return { file, path: scriptPath(file) };
}

/** Containers of the pod, init containers included. */
export function containerCount({ steps, sidecars, resultsSidecar: own }: PodPlan): number {
  return prepareContainers + steps.length + sidecars.length + (own ? 1 : 0);
}

/** Whether the sidecar becomes an init container that goes on, which API servers before 1.29 do not have. */
export function isNative({ input }: PodPlan, sidecar: Sidecar): boolean {
  return !input.nativeSidecarsMissing && isNativeSidecar(sidecar, input.settings.flags);
}
