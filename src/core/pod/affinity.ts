import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { annotations } from '../labels.ts';
import type { PodInput } from './input.ts';

type Affinity = Record<string, unknown>;

/** The pod template has an affinity of its own, and the affinity assistant's is put beside it. */
export function hasTwoAffinities({ spec, metadata }: TaskRun): boolean {
  return spec.podTemplate?.affinity !== undefined && Boolean(metadata.annotations?.[annotations.affinityAssistant]);
}

/**
 * The pod's affinity: the pod template's, and beside it what keeps pods that share a volume on one node
 * (docs/affinityassistants.md): the affinity assistant's, where a TaskRun of upstream's names one, and the node where
 * earlier pods of its group ran.
 */
export function affinityOf({ taskRun, groupNode }: Pick<PodInput, 'taskRun' | 'groupNode'>): Affinity | undefined {
  const own = taskRun.spec.podTemplate?.affinity;
  const assistant = taskRun.metadata.annotations?.[annotations.affinityAssistant];
  const withAssistant = assistant ? besideAssistant(own, assistant) : own;
  return groupNode === undefined ? withAssistant : onNode(withAssistant, groupNode);
}

function besideAssistant(own: Affinity | undefined, assistant: string): Affinity {
  const podAffinity = (own?.['podAffinity'] ?? {}) as { requiredDuringSchedulingIgnoredDuringExecution?: object[] };
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

interface NodeAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: { matchFields?: object[] }[] };
}

/** By its name, which no label has to repeat. Terms are alternatives: each is about that node alone. */
function onNode(own: Affinity | undefined, node: string): Affinity {
  const nodeAffinity = (own?.['nodeAffinity'] ?? {}) as NodeAffinity;
  const { nodeSelectorTerms: terms = [] } = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution ?? {};
  const field = { key: 'metadata.name', operator: 'In', values: [node] };
  const nodeSelectorTerms = (terms.length > 0 ? terms : [{}]).map((term) => ({
    ...term,
    matchFields: [...(term.matchFields ?? []), field],
  }));
  return {
    ...own,
    nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}
