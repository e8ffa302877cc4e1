import { isDeepStrictEqual } from 'node:util';
import { readSchedule, type TriggerSchedule } from '../../api/triggers/schedule.ts';
import type { Trigger, TriggerStatus } from '../../api/triggers/objects.ts';
import type { Clock } from '../../clock.ts';
import { timestamp } from '../../core/condition.ts';
import { messageOf } from '../../errors.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { Logger } from '../../log.ts';
import type { ReceivedEvent } from '../sink/event.ts';
import type { TriggerOutcome } from '../sink/trigger.ts';
import { scheduleEvent } from './event.ts';
import { planSchedule, type SchedulePlan } from './plan.ts';
import {
  begunStatus,
  firedStatus,
  invalidStatus,
  keptStatus,
  saysInvalid,
  saysKept,
  type FiringResult,
} from './status.ts';

export interface SchedulerOptions {
  /** The Triggers with a schedule that this sink's listener selects, as the cache has them. */
  triggers: () => readonly Trigger[];
  /** As the API server has it now. */
  read: (namespace: string, name: string) => Promise<Trigger>;
  /** Rejects with a conflict when the Trigger has changed since it was read. */
  writeStatus: (trigger: Trigger, status: TriggerStatus) => Promise<unknown>;
  /** Takes the event through the Trigger alone. */
  fire: (trigger: Trigger, event: ReceivedEvent) => Promise<readonly TriggerOutcome[]>;
  tell: (trigger: Trigger, reason: string, message: string) => void;
  clock: Pick<Clock, 'now' | 'sleep'>;
  log: Logger;
}

/** Clocks jump, and a change may be heard of late. */
const longestSleepMs = 10_000;
/** How often a time is tried that failed, and how long after. */
const attempts = { most: 5, firstMs: 1_000, longestMs: 30_000 };
const mostConflicts = 5;

/** The cache hears a little later of what was written. */
const restMs = 1_000;

/** A Trigger is left alone for a while after it was worked on. */
interface Rest {
  failures: number;
  until: number;
}

/**
 * Fires Triggers at their times. Any number of replicas do the same: what a time creates has a name that follows from
 * the time, so that it is created once, and the Trigger's status says that the time is over.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #working = new Map<string, Promise<void>>();
  readonly #rests = new Map<string, Rest>();
  #wake = new AbortController();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Looks again now: something has changed. */
  wake(): void {
    this.#wake.abort();
  }

  /** Works until the signal is aborted, and what it is at by then is done. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const pause = Math.min(longestSleepMs, ...this.#lookAtAll());
      await clock.sleep(pause, AbortSignal.any([signal, this.#wake.signal])).catch(() => undefined);
    }
    await Promise.all(this.#working.values());
  }

  /** Begins what is to be done; returns how long each may wait, ms. */
  #lookAtAll(): number[] {
    const now = this.#options.clock.now();
    const all = new Map(this.#options.triggers().map((trigger) => [keyOf(trigger), trigger]));
    for (const key of this.#rests.keys()) if (!all.has(key)) this.#rests.delete(key);
    return [...all].flatMap(([key, trigger]) => {
      if (this.#working.has(key)) return [];
      const pause = Math.max(pauseOf(trigger, now), (this.#rests.get(key)?.until ?? 0) - now.getTime());
      if (pause > 0) return [pause];
      this.#working.set(key, this.#work(key, trigger));
      return [];
    });
  }

  async #work(key: string, trigger: Trigger): Promise<void> {
    try {
      const failures = this.#rests.get(key)?.failures ?? 0;
      await this.#decide(key, trigger);
      if ((this.#rests.get(key)?.failures ?? 0) <= failures) this.#rest(key, 0, restMs);
    } catch (error) {
      this.#fail(key);
      const message = `its schedule cannot be kept: ${messageOf(error)}`;
      this.#options.log.error({ trigger: key, problem: messageOf(error) }, 'a schedule cannot be kept');
      this.#options.tell(trigger, 'ScheduleFailed', message);
    } finally {
      this.#working.delete(key);
      this.wake();
    }
  }

  #fail(key: string): number {
    const failures = (this.#rests.get(key)?.failures ?? 0) + 1;
    this.#rest(key, failures, Math.min(attempts.firstMs * 2 ** (failures - 1), attempts.longestMs));
    return failures;
  }

  #rest(key: string, failures: number, ms: number): void {
    this.#rests.set(key, { failures, until: this.#options.clock.now().getTime() + ms });
  }

  /** Decides by what the API server has: the cache may be late, and another replica may have been first. */
  async #decide(key: string, { metadata }: Trigger): Promise<void> {
    const { read, clock, tell } = this.#options;
    const trigger = await read(metadata.namespace ?? '', metadata.name ?? '').catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (trigger === undefined || trigger.metadata.uid !== metadata.uid) return;
    const given = readSchedule(trigger.metadata.annotations);
    const now = clock.now();
    if (given.kind === 'none') return;
    if (given.kind === 'invalid') {
      if (!(await this.#write(trigger, (fresh) => invalidStatus(fresh, given.problems, now)))) return;
      return tell(trigger, 'InvalidSchedule', given.problems.join('; '));
    }
    const plan = planSchedule(given.schedule, trigger.status?.schedule, now);
    await this.#carryOut(key, trigger, { plan, schedule: given.schedule, now });
  }

  async #carryOut(
    key: string,
    trigger: Trigger,
    { plan, schedule, now }: { plan: SchedulePlan; schedule: TriggerSchedule; now: Date },
  ): Promise<void> {
    switch (plan.kind) {
      case 'wait':
        if (!saysKept(trigger.status, schedule))
          await this.#write(trigger, (fresh) => keptStatus(fresh, schedule, now));
        return;
      case 'begin':
        await this.#write(trigger, (fresh) => begunStatus(fresh, schedule, now));
        return;
      case 'miss': {
        await this.#close(trigger, schedule, plan.due, { outcome: 'missed' });
        const text = `the time ${timestamp(plan.due)} was missed by more than its starting deadline`;
        return this.#options.tell(trigger, 'ScheduleMissed', text);
      }
      case 'fire': {
        const outcomes = await this.#options.fire(trigger, scheduleEvent(trigger, schedule, plan.due));
        const result = resultOf(outcomes);
        // The listener takes it no more.
        if (result === undefined) return;
        if (result.outcome === 'failed' && this.#fail(key) < attempts.most) return;
        await this.#close(trigger, schedule, plan.due, result);
        this.#rests.delete(key);
        return;
      }
      default:
        return plan satisfies never;
    }
  }

  async #close(trigger: Trigger, schedule: TriggerSchedule, due: Date, result: FiringResult): Promise<void> {
    const now = this.#options.clock.now();
    await this.#write(trigger, (fresh) => {
      const last = Date.parse(fresh.status?.schedule?.lastScheduleTime ?? '');
      return last >= due.getTime() ? undefined : firedStatus(fresh, schedule, { due, result, now });
    });
  }

  /** Writes what `change` makes of the newest status; false when there is nothing to write. */
  async #write(first: Trigger, change: (fresh: Trigger) => TriggerStatus | undefined): Promise<boolean> {
    let trigger = first;
    for (let conflicts = 0; ; conflicts++) {
      const status = change(trigger);
      if (status === undefined || isDeepStrictEqual(status, trigger.status)) return false;
      try {
        await this.#options.writeStatus(trigger, status);
        return true;
      } catch (error) {
        if (!isConflict(error) || conflicts >= mostConflicts) throw error;
        const { namespace = '', name = '', uid } = trigger.metadata;
        trigger = await this.#options.read(namespace, name);
        if (trigger.metadata.uid !== uid) return false;
      }
    }
  }
}

function keyOf({ metadata }: Trigger): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** How long nothing is to be done about a Trigger, as far as the cache knows, ms. */
function pauseOf({ metadata, status }: Trigger, now: Date): number {
  const given = readSchedule(metadata.annotations);
  if (given.kind === 'none') return Infinity;
  if (given.kind === 'invalid') return saysInvalid(status, given.problems) ? Infinity : 0;
  const plan = planSchedule(given.schedule, status?.schedule, now);
  return plan.kind === 'wait' && saysKept(status, given.schedule)
    ? (plan.next?.getTime() ?? Infinity) - now.getTime()
    : 0;
}

/** Of several groups that take a Trigger through them, a failure is what has to be tried again. */
function resultOf(outcomes: readonly TriggerOutcome[]): TriggerOutcome | undefined {
  const order = ['failed', 'created', 'repeated', 'stopped'] as const;
  const found = order.flatMap((outcome) => outcomes.filter((each) => each.outcome === outcome));
  return found[0];
}
