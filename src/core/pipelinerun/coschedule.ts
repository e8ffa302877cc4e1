import type { PodTemplate } from '../../api/core/podtemplate.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { annotations } from '../labels.ts';
import { shortHash } from '../naming.ts';
import type { Settings } from '../settings.ts';

/** TaskRuns whose pods belong on one node. */
export interface NodeGroup {
  name: string;
  /** No pod of another group may be on that node meanwhile. */
  exclusive: boolean;
}

/**
 * The group of a TaskRun by flag coschedule: those that share a claim, or all of a run. Undefined when the pod may run
 * anywhere (docs/affinityassistants.md).
 */
export function nodeGroup(
  run: PipelineRun,
  workspaces: readonly WorkspaceBinding[],
  settings: Settings,
): NodeGroup | undefined {
  const group = (of: string, exclusive = false): NodeGroup => ({
    name: `affinity-assistant-${shortHash(of + (run.metadata.name ?? ''))}`,
    exclusive,
  });
  switch (settings.flags.coschedule) {
    case 'disabled':
      return undefined;
    case 'pipelineruns':
      return group('');
    case 'isolate-pipelinerun':
      return group('', true);
    case 'workspaces': {
      const claim = workspaces.find((binding) => binding.persistentVolumeClaim !== undefined)?.persistentVolumeClaim
        ?.claimName;
      return claim === undefined ? undefined : group(claim);
    }
    default: {
      const never: never = settings.flags.coschedule;
      throw new Error(`unknown coschedule ${String(never)}`);
    }
  }
}

/**
 * Whether the claims that are made from a run's templates go with its end: where all of a run is kept on one node they
 * belong to that, as upstream; where its workspaces are, the run may ask for it (annotation
 * tekton.dev/auto-cleanup-pvc). Otherwise they go when the run is deleted.
 */
export function claimsEndWith({ metadata }: PipelineRun, settings: Settings): boolean {
  switch (settings.flags.coschedule) {
    case 'pipelineruns':
    case 'isolate-pipelinerun':
      return true;
    case 'workspaces':
      return metadata.annotations?.[annotations.autoCleanupPvc] === 'true';
    case 'disabled':
      return false;
    default: {
      const never: never = settings.flags.coschedule;
      throw new Error(`unknown coschedule ${String(never)}`);
    }
  }
}

/** The label by which the pods of a group find each other. */
export function groupLabel(group: NodeGroup | undefined): Record<string, string> {
  return group === undefined ? {} : { [annotations.affinityAssistant]: group.name };
}

/**
 * A pod template that keeps a group together: its pods must be where others of it run. The scheduler lets the first one
 * through because it matches its own term, so no pod has to wait on the node for the others (upstream keeps one there,
 * made by a StatefulSet).
 */
export function withGroupAffinity(
  template: PodTemplate | undefined,
  group: NodeGroup | undefined,
): PodTemplate | undefined {
  if (group === undefined) return template;
  const { affinity } = template ?? {};
  const own = { matchLabels: groupLabel(group) };
  const others = {
    matchExpressions: [
      { key: annotations.affinityAssistant, operator: 'Exists' },
      { key: annotations.affinityAssistant, operator: 'NotIn', values: [group.name] },
    ],
  };
  return {
    ...template,
    affinity: {
      ...affinity,
      podAffinity: requiring(affinity?.['podAffinity'], own),
      ...(group.exclusive ? { podAntiAffinity: requiring(affinity?.['podAntiAffinity'], others) } : {}),
    },
  };
}

/** What a pod template asks of other pods on its node, and one demand more. */
function requiring(given: unknown, labelSelector: object): object {
  const terms = (given ?? {}) as { requiredDuringSchedulingIgnoredDuringExecution?: unknown[] };
  const term = { labelSelector, topologyKey: 'kubernetes.io/hostname' };
  return {
    ...terms,
    requiredDuringSchedulingIgnoredDuringExecution: [
      ...(terms.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      term,
    ],
  };
}
