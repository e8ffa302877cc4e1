import { defaultEventListener } from '../../api/triggers/defaults.ts';
import { isScheduled } from '../../api/triggers/schedule.ts';
import type { EventListener, Trigger, TriggerStatus } from '../../api/triggers/objects.ts';
import { withCondition } from '../../core/condition.ts';
import { scheduledTriggers } from '../sink/select.ts';
import { conditionsOf } from './status.ts';

const type = 'Scheduled';
/** What the controller says in the condition that is otherwise a sink's. */
const reasons = { notSelected: 'NotSelected', waiting: 'WaitingForSink' } as const;

const notSelected = {
  type,
  status: 'False',
  reason: reasons.notSelected,
  message:
    'No EventListener selects this Trigger, so nothing keeps its schedule; ' +
    'name it in a triggerRef of one, or give it labels that one selects',
} as const;

/** One of the EventListeners whose sinks keep a Trigger's schedule. */
export function keeperOf(trigger: Trigger, listeners: Iterable<EventListener>): EventListener | undefined {
  const { namespace, name } = trigger.metadata;
  const only = {
    find: (...place: [string, string]) => (place[0] === namespace && place[1] === name ? trigger : undefined),
    values: () => [trigger],
  };
  for (const given of listeners) {
    if (given.metadata.deletionTimestamp !== undefined) continue;
    if (scheduledTriggers(defaultEventListener(given), only).length > 0) return given;
  }
  return undefined;
}

/**
 * What the status of a Trigger becomes; undefined where it stays. That nobody keeps its schedule is said here, since no
 * sink looks at such a Trigger; all else about its times its sink says.
 */
export function selectionStatus(
  { metadata, status }: Trigger,
  keeper: EventListener | undefined,
  now: Date,
): TriggerStatus | undefined {
  if (!isScheduled(metadata.annotations)) return unscheduledStatus(status);
  const { conditions, said } = conditionsOf(status);
  const saysUnkept = said?.reason === reasons.notSelected;
  // Where a sink keeps it, all but that nobody did is the sink's to say.
  if (saysUnkept === (keeper === undefined)) return undefined;
  const condition = keeper === undefined ? notSelected : waitingFor(keeper);
  return { ...status, conditions: withCondition(conditions, condition, now) };
}

/** A Trigger without a schedule says nothing of times; undefined where it says nothing already. */
function unscheduledStatus(status: TriggerStatus | undefined): TriggerStatus | undefined {
  const { conditions, said } = conditionsOf(status);
  if (said === undefined && status?.schedule === undefined) return undefined;
  const { schedule: _over, ...others } = status ?? {};
  return { ...others, conditions: conditions.filter((condition) => condition !== said) };
}

function waitingFor({ metadata: { namespace, name } }: EventListener) {
  const message = `EventListener ${namespace}/${name} selects this Trigger; its sink has not taken it yet`;
  return { type, status: 'Unknown', reason: reasons.waiting, message } as const;
}

/** Whether a status says that nobody keeps the schedule. */
export function isUnkept(status: TriggerStatus): boolean {
  return (
    status.conditions?.some((condition) => condition.type === type && condition.reason === notSelected.reason) === true
  );
}

export const unkeptMessage = notSelected.message;
