import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { annotations } from '../labels.ts';

interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: object[];
  [rest: string]: unknown;
}

/** The pod template has an affinity of its own, and the affinity assistant's is put beside it. */
export function hasTwoAffinities({ spec, metadata }: TaskRun): boolean {
  return spec.podTemplate?.affinity !== undefined && Boolean(metadata.annotations?.[annotations.affinityAssistant]);
}

/**
 * The pod's affinity: the pod template's, and beside it the affinity assistant's that the PipelineRun's workspaces ask
 * for, so that pods sharing a volume run on one node (docs/affinityassistants.md).
 */
export function affinityOf(taskRun: TaskRun): Record<string, unknown> | undefined {
  const own = taskRun.spec.podTemplate?.affinity;
  const assistant = taskRun.metadata.annotations?.[annotations.affinityAssistant];
  if (!assistant) return own;
  const podAffinity = (own?.['podAffinity'] ?? {}) as PodAffinity;
  const term = {
    labelSelector: {
      matchLabels: { 'app.kubernetes.io/instance': assistant, 'app.kubernetes.io/component': 'affinity-assistant' },
    },
    topologyKey: 'kubernetes.io/hostname',
  };
  return {
    ...own,
    podAffinity: {
      ...podAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: [
        ...(podAffinity.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        term,
      ],
    },
  };
}
