import type { Volume } from '../../api/core/container.ts';
import { optional } from '../../optional.ts';
import { annotations, isPropagatedAnnotation, labels } from '../labels.ts';
import { affinityOf } from './affinity.ts';
import { debugVolumes } from './debug.ts';
import type { PodInput } from './input.ts';
import { podName } from './names.ts';
import { isNative, planPod, type PodPlan } from './plan.ts';
import { podWideSettings } from './podtemplate.ts';
import { prepare } from './prepare.ts';
import { withLimitRanges, withOperatorDefaults } from './resources.ts';
import { sidecarContainer } from './sidecar.ts';
import { checkPod, checkPodBefore } from './size.ts';
import { stepContainer } from './step.ts';
import type { Container, NewPod, PodSpec } from './types.ts';
import { internalVolumes } from './volumes.ts';
import { mountWorkspaces } from './workspaces.ts';

/**
 * activeDeadlineSeconds is this much longer than the timeout: the controller ends the run, the kubelet only if the
 * controller cannot.
 */
const deadlineFactor = 1.5;
/** A deadline even without timeout marks the pod as terminating, which some quotas count apart. */
const longestDeadlineSeconds = 2 ** 31 - 1;

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
  const plan = planPod(input, owner, mounted.steps, mounted.sidecars);
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
      ...sized([
        ...sidecars.filter((container) => !native(container)),
        ...(plan.resultsSidecar ? [plan.resultsSidecar] : []),
      ]),
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

function allVolumes(plan: PodPlan, workspaces: Volume[]): Volume[] {
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

function metadata(plan: PodPlan): NewPod['metadata'] {
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
function isReadyAtCreation(plan: PodPlan): boolean {
  const { flags } = plan.input.settings;
  return !flags.awaitSidecarReadiness || plan.sidecars.every((sidecar) => isNative(plan, sidecar));
}
