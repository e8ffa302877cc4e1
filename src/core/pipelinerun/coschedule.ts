import type { PodTemplate } from '../../api/core/podtemplate.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { annotations } from '../labels.ts';
import { shortHash } from '../naming.ts';
import type { Settings } from '../settings.ts';

/**
 * The group of TaskRuns whose pods belong on one node, by flag coschedule: those that share a claim, or all of a run.
 * Undefined when the pod may run anywhere.
 */
export function nodeGroup(run: PipelineRun, workspaces: readonly WorkspaceBinding[], settings: Settings): string | undefined {
  const group = (name: string) => `affinity-assistant-${shortHash(name + (run.metadata.name ?? ''))}`;
  switch (settings.flags.coschedule) {
    case 'disabled': return undefined;
    case 'pipelineruns':
    case 'isolate-pipelinerun': return group('');
    case 'workspaces': {
      const claim = workspaces.find((binding) => binding.persistentVolumeClaim !== undefined)?.persistentVolumeClaim?.claimName;
      return claim === undefined ? undefined : group(claim);
    }
    default: {
      const never: never = settings.flags.coschedule;
      throw new Error(`unknown coschedule ${String(never)}`);
    }
  }
}

/** The label by which the pods of a group find each other. */
export function groupLabel(group: string | undefined): Record<string, string> {
  return group === undefined ? {} : { [annotations.affinityAssistant]: group };
}

/**
 * A pod template that keeps a group together: its pods must be where others of it run. The scheduler lets the first one
 * through because it matches its own term, so no pod has to wait on the node for the others (upstream keeps one there,
 * made by a StatefulSet).
 */
export function withGroupAffinity(template: PodTemplate | undefined, group: string | undefined): PodTemplate | undefined {
  if (group === undefined) return template;
  const term = { labelSelector: { matchLabels: groupLabel(group) }, topologyKey: 'kubernetes.io/hostname' };
  const podAffinity = (template?.affinity?.['podAffinity'] ?? {}) as { requiredDuringSchedulingIgnoredDuringExecution?: unknown[] };
  const required = [...(podAffinity.requiredDuringSchedulingIgnoredDuringExecution ?? []), term];
  return { ...template, affinity: { ...template?.affinity, podAffinity: { ...podAffinity, requiredDuringSchedulingIgnoredDuringExecution: required } } };
}
