import { stepsSign } from '../../api/config/feature-flags.ts';
import type { EnvVar, Volume } from '../../api/core/container.ts';
import type { Sidecar, Step } from '../../api/pipeline/v1/task.ts';
import { annotations, isPropagatedAnnotation, labels } from '../labels.ts';
import { stepIdentity } from '../spire/statement.ts';
import { affinityOf } from './affinity.ts';
import { credentials, type Credentials } from './credentials.ts';
import {
  breakpointsOf,
  debugFlags,
  debugMounts,
  debugPrepareMount,
  debugScripts,
  debugVolumes,
  type Breakpoints,
} from './debug.ts';
import { entrypointArguments, messageLimit, type MoreFlags } from './entrypoint.ts';
import { pinned, platformCommands, type ImageConfig } from './image.ts';
import { paths, podName, prepareContainer, sidecarContainerName, stepContainerName } from './names.ts';
import { isNativeSidecar } from './native-sidecars.ts';
import { hasResultsSidecar, resultsSidecar } from './results-sidecar.ts';
import { withLimitRanges, withOperatorDefaults, withSpecs, withTaskLevelResources } from './resources.ts';
import { scriptArguments, scriptFile, scriptPath, type ScriptFile } from './scripts.ts';
import type { PodInput } from './input.ts';
import { prepareSecurityContext } from './security.ts';
import { checkPod, checkPodBefore } from './size.ts';
import { mergeStepTemplate } from './steptemplate.ts';
import type { Container, NewPod, PodSpec } from './types.ts';
import { internalVolumes, prepareMounts, scriptMount, stepMounts, withMounts, type PodShape } from './volumes.ts';
import { mountWorkspaces } from './workspaces.ts';
import { podWideSettings } from './podtemplate.ts';

/**
 * activeDeadlineSeconds is this much longer than the timeout: the controller ends the run, the kubelet only if the
 * controller cannot.
 */
const deadlineFactor = 1.5;
/** A deadline even without timeout marks the pod as terminating, which some quotas count apart. */
const longestDeadlineSeconds = 2 ** 31 - 1;

/** Init containers of ours. */
const prepareContainers = 1;

interface Script {
  file: ScriptFile;
  path: string;
}

/** The parts of the input that several containers need. */
interface Plan {
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

/**
 * The pod that runs a TaskRun (in-pod contract: src/entrypoint/CONTRACT.md). Pure: the same input gives the same pod.
 * @throws TooLargeError for one that cannot be stored
 */
export function buildPod(input: PodInput): NewPod {
  checkPodBefore(input);
  const pod = podOf(input);
  checkPod(pod);
  return pod;
}

function podOf(input: PodInput): NewPod {
  const { taskRun, settings } = input;
  const owner = taskRun.metadata.uid ?? taskRun.metadata.name ?? '';
  const mounted = mountWorkspaces(input.spec, input.workspaces, owner);
  const plan = planContainers(input, owner, mounted.steps, mounted.sidecars);
  const sized = (containers: Container[]) =>
    containers.map((container) => withOperatorDefaults(container, settings.defaults.containerResourceRequirements));
  // The operator's defaults come first: what they leave open is the LimitRange's.
  const steps = withLimitRanges(
    sized(plan.steps.map((step, index) => stepContainer(plan, step, index))),
    input.limitRanges,
  );
  const sidecars = plan.sidecars.map((sidecar, index) => sidecarContainer(plan, sidecar, index));
  const native = (container: Container) => container.restartPolicy === 'Always';
  const spec: PodSpec = {
    restartPolicy: 'Never',
    initContainers: sized([prepare(plan), ...sidecars.filter(native)]),
    containers: [
      ...steps,
      ...sized([...sidecars.filter((container) => !native(container)), ...listOf(plan.resultsSidecar)]),
    ],
    serviceAccountName: taskRun.spec.serviceAccountName,
    volumes: allVolumes(plan, mounted.volumes),
    activeDeadlineSeconds: deadlineSeconds(input.timeoutMs),
    ...podWideSettings(taskRun.spec.podTemplate),
  };
  const affinity = affinityOf(input);
  if (affinity) spec.affinity = affinity;
  return { apiVersion: 'v1', kind: 'Pod', metadata: metadata(plan), spec };
}

function planContainers(input: PodInput, owner: string, mountedSteps: Step[], mountedSidecars: Sidecar[]): Plan {
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

/** The one init container: copies the entrypoint, writes scripts, makes working directories. */
function prepare(plan: Plan): Container {
  const workingDirs = plan.steps.map((step) => step.workingDir ?? '').filter(isUnderWorkspace);
  const own = [...plan.stepScripts, ...plan.sidecarScripts].flatMap((entry) => (entry ? [entry.file] : []));
  const files = plan.breakpoints ? [...own, ...debugScripts] : own;
  return {
    name: prepareContainer,
    image: plan.input.settings.images.entrypoint,
    // The image's own working directory belongs to its user; this must work for every uid.
    workingDir: '/',
    command: [paths.entrypointInImage, 'init'],
    args: [
      ...(plan.steps.some(hasCEL) ? ['-cel'] : []),
      ...(plan.shape.signed ? ['-spire'] : []),
      ...files.flatMap(scriptArguments),
      ...workingDirs.flatMap((directory) => ['-working_dir', directory]),
      paths.entrypointInImage,
      paths.entrypoint,
      ...plan.steps.map((step, index) => stepContainerName(step.name, index)),
    ],
    volumeMounts: [
      ...prepareMounts(plan.shape, workingDirs.length > 0),
      ...(plan.breakpoints ? [debugPrepareMount] : []),
    ],
    securityContext: prepareSecurityContext(
      plan.input.settings.flags,
      plan.input.taskRun.spec.podTemplate?.securityContext,
    ),
  };
}

/** Containers of the pod, init containers included. */
function containerCount({ steps, sidecars, resultsSidecar: own }: Plan): number {
  return prepareContainers + steps.length + sidecars.length + listOf(own).length;
}

/** Whether the step needs the CEL evaluator beside its entrypoint: 12 MB that most pods do without. */
function hasCEL(step: Step): boolean {
  return (step.when ?? []).some(({ cel }) => cel !== undefined && cel !== '');
}

/** Relative working directories are meant beneath /workspace (docs/tasks.md). */
function isUnderWorkspace(directory: string): boolean {
  return directory !== '' && (!directory.startsWith('/') || directory.startsWith(`${paths.workspace}/`));
}

function absolute(directory: string): string {
  return directory.startsWith('/') ? directory : `${paths.workspace}/${directory.replace(/^\.\//, '')}`;
}

function stepContainer(plan: Plan, step: Step, index: number): Container {
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

function moreFlags(plan: Plan, step: Step, index: number): MoreFlags {
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

function sidecarContainer(plan: Plan, sidecar: Sidecar, index: number): Container {
  const own = plan.sidecarScripts[index];
  const {
    name,
    script: _script,
    workspaces: _workspaces,
    computeResources,
    restartPolicy: _restartPolicy,
    volumeMounts,
    ...rest
  } = sidecar;
  const mounts = withMounts(volumeMounts, own ? [scriptMount] : []);
  return {
    name: sidecarContainerName(name, index),
    ...rest,
    ...(own ? { command: [own.path] } : {}),
    ...optional('resources', computeResources),
    ...optional('volumeMounts', mounts.length > 0 ? mounts : undefined),
    ...optional('restartPolicy', isNative(plan, sidecar) ? 'Always' : undefined),
  };
}

function allVolumes(plan: Plan, workspaces: Volume[]): Volume[] {
  const { input, shape, credentials: creds } = plan;
  return [
    ...internalVolumes(shape),
    ...(plan.breakpoints ? debugVolumes : []),
    ...creds.volumes,
    ...(input.spec.volumes ?? []),
    ...workspaces,
    ...(input.taskRun.spec.podTemplate?.volumes ?? []),
  ];
}

function deadlineSeconds(timeoutMs: number): number {
  if (timeoutMs === 0) return longestDeadlineSeconds;
  return Math.min(longestDeadlineSeconds, Math.max(1, Math.trunc((timeoutMs / 1000) * deadlineFactor)));
}

function metadata(plan: Plan): NewPod['metadata'] {
  const { taskRun, settings, groupNode } = plan.input;
  const { name = '', namespace = '', uid = '' } = taskRun.metadata;
  const inherited = Object.entries(taskRun.metadata.annotations ?? {}).filter(
    ([key]) => isPropagatedAnnotation(key) && key !== labels.managedBy,
  );
  return {
    name: podName(taskRun),
    namespace,
    labels: {
      ...taskRun.metadata.labels,
      // A run's own label may be Helm's or another tool's: by this one the controller finds its pods.
      [labels.managedBy]: settings.defaults.managedByLabelValue,
      [labels.taskRun]: name,
      [labels.taskRunUID]: uid,
    },
    annotations: {
      ...Object.fromEntries(inherited),
      [annotations.release]: settings.release,
      ...(isReadyAtCreation(plan) ? { [annotations.ready]: 'READY' } : {}),
      ...optional(annotations.groupNode, groupNode),
    },
    ownerReferences: [
      { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name, uid, controller: true, blockOwnerDeletion: true },
    ],
  };
}

/**
 * Without sidecars of the Task there is nothing to wait for, unless a webhook adds some: that shows in the API server's
 * answer and is put right then (hack/decisions/0004-ready-annotation-at-creation.md). Native sidecars are started
 * before the steps anyway.
 */
function isReadyAtCreation(plan: Plan): boolean {
  const { flags } = plan.input.settings;
  return !flags.awaitSidecarReadiness || plan.sidecars.every((sidecar) => isNative(plan, sidecar));
}

function isNative({ input }: Plan, sidecar: Sidecar): boolean {
  return !input.nativeSidecarsMissing && isNativeSidecar(sidecar, input.settings.flags);
}

function listOf<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item];
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
