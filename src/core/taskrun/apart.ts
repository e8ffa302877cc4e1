import { annotations } from '../labels.ts';
import { ask } from '../need.ts';
import type { Pod } from '../pod/types.ts';
import type { AskingPhase } from './context.ts';
import { placesOf } from './lookups.ts';

/**
 * A pod without room beside the others of its group, that was made before one of them had a node: when they have ended
 * the scheduler would put it anywhere, as it sees no pods that are over. It is made anew, for their node alone, while
 * they run; and for any node again when theirs takes no pods any more.
 */
export const apart: AskingPhase = function* ({ facts, status, pod }) {
  if (pod === undefined || !lacksRoom(pod)) return undefined;
  const places = placesOf(facts.taskRun);
  if (places.length === 0) return undefined;
  const [node] = yield* ask(places);
  if (node === pod.metadata.annotations?.[annotations.groupNode]) return undefined;
  const { name = '', namespace = '', uid } = pod.metadata;
  // The end of the pod, which no kubelet has heard of, is what makes the next one.
  return { status, effects: [{ type: 'deletePod', namespace, name, ...(uid ? { uid } : {}) }] };
};

function lacksRoom({ metadata, spec, status }: Pod): boolean {
  if (metadata.deletionTimestamp || spec.nodeName) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: state, reason }) => type === 'PodScheduled' && state === 'False' && reason === 'Unschedulable',
  );
}
