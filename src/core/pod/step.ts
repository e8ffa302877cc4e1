import type { EnvVar } from '../../api/core/container.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import { optional } from '../../optional.ts';
import { stepIdentity } from '../spire/statement.ts';
import { debugFlags, debugMounts } from './debug.ts';
import { entrypointArguments, messageLimit, type MoreFlags } from './entrypoint.ts';
import { pinned, platformCommands, type ImageConfig } from './image.ts';
import type { PodInput } from './input.ts';
import { paths, podName, stepContainerName } from './names.ts';
import { containerCount, type PodPlan } from './plan.ts';
import type { Container } from './types.ts';
import { stepMounts, withMounts } from './volumes.ts';

/** The container of a step: our entrypoint, which runs the step's command when its turn has come. */
export function stepContainer(plan: PodPlan, step: Step, index: number): Container {
  const { input, shape, credentials: creds } = plan;
  const own = plan.stepScripts[index];
  const command = own ? [own.path] : (step.command ?? []);
  const image = step.image ?? '';
  const looked = command.length === 0 ? input.images.get(image) : undefined;
  return {
    name: stepContainerName(step.name, index),
    image: looked ? pinned(image, looked.digest) : image,
    command: [paths.entrypoint],
    args: entrypointArguments(step, index, command, moreFlags(plan, step, index)),
    ...optional('workingDir', step.workingDir ? absolute(step.workingDir) : undefined),
    ...optional('env', stepEnv(input, step, looked)),
    ...optional('envFrom', step.envFrom),
    ...optional('resources', step.computeResources),
    volumeMounts: withMounts(step.volumeMounts, [
      ...stepMounts(index, own !== undefined, shape),
      ...(plan.breakpoints ? debugMounts(index) : []),
      ...creds.mounts,
    ]),
    ...optional('volumeDevices', step.volumeDevices),
    ...optional('imagePullPolicy', step.imagePullPolicy || undefined),
    ...optional('securityContext', step.securityContext),
    terminationMessagePath: paths.termination,
  };
}

function moreFlags(plan: PodPlan, step: Step, index: number): MoreFlags {
  const { input, shape, credentials: creds } = plan;
  return {
    credentials: creds.flags,
    resultsFromSidecar: plan.resultsSidecar !== undefined,
    compressTerminationMessage: input.settings.flags.enableTerminationMessageCompression,
    results: (input.spec.results ?? []).map((result) => result.name),
    messageLimit: messageLimit(containerCount(plan)),
    signing: shape.signed ? signingOf(input, stepContainerName(step.name, index)) : undefined,
    debug: debugFlags(step, plan.breakpoints),
  };
}

function signingOf({ taskRun, settings }: PodInput, container: string): { socket: string; as: string } {
  return {
    socket: settings.spire.socketPath,
    as: stepIdentity(taskRun.metadata.uid ?? '', podName(taskRun), container),
  };
}

/** The step's own, then those of the pod template, which therefore win; operators may forbid names there. */
function stepEnv(input: PodInput, step: Step, image: ImageConfig | undefined): EnvVar[] | undefined {
  const forbidden = new Set(input.settings.defaults.forbiddenEnv);
  const env = [
    ...(step.env ?? []),
    ...(input.taskRun.spec.podTemplate?.env ?? []).filter((variable) => !forbidden.has(variable.name)),
  ];
  if (isHermetic(input)) env.push({ name: 'TEKTON_HERMETIC', value: '1' });
  if (image)
    env.push({
      name: 'TEKTON_PLATFORM_COMMANDS',
      value: JSON.stringify(platformCommands(image, (step.args ?? []).length > 0)),
    });
  return env.length > 0 ? env : undefined;
}

/** Steps without network (docs/hermetic.md, alpha). */
function isHermetic({ taskRun, settings }: PodInput): boolean {
  return (
    settings.flags.enableApiFields === 'alpha' &&
    taskRun.metadata.annotations?.['experimental.tekton.dev/execution-mode'] === 'hermetic'
  );
}

function absolute(directory: string): string {
  return directory.startsWith('/') ? directory : `${paths.workspace}/${directory.replace(/^\.\//, '')}`;
}
