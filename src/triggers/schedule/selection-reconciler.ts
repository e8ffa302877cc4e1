import { isScheduled } from '../../api/triggers/schedule.ts';
import { triggers, type EventListener, type Trigger } from '../../api/triggers/objects.ts';
import type { Clock } from '../../clock.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { Change } from '../../kube/store.ts';
import { isUnkept, keeperOf, selectionStatus, unkeptMessage } from './selection.ts';

export interface SelectionReconcilerOptions {
  client: Pick<KubeClient, 'get' | 'replaceStatus'>;
  find: (key: string) => Trigger | undefined;
  listeners: () => Iterable<EventListener>;
  tell: (trigger: Trigger, reason: string, message: string) => void;
  clock: Pick<Clock, 'now'>;
}

/** A file may hold a Trigger before the EventListener that selects it. */
const settleMs = 5_000;
const again: Outcome = { kind: 'requeueAfter', ms: 1_000 };

/** Says of a Trigger with a schedule, in its status and by an event, that no listener selects it. */
export function selectionReconciler(options: SelectionReconcilerOptions) {
  const { find, listeners, clock } = options;
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const cached = find(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) return { kind: 'skip' };
    const now = clock.now();
    const wanted = selectionStatus(cached, keeperOf(cached, listeners()), now);
    if (wanted === undefined) return { kind: 'done' };
    const age = now.getTime() - Date.parse(cached.metadata.creationTimestamp ?? '');
    if (isUnkept(wanted) && age < settleMs) return { kind: 'requeueAfter', ms: settleMs - age };
    try {
      return await writeSelection(cached, now, options, signal);
    } catch (error) {
      if (isNotFound(error)) return { kind: 'skip' };
      if (isConflict(error)) return again;
      throw error;
    }
  };
}

/** Decides again on the Trigger as the API server has it: what is cached has no spec. */
async function writeSelection(
  cached: Trigger,
  now: Date,
  { client, listeners, tell }: SelectionReconcilerOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { namespace = '', name = '', uid } = cached.metadata;
  const fresh = await client.get(triggers, namespace, name, { signal });
  if (fresh.metadata.uid !== uid) return again;
  const status = selectionStatus(fresh, keeperOf(fresh, listeners()), now);
  if (status === undefined) return { kind: 'done' };
  await client.replaceStatus(triggers, { ...fresh, status }, { signal });
  if (isUnkept(status)) tell(fresh, 'ScheduleNotKept', unkeptMessage);
  return { kind: 'done' };
}

/** All that is looked at of a Trigger. */
export function withoutSpec({ spec: _spec, ...trigger }: Trigger): Trigger {
  return trigger;
}

/** Of which Triggers a change of a listener may be news: those with a schedule, where its selection changes. */
export function affectedBy(
  { type, object, old, origin }: Change<EventListener>,
  all: Iterable<[string, Trigger]>,
): string[] {
  const isSame =
    type === 'updated' &&
    object.metadata.generation === old?.metadata.generation &&
    object.metadata.deletionTimestamp === old?.metadata.deletionTimestamp;
  if (isSame || origin === 'resync') return [];
  return [...all].flatMap(([key, { metadata }]) => (isScheduled(metadata.annotations) ? [key] : []));
}
