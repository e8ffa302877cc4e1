import { z } from 'zod';
import { commaList } from '../../comma-list.ts';
import { optional } from '../../optional.ts';
import { resourceRequirements, type ResourceRequirements } from '../core/container.ts';
import { podTemplate, type PodTemplate } from '../core/podtemplate.ts';
import { workspaceBinding, type WorkspaceBinding } from '../pipeline/v1/workspace.ts';
import { ConfigValues, type ConfigProblem } from './values.ts';

/** The parts of the affinity assistant's pod that an operator may set. */
export const affinityAssistantTemplate = podTemplate
  .pick({
    nodeSelector: true,
    tolerations: true,
    imagePullSecrets: true,
    priorityClassName: true,
    securityContext: true,
  })
  .extend({ serviceAccountName: z.string().optional() });
export type AffinityAssistantTemplate = z.infer<typeof affinityAssistantTemplate>;

/** ConfigMap config-defaults (docs/additional-configs.md). Durations in milliseconds; 0 means "none" for timeouts. */
export interface Defaults {
  timeoutMinutes: number;
  serviceAccount: string;
  managedByLabelValue: string;
  podTemplate?: PodTemplate;
  affinityAssistantPodTemplate?: AffinityAssistantTemplate;
  /** Deprecated: config-events has it now. */
  cloudEventsSink: string;
  /** What a TaskRun's missing workspaces are bound to. */
  taskRunWorkspaceBinding?: Omit<WorkspaceBinding, 'name'>;
  maxMatrixCombinationsCount: number;
  /** Environment variables that no pod template may set. */
  forbiddenEnv: string[];
  /** Resolver of refs that have params but no resolver; "" for none. */
  resolverType: string;
  /** 0: fail at the first ImagePullBackOff. */
  imagePullBackOffTimeoutMs: number;
  createContainerErrorTimeoutMs: number;
  maximumResolutionTimeoutMs: number;
  /** By container name, `prefix-…`, or `default`. */
  containerResourceRequirements: Record<string, ResourceRequirements>;
  /** Environment of the results sidecar. */
  sidecarLogPollingIntervalMs: number;
  /** StepActions resolved at once per TaskRun. */
  stepRefConcurrencyLimit: number;
}

/**
 * The defaults of ConfigMap config-defaults; `undefined` gives upstream's own. Never throws: a bad value keeps its
 * default and is reported.
 */
export function parseDefaults(data: Readonly<Record<string, string>> | undefined): {
  defaults: Defaults;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const defaults: Defaults = {
    timeoutMinutes: values.integer('default-timeout-minutes', 60),
    serviceAccount: values.text('default-service-account', 'default'),
    managedByLabelValue: values.text('default-managed-by-label-value', 'tekton-pipelines'),
    ...optional('podTemplate', values.yaml('default-pod-template', podTemplate)),
    ...optional(
      'affinityAssistantPodTemplate',
      values.yaml('default-affinity-assistant-pod-template', affinityAssistantTemplate),
    ),
    cloudEventsSink: values.sink('default-cloud-events-sink'),
    ...optional(
      'taskRunWorkspaceBinding',
      values.yaml('default-task-run-workspace-binding', workspaceBinding.omit({ name: true })),
    ),
    maxMatrixCombinationsCount: values.integer('default-max-matrix-combinations-count', 256, 1),
    forbiddenEnv: forbiddenEnv(values.text('default-forbidden-env', '')),
    resolverType: values.text('default-resolver-type', ''),
    imagePullBackOffTimeoutMs: values.durationMs('default-imagepullbackoff-timeout', 0),
    createContainerErrorTimeoutMs: values.durationMs('default-create-container-error-timeout', 0),
    maximumResolutionTimeoutMs: values.durationMs('default-maximum-resolution-timeout', 60_000),
    containerResourceRequirements: values.yaml('default-container-resource-requirements', containerRequirements) ?? {},
    sidecarLogPollingIntervalMs: values.durationMs('default-sidecar-log-polling-interval', 100),
    stepRefConcurrencyLimit: values.integer('default-step-ref-concurrency-limit', 5, 1),
  };
  return { defaults, problems: values.reportUnknownKeys() };
}

/** `claims` are not for defaults; a container without settings may be written as `name:`. */
const containerRequirements = z.record(
  z.string(),
  z.union([resourceRequirements, z.null().transform(() => ({}))]),
) as z.ZodType<Record<string, ResourceRequirements>>;

/** Sorted and without repetitions, as upstream keeps them. */
function forbiddenEnv(text: string): string[] {
  return [...new Set(commaList(text))].sort();
}
