import type {
  EnvFromSource,
  EnvVar,
  ResourceRequirements,
  SecurityContext,
  Volume,
  VolumeDevice,
  VolumeMount,
} from '../../api/core/container.ts';
import type { ObjectMeta } from '../../api/meta.ts';

/** The part of core/v1 Pod that a run writes and reads, as it is on the wire. */
export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  envFrom?: EnvFromSource[];
  resources?: ResourceRequirements;
  volumeMounts?: VolumeMount[];
  volumeDevices?: VolumeDevice[];
  imagePullPolicy?: string;
  securityContext?: SecurityContext;
  terminationMessagePath?: string;
  terminationMessagePolicy?: string;
  restartPolicy?: string;
  ports?: object[];
  livenessProbe?: object;
  readinessProbe?: object;
  startupProbe?: object;
  lifecycle?: object;
  stdin?: boolean;
  stdinOnce?: boolean;
  tty?: boolean;
}

export interface PodSpec {
  restartPolicy?: string;
  initContainers?: Container[];
  containers: Container[];
  serviceAccountName?: string;
  volumes?: Volume[];
  activeDeadlineSeconds?: number;
  nodeSelector?: Record<string, string>;
  tolerations?: object[];
  affinity?: Record<string, unknown>;
  securityContext?: SecurityContext;
  runtimeClassName?: string;
  automountServiceAccountToken?: boolean;
  schedulerName?: string;
  hostNetwork?: boolean;
  hostUsers?: boolean;
  dnsPolicy?: string;
  dnsConfig?: object;
  enableServiceLinks?: boolean;
  priorityClassName?: string;
  imagePullSecrets?: { name?: string }[];
  hostAliases?: object[];
  topologySpreadConstraints?: object[];
  nodeName?: string;
  schedulingGates?: object[];
  ephemeralContainers?: { name: string }[];
  resources?: object;
}

export interface ContainerTerminated {
  exitCode: number;
  signal?: number;
  reason?: string;
  message?: string;
  startedAt?: string;
  finishedAt?: string;
  containerID?: string;
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: ContainerTerminated;
}

export interface ContainerStatus {
  name: string;
  imageID?: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface PodCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface PodStatus {
  phase?: string;
  reason?: string;
  message?: string;
  conditions?: PodCondition[];
  initContainerStatuses?: ContainerStatus[];
  containerStatuses?: ContainerStatus[];
}

export interface Pod {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: PodSpec;
  status?: PodStatus;
}

/** A pod to create. */
export type NewPod = Omit<Pod, 'status'>;
