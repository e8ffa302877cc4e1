import { stepsSign, type FeatureFlags } from '../../api/config/feature-flags.ts';
import type { Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { Settings } from '../settings.ts';
import { largestObject } from '../budget.ts';
import { paths, sidecarContainerName, stepContainerName } from './names.ts';
import { prepareSecurityContext } from './security.ts';
import type { Container, Pod } from './types.ts';
import { resultsSidecarMounts } from './volumes.ts';

/** Container of the sidecar whose log carries results (feature flag results-from: sidecar-logs). */
export const resultsContainer = sidecarContainerName('tekton-log-results', 0);

/** The subcommand of the entrypoint that it runs (src/entrypoint/CONTRACT.md). */
const subcommand = 'results';

/** Whether a run's results come by the log of a sidecar: where that is asked for, and there is anything to carry. */
export function hasResultsSidecar(spec: TaskSpec, flags: FeatureFlags): boolean {
  // What is signed is in the termination message: a log proves nothing.
  if (flags.resultsFrom !== 'sidecar-logs' || stepsSign(flags)) return false;
  const steps = spec.steps ?? [];
  return (spec.results ?? []).length > 0 || steps.some((step) => (step.results ?? []).length > 0 || hasArtifacts(step));
}

/** A step that names the file of its artifacts, as `$(step.artifacts.path)` is replaced. */
function hasArtifacts({ script, command = [], args = [], env = [] }: Step): boolean {
  const texts = [script ?? '', ...command, ...args, ...env.map(({ value }) => value ?? '')];
  return texts.some((text) => text.includes('/artifacts/provenance.json'));
}

interface SidecarInput {
  steps: readonly Step[];
  results: TaskSpec['results'];
  settings: Settings;
  podSecurity: Parameters<typeof prepareSecurityContext>[1];
}

/** The sidecar that waits for the steps and prints what they left. It sees their files and can change none. */
export function resultsSidecar({ steps, results = [], settings, podSecurity }: SidecarInput): Container {
  const ofSteps = steps.flatMap((step, index): [string, string[]][] =>
    step.results?.length ? [[stepContainerName(step.name, index), step.results.map(({ name }) => name)]] : [],
  );
  return {
    name: resultsContainer,
    image: settings.images.entrypoint,
    workingDir: '/',
    command: [paths.entrypointInImage, subcommand],
    args: [
      '-max_result_size',
      String(settings.flags.maxResultSize),
      '-polling_interval',
      `${settings.defaults.sidecarLogPollingIntervalMs}ms`,
      ...(results.length > 0 ? ['-results', results.map(({ name }) => name).join(',')] : []),
      ...(ofSteps.length > 0 ? ['-step_results', JSON.stringify(Object.fromEntries(ofSteps))] : []),
      '--',
      ...steps.map((step, index) => stepContainerName(step.name, index)),
    ],
    volumeMounts: resultsSidecarMounts(steps.length),
    securityContext: prepareSecurityContext(settings.flags, podSecurity),
  };
}

/** The results sidecar of a pod, if it has one. */
export function resultsSidecarOf(pod: Pod): Container | undefined {
  return pod.spec.containers.find(
    ({ name, command }) =>
      name === resultsContainer && command?.[0] === paths.entrypointInImage && command[1] === subcommand,
  );
}

/** JSON writes a character in six bytes at most. */
const longestEscape = 6;
/** Of a line beside name and value. */
const lineOverhead = 512;

/**
 * Bytes that the log of a results sidecar can have at most: as much as it was told to read of each file, and never
 * more than can be stored with a run.
 */
export function resultsLogLimit({ args = [] }: Container, files: number): number {
  const largest = Number(args[args.indexOf('-max_result_size') + 1]) || 0;
  const names = args.reduce((sum, arg) => sum + arg.length, 0);
  return longestEscape * (Math.min(files * largest, largestObject) + names) + lineOverhead * (files + 2);
}
