import type { Clock } from '../../clock.ts';
import { isDone, succeededCondition } from '../../core/condition.ts';
import { ownManagedBy } from '../../core/labels.ts';
import { messageOf as errorText } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { Recent } from '../../kube/recent.ts';
import type { Change } from '../../kube/store.ts';
import { messageOf, stateOf, type RunState, type ToldKind, type ToldRun } from './event.ts';
import type { CloudEventMetrics } from './metrics.ts';
import { Outbox, type Pending } from './outbox.ts';
import { deliver, type Delivery } from './sender.ts';

export interface TellerOptions {
  kind: ToldKind;
  /** Where events go at the moment; '' for nowhere. */
  sink: () => string;
  http: Pick<HttpClient, 'send'>;
  /** All of a run as it is now; undefined when it is gone. */
  whole: (key: string, run: ToldRun, signal: AbortSignal) => Promise<ToldRun | undefined>;
  events: Pick<EventRecorder, 'event'>;
  metrics: Pick<CloudEventMetrics, 'became'>;
  clock: Clock;
  /** Events that may wait. */
  most?: number;
}

/** Runs whose events are remembered, and events that may wait: some 20 MB. */
const mostRuns = 20_000;
/** Ends of runs that are told again by a replica that begins: the one before it may have died with them. */
const toldAgainMs = 10 * 60_000;
/** A receiver that is away so long gets no more of what it missed. */
const givenUpAfterMs = 60 * 60_000;
const firstPauseMs = 250;
const longestPauseMs = 30_000;
const firstAwayMs = 100;
const longestAwayMs = 5_000;

/**
 * Tells the operator's receiver what becomes of runs of one kind, at least once: each new state of a run is put into a
 * box, from which a controller with workers of its own sends it; no reconcile waits for it. An event carries the run as
 * it is when the event is sent. What a process that dies had in its box, the next finds in the runs themselves.
 */
export class Teller {
  readonly #options: TellerOptions;
  readonly #box: Outbox;
  /** The ids by type that a run had, so that no state is told twice by this process. */
  readonly #told = new Recent<{ uid: string; ids: Map<string, string> }>(mostRuns);

  /** How often in a row it was away, and until when it is left alone. */
  #away = { times: 0, until: 0 };

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#box = new Outbox(options.most ?? mostRuns);
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#box.size;
  }

  /** A change of a run of ours. @returns whether there is something to send */
  changed({ type, key, object, old }: Change<ToldRun>): boolean {
    if (type === 'deleted') return false;
    if (type === 'added') return this.begin(key, object);
    const before = old && stateOf(this.#options.kind, old);
    const state = this.#stateToTell(object);
    if (state === undefined || before?.id === state.id) return false;
    this.#put(key, object, state);
    return true;
  }

  /** A run that is new to this process. @returns whether there is something to send */
  begin(key: string, run: ToldRun): boolean {
    const state = this.#stateToTell(run);
    if (state === undefined || (state.isEnd && this.#endedLongAgo(run))) return false;
    const told = this.#told.get(key);
    if (told?.uid === run.metadata.uid && told?.ids.get(state.type) === state.id) return false;
    this.#put(key, run, state);
    return true;
  }

  /** Another replica tells of these runs now. */
  leave(isMeant: (key: string) => boolean): void {
    this.#box.drop(isMeant);
  }

  /** Sends what waits of one run, one event a call. */
  async send(key: string, signal: AbortSignal): Promise<Outcome> {
    const { sink, clock } = this.#options;
    const head = this.#box.head(key);
    if (head === undefined) return { kind: 'skip' };
    const to = sink();
    if (to === '') {
      this.#box.drop((one) => one === key);
      return { kind: 'skip' };
    }
    const { event } = head;
    const wait = Math.max(event.notBefore.getTime(), this.#away.until) - clock.now().getTime();
    if (wait > 0) return { kind: 'requeueAfter', ms: wait };
    const { run } = head;
    const delivery = await this.#deliver(to, key, head, signal);
    this.#note(delivery);
    if (delivery.kind === 'sent') {
      this.#options.metrics.became('sent');
      this.#say(run, 'Normal', 'CloudEventSent', `Sent ${event.type}`);
      return this.#next(key, event);
    }
    if (!delivery.mayPass || clock.now().getTime() - event.time.getTime() > givenUpAfterMs) {
      this.#options.metrics.became('failed');
      this.#say(run, 'Warning', 'CloudEventFailed', `${event.type} was not sent: ${delivery.why}`);
      return this.#next(key, event);
    }
    return this.#again(run, event, delivery.why);
  }

  /** What stands in the way of an event is a failure of it: nothing is tried for ever. */
  async #deliver(
    to: string,
    key: string,
    { run, event }: { run: ToldRun; event: Pending },
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { kind, http, whole } = this.#options;
    try {
      const shown = (await whole(key, run, signal)) ?? run;
      return await deliver(http, to, messageOf(kind, event, event.time, shown), signal);
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'failed', mayPass: true, isAway: false, why: errorText(error) };
    }
  }

  /** Of a receiver that is away one event at a time finds out whether it is back, not the thousands that wait. */
  #note(delivery: Delivery): void {
    if (delivery.kind === 'failed' && delivery.isAway) {
      const ms = Math.min(firstAwayMs * 2 ** this.#away.times, longestAwayMs);
      this.#away = { times: this.#away.times + 1, until: this.#options.clock.now().getTime() + ms };
    } else if (delivery.kind === 'sent') this.#away = { times: 0, until: 0 };
  }

  #next(key: string, event: Pending): Outcome {
    return this.#box.done(key, event) ? { kind: 'requeueAfter', ms: 0 } : { kind: 'done' };
  }

  #again(run: ToldRun, event: Pending, why: string): Outcome {
    const ms = Math.min(firstPauseMs * 2 ** event.tries, longestPauseMs);
    event.tries += 1;
    event.notBefore = new Date(this.#options.clock.now().getTime() + ms);
    this.#options.metrics.became('retried');
    if (event.tries === toldAtTry) {
      const rest = `it is tried again for ${givenUpAfterMs / 60_000} minutes`;
      this.#say(run, 'Warning', 'CloudEventFailed', `${event.type} could not be sent yet: ${why}; ${rest}`);
    }
    return { kind: 'requeueAfter', ms };
  }

  #stateToTell(run: ToldRun): RunState | undefined {
    if (this.#options.sink() === '') return undefined;
    const { managedBy } = (run.spec ?? {}) as { managedBy?: string };
    return managedBy && managedBy !== ownManagedBy ? undefined : stateOf(this.#options.kind, run);
  }

  #put(key: string, run: ToldRun, state: RunState): void {
    const { uid = '' } = run.metadata;
    const before = this.#told.get(key);
    const told = before?.uid === uid ? before : { uid, ids: new Map<string, string>() };
    this.#told.set(key, told);
    if (told.ids.get(state.type) === state.id) return;
    told.ids.set(state.type, state.id);
    const now = this.#options.clock.now();
    const lost = this.#box.add(key, remains(run), { ...state, time: now, tries: 0, notBefore: now });
    if (lost === undefined) return;
    this.#options.metrics.became('dropped');
    const why = 'too many events wait for the receiver, which is away or slow';
    this.#say(lost.run, 'Warning', 'CloudEventFailed', `${lost.event.type} was not sent: ${why}`);
  }

  #endedLongAgo({ status }: ToldRun): boolean {
    const at = status?.completionTime ?? succeededCondition(status)?.lastTransitionTime;
    if (!isDone(status) || at === undefined) return false;
    return this.#options.clock.now().getTime() - Date.parse(at) > toldAgainMs;
  }

  #say(run: ToldRun, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { kind, events } = this.#options;
    const apiVersion = kind === 'CustomRun' ? 'tekton.dev/v1beta1' : 'tekton.dev/v1';
    events.event({ apiVersion, kind, metadata: run.metadata }, type, reason, message);
  }
}

/** What is told of a run that is deleted before it could be read again. */
function remains({ metadata, status }: ToldRun): ToldRun {
  const { name, namespace, uid } = metadata;
  const { startTime, completionTime } = status ?? {};
  const condition = succeededCondition(status);
  const message = condition?.message?.slice(0, longestMessage) ?? '';
  return {
    metadata: { name, namespace, uid },
    spec: {},
    status: {
      ...(startTime === undefined ? {} : { startTime }),
      ...(completionTime === undefined ? {} : { completionTime }),
      ...(condition === undefined ? {} : { conditions: [{ ...condition, message }] }),
    },
  };
}

const longestMessage = 1024;

/** A receiver that is started anew is no news; one that stays away is. */
const toldAtTry = 4;
